import type { PartRow, UploadRow } from '../../stores/uploads.js';
import type { Expectations, Incoming, ReceivedContent } from '../contents.js';
import { DriveError } from '../drive-error.js';
import type { DriveTransaction } from '../drive-transaction.js';
import type { DrivePath } from '../names.js';
import { noRoom } from '../quota.js';
import { checkMayAdd } from '../rights.js';
import type { Snapshot } from '../snapshot.js';
import { checkOpen, OffsetError, type UploadDesk } from './open-upload.js';
import type { PartPlace } from './part-order.js';
import { roomAt } from './upload-room.js';

/** As many as Nextcloud's chunking v2 has names for. */
export const PARTS_MAX = 10_000;

export interface NamedPart extends PartPlace {
  readonly name: string;
}

export interface PartWish {
  readonly expected: Expectations;
  /** Bytes of the whole file; null where nobody says. */
  readonly whole: number | null;
  /** Where the file will be; null where nobody says. */
  readonly destination: DrivePath | null;
  readonly signal?: AbortSignal;
}

export interface StoredPart {
  readonly part: PartRow;
  readonly isNew: boolean;
  /** As it is now. */
  readonly upload: UploadRow;
}

/**
 * Keeps a body as a part of an upload, in place of one of the same name: durable when it resolves. One that breaks off
 * changes nothing. Throws `DriveError`, as `storePart` does.
 */
export async function receivePart(
  desk: UploadDesk,
  find: (snapshot: Snapshot) => Promise<UploadRow>,
  part: NamedPart,
  { incoming, expected, whole, destination, signal }: PartWish & { readonly incoming: Incoming },
): Promise<StoredPart> {
  const { drive, shared } = desk;
  const room = (snapshot: Snapshot) => roomAt(snapshot, destination);
  const begun = await drive.read(async (snapshot) => {
    checkMayAdd(snapshot.membership);
    const upload = await find(snapshot);
    const former = (await snapshot.view.uploads.findPart(upload.id, part.name))?.size ?? 0;
    return { upload, before: upload.received - former, room: (await room(snapshot)) + former };
  });
  const size = incoming.size ?? expected.size;
  if (size !== null) {
    drive.checkSize(begun.before + size);
    if (size > begun.room) throw noRoom(begun.room);
    checkFits(part, size);
  }
  return shared.sharing(begun.upload, async () => {
    const content = await drive.receive(incoming, expected, begun.room, signal, begun.before);
    return storePart(desk, begun.upload, part, content, { room, whole, expectedReceived: null });
  });
}

export interface PartChecks {
  readonly room: (snapshot: Snapshot) => Promise<number>;
  /** Bytes of the whole file; null where nobody says. */
  readonly whole: number | null;
  /** What the upload has to have received before. */
  readonly expectedReceived: number | null;
}

/**
 * Keeps a received content as a part; it is given up in any case. Waits a little where putting the file together is far
 * behind. Throws `DriveError`: `not-found`, `too-large`, `drive-full` where `room` has fewer bytes left than the part takes
 * more than the one of before, `incomplete` where its name or the whole was announced with another size. `OffsetError` where
 * the upload has received another number of bytes than `expectedReceived`, if that isn't null.
 */
export async function storePart(
  { drive, shared }: UploadDesk,
  upload: UploadRow,
  part: NamedPart,
  content: ReceivedContent,
  { room, whole, expectedReceived }: PartChecks,
): Promise<StoredPart> {
  const { size, id: blobId } = content.row;
  const stored = await drive.writeContent(content, async (transaction) => {
    const { uploads } = transaction.store;
    checkFits(part, size);
    checkMayAdd(transaction.membership);
    const open = await checkOpen(transaction, upload, expectedReceived);
    const former = await uploads.findPart(upload.id, part.name);
    const received = open.received - (former?.size ?? 0) + size;
    drive.checkSize(received);
    if (!former && open.parts >= PARTS_MAX) {
      throw new DriveError('too-large', `An upload has at most ${PARTS_MAX} parts. Send larger ones.`);
    }
    // Others may have come since the body was let in.
    const left = await room(transaction);
    if (size - (former?.size ?? 0) > left) throw noRoom(left);
    await announce(transaction, open, whole);
    await transaction.record(content);
    const row = { name: part.name, number: part.number, size, blobId, storedAt: transaction.now };
    const expiresAt = shared.expiry(transaction.now);
    const isPut = await uploads.putPart(upload.id, row, { expiresAt, expectedReceived });
    if (!isPut) throw new OffsetError();
    const parts = former ? open.parts : open.parts + 1;
    return { part: row, isNew: !former, upload: { ...open, parts, received, expiresAt } };
  });
  await shared.assemblies.add(upload.id, stored.part);
  return stored;
}

async function announce({ store }: DriveTransaction, upload: UploadRow, whole: number | null): Promise<void> {
  if (whole === null || whole === upload.size) return;
  if (upload.size !== null)
    throw new DriveError('incomplete', 'The announced size of the file is another than before.');
  await store.uploads.setSize(upload.id, whole);
}

function checkFits({ sizes }: PartPlace, size: number): void {
  if (sizes === null || sizes.includes(size)) return;
  throw new DriveError('incomplete', `By its name the part has ${sizes.at(-1)} bytes, ${size} came.`);
}
