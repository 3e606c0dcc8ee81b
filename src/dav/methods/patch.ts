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
  const name = headerOf(request, 'x-recalculate-hash')?.trim().toLowerCase();
  if (name === undefined) throw new HttpError(405, 'PATCH is not something that can be done here.');
  const algorithm = ALGORITHMS.find((known) => known === name);
  if (!algorithm) throw new HttpError(400, `X-Recalculate-Hash may be one of ${ALGORITHMS.join(', ')}.`);
  // The silence while a file is read is ours: the connection must not end over it.
  for await (const _ of request.body.chunks()) throw new HttpError(415, 'This PATCH takes no body.');
  const content = await request.drive.read((snapshot) => findContent(request, snapshot));
  const { id, sha1, md5 } = await withDigests(request, content);
  const hex = { sha1, md5, sha256: id }[algorithm];
  return respond(204, { 'OC-Checksum': `${algorithm.toUpperCase()}:${hex}` });
}

async function findContent(request: DavRequest, snapshot: Snapshot): Promise<ContentRow> {
  const found = await snapshot.find(request.path, { withContent: true });
  if (readResource(request, found).isCollection) throw new HttpError(405, 'A folder has no checksum.');
  return found.content!;
}

/** Reads the content through where its digests aren't known yet, and records them unless the file has another by then. */
async function withDigests(request: DavRequest, content: ContentRow): Promise<ContentRow> {
  if (content.sha1 !== undefined && content.md5 !== undefined) return content;
  const { drive } = request;
  const digests = await drive.parts.contents.digestsOf(content, request.signal);
  await drive.write(async (changes) => {
    const now = await changes.find(request.path, { withContent: true });
    // As it is recorded now: its bytes may have another place by then.
    if (now.content?.id === content.id) {
      await changes.transaction.putContent({ ...now.content, ...digests }, changes.now);
    }
  });
  return { ...content, ...digests };
}
