import type { Snapshot } from '../../drive/snapshot.js';
import { HttpError } from '../../http-error.js';
import type { ContentRow } from '../../stores/metadata-store.js';
import { type DavRequest, type DavResponse, headerOf, readResource, respond } from '../request.js';

const ALGORITHMS = ['sha1', 'md5', 'sha256'] as const;

/**
 * PATCH with `X-Recalculate-Hash: sha1` works out a file's checksum, keeps it for `oc:checksums`, and answers it
 * (Nextcloud 21 and newer; rclone's vendor nextcloud asks after uploads without one, and after it has set a time). It has
 * no other meaning: bytes can't be changed by it.
 */
export async function patch(request: DavRequest): Promise<DavResponse> {
  const { drive, path, signal } = request;
  const name = headerOf(request, 'x-recalculate-hash')?.trim().toLowerCase();
  if (name === undefined) throw new HttpError(405, 'PATCH is not something that can be done here.');
  const algorithm = ALGORITHMS.find((known) => known === name);
  if (!algorithm) throw new HttpError(400, `X-Recalculate-Hash may be one of ${ALGORITHMS.join(', ')}.`);
  // The silence while a file is read is ours: the connection must not end over it.
  for await (const _ of request.body.chunks()) throw new HttpError(415, 'This PATCH takes no body.');
  const content = await drive.read((snapshot) => findContent(request, snapshot));
  const { id, sha1, md5 } = await drive.completeDigests(path, content, signal);
  const hex = { sha1, md5, sha256: id }[algorithm];
  return respond(204, { 'OC-Checksum': `${algorithm.toUpperCase()}:${hex}` });
}

async function findContent(request: DavRequest, snapshot: Snapshot): Promise<ContentRow> {
  const found = await snapshot.find(request.path, { withContent: true });
  if (readResource(request, found).isCollection) throw new HttpError(405, 'A folder has no checksum.');
  return found.content!;
}
