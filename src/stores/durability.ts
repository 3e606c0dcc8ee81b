/** Whether what is written becomes durable, and what is to be done for it. */
export interface Durability {
  /** Why nothing more is acknowledged, in a sentence; null where all is well. */
  trouble(): string | null;
  /**
   * Makes a commit of a few bytes, at most once in some seconds; meanwhile it answers as the last time. Rejects as
   * `DriveStore.write` does.
   */
  prove(): Promise<void>;
  /**
   * Moves what the log holds to where it stays, durable, and gives the log's room back. False where something else reads
   * from the log, or the disk fails: what is acknowledged is as safe as before.
   */
  emptyLog(): Promise<boolean>;
  /** Sets room aside for what makes room (`WriteOptions.mayUseReserve`), where there is plenty and some was used. */
  keepReserve(): Promise<void>;
}

/** What an operator should know of that no request asked for. */
export interface Notice {
  readonly level: 'fatal' | 'error' | 'warn' | 'info';
  readonly message: string;
  readonly cause?: unknown;
}

export type Tell = (notice: Notice) => void;
