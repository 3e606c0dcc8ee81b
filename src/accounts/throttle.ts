import { StorageFullError } from '../stores/blob-store.js';
import { type MetadataStore, StoreFailingError } from '../stores/metadata-store.js';
import { countOneMore, type ThrottleCount, type ThrottleLimit, type ThrottleStore } from '../stores/throttle-store.js';
import { addressBlock } from './address-block.js';
import { PasswordsBusyError } from './passwords.js';
import type { SecretBox } from './secret-box.js';

const WINDOW_SECONDS = 15 * 60;
/** Wrong guesses at one account from one address. */
const PAIR_LIMITS: readonly ThrottleLimit[] = [{ points: 10, seconds: WINDOW_SECONDS }];
/** Wrong guesses from one address, at all accounts: a whole office may sit behind it. */
const ADDRESS_LIMITS: readonly ThrottleLimit[] = [{ points: 100, seconds: WINDOW_SECONDS }];
/**
 * Counters of each kind. Who counts is spread over them by a secret hash, so the rows are bounded whatever comes; two who
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

type Counts = Pick<ThrottleStore, 'take' | 'giveBack'>;

interface Refused {
  readonly retryAfterSeconds: number;
}

/** Guesses that are being checked, by counter; those of all workers where a server has some. */
export interface GuessesUnderWay {
  /** To be called in the transaction that counts the guess: who meets the count finds the guess here. */
  begin(counter: string): void;
  end(counter: string, isWrong: boolean): void;
  has(counter: string): boolean | Promise<boolean>;
  /** Resolves when a guess under way has ended; at once where there is none. */
  ended(counter: string): Promise<void>;
}

/** `GuessesUnderWay` of one process. */
export class UnderWay implements GuessesUnderWay {
  readonly #lines = new Map<string, { count: number; readonly waiting: (() => void)[] }>();

  has(counter: string): boolean {
    return this.#lines.has(counter);
  }

  begin(counter: string): void {
    this.#lineOf(counter).count++;
  }

  /** A place that a wrong guess keeps lets nobody in; after the last one, those that wait learn that they are refused. */
  end(counter: string, isWrong: boolean): void {
    const line = this.#lineOf(counter);
    line.count--;
    if (line.count === 0) this.#lines.delete(counter);
    const woken = line.count === 0 ? line.waiting.splice(0) : isWrong ? [] : line.waiting.splice(0, 1);
    for (const wake of woken) wake();
  }

  async ended(counter: string): Promise<void> {
    const line = this.#lines.get(counter);
    if (line) await new Promise<void>((resolve) => void line.waiting.push(resolve));
  }

  #lineOf(counter: string) {
    const line = this.#lines.get(counter) ?? { count: 0, waiting: [] };
    this.#lines.set(counter, line);
    return line;
  }
}

/** Counts of this process, for as long as the store takes no writes; no more than there are counters. */
export class SpareCounts implements Counts {
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

export interface ThrottleOptions {
  /** Chooses counters, so that nobody can choose whom they share theirs with. */
  readonly box: SecretBox;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Where other processes check guesses, too. */
  readonly underWay?: GuessesUnderWay;
}

/** Slows guessing by account and address, so that nobody is locked out from elsewhere (PRODUCT S5). */
export class Throttle {
  readonly #metadata: MetadataStore;
  readonly #options: ThrottleOptions;
  readonly #spare = new SpareCounts();
  readonly #underWay: GuessesUnderWay;
  #waiting = 0;

  constructor(metadata: MetadataStore, options: ThrottleOptions) {
    this.#metadata = metadata;
    this.#options = options;
    this.#underWay = options.underWay ?? new UnderWay();
  }

  /**
   * Counts a guess before its password is checked, so that guesses at the same time count too, or returns the seconds to
   * wait. Where guesses under way fill the count, it waits until one of them ends: after a restart all programs of an
   * account come at once, and their passwords are right. Throws `PasswordsBusyError` when too many wait.
   */
  async take(account: string, remoteAddress: string): Promise<Guess | Refused> {
    const block = addressBlock(remoteAddress);
    const pair = this.#counter('pair', `${block} ${account}`);
    const address = this.#counter('address', block);
    for (;;) {
      const refused = await this.#count(pair, address);
      if (!refused) return this.#guess([pair, address]);
      if (!(await this.#underWay.has(refused.counter))) {
        return { retryAfterSeconds: Math.max(1, Math.ceil(refused.waitMs / 1000)) };
      }
      if (this.#waiting >= WAITING_MAX) throw new PasswordsBusyError('too many passwords wait to be checked');
      this.#waiting++;
      await this.#underWay.ended(refused.counter);
      this.#waiting--;
    }
  }

  /** Null, and the guess is under way; or the counter that is used up, and neither counts. */
  async #count(pair: string, address: string): Promise<{ counter: string; waitMs: number } | null> {
    const now = this.#options.now();
    const counters = [pair, address];
    let isBegun = false;
    let isCounted = false;
    try {
      const refused = await this.#ask(async (throttle) => {
        const pairMs = await throttle.take(pair, PAIR_LIMITS, now);
        if (pairMs > 0) return { counter: pair, waitMs: pairMs };
        const addressMs = await throttle.take(address, ADDRESS_LIMITS, now);
        if (addressMs === 0) {
          if (!isBegun) for (const counter of counters) this.#underWay.begin(counter);
          isBegun = true;
          return null;
        }
        await throttle.giveBack(pair);
        return { counter: address, waitMs: addressMs };
      });
      isCounted = refused === null;
      return refused;
    } finally {
      if (isBegun && !isCounted) for (const counter of counters) this.#underWay.end(counter, true);
    }
  }

  #guess(counters: readonly string[]): Guess {
    return {
      end: async (isWrong) => {
        try {
          if (!isWrong) await this.#giveBack(counters);
        } finally {
          for (const counter of counters) this.#underWay.end(counter, isWrong);
        }
      },
    };
  }

  #giveBack(counters: readonly string[]): Promise<void> {
    return this.#ask(async (throttle) => {
      for (const counter of counters) await throttle.giveBack(counter);
    });
  }

  /** A disk that takes no writes keeps nobody out who has the right password: it is counted here meanwhile. */
  async #ask<T>(work: (counts: Counts) => Promise<T>): Promise<T> {
    try {
      return await this.#metadata.write([], ({ throttle }) => work(throttle));
    } catch (error) {
      if (!(error instanceof StorageFullError || error instanceof StoreFailingError)) throw error;
      return work(this.#spare);
    }
  }

  #counter(kind: string, who: string): string {
    return `${kind} ${this.#options.box.mac(who, `throttle ${kind}`).readUInt32BE(0) % COUNTERS}`;
  }
}
