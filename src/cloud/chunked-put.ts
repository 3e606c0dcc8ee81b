import { createHash } from 'node:crypto';
import { dispatch, withHttpErrors } from '../dav/dispatch.js';
import { parseAnnouncedDigests } from '../dav/headers/digests.js';
import { type DavRequest, type DavResponse, respond } from '../dav/request.js';
import { readFileWish } from '../dav/written-file.js';
import type { DrivePath } from '../drive/names.js';
import { PARTS_MAX } from '../drive/uploads/receive-part.js';
import { HttpError } from '../http-error.js';
import { finishUpload } from './finish-upload.js';
import { announcedWhole, receivePart } from './upload-folder.js';

/** `NAME-chunking-TRANSFER-COUNT-INDEX`. */
const CHUNK = /^(.+)-chunking-(\d{1,20})-(\d{1,5})-(\d{1,5})$/;

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
  const { path, name, count, index } = readChunk(request);
  const whole = announcedWhole(request);
  const digests = parseAnnouncedDigests(request.headers);
  const wish = await readFileWish(request);
  await request.drive.uploads.beginUnlessThere({ name, size: whole }, path, wish);
  // The checksums are those of the whole.
  const part = await receivePart(request, name, String(index), { isWithDigests: false, target: path });
  if (part.upload.parts < count) return respond(201);
  return finishUpload(request, part.upload, path, { ...wish, expected: { size: whole, digests } });
}

interface Chunk {
  /** Of the whole file. */
  readonly path: DrivePath;
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
  return { path, name: `chunking-${transfer}-${count}-${hash}`, count, index };
}
