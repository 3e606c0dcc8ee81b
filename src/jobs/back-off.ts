import { setTimeout as wait } from 'node:timers/promises';

/** Another try may well succeed. `afterMs`: the other side said when, in milliseconds from now. */
export class RetryableError extends Error {
  override readonly name = 'RetryableError';
  readonly afterMs: number | null;

  constructor(message: string, options: { readonly afterMs?: number | null; readonly cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.afterMs = options.afterMs ?? null;
  }
}

export interface BackOff {
  readonly firstMs: number;
  readonly longestMs: number;
  /** With the first one. */
  readonly triesMax: number;
}

/** Twice as long after each failure, with half of it left to chance, so that many who failed at once don't come at once. */
export function backOffMs(failures: number, { firstMs, longestMs }: BackOff, chance: number = Math.random()): number {
  const full = Math.min(longestMs, firstMs * 2 ** Math.min(failures - 1, 30));
  return Math.round(full * (0.5 + chance / 2));
}

/**
 * Does the work again after a `RetryableError`, which rejects when tries run out, or when the other side wants more time than
 * the longest pause; all else rejects at once.
 */
export async function retrying<T>(
  work: (tries: number) => Promise<T>,
  backOff: BackOff,
  signal: AbortSignal,
): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work(tries);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof RetryableError) || tries >= backOff.triesMax) throw error;
      const pause = error.afterMs ?? backOffMs(tries, backOff);
      if (pause > backOff.longestMs) throw error;
      await wait(pause, undefined, { signal });
    }
  }
}
