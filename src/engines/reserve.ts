import { randomFillSync } from 'node:crypto';
import { statfsSync, statSync, truncateSync } from 'node:fs';
import { open, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode } from './disk/file-calls.js';

/** A deletion writes some ten pages of 4 KiB to the log; emptying the log needs at most as much again in the database. */
const BYTES = 16 * 1024 * 1024;
/** What is given up at a time: some hundred deletions, and the 32 KiB that SQLite needs to open the database. */
const STEP_BYTES = 4 * 1024 * 1024;
/** Free bytes from which on the reserve is made: it isn't to fill the disk that it is there for. */
const MAKE_FROM_BYTES = 4 * BYTES;
const CHUNK_BYTES = 1024 * 1024;
/** What the log takes and gives back meanwhile. */
const MARGIN_BYTES = 4 * 1024 * 1024;
/** How long an answer holds whether it is owed, in milliseconds. */
const OWING_MS = 500;
/** Fewer free bytes than SQLite may need to open a database. */
const FULL_BYTES = 256 * 1024;

/**
 * Room that is kept for making room: a file `reserve` in the storage folder, of bytes that no file system stores in
 * fewer. It is cut short where the disk is full and something is to be deleted.
 */
export class Reserve {
  readonly #path: string;
  readonly #folder: string;
  #filling: Promise<void> | null = null;
  /** Whether other processes cut it short, too. */
  readonly #isShared: boolean;
  /** What was given up of it; 0 where it is whole or was never made. */
  #owedBytes: number;
  #owing: { readonly is: boolean; readonly until: number } | null = null;

  constructor(folder: string, { isShared = false }: { readonly isShared?: boolean } = {}) {
    this.#folder = folder;
    this.#path = join(folder, 'reserve');
    this.#isShared = isShared;
    this.#owedBytes = this.#lookOwed();
  }

  #lookOwed(): number {
    return BYTES - (statSync(this.#path, { throwIfNoEntry: false })?.size ?? BYTES);
  }

  /** A disk that doesn't say it fails the write itself, if at all. */
  #lookAgain(): number {
    try {
      return this.#lookOwed();
    } catch {
      return this.#owedBytes;
    }
  }

  /** Whether what is free is what was given up: for making room alone. */
  isOwed(): boolean {
    if (this.#isShared) this.#owedBytes = this.#lookAgain();
    if (this.#owedBytes === 0) return false;
    if (!this.#owing || performance.now() > this.#owing.until) {
      this.#owing = { is: this.#freeBytes() < this.#owedBytes + MARGIN_BYTES, until: performance.now() + OWING_MS };
    }
    return this.#owing.is;
  }

  /** Frees a part of it; false where nothing is left. Blocks for a moment. */
  giveUp(): boolean {
    try {
      const { size } = statSync(this.#path);
      if (size === 0) return false;
      const left = Math.max(0, size - STEP_BYTES);
      truncateSync(this.#path, left);
      this.#owedBytes = BYTES - left;
      this.#owing = null;
      return true;
    } catch {
      return false; // Never made, or on a disk that takes nothing any more.
    }
  }

  /** Whether there is so little room that a database can't be opened. */
  isDiskFull(): boolean {
    return this.#freeBytes() < FULL_BYTES;
  }

  #freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.#folder);
    return bavail * bsize;
  }

  /** Makes it whole again where there is plenty of room. Costs a look where it is whole. */
  fill(): Promise<void> {
    this.#filling ??= this.#fill().finally(() => {
      this.#filling = null;
    });
    return this.#filling;
  }

  async #fill(): Promise<void> {
    const former = await this.#size();
    if (former === null || former < BYTES) await this.#fillFrom(former ?? 0);
  }

  async #fillFrom(former: number): Promise<void> {
    if (this.#freeBytes() < MAKE_FROM_BYTES) return;
    const chunk = randomFillSync(Buffer.alloc(CHUNK_BYTES));
    const file = await open(this.#path, 'a', 0o600);
    try {
      for (let size = former; size < BYTES; size += CHUNK_BYTES) {
        await file.write(chunk, 0, Math.min(CHUNK_BYTES, BYTES - size));
      }
      await file.sync();
      this.#owedBytes = 0;
    } catch (error) {
      await truncate(this.#path, former);
      throw error;
    } finally {
      await file.close();
    }
  }

  async #size(): Promise<number | null> {
    try {
      return (await stat(this.#path)).size;
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return null;
      throw error;
    }
  }
}
