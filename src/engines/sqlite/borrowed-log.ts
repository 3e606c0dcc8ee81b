import type Database from 'better-sqlite3';
import { StorageFullError } from '../../stores/blob-store.js';
import { StoreFailingError } from '../../stores/metadata-store.js';
import type { DiskFailure, WriteTurns } from '../../stores/write-turns.js';
import { Mutex } from '../mutex.js';
import type { SharedLog } from './shared-log.js';

/** The log of a worker: another process keeps it, lends the turns to write, and makes all checkpoints. */
export class BorrowedLog implements SharedLog {
  readonly isLost = false;
  readonly bytes = null;
  readonly pauseMs = 0;
  readonly #turns: WriteTurns;
  readonly #turn = new Mutex();
  /** As of the last turn. */
  #trouble: string | null = null;

  constructor(turns: WriteTurns, writer: Database.Database) {
    this.#turns = turns;
    writer.pragma('wal_autocheckpoint = 0');
  }

  /** Where it was one, it is asked again, for the next time. */
  get trouble(): string | null {
    if (this.#trouble !== null && this.#turn.isFree) void this.turn(async () => {});
    return this.#trouble;
  }

  turn<T>(work: () => Promise<T>): Promise<T> {
    return this.#turn.take(async () => {
      this.#trouble = await this.#turns.take();
      try {
        return await work();
      } finally {
        this.#turns.give();
      }
    });
  }

  /** The other processes see a commit when it is made: it has to be durable then. */
  async leavesSync(): Promise<boolean> {
    return false;
  }

  async sync(): Promise<void> {}

  took(): void {}

  async failed(error: unknown): Promise<Error> {
    const { code, message } = error as DiskFailure;
    const reason = await this.#turns.failed({ code, message });
    return reason === 'full'
      ? new StorageFullError({ cause: error })
      : new StoreFailingError('the disk failed to store this', { cause: error });
  }

  makeRoom(): Promise<boolean> {
    return this.#turns.makeRoom();
  }

  async shorten(): Promise<void> {}

  empty(): Promise<boolean> {
    return this.#turns.emptyLog();
  }

  async stop(): Promise<void> {}

  async end(): Promise<void> {}
}
