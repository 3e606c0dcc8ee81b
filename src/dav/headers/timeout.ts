export interface TimeoutLimits {
  readonly maxSeconds: number;
  readonly defaultSeconds: number;
}

/** RFC 4918 §10.7: the value of `Second-` is at most 2^32 − 1. */
const SECONDS_LIMIT = 2 ** 32 - 1;

/**
 * Reads `Timeout` (RFC 4918 §10.7): how long a lock is to live, in seconds. Takes the first wish of the list that it
 * understands (`Infinite, Second-4100000000`), never more than `maxSeconds`. A missing header, an overflow, zero and
 * nonsense give `defaultSeconds`: the header is a wish and the server's answer says what it got, so this never throws.
 */
export function parseTimeout(value: string | undefined, { maxSeconds, defaultSeconds }: TimeoutLimits): number {
  for (const wish of (value ?? '').split(',')) {
    const seconds = wishedSeconds(wish.trim());
    if (seconds !== null) return Math.min(seconds, maxSeconds);
  }
  return Math.min(defaultSeconds, maxSeconds);
}

function wishedSeconds(wish: string): number | null {
  if (/^infinite$/i.test(wish)) return Number.POSITIVE_INFINITY;
  const digits = /^second-(\d{1,10})$/i.exec(wish)?.[1];
  const seconds = Number(digits ?? 0);
  return seconds > 0 && seconds <= SECONDS_LIMIT ? seconds : null;
}
