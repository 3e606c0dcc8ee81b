import { DriveError, isAccessLost } from '../../drive/drive-error.js';
import { OutcomeUnknownError, StoreBusyError, StoreFailingError } from '../../stores/metadata-store.js';
import { RetryableError } from '../back-off.js';
import { JobFailedError } from '../job-runner.js';
import { ChangedError } from './fetch-file.js';
import { SourceRefusal } from './source-client.js';

export const NO_MEMBER = 'The user who started the import is no member of the drive any more.';
export const NO_WRITER = 'The user who started the import may not write to the drive.';

/** What an upload would be told to try again, or can't be what the listing says, may be well at the next try. */
export function passing(error: unknown): unknown {
  const isPassing =
    error instanceof StoreBusyError ||
    error instanceof OutcomeUnknownError ||
    error instanceof StoreFailingError ||
    (error instanceof DriveError && ['incomplete', 'digest-mismatch', 'busy'].includes(error.kind));
  return isPassing ? new ChangedError(error.message, { cause: error }) : error;
}

/** Whether the trouble may be that of the source as a whole, so that no file should be blamed for it. */
export function mayBeAway(error: unknown): boolean {
  if (error instanceof SourceRefusal) return error.status === 401;
  return error instanceof RetryableError && !(error instanceof ChangedError);
}

/** A code, and what the source or the drive said, for the report. Rethrows what no report should hide. */
export function reasonOf(error: unknown): string {
  if (error instanceof SourceRefusal) return `refused: ${error.status}`;
  if (isAccessLost(error)) throw new JobFailedError(NO_MEMBER, { cause: error });
  if (error instanceof DriveError) return `${error.kind}: ${error.message}`;
  if (error instanceof ChangedError) {
    const isChecksum = error.cause instanceof DriveError && error.cause.kind === 'digest-mismatch';
    return isChecksum ? 'checksum' : 'changed';
  }
  if (error instanceof RetryableError) return `unreachable: ${error.message}`;
  throw error;
}
