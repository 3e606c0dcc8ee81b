/** What can go wrong with names and bytes. `dav/` has the table from these to HTTP statuses. */
export type DriveErrorKind =
  | 'not-found'
  | 'parent-missing'
  | 'exists'
  | 'not-a-collection'
  | 'is-a-collection'
  | 'forbidden'
  | 'into-itself'
  | 'name-invalid'
  | 'name-too-long'
  | 'drive-full'
  | 'too-large'
  | 'incomplete'
  | 'digest-mismatch'
  | 'locked'
  | 'lock-conflict'
  | 'busy'
  | 'too-many';

/** A refusal that the person can do something about; the message says what, in a plain sentence. */
export class DriveError extends Error {
  override readonly name = 'DriveError';
  /** Paths (as the principal sees them) that the error speaks of, e.g. of the lock in the way. */
  readonly paths: readonly (readonly string[])[];

  constructor(
    readonly kind: DriveErrorKind,
    message: string,
    options: ErrorOptions & { paths?: readonly (readonly string[])[] } = {},
  ) {
    super(message, options);
    this.paths = options.paths ?? [];
  }
}
