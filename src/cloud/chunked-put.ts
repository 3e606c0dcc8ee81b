import { createHash } from 'node:crypto';
import { readConditions } from '../dav/conditions.js';
import { dispatch, withHttpErrors } from '../dav/dispatch.js';
import { parseAnnouncedDigests } from '../dav/headers/digests.js';
import { parseOcMtime } from '../dav/headers/mtime.js';
import { findWritable } from '../dav/methods/put.js';
import { type DavRequest, type DavResponse, headerOf, respond } from '../dav/request.js';
import { DriveError } from '../drive/drive-error.js';
import { spaceOf } from '../drive/drive-transaction.js';
import { checkRoom } from '../drive/quota.js';
import { PARTS_MAX } from '../drive/uploads/uploads.js';
import { HttpError } from '../http-error.js';
import { finishUpload } from './finish-upload.js';
import { announcedWhole, receivePart } from './upload-folder.js';

/** `NAME-chunking-TRANSFER-COUNT-INDEX`. */
const CHUNK = /^(.+)-chunking-(\d{1,20})-(\d{1,5})-(\d{1,5})$/;
const SPELT_CHUNK = /-chunking-\d+-\d+-\d+$/;

/**
 * What is done at the address of a file: a PUT with `OC-Chunked` is a part of ownCloud's chunking, version 1 (pyocclient,
 * ownCloud's old Android app), all else as ever.
 */
export function dispatchFile(request: DavRequest): Promise<DavResponse> {
  const isChunk = request.headers['oc-chunked'] !== undefined && request.method === 'PUT';
  return isChunk ? withHttpErrors(request, () => putChunk(request)) : dispatch(request);
}

/**
 * Keeps the part as one of an upload that is named after file and transfer; the one that makes it complete makes the file,
 * in whatever order they come. Only its answer has an ETag: programs take one for the end. Conditions, locks and checksums
 * are those of the whole file.
 */
async function putChunk(request: DavRequest): Promise<DavResponse> {
  const { target, name, count, index } = readChunk(request);
  const { drive } = request;
  const whole = announcedWhole(request);
  const modified = parseOcMtime(headerOf(request, 'x-oc-mtime'));
  const created = parseOcMtime(headerOf(request, 'x-oc-ctime'));
  const digests = parseAnnouncedDigests(request.headers);
  const file = { request: target, conditions: await readConditions(target), path: target.path, modified, created };
  const isThere = await drive.read(async (snapshot) => {
    const found = await findWritable(file, snapshot);
    if (whole !== null) await checkRoom(snapshot, spaceOf(found), whole - (found.resource?.size ?? 0));
    return drive.parts.uploads.find(snapshot, name).then(() => true, unless('not-found', false));
  });
  // Another part of the same file may be the first just now.
  if (!isThere)
    await drive.parts.uploads.open(drive, { name, size: whole, target: null }).catch(unless('exists', null));
  // The checksums are those of the whole.
  const part = await receivePart(request, name, String(index), { isWithDigests: false, target: target.path });
  if (part.upload.parts < count) return respond(201);
  return finishUpload(target, part.upload, file, { whole, digests, mayOverwrite: true });
}

interface Chunk {
  /** As if the whole file were sent. */
  readonly target: DavRequest;
  /** Of the upload. */
  readonly name: string;
  readonly count: number;
  readonly index: number;
}

/** Throws `HttpError` 400. */
function readChunk(request: DavRequest): Chunk {
  const [, file, transfer, ...numbers] = CHUNK.exec(request.path.at(-1) ?? '') ?? [];
  const [count = 0, index = 0] = numbers.map(Number);
  if (file === undefined || index >= count || count > PARTS_MAX || request.isFolderUrl) {
    throw new HttpError(
      400,
      `With OC-Chunked a part is named FILE-chunking-TRANSFER-COUNT-INDEX, its index below the count, which is at most ${PARTS_MAX}.`,
    );
  }
  const path = [...request.path.slice(0, -1), file];
  const hash = createHash('sha256').update(JSON.stringify(path)).digest('hex').slice(0, 32);
  const target = { ...request, path, spelling: request.spelling.replace(SPELT_CHUNK, '') };
  return { target, name: `chunking-${transfer}-${count}-${hash}`, count, index };
}

/** For `catch`: an answer to one kind of refusal. */
function unless<T>(kind: DriveError['kind'], answer: T): (error: unknown) => T {
  return (error) => {
    if (error instanceof DriveError && error.kind === kind) return answer;
    throw error;
  };
}
