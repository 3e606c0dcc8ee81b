import { inTime } from '../metrics/in-time.js';

/** How long an answer holds, and how long it may take, in milliseconds. */
const HOLDS_MS = 5_000;
const ANSWER_MS = 1_500;

export interface Failure {
  readonly error: unknown;
  /** Since when it fails, on the scale of `performance.now()`. */
  readonly since: number;
}

/** Asks whether something answers, at most once in some seconds for all who want to know. */
export class Probe {
  readonly #ask: () => Promise<void>;
  #failure: Failure | null = null;
  #askedAt = Number.NEGATIVE_INFINITY;
  #asking: Promise<void> | null = null;

  /** `ask` rejects where it doesn't. */
  constructor(ask: () => Promise<void>) {
    this.#ask = ask;
  }

  /** Null where it answers. Resolves in time: who is silent fails. */
  async look(): Promise<Failure | null> {
    if (!this.#asking && performance.now() - this.#askedAt < HOLDS_MS) return this.#failure;
    this.#asking ??= this.#begin();
    await inTime(this.#asking, ANSWER_MS).catch((error: unknown) => this.#fails(error));
    return this.#failure;
  }

  async #begin(): Promise<void> {
    try {
      await this.#ask();
      this.#failure = null;
    } catch (error) {
      this.#fails(error);
    } finally {
      this.#askedAt = performance.now();
      this.#asking = null;
    }
  }

  #fails(error: unknown): void {
    this.#failure = { error, since: this.#failure?.since ?? performance.now() };
  }
}
