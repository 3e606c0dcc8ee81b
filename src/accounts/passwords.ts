import { randomBytes } from 'node:crypto';
import argon2 from 'argon2';

/** What one argon2id run costs; one lane. */
export interface PasswordCost {
  readonly memoryKib: number;
  readonly passes: number;
}

/** OWASP's: 19 MiB and two passes. */
const COST: PasswordCost = { memoryKib: 19_456, passes: 2 };
/** Runs at the same time: bounds memory to 38 MiB and leaves threads for files. */
const RUNS_MAX = 2;
/** Runs that may wait, about a second's worth of work. */
const WAITING_MAX = 64;

/** Too many passwords are being checked already; trying again in a few seconds may succeed. */
export class PasswordsBusyError extends Error {
  override readonly name = 'PasswordsBusyError';
}

/** Hashes passwords with argon2id, a few at a time, so that a flood of them can't eat the memory. */
export class Passwords {
  /** A hash that no password fits, for users that don't exist: checking it costs what a real one costs. */
  readonly dummyHash: string;
  readonly #cost: PasswordCost;
  #running = 0;
  #runs = 0;
  #refused = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(cost: PasswordCost = COST) {
    this.#cost = cost;
    this.dummyHash = makeDummyHash(cost);
  }

  /** How often argon2 ran. */
  get runs(): number {
    return this.#runs;
  }

  /** Runs that wait for their turn, and how often there were too many of them for one more. */
  get queue(): { readonly waiting: number; readonly refused: number } {
    return { waiting: this.#waiting.length, refused: this.#refused };
  }

  /** Throws `PasswordsBusyError`. */
  hashPassword(password: string): Promise<string> {
    const { memoryKib: memoryCost, passes: timeCost } = this.#cost;
    const options = { memoryCost, timeCost, parallelism: 1 };
    return this.#run(() => argon2.hash(password.normalize('NFC'), { type: argon2.argon2id, ...options }));
  }

  /** Throws `PasswordsBusyError`. */
  verifyPassword(hash: string, password: string): Promise<boolean> {
    return this.#run(() => argon2.verify(hash, password.normalize('NFC')));
  }

  async #run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= RUNS_MAX) {
      if (this.#waiting.length >= WAITING_MAX) {
        this.#refused++;
        throw new PasswordsBusyError('too many passwords are being checked');
      }
      // A run that ends hands its place on, so `#running` stays as it is.
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else {
      this.#running++;
    }
    this.#runs++;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running--;
    }
  }
}

function makeDummyHash({ memoryKib, passes }: PasswordCost): string {
  const part = (bytes: number) => randomBytes(bytes).toString('base64').replace(/=+$/, '');
  return `$argon2id$v=19$m=${memoryKib},t=${passes},p=1$${part(16)}$${part(32)}`;
}
