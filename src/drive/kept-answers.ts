import type { Membership } from '../stores/account-store.js';
import type { Basis, CommitMark, CommitWatch } from '../stores/commit-watch.js';

/** An answer beside its bytes takes so much for its key and for what knows of it, about. */
const ENTRY_BYTES = 1024;
/** No answer may take more than this part of the room. */
const ANSWER_SHARE = 1 / 8;
/** What is free after room was made, as a part of the whole: making some looks at all answers. */
const FREE_SHARE = 1 / 8;

/** What was worked out. */
export interface Worked<T> {
  readonly value: T;
  /** What it takes in memory; null: it isn't kept, because time or something else changes it. */
  readonly bytes: number | null;
  /** What is kept of it, where it has more memory than that. */
  readonly toKeep?: () => T;
}

/** What is wanted, and as of when. */
export interface Wanted<T> {
  /** All that the answer depends on but its basis and what `holds` looks at, the principal's rights among it. */
  readonly key: string;
  readonly basis: Basis;
  /** What `work` rests on isn't older than this look. */
  readonly asOf: CommitMark;
  /** Looks at what no commit tells. */
  readonly holds?: ((value: T) => boolean) | undefined;
}

interface Entry {
  readonly value: unknown;
  readonly basis: Basis;
  readonly asOf: CommitMark;
  readonly bytes: number;
  /** To work out. */
  readonly milliseconds: number;
  hits: number;
}

/**
 * Answers of this process that were worked out before, within a fixed room. An answer stands while nothing of its basis was
 * committed; what a commit makes stale is the engine's to say (`CommitWatch`). What ends by time isn't kept.
 */
export class KeptAnswers {
  readonly #commits: CommitWatch;
  readonly #bytesMax: number;
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;
  #hits = 0;
  #misses = 0;

  /** `bytesMax` 0 keeps none. */
  constructor(commits: CommitWatch, bytesMax: number) {
    this.#commits = commits;
    this.#bytesMax = bytesMax;
  }

  /** Since the start; `bytes` as of now. */
  stats(): { readonly hits: number; readonly misses: number; readonly bytes: number } {
    return { hits: this.#hits, misses: this.#misses, bytes: this.#bytes };
  }

  /** Rejects as `work` does; a failure isn't kept. */
  async find<T>(wanted: Wanted<T>, work: () => Promise<Worked<T>>): Promise<T> {
    if (this.#bytesMax === 0) return (await work()).value;
    const { key, asOf, holds } = wanted;
    const entry = this.#entries.get(key);
    if (entry && this.#stands(entry, asOf) && (!holds || holds(entry.value as T))) {
      this.#hits++;
      entry.hits++;
      return entry.value as T;
    }
    this.#misses++;
    const startedAt = performance.now();
    const worked = await work();
    this.#drop(key);
    this.#keep(wanted, worked, performance.now() - startedAt);
    return worked.value;
  }

  #keep<T>({ key, basis, asOf }: Wanted<T>, { value, bytes: own, toKeep }: Worked<T>, milliseconds: number): void {
    const bytes = (own ?? Infinity) + ENTRY_BYTES + 2 * key.length;
    if (bytes > this.#bytesMax * ANSWER_SHARE) return;
    if (this.#bytes + bytes > this.#bytesMax) this.#makeRoom(bytes, asOf);
    this.#entries.set(key, { value: toKeep ? toKeep() : value, basis, asOf, bytes, milliseconds, hits: 0 });
    this.#bytes += bytes;
  }

  #stands({ basis, asOf }: Entry, now: CommitMark): boolean {
    return this.#commits.isSame(asOf, now, basis);
  }

  #drop(key: string): void {
    const entry = this.#entries.get(key);
    if (!entry) return;
    this.#bytes -= entry.bytes;
    this.#entries.delete(key);
  }

  /** What is stale goes first, then what has saved least time a byte. */
  #makeRoom(bytes: number, now: CommitMark): void {
    for (const [key, entry] of this.#entries) if (!this.#stands(entry, now)) this.#drop(key);
    const most = this.#bytesMax * (1 - FREE_SHARE) - bytes;
    const byGain = [...this.#entries].sort(([, one], [, other]) => gainOf(one) - gainOf(other));
    for (const [key] of byGain) {
      if (this.#bytes <= most) break;
      this.#drop(key);
    }
    // What was wanted long ago counts less each time.
    for (const entry of this.#entries.values()) entry.hits /= 2;
  }
}

function gainOf({ milliseconds, hits, bytes }: Entry): number {
  return (milliseconds * (1 + hits)) / bytes;
}

const rightsKeys = new WeakMap<Membership, string>();

/** The whole of what a principal may do on a drive, as a part of a key. */
export function rightsKey(membership: Membership): string {
  let key = rightsKeys.get(membership);
  if (key === undefined) {
    key = JSON.stringify(membership);
    rightsKeys.set(membership, key);
  }
  return key;
}
