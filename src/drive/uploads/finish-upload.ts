import type { PartRow, UploadRow } from '../../stores/uploads.js';
import { checkReceived, type Expectations, type ReceivedContent } from '../contents.js';
import { DriveError } from '../drive-error.js';
import type { DriveTransaction } from '../drive-transaction.js';
import type { DrivePath } from '../names.js';
import { checkBeforeBody, type FileWish, nameContent, type Written } from '../write-file.js';
import { uploadChanged } from './assembly.js';
import { checkOpen, type UploadDesk } from './open-upload.js';
import { orderParts } from './part-order.js';

export interface Finish extends FileWish {
  /** What the whole file is said to be. */
  readonly expected: Pick<Expectations, 'size' | 'digests'>;
  /** The last part, where it has not been stored as one. Given up in any case. */
  readonly tail?: ReceivedContent;
  /** Of a resumable upload: how many bytes it has to have before its last. It is still known when it is finished. */
  readonly expectedReceived?: number;
}

/**
 * Makes the file of an upload, on which nobody else works. Throws `DriveError` `incomplete` where parts are missing or
 * don't amount to an announced size, and what `writeFile` throws; parts and drive are as before then.
 */
export async function finishUpload(
  { drive, shared }: UploadDesk,
  upload: UploadRow,
  path: DrivePath,
  { tail, expectedReceived, expected, ...wish }: Finish,
): Promise<Written> {
  try {
    const order = await drive.read(async (snapshot) => {
      await checkOpen(snapshot, upload, expectedReceived ?? null);
      const parts = orderParts(await snapshot.view.uploads.parts(upload.id));
      const size = parts.reduce((sum, part) => sum + part.size, tail?.row.size ?? 0);
      const isAny = parts.length > 0 || tail !== undefined;
      if (upload.size === null && !isAny) throw new DriveError('incomplete', 'No part of the upload has come.');
      checkWhole(upload.size, size);
      checkWhole(expected.size, size);
      await checkBeforeBody(drive, snapshot, path, wish, size);
      return parts;
    });
    const content = await shared.putTogether(upload, order, tail);
    return await nameContent(drive, path, content, wish, async (transaction) => {
      const { id, size, ...digests } = content.row;
      await seal(transaction, upload, order, expectedReceived ?? null);
      checkReceived({ id, size, digests }, expected);
    });
  } finally {
    shared.assemblies.drop(upload.id);
    await tail?.release('surplus');
  }
}

function checkWhole(announced: number | null, size: number): void {
  if (announced === null || announced === size) return;
  throw new DriveError('incomplete', `${announced} bytes were announced, ${size} came: a part is missing.`);
}

/** Ends the upload in the transaction that makes the file; nothing may have changed since its parts were read. */
async function seal(
  transaction: DriveTransaction,
  upload: UploadRow,
  order: readonly PartRow[],
  expectedReceived: number | null,
): Promise<void> {
  const { uploads } = transaction.store;
  await checkOpen(transaction, upload, expectedReceived);
  const parts = orderParts(await uploads.parts(upload.id));
  if (parts.length !== order.length || parts.some(({ blobId }, index) => blobId !== order[index]?.blobId)) {
    throw uploadChanged();
  }
  if (expectedReceived !== null) await uploads.finish(upload.id, transaction.now);
  else await uploads.remove(upload.id);
}
