import { AccountError, type AccountErrorKind } from '../accounts/account-error.js';
import { PasswordsBusyError } from '../accounts/passwords.js';
import { STATUSES } from '../dav/drive-errors.js';
import { DriveError, type DriveErrorKind } from '../drive/drive-error.js';
import { StorageFullError } from '../stores/blob-store.js';
import { NameTakenError, OutcomeUnknownError, StoreBusyError, StoreFailingError } from '../stores/metadata-store.js';
import type { RefusalKind } from './refusal-kind.js';

export interface ConsoleErrorOptions extends ErrorOptions {
  /** The field of the body that is wrong. */
  readonly field?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A refusal of the JSON API. `message` is a plain sentence for people, `kind` one word for programs. */
export class ConsoleError extends Error {
  override readonly name = 'ConsoleError';
  readonly field: string | null;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    readonly status: number,
    readonly kind: RefusalKind,
    message: string,
    options: ConsoleErrorOptions = {},
  ) {
    super(message, options);
    this.field = options.field ?? null;
    this.headers = options.headers ?? {};
  }
}

const ACCOUNT_STATUSES: Partial<Record<AccountErrorKind, number>> = {
  'email-taken': 409,
  'drive-id-taken': 409,
  'no-such-user': 404,
  'no-such-drive': 404,
  'no-such-member': 404,
  'no-such-app-password': 404,
  'no-such-passkey': 404,
  'no-such-session': 404,
  'passkey-taken': 409,
  'last-second-factor': 409,
  'no-host-name': 409,
  'wrong-code': 403,
  'wrong-password': 403,
  'last-manager': 409,
  'last-administrator': 409,
  'second-factor-on': 409,
  'second-factor-off': 409,
  'second-factor-required': 403,
  throttled: 429,
};

/** Where the API says it in another status than WebDAV, whose methods give theirs a meaning. */
const DRIVE_STATUSES: Partial<Record<DriveErrorKind, number>> = {
  exists: 409,
  'is-a-collection': 409,
  'into-itself': 409,
  'name-too-long': 400,
};

/** A `ConsoleError` for what accounts, the drive and its stores refuse; null for anything that nobody expected. */
export function toConsoleError(error: unknown): ConsoleError | null {
  if (error instanceof ConsoleError) return error;
  if (error instanceof AccountError) {
    return new ConsoleError(ACCOUNT_STATUSES[error.kind] ?? 400, error.kind, error.message, { cause: error });
  }
  if (error instanceof DriveError) {
    return new ConsoleError(DRIVE_STATUSES[error.kind] ?? STATUSES[error.kind][0], error.kind, error.message, {
      cause: error,
    });
  }
  if (error instanceof NameTakenError) {
    return new ConsoleError(409, 'exists', 'Somebody else has just taken that name. Try again.', { cause: error });
  }
  if (error instanceof PasswordsBusyError || error instanceof StoreBusyError) {
    const options = { cause: error, headers: { 'Retry-After': '5' } };
    return new ConsoleError(503, 'busy', 'The server is busy. Try again in a moment.', options);
  }
  if (error instanceof OutcomeUnknownError) {
    const text = 'Nobody can say whether this was stored. Look, and try again.';
    return new ConsoleError(503, 'busy', text, { cause: error, headers: { 'Retry-After': '5' } });
  }
  if (error instanceof StoreFailingError) {
    const text = "The server's disk failed to store this. Try again in a moment.";
    return new ConsoleError(503, 'disk-fails', text, { cause: error, headers: { 'Retry-After': '10' } });
  }
  if (error instanceof StorageFullError) {
    return new ConsoleError(507, 'storage-full', "The server's disk is full.", { cause: error });
  }
  return null;
}

/** Runs work, and says of what accounts refuse which field of the body is wrong. */
export async function inField<T>(
  fields: Partial<Record<AccountErrorKind, string>>,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const field = error instanceof AccountError ? fields[error.kind] : undefined;
    const known = field === undefined ? null : toConsoleError(error);
    if (!known || field === undefined) throw error;
    throw new ConsoleError(known.status, known.kind, known.message, { cause: error, field });
  }
}
