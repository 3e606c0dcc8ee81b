import type { UploadRow } from '../../stores/uploads.js';
import type { Drive } from '../drive.js';
import { DriveError } from '../drive-error.js';
import type { Snapshot } from '../snapshot.js';
import type { Uploads } from './uploads.js';

/** What works on an upload: the drive of who asks, and what all uploads of the process share. */
export interface UploadDesk {
  readonly drive: Drive;
  readonly shared: Uploads;
}

/** The bytes that came don't follow those that the upload has by now: another request was faster. */
export class OffsetError extends DriveError {
  constructor() {
    super('busy', 'Another request has added to this upload meanwhile. Ask how far it is, and go on there.');
  }
}

/**
 * The row as it is now; a request that began in time may end after the upload's. `expectedReceived`: how many bytes it has
 * to have; null: any number. Throws `DriveError` `not-found`, and `OffsetError`.
 */
export async function checkOpen(
  snapshot: Snapshot,
  upload: UploadRow,
  expectedReceived: number | null,
): Promise<UploadRow> {
  const row = await snapshot.view.uploads.find(upload);
  if (row?.id !== upload.id) throw gone();
  if (expectedReceived !== null && (row.finishedAt !== null || row.received !== expectedReceived)) {
    throw new OffsetError();
  }
  if (row.finishedAt !== null) throw gone();
  return row;
}

function gone(): DriveError {
  return new DriveError('not-found', 'The upload is gone: it was finished, deleted, or has expired.');
}
