import type { UploadRow } from '../../stores/uploads.js';
import { CLIENT_DIGESTS, type Expectations, type Incoming, piecesOf, type ReceivedContent } from '../contents.js';
import { DriveError } from '../drive-error.js';
import type { DrivePath } from '../names.js';
import { noRoom } from '../quota.js';
import { checkMayAdd } from '../rights.js';
import type { Snapshot } from '../snapshot.js';
import { checkWritable, type FileWish, type Written } from '../write-file.js';
import { BodySegments } from './body-segments.js';
import { finishUpload } from './finish-upload.js';
import type { UploadDesk } from './open-upload.js';
import { storePart } from './receive-part.js';
import { roomFor } from './upload-room.js';

/** What is durable at the latest when so much more has come: what a broken connection can cost. */
const SEGMENT_BYTES = 64 * 1024 * 1024;

type Digest = Expectations['digests'][number];

export interface Append extends FileWish {
  readonly incoming: Incoming;
  /** Of the incoming bytes alone: they are kept when it is right, and none of them else. */
  readonly checksum: Digest | null;
  /** Of the file that the upload becomes. */
  readonly path: DrivePath;
  readonly digests: readonly Digest[];
}

export interface Appended {
  /** As it is now. */
  readonly upload: UploadRow;
  /** The file that it became with its last byte. */
  readonly written: Written | null;
}

/** What came is not what the checksum of these bytes says; the upload is as before. */
export class ChecksumError extends DriveError {}

/**
 * Takes a body as the next bytes of a resumable upload, on which nobody else works. When it breaks off, what has come is
 * kept; with a checksum all of it is, or nothing. The last byte makes the file: it is stored in the transaction that does,
 * so an upload that isn't finished always wants at least one more byte. Throws `DriveError`; `OffsetError` where others
 * were appended meanwhile.
 */
export async function append(desk: UploadDesk, upload: UploadRow, wish: Append): Promise<Appended> {
  const { incoming, checksum, path, permit } = wish;
  const rest = upload.size! - upload.received;
  if (incoming.size !== null && incoming.size > rest) throw tooLong();
  const room = await desk.drive.read(async (snapshot) => {
    checkMayAdd(snapshot.membership);
    const found = await snapshot.find(path);
    // Before the last bytes, so that they aren't sent in vain.
    if (incoming.size === rest) await checkWritable(snapshot, found, permit);
    return roomFor(snapshot, found);
  });
  if (incoming.size !== null && incoming.size > room) throw noRoom(room);
  if (rest === 0) return finish(desk, upload, wish);
  const segments = new BodySegments(piecesOf(incoming), { keepsBroken: checksum === null });
  try {
    return await takeSegments(desk, upload, wish, { segments, room });
  } finally {
    segments.end();
  }
}

async function takeSegments(
  desk: UploadDesk,
  upload: UploadRow,
  wish: Append,
  { segments, room: roomAtFirst }: { readonly segments: BodySegments; readonly room: number },
): Promise<Appended> {
  const room = async (snapshot: Snapshot) => roomFor(snapshot, await snapshot.find(wish.path));
  const checks = ({ received }: UploadRow) => ({ room, whole: null, expectedReceived: received });
  let now = upload;
  for (let left = roomAtFirst; ; ) {
    const content = await receive(desk, now, wish.checksum, { segments, room: left });
    const { size } = content.row;
    if (now.received + size === now.size) return finish(desk, now, wish, content);
    if (size === 0) {
      await content.release('surplus');
      segments.check();
      return { upload: now, written: null };
    }
    const part = { name: String(now.received).padStart(15, '0'), number: now.received, sizes: null };
    now = (await storePart(desk, now, part, content, checks(now))).upload;
    left -= size;
    segments.check();
    // It was of the whole body.
    if (wish.checksum) return { upload: now, written: null };
  }
}

/** The next part. */
async function receive(
  { drive }: UploadDesk,
  upload: UploadRow,
  checksum: Digest | null,
  { segments, room }: { readonly segments: BodySegments; readonly room: number },
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
    // Without a signal: what has come when the client goes away is kept.
    return await drive.receiveUpTo(limit, incoming, expected);
  } catch (error) {
    if (!(error instanceof DriveError && error.kind === 'digest-mismatch')) throw error;
    throw new ChecksumError('digest-mismatch', 'What came is not what Upload-Checksum says. Send it again.', {
      cause: error,
    });
  }
}

/** Makes the file. Where the checksum of the whole is wrong, the upload is given up: no later byte can mend it. */
async function finish(desk: UploadDesk, upload: UploadRow, wish: Append, tail?: ReceivedContent): Promise<Appended> {
  const { path, digests, permit, modified } = wish;
  const { size } = upload;
  try {
    const written = await finishUpload(desk, upload, path, {
      ...{ permit, modified, expected: { size, digests }, expectedReceived: upload.received },
      ...(tail ? { tail } : {}),
    });
    return { upload: { ...upload, received: size!, finishedAt: desk.drive.now() }, written };
  } catch (error) {
    if (error instanceof DriveError && error.kind === 'digest-mismatch') await desk.shared.giveUp(upload);
    throw error;
  }
}

function tooLong(): DriveError {
  return new DriveError('too-large', 'More bytes come than Upload-Length says.');
}
