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

/** The row as it is now; a request that began in time may end after the upload's. Throws `DriveError` `not-found`. */
export async function checkOpen(snapshot: Snapshot, upload: UploadRow): Promise<UploadRow> {
  const row = await snapshot.view.uploads.find(upload);
  if (!row || row.id !== upload.id || row.finishedAt !== null) {
    throw new DriveError('not-found', 'The upload is gone: it was finished, deleted, or has expired.');
  }
  return row;
}
