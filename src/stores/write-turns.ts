/** An error of the disk, in words that travel between processes. */
export interface DiskFailure {
  /** The database's own: `SQLITE_IOERR_FSYNC`. */
  readonly code: string;
  readonly message: string;
}

/**
 * Where several processes write to one log, one of them keeps it and lends the others their turns
 * (docs/decisions/0025). One turn at a time, in the order in which they were asked for. Rejects nothing.
 */
export interface WriteTurns {
  /** Resolves when it is this process's turn: why nothing is acknowledged now, or null. */
  take(): Promise<string | null>;
  /** The turn ends. */
  give(): void;
  /** In a turn: the disk failed its commit. Resolves when the log was looked after. */
  failed(failure: DiskFailure): Promise<'full' | 'failing'>;
  /** In a turn, on a full disk: whether there is room now for what makes room. */
  makeRoom(): Promise<boolean>;
  /** Not in a turn: as `Durability.emptyLog`. */
  emptyLog(): Promise<boolean>;
}

/** Turns, as the process that lends them has them in its hand. */
export interface TurnLender extends WriteTurns {
  /** The borrower has ended; what it was writing has an outcome that nobody knows. */
  gone(): Promise<void>;
}
