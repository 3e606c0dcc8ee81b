import { hash, randomBytes } from 'node:crypto';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { addressBlock } from './address-block.js';
import { PasswordsBusyError } from './passwords.js';

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

/** Guesses that may wait for others to end; about a second of argon2 runs. */
const WAITING_MAX = 64;

/** A guess that was let through; its caller must end it, once. */
export interface Guess {
  /** A password that was not wrong does not count. */
  end(isWrong: boolean): Promise<void>;
}

interface Refused {
  readonly retryAfterSeconds: number;
}

/** Guesses of one kind, by counter, and those under way among them. */
class Counters {
  readonly #limiter: RateLimiterMemory;
  readonly #underWay = new Map<number, { count: number; readonly waiting: (() => void)[] }>();

  constructor(points: number) {
    this.#limiter = new RateLimiterMemory({ points, duration: WINDOW_SECONDS });
  }

  /** Returns 0, or the seconds to wait; a refused guess leaves no trace. */
  async begin(counter: number): Promise<number> {
    const seconds = await waitSeconds(this.#limiter, counter);
    // The limiter counts those that it refuses too: without this, right passwords that came too many at once would stay refused.
    if (seconds > 0) await this.#limiter.reward(counter);
    else this.#lineOf(counter).count++;
    return seconds;
  }

  /** A place that a wrong guess keeps lets nobody in; after the last one, those that wait learn that they are refused. */
  async end(counter: number, isWrong: boolean): Promise<void> {
    if (!isWrong) await this.#limiter.reward(counter);
    const line = this.#lineOf(counter);
    line.count--;
    if (line.count === 0) this.#underWay.delete(counter);
    const woken = line.count === 0 ? line.waiting.splice(0) : isWrong ? [] : line.waiting.splice(0, 1);
    for (const wake of woken) wake();
  }

  isUnderWay(counter: number): boolean {
    return this.#underWay.has(counter);
  }

  /** Resolves when a guess under way has ended. */
  ended(counter: number): Promise<void> {
    return new Promise((resolve) => void this.#lineOf(counter).waiting.push(resolve));
  }

  #lineOf(counter: number) {
    const line = this.#underWay.get(counter) ?? { count: 0, waiting: [] };
    this.#underWay.set(counter, line);
    return line;
  }
}

/** Slows guessing by account and address, so that nobody is locked out from elsewhere (PRODUCT S5). */
export class Throttle {
  readonly #secret = randomBytes(32).toString('base64');
  readonly #pairs = new Counters(PAIR_GUESSES_MAX);
  readonly #addresses = new Counters(ADDRESS_GUESSES_MAX);
  #waiting = 0;

  /**
   * Counts a guess before its password is checked, so that guesses at the same time count too, or returns the seconds to
   * wait. Where guesses under way fill the count, it waits until one of them ends: after a restart all programs of an
   * account come at once, and their passwords are right. Throws `PasswordsBusyError` when too many wait.
   */
  async take(account: string, remoteAddress: string): Promise<Guess | Refused> {
    const block = addressBlock(remoteAddress);
    const pair = this.#counter(`${block} ${account}`);
    const address = this.#counter(block);
    for (;;) {
      const pairWaitSeconds = await this.#pairs.begin(pair);
      if (pairWaitSeconds > 0) {
        if (await this.#isWorthAnotherTry(this.#pairs, pair)) continue;
        return { retryAfterSeconds: pairWaitSeconds };
      }
      const addressWaitSeconds = await this.#addresses.begin(address);
      if (addressWaitSeconds === 0) return this.#guess(pair, address);
      await this.#pairs.end(pair, false);
      if (!(await this.#isWorthAnotherTry(this.#addresses, address))) return { retryAfterSeconds: addressWaitSeconds };
    }
  }

  #guess(pair: number, address: number): Guess {
    return {
      end: async (isWrong) => {
        await this.#pairs.end(pair, isWrong);
        await this.#addresses.end(address, isWrong);
      },
    };
  }

  async #isWorthAnotherTry(counters: Counters, counter: number): Promise<boolean> {
    if (!counters.isUnderWay(counter)) return false;
    if (this.#waiting >= WAITING_MAX) throw new PasswordsBusyError('too many passwords wait to be checked');
    this.#waiting++;
    await counters.ended(counter);
    this.#waiting--;
    return true;
  }

  #counter(who: string): number {
    return hash('sha256', this.#secret + who, 'buffer').readUInt32BE(0) % COUNTERS;
  }
}

/** Counts one more; returns 0, or the seconds to wait. */
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
