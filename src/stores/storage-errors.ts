/** The storage folder can't be used as it is. The message says why, and what to do. */
export class StorageFormatError extends Error {
  override readonly name = 'StorageFormatError';
}

/** Another server works on the same storage. */
export class StorageClaimedError extends Error {
  override readonly name = 'StorageClaimedError';
}

/** The metadata is of another Firn than this one. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError';
}
