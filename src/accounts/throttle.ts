import { hash, randomBytes } from 'node:crypto';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { addressBlock } from './address-block.js';

/** Wrong guesses at one account from one address. */
const PAIR_GUESSES_MAX = 10;
/** Wrong guesses from one address, at whichever accounts: a whole office may sit behind it. */
const ADDRESS_GUESSES_MAX = 100;
const WINDOW_SECONDS = 15 * 60;
/**
 * Counters of each kind. Who counts is spread over them by a secret hash, so memory is bounded whatever comes; two who
 * meet share their guesses, which is rare and harmless.
 */
const COUNTERS = 1 << 17;

/** A guess that was let through. One that turns out to be none is given back. */
export interface Guess {
  giveBack(): Promise<void>;
}

/** Slows guessing by account and address, so that nobody is locked out from elsewhere (PRODUCT S5). */
export class Throttle {
  readonly #secret = randomBytes(32).toString('base64');
  readonly #pairs = new RateLimiterMemory({ points: PAIR_GUESSES_MAX, duration: WINDOW_SECONDS });
  readonly #addresses = new RateLimiterMemory({ points: ADDRESS_GUESSES_MAX, duration: WINDOW_SECONDS });

  /**
   * Counts a guess before it is looked at, so that guesses at the same time count too; or gives the seconds to wait.
   */
  async take(account: string, remoteAddress: string): Promise<Guess | { readonly retryAfterSeconds: number }> {
    const block = addressBlock(remoteAddress);
    const pair = this.#counter(`${block} ${account}`);
    const address = this.#counter(block);
    const pairWaitSeconds = await waitSeconds(this.#pairs, pair);
    if (pairWaitSeconds > 0) return { retryAfterSeconds: pairWaitSeconds };
    const addressWaitSeconds = await waitSeconds(this.#addresses, address);
    if (addressWaitSeconds > 0) {
      await this.#pairs.reward(pair);
      return { retryAfterSeconds: addressWaitSeconds };
    }
    return {
      giveBack: async () => {
        await this.#pairs.reward(pair);
        await this.#addresses.reward(address);
      },
    };
  }

  #counter(who: string): number {
    return hash('sha256', this.#secret + who, 'buffer').readUInt32BE(0) % COUNTERS;
  }
}

/** Counts one more; gives 0, or the seconds to wait. */
export async function waitSeconds(limiter: RateLimiterMemory, counter: number): Promise<number> {
  try {
    await limiter.consume(counter);
    return 0;
  } catch (error) {
    // The limiter refuses with its result, which is no Error.
    if (error instanceof Error) throw error;
    const { msBeforeNext } = error as { msBeforeNext: number };
    return Math.max(1, Math.ceil(msBeforeNext / 1_000));
  }
}
