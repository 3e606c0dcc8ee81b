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
   * the milliseconds to wait. A count whose end lies more than a minute further away than its limit allows was made by a wrong
   * clock and begins again; less is how clocks of two servers, and of two guesses at once, differ.
   */
  take(counter: string, limits: readonly ThrottleLimit[], now: number): Promise<number>;
  /** Takes one back from every count of `counter`. */
  giveBack(counter: string): Promise<void>;
  forget(counter: string): Promise<void>;
  /** Removes counts that have ended. */
  removeEnded(now: number): Promise<void>;
}

/** What is known of a counter under one limit. */
export interface ThrottleCount {
  /** Of the limit. */
  readonly seconds: number;
  readonly used: number;
  readonly endsAt: number;
}

/** What a count may have been begun ahead of who comes later, in milliseconds. */
const AHEAD_MS = 60_000;

/** Counts one more, as `ThrottleStore.take` says: the counts that are to be kept, or the milliseconds to wait. */
export function countOneMore(
  known: readonly ThrottleCount[],
  limits: readonly ThrottleLimit[],
  now: number,
): readonly ThrottleCount[] | number {
  const counts = limits.map(({ points, seconds }) => {
    const endsAt = now + seconds * 1000;
    const count = known.find((one) => one.seconds === seconds);
    const isRunning = count !== undefined && count.endsAt > now && count.endsAt <= endsAt + AHEAD_MS;
    return { points, ...(isRunning ? count : { seconds, used: 0, endsAt }) };
  });
  const waits = counts.filter(({ used, points }) => used >= points).map(({ endsAt }) => endsAt - now);
  if (waits.length > 0) return Math.max(...waits);
  return counts.map(({ seconds, used, endsAt }) => ({ seconds, used: used + 1, endsAt }));
}
