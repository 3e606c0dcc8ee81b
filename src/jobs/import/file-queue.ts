import { setTimeout as wait } from 'node:timers/promises';
import type { FileRow } from '../../stores/import-store.js';

const PAGE = 200;
/** How long one waits for a listing to bring files. */
const PAUSE_MS = 100;

/** The files that wait, each once; reads them from the store by pages. */
export class FileQueue {
  readonly #read: (after: number, limit: number) => Promise<FileRow[]>;
  readonly #isListed: () => boolean;
  readonly #signal: AbortSignal;
  readonly #taken = new Set<number>();
  #page: FileRow[] = [];
  #after = 0;
  #reading: Promise<void> | null = null;

  /** `read`: those that wait, in the order of their ids. `isListed`: none come any more. */
  constructor(
    read: (after: number, limit: number) => Promise<FileRow[]>,
    isListed: () => boolean,
    signal: AbortSignal,
  ) {
    this.#read = read;
    this.#isListed = isListed;
    this.#signal = signal;
  }

  /** Null: all are taken. Rejects with the signal's reason. */
  async next(): Promise<FileRow | null> {
    for (;;) {
      this.#signal.throwIfAborted();
      const file = this.#page.shift();
      if (file) {
        this.#taken.add(file.id);
        return file;
      }
      const wasListed = this.#isListed();
      this.#reading ??= this.#fill().finally(() => {
        this.#reading = null;
      });
      await this.#reading;
      if (this.#page.length > 0) continue;
      if (wasListed && this.#taken.size === 0) return null;
      await wait(PAUSE_MS, undefined, { signal: this.#signal });
    }
  }

  /** The store knows what became of it. */
  done({ id }: FileRow): void {
    this.#taken.delete(id);
  }

  async #fill(): Promise<void> {
    const found = await this.#read(this.#after, PAGE);
    // Files that were known before come with their old ids, which may be smaller.
    this.#after = found.length < PAGE ? 0 : found.at(-1)!.id;
    this.#page = found.filter(({ id }) => !this.#taken.has(id));
  }
}
