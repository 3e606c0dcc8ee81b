/** The write-ahead log of a database file as one process sees it, which may not be the one that keeps it. */
export interface SharedLog {
  /** Why nothing more is acknowledged; null where all is well. */
  readonly trouble: string | null;
  /** Its length as of the last look; null where another process knows it. */
  readonly bytes: number | null;
  /** Nothing that this process writes, syncs or closes is to be believed. */
  readonly isLost: boolean;
  /** Runs work in its turn to write: no other process of this server writes meanwhile. */
  turn<T>(work: () => Promise<T>): Promise<T>;
  /**
   * In a turn, before its transaction: whether its commit leaves the sync to `sync`. Where syncs are slow they would keep the event
   * loop, and all that is read meanwhile.
   */
  leavesSync(): Promise<boolean>;
  /**
   * In a turn: what was committed is on the disk, off the event loop. Rejects with `OutcomeUnknownError`: then nothing that this
   * process commits is to be believed.
   */
  sync(): Promise<void>;
  /** How long a commit and its sync took, in milliseconds. */
  took(milliseconds: number): void;
  /** How long to let writes come together before the next turn, in milliseconds. */
  readonly pauseMs: number;
  /** In a turn: the disk failed a commit. Returns what its writes are told, when the log was looked after. */
  failed(error: unknown): Promise<Error>;
  /** In a turn, on a full disk: frees some room for what makes room; false where there is none. */
  makeRoom(): Promise<boolean>;
  /** After a turn: moves the log to the database where it is long. */
  shorten(): Promise<void>;
  /** As `Durability.emptyLog`. Not in a turn. */
  empty(): Promise<boolean>;
  /** Nothing is asked any more. */
  stop(): Promise<void>;
  /** After the database was closed. */
  end(): Promise<void>;
}
