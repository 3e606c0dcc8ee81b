import { countOneMore, type ThrottleCount, type ThrottleLimit, type ThrottleStore } from '../stores/throttle-store.js';

/** Counts of this process, for as long as the store takes no writes; no more than there are counters. */
export class SpareCounts implements Pick<ThrottleStore, 'take' | 'giveBack'> {
  readonly #counts = new Map<string, readonly ThrottleCount[]>();

  async take(counter: string, limits: readonly ThrottleLimit[], now: number): Promise<number> {
    const counts = countOneMore(this.#counts.get(counter) ?? [], limits, now);
    if (typeof counts === 'number') return counts;
    this.#counts.set(counter, counts);
    return 0;
  }

  async giveBack(counter: string): Promise<void> {
    const counts = this.#counts.get(counter);
    if (!counts) return;
    this.#counts.set(
      counter,
      counts.map((count) => ({ ...count, used: Math.max(0, count.used - 1) })),
    );
  }
}
