/** So many in so many seconds, from the first one on. */
export interface ThrottleLimit {
  readonly points: number;
  readonly seconds: number;
}

/**
 * Counts of wrong guesses and the like. They outlive the process and are one for all processes, so that neither a restart
 * nor a second server lets more through (PRODUCT S5).
 */
export interface ThrottleStore {
  /**
   * Counts one more under each limit, or none where one of them is used up. `counter` names what is counted. Returns 0, or
   * the milliseconds to wait. A count whose end lies further away than its limit allows was made by a wrong clock and
   * begins again.
   */
  take(counter: string, limits: readonly ThrottleLimit[], now: number): Promise<number>;
  /** Takes one back from every count of `counter`. */
  giveBack(counter: string): Promise<void>;
  forget(counter: string): Promise<void>;
  /** Removes counts that have ended. */
  removeEnded(now: number): Promise<void>;
}
