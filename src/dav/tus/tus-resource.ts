import { HttpError } from '../../http-error.js';
import type { UploadRow } from '../../stores/uploads.js';
import { ocHeaders } from '../cloud-headers.js';
import { toHttpError } from '../drive-errors.js';
import { formatHttpDate } from '../headers/http-date.js';
import { checkTusContentType, checkTusVersion, parseTusNumber, TUS_RESUMABLE } from '../headers/tus.js';
import { type DavRequest, type DavResponse, respond } from '../request.js';
import { writtenHeaders } from '../written-file.js';
import { type Appended, append } from './tus-append.js';
import { targetOf } from './tus-target.js';

/** Puts `Tus-Resumable` on whatever the answer is. */
export async function withTus(request: DavRequest, work: () => Promise<DavResponse>): Promise<DavResponse> {
  try {
    const answer = await work();
    return { ...answer, headers: { ...TUS_RESUMABLE, ...answer.headers } };
  } catch (error) {
    const known = toHttpError(error, request);
    if (!known) throw error;
    const { status, message, condition, hrefs, headers } = known;
    throw new HttpError(status, message, {
      ...(condition ? { condition } : {}),
      hrefs,
      headers: { ...TUS_RESUMABLE, ...headers },
      cause: known,
    });
  }
}

/** HEAD of an upload: how much of it is durable. */
export function headUpload(request: DavRequest, name: string): Promise<DavResponse> {
  return withTus(request, async () => {
    checkTusVersion(request.headers);
    const upload = await find(request, name);
    const { metadata } = targetOf(upload);
    return respond(200, {
      'Upload-Length': String(upload.size),
      'Upload-Metadata': metadata,
      'Cache-Control': 'no-store',
      ...progressHeaders(upload),
    });
  });
}

/** PATCH of an upload: its next bytes. */
export function patchUpload(request: DavRequest, name: string): Promise<DavResponse> {
  return withTus(request, async () => {
    checkTusVersion(request.headers);
    checkTusContentType(request.headers);
    const offset = parseTusNumber(request.headers, 'upload-offset');
    const { uploads } = request.drive.parts;
    const appended = await uploads.alone(await find(request, name), async (): Promise<Appended> => {
      // Whoever worked on it before has just ended.
      const upload = await find(request, name);
      const received = offsetOf(upload);
      if (offset !== received) throw new HttpError(409, `The upload goes on at byte ${received}, not at ${offset}.`);
      if (upload.finishedAt === null) return append(request, upload);
      if (request.body.size !== 0) throw new HttpError(413, 'More bytes come than Upload-Length says.');
      return { upload, written: null };
    });
    return respond(204, appendedHeaders(request, appended));
  });
}

/** DELETE of an upload (TUS, extension "termination"). The file that it became stays. */
export function deleteUpload(request: DavRequest, upload: UploadRow): Promise<DavResponse> {
  return withTus(request, async () => {
    const { drive } = request;
    await drive.parts.uploads.alone(upload, () => drive.parts.uploads.remove(drive, upload));
    return respond(204);
  });
}

/** What the answer to new bytes says; of the file as well, where it was made. */
export function appendedHeaders(request: DavRequest, { upload, written }: Appended): Record<string, string> {
  if (!written) return progressHeaders(upload);
  const { resource } = written;
  return {
    ...progressHeaders(upload),
    ...writtenHeaders(resource, targetOf(upload)),
    // Whatever the address: who speaks TUS reads ownCloud's headers.
    ...ocHeaders(resource, request.drive.membership),
  };
}

function progressHeaders(upload: UploadRow): Record<string, string> {
  return { 'Upload-Offset': String(offsetOf(upload)), 'Upload-Expires': formatHttpDate(upload.expiresAt) };
}

function offsetOf(upload: UploadRow): number {
  return upload.finishedAt === null ? upload.received : upload.size!;
}

async function find(request: DavRequest, name: string): Promise<UploadRow> {
  const upload = await request.drive.read((snapshot) => request.drive.parts.uploads.find(snapshot, name));
  targetOf(upload);
  return upload;
}
