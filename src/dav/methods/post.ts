import { randomBytes } from 'node:crypto';
import { spaceOf } from '../../drive/drive-transaction.js';
import { normalizePath } from '../../drive/names.js';
import { noRoom } from '../../drive/quota.js';
import { checkWritable } from '../../drive/write-file.js';
import { HttpError } from '../../http-error.js';
import type { UploadRow } from '../../stores/uploads.js';
import { parseOcMtime } from '../headers/mtime.js';
import {
  checkTusContentType,
  checkTusVersion,
  parseMetadataChecksum,
  parseMetadataMtime,
  parseTusNumber,
  parseUploadMetadata,
} from '../headers/tus.js';
import { type DavRequest, type DavResponse, headerOf, respond } from '../request.js';
import { type Appended, append } from '../tus/tus-append.js';
import { appendedHeaders, withTus } from '../tus/tus-resource.js';
import { conditionsOf, type TusTarget, wishOf } from '../tus/tus-target.js';

/**
 * POST to a folder begins a resumable upload (TUS 1.0.0, extensions "creation" and "creation-with-upload"). It has no
 * other meaning.
 */
export async function post(request: DavRequest): Promise<DavResponse> {
  if (headerOf(request, 'tus-resumable') === undefined) {
    throw new HttpError(
      405,
      'A POST here only begins a resumable upload (TUS 1.0.0): send a Tus-Resumable header, or a PUT.',
    );
  }
  return withTus(request, () => create(request));
}

async function create(request: DavRequest): Promise<DavResponse> {
  const { drive, body, headers } = request;
  checkTusVersion(headers);
  if (headers['upload-defer-length'] !== undefined || headers['upload-concat'] !== undefined) {
    throw new HttpError(400, 'The length of an upload has to be known when it begins, and it comes in one piece.');
  }
  const size = parseTusNumber(headers, 'upload-length');
  if (body.size !== 0) checkTusContentType(headers);
  const target = readTarget(request);
  const { permit } = await wishOf(request, target);
  const { uploads } = drive.parts;
  const announced = { name: randomBytes(16).toString('hex'), size, target: JSON.stringify(target) };
  const upload = await uploads.open(drive, announced, async (snapshot) => {
    const found = await snapshot.find(target.path);
    await checkWritable(snapshot, found, permit);
    const room = (await uploads.room(snapshot, spaceOf(found))) + (found.resource?.size ?? 0);
    if (size > room) throw noRoom(room);
  });
  const begun = size === 0 || body.size !== 0 ? await takeBody(request, upload) : { upload, written: null };
  return respond(201, {
    // Absolute: rclone 1.7x takes scheme and host from it.
    Location: request.origin + request.uploadsBase + upload.name,
    ...appendedHeaders(request, begun),
  });
}

/** An upload whose first bytes are refused is of no use to a client that doesn't know its address. */
async function takeBody(request: DavRequest, upload: UploadRow): Promise<Appended> {
  const { uploads } = request.drive.parts;
  try {
    return await uploads.alone(upload, () => append(request, upload));
  } catch (error) {
    await uploads.giveUp(upload);
    throw error;
  }
}

function readTarget(request: DavRequest): TusTarget {
  const text = headerOf(request, 'upload-metadata') ?? '';
  const metadata = text === '' ? new Map<string, string>() : parseUploadMetadata(text);
  // ownCloud desktop 3 posts to its top folder and gives the path in it.
  const names = (metadata.get('filename') ?? '').split('/').filter((name) => name !== '');
  if (names.length === 0) throw new HttpError(400, 'Upload-Metadata has no filename.');
  return {
    path: [...request.path, ...normalizePath(names)],
    // rclone's X-OC-Mtime and OC-Checksum are those of the file that is replaced; the metadata knows better.
    modified: parseMetadataMtime(metadata.get('mtime')) ?? parseOcMtime(headerOf(request, 'x-oc-mtime')),
    digests: parseMetadataChecksum(metadata.get('checksum')),
    metadata: text,
    conditions: conditionsOf(request),
    url: request.url,
  };
}
