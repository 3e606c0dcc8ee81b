/** What is remembered of the clock, and times that lie further ahead than it can have made. Milliseconds since 1970. */
export interface ClockStore {
  readMark(): Promise<ClockMark>;
  putMark(mark: ClockMark): Promise<void>;
  /**
   * Pulls back what was written while the clock was ahead, and whose loss costs little: locks to their timeout from `now`
   * on, sessions, holds of backups and marks of the collector to what begins now.
   */
  pullBack(now: number, longest: { readonly sessionMs: number; readonly holdMs: number }): Promise<void>;
  /** The same for what can't be got back: deletions in the trash, uploads in parts. */
  pullBackKept(now: number, longest: { readonly uploadMs: number }): Promise<void>;
}

export interface ClockMark {
  /** What the clock said when it was looked at last; 0: never. */
  readonly notedAt: number;
  /** The time by which things expire. What goes into the trash counts from then at the earliest. */
  readonly expiryAt: number;
  /** How long the clock has agreed with the time that passed, in milliseconds. */
  readonly steadyMs: number;
}
