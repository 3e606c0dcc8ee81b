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
  | 'too-many'
  /** Deeper than addresses reach. */
  | 'too-deep'
  /** More nodes than one COPY takes. */
  | 'tree-too-large'
  /** A COPY never met its source at rest. */
  | 'source-changes'
  /** What the principal came in by has ended: revoked, expired, signed out, disabled. */
  | 'not-signed-in'
  /** The drive is gone, or the principal is no member of it any more. */
  | 'no-such-drive';

/** Whether the principal has lost what they came in by, or their place on the drive, since they came in. */
export function isAccessLost(error: unknown): error is DriveError {
  return error instanceof DriveError && (error.kind === 'not-signed-in' || error.kind === 'no-such-drive');
}

export interface ErrorPlace {
  readonly path: readonly string[];
  readonly isCollection: boolean;
}

/** A refusal that the person can do something about; the message says what, in a plain sentence. */
export class DriveError extends Error {
  override readonly name = 'DriveError';
  /** What (by the paths that the principal sees) the error speaks of, e.g. the roots of the locks in the way. */
  readonly places: readonly ErrorPlace[];

  constructor(
    readonly kind: DriveErrorKind,
    message: string,
    options: ErrorOptions & { places?: readonly ErrorPlace[] } = {},
  ) {
    super(message, options);
    this.places = options.places ?? [];
  }
}
