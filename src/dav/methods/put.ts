import { CLIENT_DIGESTS } from '../../drive/contents.js';
import { DriveError } from '../../drive/drive-error.js';
import { HttpError } from '../../http-error.js';
import { parseAnnouncedDigests } from '../headers/digests.js';
import { byteCountIn } from '../headers/header-value.js';
import { type DavRequest, type DavResponse, headerOf } from '../request.js';
import { answerWritten, readFileWish } from '../written-file.js';

/** PUT, RFC 9110 §9.3.4 and RFC 4918 §9.7, with PRODUCT U1–U4. */
export async function put(request: DavRequest): Promise<DavResponse> {
  if (headerOf(request, 'content-range') !== undefined) {
    // RFC 9110 §14.4: storing a part as the whole file would destroy it (client-requirements R28).
    throw new HttpError(400, 'Parts of a file can not be uploaded: send the whole file.');
  }
  const wish = await readFileWish(request);
  const written = await request.drive.writeFile(request.path, request.body, {
    ...wish,
    expected: {
      size: announcedSize(request),
      digests: parseAnnouncedDigests(request.headers),
      // A client of ownCloud's kind that sends one asks for the other: rclone 1.60 sends SHA-1 and compares MD5.
      kept: headerOf(request, 'oc-checksum') === undefined ? [] : CLIENT_DIGESTS,
    },
    isHeldBack: request.headers.expect !== undefined,
    signal: request.signal,
  });
  return answerWritten(request, written, wish);
}

/** The size that the client says it will send, beside `Content-Length`: Finder's and ownCloud's headers (PRODUCT U3). */
function announcedSize(request: DavRequest): number | null {
  let size: number | null = null;
  for (const name of ['x-expected-entity-length', 'oc-total-length']) {
    const announced = byteCountIn(request.headers, name);
    if (announced === null) continue;
    if (size !== null && size !== announced) throw new HttpError(400, 'The announced sizes differ.');
    size = announced;
  }
  if (size !== null && request.body.size !== null && request.body.size !== size) {
    throw new DriveError('incomplete', 'The announced size and the Content-Length differ.');
  }
  return size;
}
