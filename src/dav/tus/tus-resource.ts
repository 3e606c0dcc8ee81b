import type { Drive } from '../../drive/drive.js';
import type { Appended } from '../../drive/uploads/append.js';
import { ChecksumError } from '../../drive/uploads/append.js';
import { OffsetError } from '../../drive/uploads/open-upload.js';
import { HttpError } from '../../http-error.js';
import type { UploadRow } from '../../stores/uploads.js';
import { ocHeaders } from '../cloud-headers.js';
import { type ErrorAddress, toHttpError } from '../drive-errors.js';
import { requiredByteCountIn } from '../headers/header-value.js';
import { formatHttpDate } from '../headers/http-date.js';
import { checkTusContentType, checkTusVersion, parseUploadChecksum, TUS_RESUMABLE } from '../headers/tus.js';
import { type DavRequest, type DavResponse, headerOf, respond } from '../request.js';
import { writtenHeaders } from '../written-file.js';
import { type TusRequest, targetOf, wishOf } from './tus-target.js';

/** TUS, extension "checksum". */
const CHECKSUM_MISMATCH = 460;

/** Puts `Tus-Resumable` on whatever the answer is. */
export async function withTus(request: DavRequest, work: () => Promise<DavResponse>): Promise<DavResponse> {
  try {
    return withVersion(await work());
  } catch (error) {
    throw toTusError(error, request) ?? error;
  }
}

export function withVersion(answer: DavResponse): DavResponse {
  return { ...answer, headers: { ...TUS_RESUMABLE, ...answer.headers } };
}

/** As `toHttpError`, in the words of TUS. */
export function toTusError(error: unknown, address: ErrorAddress | null): HttpError | null {
  const known = ofTus(error) ?? toHttpError(error, address);
  if (!known) return null;
  const { status, message, condition, hrefs, headers } = known;
  return new HttpError(status, message, {
    ...(condition ? { condition } : {}),
    hrefs,
    headers: { ...TUS_RESUMABLE, ...headers },
    cause: error,
  });
}

function ofTus(error: unknown): HttpError | null {
  if (error instanceof ChecksumError) return new HttpError(CHECKSUM_MISMATCH, error.message);
  return error instanceof OffsetError ? new HttpError(409, error.message) : null;
}

/** HEAD of an upload: how much of it is durable. */
export async function headUpload({ headers, drive }: TusRequest, name: string): Promise<DavResponse> {
  checkTusVersion(headers);
  const upload = await findResumable(drive, name);
  const { metadata } = targetOf(upload);
  return respond(200, {
    'Upload-Length': String(upload.size),
    'Upload-Metadata': metadata,
    'Cache-Control': 'no-store',
    ...progressHeaders(upload),
  });
}

/** PATCH of an upload: its next bytes. */
export async function patchUpload(request: TusRequest, name: string): Promise<DavResponse> {
  const { headers, drive, body } = request;
  checkTusVersion(headers);
  checkTusContentType(headers);
  const offset = requiredByteCountIn(headers, 'upload-offset');
  const appended = await drive.uploads.alone(await findResumable(drive, name), async (): Promise<Appended> => {
    // Anyone who worked on it before has just ended.
    const upload = await findResumable(drive, name);
    const received = offsetOf(upload);
    if (offset !== received) throw new HttpError(409, `The upload goes on at byte ${received}, not at ${offset}.`);
    if (upload.finishedAt === null) return append(request, upload);
    if (body.size !== 0) throw new HttpError(413, 'More bytes come than Upload-Length says.');
    return { upload, written: null };
  });
  return respond(204, appendedHeaders(drive, appended));
}

/** Takes the body as the next bytes of an upload, on which nobody else works. */
export async function append(request: TusRequest, upload: UploadRow): Promise<Appended> {
  const target = targetOf(upload);
  return request.drive.uploads.append(upload, {
    ...(await wishOf(request, target)),
    path: target.path,
    digests: target.digests,
    incoming: request.body,
    checksum: parseUploadChecksum(headerOf(request, 'upload-checksum')),
  });
}

/** DELETE of an upload (TUS, extension "termination"). The file that it became stays. */
export async function deleteUpload(drive: Drive, upload: UploadRow): Promise<DavResponse> {
  await drive.uploads.remove(upload);
  return respond(204);
}

/** What the answer to new bytes says; of the file as well, where it was made. */
export function appendedHeaders({ membership }: Drive, { upload, written }: Appended): Record<string, string> {
  if (!written) return progressHeaders(upload);
  const { resource } = written;
  // Whatever the address: who speaks TUS reads ownCloud's headers.
  const headers = { ...writtenHeaders(resource, targetOf(upload)), ...ocHeaders(resource, membership) };
  return { ...progressHeaders(upload), ...headers };
}

function progressHeaders(upload: UploadRow): Record<string, string> {
  return { 'Upload-Offset': String(offsetOf(upload)), 'Upload-Expires': formatHttpDate(upload.expiresAt) };
}

function offsetOf(upload: UploadRow): number {
  return upload.finishedAt === null ? upload.received : upload.size!;
}

/** Throws `DriveError` `not-found` for one of Nextcloud's kind as well. */
export function findResumable(drive: Drive, name: string): Promise<UploadRow> {
  return drive.read((snapshot) => drive.uploads.find(snapshot, name, 'resumable'));
}
