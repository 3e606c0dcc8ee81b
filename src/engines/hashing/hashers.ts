import { createHash, type Hash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import type { DigestName, Digests } from '../../stores/values.js';
import { HashThreads } from './hash-threads.js';

/** Digests of one upload, fed in order. */
export interface Hashing {
  /** Resolves when the buffer may be used again. */
  update(buffer: Buffer, length: number): Promise<void> | void;
  /** In the order of the names. Nothing is called after it but `end`. */
  digest(): Promise<readonly string[]>;
  /** Frees everything; waiting calls reject. May be called at any time, also twice. */
  end(): void;
}

/** Where uploads are hashed: beyond a few MiB in a thread, where the machine has a core for it. */
export class Hashers {
  readonly #threads: HashThreads | null;

  constructor(cores = availableParallelism()) {
    this.#threads = cores > 1 ? new HashThreads(cores - 1) : null;
  }

  forSmall(names: readonly string[]): Hashing {
    return new HashingHere(names);
  }

  forLarge(names: readonly string[]): Hashing {
    return this.#threads?.hash(names) ?? new HashingHere(names);
  }
}

class HashingHere implements Hashing {
  readonly #hashes: readonly Hash[];

  constructor(names: readonly string[]) {
    this.#hashes = names.map((name) => createHash(name));
  }

  update(buffer: Buffer, length: number): void {
    const bytes = buffer.subarray(0, length);
    for (const hash of this.#hashes) hash.update(bytes);
  }

  async digest(): Promise<readonly string[]> {
    return this.#hashes.map((hash) => hash.digest('hex'));
  }

  end(): void {
    // Nothing but memory, which goes with this instance.
  }
}

/** SHA-256 first, then what was asked for. */
export function hashNames(digests: readonly DigestName[]): readonly string[] {
  return ['sha256', ...digests];
}

/** The counterpart of `hashNames` for the values. */
export function nameDigests(digests: readonly DigestName[], values: readonly string[]): Digests {
  return Object.fromEntries(digests.map((name, index) => [name, values[index + 1]]));
}
