import { DriveError, type DriveErrorKind } from '../drive/drive-error.js';
import { type DavCondition, HttpError } from '../http-error.js';
import { BlobMissingError, StorageFullError } from '../stores/blob-store.js';
import {
  NameTakenError,
  OutcomeUnknownError,
  StoreBusyError,
  StoreFailingError,
  StoreUnreachableError,
} from '../stores/metadata-store.js';
import { type Addressed, type DavRequest, hrefOf } from './request.js';

/** From the drive's refusals to HTTP: RFC 4918 §9 and §11, RFC 4331 §6. */
export const STATUSES: Record<DriveErrorKind, readonly [number, DavCondition?]> = {
  'not-found': [404],
  'parent-missing': [409],
  exists: [412],
  'not-a-collection': [409],
  'is-a-collection': [405],
  forbidden: [403],
  'into-itself': [403],
  'name-invalid': [400],
  'name-too-long': [414],
  'drive-full': [507, 'quota-not-exceeded'],
  'too-large': [413],
  incomplete: [400],
  'digest-mismatch': [400],
  locked: [423, 'lock-token-submitted'],
  'lock-conflict': [423, 'no-conflicting-lock'],
  busy: [423],
  'too-many': [429],
  'too-deep': [409],
  'tree-too-large': [507],
  'source-changes': [409],
  'not-signed-in': [401],
  'no-such-drive': [404],
};

const DISK_FAILS =
  "The server's disk failed to store this. Try again in a moment; if it goes on, tell its administrator.";

/** Of what a server shares with others. */
function failing(part: StoreFailingError['part']): string {
  if (part === 'disk') return DISK_FAILS;
  return `The server's ${part} fails. Try again in a moment; if it goes on, tell its administrator.`;
}

const CUT_OFF = "The server can't reach its database";

const OUTCOME_UNKNOWN =
  'The database failed while this was stored: nobody can say whether it was. Look, and try again.';

const BYTES_LOST =
  "The bytes of this file are lost or damaged on the server's disk. Tell its administrator; uploading the same file again brings it back.";

/** Whether the process, or the machine, has no file descriptor left. */
export function isOutOfFiles(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EMFILE' || error.code === 'ENFILE');
}

export function passwordsBusy(): HttpError {
  return new HttpError(503, 'Too many sign-ins at once. Try again in a moment.', { headers: { 'Retry-After': '2' } });
}

/** What the addresses in an error's answer are made of, and the method that was refused. */
export type ErrorAddress = Addressed & Pick<DavRequest, 'method'>;

/**
 * A `HttpError` for what the drive or its stores refuse; null for anything that nobody expected. `request` null: nobody
 * reads addresses off it.
 */
export function toHttpError(error: unknown, request: ErrorAddress | null): HttpError | null {
  if (error instanceof HttpError) return error;
  if (error instanceof DriveError) {
    const [status, condition] = STATUSES[error.kind];
    return new HttpError(error.kind === 'exists' && request?.method === 'MKCOL' ? 405 : status, error.message, {
      ...(condition ? { condition } : {}),
      hrefs: request ? error.places.map(({ path, isCollection }) => hrefOf(request, path, isCollection)) : [],
      // client-requirements R35: expired uploads are removed once an hour.
      ...(status === 429 ? { headers: { 'Retry-After': '3600' } } : {}),
      cause: error,
    });
  }
  if (error instanceof NameTakenError) {
    return new HttpError(409, 'Somebody else has just taken that name. Try again.', { cause: error });
  }
  if (error instanceof StoreBusyError) {
    const isCutOff = error instanceof StoreUnreachableError;
    return new HttpError(503, `${isCutOff ? CUT_OFF : 'The server is busy'}. Try again in a moment.`, {
      headers: { 'Retry-After': '5' },
      cause: error,
    });
  }
  if (error instanceof OutcomeUnknownError) {
    return new HttpError(503, OUTCOME_UNKNOWN, { headers: { 'Retry-After': '5' }, cause: error });
  }
  if (error instanceof BlobMissingError) return new HttpError(500, BYTES_LOST, { cause: error });
  if (isOutOfFiles(error)) {
    return new HttpError(503, 'The server has too many files open. Try again in a moment.', {
      headers: { 'Retry-After': '5' },
      cause: error,
    });
  }
  if (error instanceof StoreFailingError) {
    return new HttpError(503, failing(error.part), { headers: { 'Retry-After': '10' }, cause: error });
  }
  if (error instanceof StorageFullError) {
    return new HttpError(507, "The server's disk is full. Tell its administrator.", {
      condition: 'sufficient-disk-space',
      cause: error,
    });
  }
  return null;
}
