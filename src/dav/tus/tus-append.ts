import { CLIENT_DIGESTS, checkReceived, type Incoming, type ReceivedContent } from '../../drive/contents.js';
import { DriveError } from '../../drive/drive-error.js';
import { spaceOf } from '../../drive/drive-transaction.js';
import { noRoom } from '../../drive/quota.js';
import type { Found } from '../../drive/resource.js';
import { checkMayAdd } from '../../drive/rights.js';
import type { Snapshot } from '../../drive/snapshot.js';
import { checkBeforeBody, checkWritable, type FileWish, nameContent, type Written } from '../../drive/write-file.js';
import { HttpError } from '../../http-error.js';
import type { UploadRow } from '../../stores/uploads.js';
import type { AnnouncedDigest } from '../headers/digests.js';
import { parseUploadChecksum } from '../headers/tus.js';
import { type DavRequest, headerOf } from '../request.js';
import { BodySegments } from './body-segments.js';
import { type TusTarget, targetOf, wishOf } from './tus-target.js';

/** What is durable at the latest when so much more has come: what a broken connection can cost. */
const SEGMENT_BYTES = 64 * 1024 * 1024;
/** TUS, extension "checksum". */
const CHECKSUM_MISMATCH = 460;

export interface Appended {
  /** As it is now. */
  readonly upload: UploadRow;
  /** The file that it became with its last byte. */
  readonly written: Written | null;
}

interface Append {
  readonly request: DavRequest;
  readonly target: TusTarget;
  readonly wish: FileWish;
  readonly checksum: AnnouncedDigest | null;
  /** Bytes that fit under the quotas, and how many they are at another moment. */
  readonly room: number;
  readonly roomIn: (snapshot: Snapshot) => Promise<number>;
}

/**
 * Takes the request's body as the next bytes of the upload, on which nobody else works. When the connection breaks, what
 * has come is kept; with `Upload-Checksum` all of the body is, or nothing. The last byte makes the file: it is stored in
 * the transaction that does, so an upload that isn't finished always wants at least one more byte.
 */
export async function append(request: DavRequest, upload: UploadRow): Promise<Appended> {
  const { drive, body } = request;
  const target = targetOf(upload);
  const wish = await wishOf(request, target);
  const checksum = parseUploadChecksum(headerOf(request, 'upload-checksum'));
  const rest = upload.size! - upload.received;
  if (body.size !== null && body.size > rest) throw tooLong();
  const roomFor = async (snapshot: Snapshot, found: Found) =>
    (await drive.parts.uploads.room(snapshot, spaceOf(found))) + (found.resource?.size ?? 0);
  const room = await drive.read(async (snapshot) => {
    checkMayAdd(snapshot.membership);
    const found = await snapshot.find(target.path);
    // Before the last bytes, so that they aren't sent in vain.
    if (body.size === rest) await checkWritable(snapshot, found, wish.permit);
    return roomFor(snapshot, found);
  });
  if (body.size !== null && body.size > room) throw noRoom(room);
  const roomIn = async (snapshot: Snapshot) => roomFor(snapshot, await snapshot.find(target.path));
  const work = { request, target, wish, checksum, room, roomIn };
  if (rest === 0) return finish(work, upload);
  const segments = new BodySegments(body.chunks(), { keepsBroken: checksum === null });
  try {
    return await takeSegments(work, upload, segments);
  } finally {
    segments.end();
  }
}

async function takeSegments(work: Append, upload: UploadRow, segments: BodySegments): Promise<Appended> {
  const { drive } = work.request;
  let now = upload;
  for (let room = work.room; ; ) {
    const content = await receive(work, now, segments, room);
    const { size } = content.row;
    if (now.received + size === now.size) return finish(work, now, content);
    if (size === 0) {
      await content.release('surplus');
      segments.check();
      return { upload: now, written: null };
    }
    const place = { name: String(now.received).padStart(15, '0'), number: now.received };
    now = (await drive.parts.uploads.putPart(drive, now, place, content, { room: work.roomIn })).upload;
    room -= size;
    segments.check();
    // It was of the whole body.
    if (work.checksum) return { upload: now, written: null };
  }
}

/** The next part. */
async function receive(
  { request, checksum }: Append,
  upload: UploadRow,
  segments: BodySegments,
  room: number,
): Promise<ReceivedContent> {
  const rest = upload.size! - upload.received;
  const isCut = checksum === null && rest > SEGMENT_BYTES;
  const isWhole = upload.received === 0 && !isCut;
  const expected = { size: null, digests: checksum ? [checksum] : [], kept: isWhole ? CLIENT_DIGESTS : [] };
  const incoming: Incoming = {
    size: null,
    chunks: () => segments.take(isCut ? SEGMENT_BYTES : Number.POSITIVE_INFINITY),
    readAll: () => Promise.reject(new Error('comes in chunks only')),
  };
  const limit = { bytes: Math.min(room, rest), error: room < rest ? () => noRoom(room) : tooLong };
  try {
    // Without the request's signal: what has come when it is aborted is kept.
    return await request.drive.parts.contents.receive(incoming, expected, limit);
  } catch (error) {
    if (!(error instanceof DriveError && error.kind === 'digest-mismatch')) throw error;
    throw new HttpError(CHECKSUM_MISMATCH, 'What came is not what Upload-Checksum says. Send it again.', {
      cause: error,
    });
  }
}

/** Makes the file. Where the checksum of the whole is wrong, the upload is given up: no later byte can mend it. */
async function finish({ request, target, wish }: Append, upload: UploadRow, tail?: ReceivedContent): Promise<Appended> {
  const { drive } = request;
  const { uploads } = drive.parts;
  try {
    const written = await uploads.finish(drive, {
      upload,
      ...(tail ? { tail } : {}),
      isRemembered: true,
      check: (snapshot, size) => checkBeforeBody(drive, snapshot, target.path, wish, size),
      commit: (content, seal) =>
        nameContent(drive, target.path, content, wish, async (changes) => {
          const { id, size, ...digests } = content.row;
          checkReceived({ id, size, digests }, { size: upload.size, digests: target.digests });
          await seal(changes);
        }),
    });
    return { upload: { ...upload, received: upload.size!, finishedAt: drive.parts.now() }, written };
  } catch (error) {
    if (error instanceof DriveError && error.kind === 'digest-mismatch') await uploads.giveUp(upload);
    throw error;
  }
}

function tooLong(): DriveError {
  return new DriveError('too-large', 'More bytes come than Upload-Length says.');
}
