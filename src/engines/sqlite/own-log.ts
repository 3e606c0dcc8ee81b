import { dirname } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type Database from 'better-sqlite3';
import { StorageFullError } from '../../stores/blob-store.js';
import type { Tell } from '../../stores/durability.js';
import { OutcomeUnknownError } from '../../stores/metadata-store.js';
import type { Mutex } from '../mutex.js';
import type { Reserve } from '../reserve.js';
import { LogKeeper } from './log-keeper.js';
import { LogThreads } from './log-thread.js';
import type { SharedLog } from './shared-log.js';
import { SyncPace } from './sync-pace.js';
import { WriteAheadLog } from './write-ahead-log.js';

/** Pause between two tries to empty the log, in milliseconds. */
const DROP_PAUSE_MS = 20;
/** Tries to empty the log; the next checkpoint that finds nobody reading does it otherwise. */
const DROP_TRIES = 50;
/** Tries to empty the log before a failed commit is answered. */
const RESCUE_TRIES = 5;
const PAGE_BYTES = 4_096;
/** Bytes of the write-ahead log: when it is moved to the database, when somebody is told who keeps it from that, and its end. */
const SIZES: LogSizes = { checkpoint: 32e6, long: 64e6, full: 512e6 };
/** Turns between two looks at how many they are. */
const TURNS_A_LOOK = 8;
/** Turns until it is tried again to shorten a log that somebody reads. */
const TURNS_A_READER = 100;

interface LogSizes {
  readonly checkpoint: number;
  readonly long: number;
  readonly full: number;
}

export interface OwnLogOptions {
  /** In bytes; smaller ones for tests. */
  readonly logSizes?: LogSizes;
  readonly tell?: Tell;
  /** Ends the process at once; called when the disk failed and only a new start helps. */
  readonly end?: () => void;
  /** Room for what makes room. */
  readonly reserve?: Reserve;
  /**
   * From which time on a sync is left to a thread, in milliseconds, and checkpoints with it; absent where other processes must see
   * durable commits alone, and where no event loop has anything else to do.
   */
  readonly slowSyncMs?: number;
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
  readonly #pace: SyncPace | null;
  readonly #threads: LogThreads;
  #shortening: Promise<void> | null = null;
  #leaves = false;
  readonly #sizes: LogSizes;
  /** Length of the log, as of the last look. */
  bytes = 0;
  #turnsToLook = 0;
  #isLong = false;

  /** `path` of the database; null in memory. */
  constructor(path: string | null, means: Means, options: OwnLogOptions) {
    const { tell = () => {}, end = () => process.exit(1), reserve = null, slowSyncMs } = options;
    this.#means = means;
    this.#reserve = reserve;
    this.#threads = new LogThreads(path ?? '');
    this.#sizes = options.logSizes ?? SIZES;
    // Who reads meanwhile needs a connection of its own.
    const mayLeave = path !== null && means.readerTurn !== means.writerTurn && slowSyncMs !== undefined;
    this.#pace = mayLeave ? new SyncPace(slowSyncMs) : null;
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
    this.bytes = this.#log.pages * PAGE_BYTES;
    this.#isLong = this.bytes >= this.#sizes.checkpoint;
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

  get pauseMs(): number {
    return this.#pace?.pauseMs ?? 0;
  }

  async leavesSync(): Promise<boolean> {
    const leaves = (this.#pace?.isSlow ?? false) && (await this.#threads.has('syncs'));
    if (leaves !== this.#leaves) {
      // The log is a chain of checksums: without the sync a crash loses the last commits, and damages none.
      this.#means.writer.pragma(`synchronous = ${leaves ? 'NORMAL' : 'FULL'}`);
      this.#leaves = leaves;
    }
    return leaves;
  }

  async sync(): Promise<void> {
    try {
      this.took(await this.#threads.of('syncs').syncLog());
    } catch (error) {
      this.#keeper?.lose(error);
      throw new OutcomeUnknownError('the disk failed while this was stored', { cause: error });
    }
  }

  took(milliseconds: number): void {
    this.#pace?.note(milliseconds);
  }

  async shorten(): Promise<void> {
    if (!this.#isLong) return;
    this.#isLong = false;
    // The answers first.
    await new Promise((resolve) => setImmediate(resolve));
    if (!this.#pace) return this.#pass();
    this.#shortening ??= this.#shortenBeside().finally(() => {
      this.#shortening = null;
    });
  }

  #pass(): Promise<void> {
    return this.turn(async () => {
      this.#keeper?.pass(this.#rescue);
      this.#lookForReaders();
    });
  }

  /** In a turn, when all was moved that can be. */
  #lookForReaders(): void {
    if (!this.#log?.isRead || this.bytes < this.#sizes.long) {
      this.#keeper?.forgetReader();
      return;
    }
    // The next try needs a while, too.
    this.#turnsToLook = -TURNS_A_READER;
    this.#keeper?.tellReader(this.bytes);
    if (this.bytes >= this.#sizes.full) this.#keeper?.overfill(this.#rescue);
  }

  /** Beside writers first; they wait for the little that came meanwhile. */
  async #shortenBeside(): Promise<void> {
    if (!(await this.#threads.has('checkpoints'))) return this.#pass();
    const thread = this.#threads.of('checkpoints');
    const isMoved = await this.#try(async () => {
      await thread.pass();
      await thread.syncDatabase();
    });
    if (!isMoved) return;
    await this.turn(() =>
      this.#try(async () => {
        await thread.pass();
        this.#lookForReaders();
        await thread.commit();
      }),
    );
  }

  async #try(work: () => Promise<void>): Promise<boolean> {
    if (this.isLost) return false;
    try {
      await work();
      return true;
    } catch (error) {
      this.#keeper?.failed(error, this.#rescue);
      return false;
    }
  }

  async empty(): Promise<boolean> {
    if (!this.#keeper) return true;
    await this.#shortening;
    // The many pages first, beside readers; the rest is little.
    await this.#pass();
    for (let tries = 0; tries < DROP_TRIES; tries++) {
      if (await this.turn(() => this.#tryEmpty())) return true;
      if (this.#keeper.trouble) return false;
      await wait(DROP_PAUSE_MS);
    }
    return false;
  }

  async stop(): Promise<void> {
    this.#keeper?.stop();
    await this.#shortening;
    if (!this.isLost) await this.#threads.close();
  }

  async end(): Promise<void> {
    await this.#threads.end();
  }

  readonly #rescue = (): void => void this.turn(() => this.#tryEmpty());

  /** Within the writer's turn. */
  async #tryEmpty(): Promise<boolean> {
    const { readerTurn, writerTurn } = this.#means;
    const empty = async () => this.#keeper?.empty(this.#rescue) ?? true;
    return readerTurn === writerTurn ? empty() : readerTurn.take(empty);
  }
}
