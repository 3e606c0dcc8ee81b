/** Whether what is written becomes durable, and what is to be done for it. */
export interface Durability {
  /** Why nothing more is acknowledged, in a sentence; null where all is well. */
  trouble(): string | null;
  /** How many losses `begin` found; costs nothing. */
  readonly lossesAtStart: number;
  /**
   * Makes a commit of a few bytes, at most once in some seconds; meanwhile it answers as the last time. Rejects as
   * `MetadataStore.write` does.
   */
  prove(): Promise<void>;
  /**
   * Moves what the log holds to where it stays, durable, and gives the log's room back. False where something else reads
   * from the log, or the disk fails: what is acknowledged is as safe as before.
   */
  emptyLog(): Promise<boolean>;
  /**
   * For the start of a server, before it answers: empties the log, and looks whether something is lost that was stored.
   * Then it says so, keeps the bytes that nothing names any more for some days, and leaves out revisions. Ends the leases on
   * uploads of the server before. `now` in milliseconds since 1970. Never rejects.
   */
  begin(now: number): Promise<void>;
  /** Notes how far the storage has come, for the next `begin`. */
  note(now: number): Promise<void>;
  /** Sets room aside for what makes room (`WriteOptions.mayUseReserve`), where there is plenty and some was used. */
  keepReserve(): Promise<void>;
  /** What starts found lost and nobody has seen to, the earliest first. */
  losses(): Promise<readonly Loss[]>;
  forgetLosses(): Promise<void>;
}

export interface Loss {
  /** ISO 8601. */
  readonly at: string;
  /** `past`: the data is older than it was. `log`: commits behind a damaged place. */
  readonly kind: 'past' | 'log';
  /** For people: what is lost, and what to do. */
  readonly message: string;
}

/** What an operator should know of that no request asked for. */
export interface Notice {
  readonly level: 'fatal' | 'error' | 'warn' | 'info';
  readonly message: string;
  readonly cause?: unknown;
}

export type Tell = (notice: Notice) => void;
