import { dirname } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type Database from 'better-sqlite3';
import { StorageFullError } from '../../stores/blob-store.js';
import type { Tell } from '../../stores/durability.js';
import type { Mutex } from '../mutex.js';
import type { Reserve } from '../reserve.js';
import { LogKeeper } from './log-keeper.js';
import type { SharedLog } from './shared-log.js';
import { WriteAheadLog } from './write-ahead-log.js';

/** Pause between two tries to empty the log, in milliseconds. */
const DROP_PAUSE_MS = 20;
/** Tries to empty the log; the next checkpoint that finds nobody reading does it otherwise. */
const DROP_TRIES = 50;
/** Tries to empty the log before a failed commit is answered. */
const RESCUE_TRIES = 5;
/** Pages (of 4 KiB) in the write-ahead log before they are moved to the database: 32 MB. */
const CHECKPOINT_PAGES = 8_000;
/** Turns between two looks at how many they are. */
const TURNS_A_LOOK = 8;

export interface OwnLogOptions {
  readonly tell?: Tell;
  /** Ends the process at once; called when the disk failed and only a new start helps. */
  readonly end?: () => void;
  /** Room for what makes room. */
  readonly reserve?: Reserve;
}

interface Means {
  readonly writerTurn: Mutex;
  /** The same one where there is but one connection. */
  readonly readerTurn: Mutex;
  readonly writer: Database.Database;
}

/** The log of the process that keeps it: it alone makes checkpoints, and decides whether the log can be trusted. */
export class OwnLog implements SharedLog {
  readonly #means: Means;
  /** Null in memory. */
  readonly #keeper: LogKeeper | null;
  readonly #log: WriteAheadLog | null;
  readonly #reserve: Reserve | null;
  #turnsToLook = 0;
  #isLong = false;

  /** `path` of the database; null in memory. */
  constructor(path: string | null, means: Means, options: OwnLogOptions) {
    const { tell = () => {}, end = () => process.exit(1), reserve = null } = options;
    this.#means = means;
    this.#reserve = reserve;
    this.#log = path === null ? null : new WriteAheadLog(path, means.writer);
    this.#keeper = this.#log && new LogKeeper(this.#log, { folder: dirname(path ?? ''), tell, end });
  }

  get trouble(): string | null {
    return this.#keeper?.trouble ?? null;
  }

  get isLost(): boolean {
    return this.#keeper?.isLost ?? false;
  }

  turn<T>(work: () => Promise<T>): Promise<T> {
    return this.#means.writerTurn.take(async () => {
      try {
        return await work();
      } finally {
        this.#look();
      }
    });
  }

  /** Within the writer's turn, after its transaction: SQLite refuses to look within one. */
  #look(): void {
    if (!this.#log || ++this.#turnsToLook < TURNS_A_LOOK) return;
    this.#turnsToLook = 0;
    this.#isLong = this.#log.pages >= CHECKPOINT_PAGES;
  }

  /** A failed disk isn't written to again before it was looked after. */
  async failed(error: unknown): Promise<Error> {
    if (!this.#keeper) return error as Error;
    const reason = await this.#keeper.reason(error);
    // The log can't be emptied where the database finds no room for it.
    if (reason instanceof StorageFullError) this.#reserve?.giveUp();
    this.#keeper.distrust(error, this.#rescue);
    await this.#restoreTrust();
    return reason;
  }

  /** In a turn whose process has ended: nobody knows whether its disk failed it. */
  async doubt(): Promise<void> {
    this.#keeper?.doubt(this.#rescue);
    await this.#restoreTrust();
  }

  async #restoreTrust(): Promise<void> {
    for (let tries = 1; !(await this.#tryEmpty()) && tries < RESCUE_TRIES && !this.isLost; tries++) {
      await wait(DROP_PAUSE_MS);
    }
  }

  /** The log's own room first; a part of the reserve where that was too little. */
  async makeRoom(): Promise<boolean> {
    const isLogUsed = (this.#log?.pages ?? 0) > 0;
    if (isLogUsed && (await this.#tryEmpty())) return true;
    if (!this.#reserve?.giveUp()) return false;
    await this.#tryEmpty();
    return true;
  }

  async shorten(): Promise<void> {
    if (!this.#isLong) return;
    this.#isLong = false;
    // The answers first.
    await new Promise((resolve) => setImmediate(resolve));
    await this.turn(async () => this.#keeper?.pass(this.#rescue));
  }

  async empty(): Promise<boolean> {
    if (!this.#keeper) return true;
    // The many pages first, beside readers; the rest is little.
    await this.turn(async () => this.#keeper?.pass(this.#rescue));
    for (let tries = 0; tries < DROP_TRIES; tries++) {
      if (await this.turn(() => this.#tryEmpty())) return true;
      if (this.#keeper.trouble) return false;
      await wait(DROP_PAUSE_MS);
    }
    return false;
  }

  stop(): void {
    this.#keeper?.stop();
  }

  readonly #rescue = (): void => void this.turn(() => this.#tryEmpty());

  /** Within the writer's turn. */
  async #tryEmpty(): Promise<boolean> {
    const { readerTurn, writerTurn } = this.#means;
    const empty = async () => this.#keeper?.empty(this.#rescue) ?? true;
    return readerTurn === writerTurn ? empty() : readerTurn.take(empty);
  }
}
