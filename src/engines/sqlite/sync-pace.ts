/** Share of the newest sync in what a sync is said to take. */
const NEWEST = 1 / 16;
/** Below this share of what makes syncs slow they are quick again. */
const QUICK = 0.4;
/** Share of a sync that the next commit waits for more writes, and how long at most, in milliseconds. */
const PAUSE = 1 / 5;
const PAUSE_MAX_MS = 3;

/**
 * Where the next commit is synced, by how long the last ones took. A sync that is shorter than a message to a thread and back costs
 * less where it is; a longer one keeps readers waiting there.
 */
export class SyncPace {
  readonly #slowMs: number;
  #meanMs = 0;
  #isSlow: boolean;

  /** `slowMs`: from which time on syncs are slow, in milliseconds; at 0 all are. */
  constructor(slowMs: number) {
    this.#slowMs = slowMs;
    this.#isSlow = slowMs === 0;
  }

  get isSlow(): boolean {
    return this.#isSlow;
  }

  /** Two groups of writers that would take turns share a commit, when the second one may come in time. */
  get pauseMs(): number {
    return this.#isSlow ? Math.min(this.#meanMs * PAUSE, PAUSE_MAX_MS) : 0;
  }

  note(milliseconds: number): void {
    this.#meanMs += (milliseconds - this.#meanMs) * NEWEST;
    if (this.#meanMs > this.#slowMs) this.#isSlow = true;
    else if (this.#meanMs < this.#slowMs * QUICK) this.#isSlow = false;
  }
}
