import type { ThrottleLimit, ThrottleStore } from '../stores/throttle-store.js';

/** Counts of this process, for as long as the store takes no writes; no more than there are counters. */
export class SpareCounts implements Pick<ThrottleStore, 'take' | 'giveBack'> {
  readonly #counts = new Map<string, { readonly limit: ThrottleLimit; used: number; endsAt: number }[]>();

  async take(counter: string, limits: readonly ThrottleLimit[], now: number): Promise<number> {
    const known = this.#counts.get(counter) ?? limits.map((limit) => ({ limit, used: 0, endsAt: 0 }));
    for (const count of known) {
      const endsAt = now + count.limit.seconds * 1000;
      if (count.endsAt <= now || count.endsAt > endsAt) Object.assign(count, { used: 0, endsAt });
    }
    const waits = known.filter(({ used, limit }) => used >= limit.points).map(({ endsAt }) => endsAt - now);
    if (waits.length > 0) return Math.max(...waits);
    for (const count of known) count.used++;
    this.#counts.set(counter, known);
    return 0;
  }

  async giveBack(counter: string): Promise<void> {
    for (const count of this.#counts.get(counter) ?? []) count.used = Math.max(0, count.used - 1);
  }
}
