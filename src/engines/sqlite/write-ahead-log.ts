import { statSync } from 'node:fs';
import type Database from 'better-sqlite3';
import { isBusy } from './sqlite-connection.js';

interface CheckpointRow {
  readonly busy: number;
  readonly log: number;
  readonly checkpointed: number;
}

/**
 * The write-ahead log of a database file, through the connection that writes. SQLite's own checkpoints are off: it
 * doesn't tell when they fail (`sqlite3_wal_autocheckpoint`). All of this blocks the event loop.
 */
export class WriteAheadLog {
  readonly #path: string;
  readonly #database: Database.Database;
  readonly #count: Database.Statement;
  #seen: CheckpointRow = { busy: 0, log: 0, checkpointed: 0 };

  constructor(path: string, database: Database.Database) {
    this.#path = `${path}-wal`;
    this.#database = database;
    database.pragma('wal_autocheckpoint = 0');
    this.#count = database.prepare('PRAGMA wal_checkpoint(NOOP)');
  }

  /** Pages that it holds. Throws within a transaction. */
  get pages(): number {
    return this.#look().log;
  }

  /** Whether some of it can't go to the database, because somebody still reads what was there before. Throws as `pages`. */
  get isRead(): boolean {
    const { log, checkpointed } = this.#look();
    return checkpointed < log;
  }

  /** Reads no file. What was seen before, where another process is at work on it. */
  #look(): CheckpointRow {
    try {
      this.#seen = this.#count.get() as CheckpointRow;
    } catch (error) {
      if (!isBusy(error)) throw error;
    }
    return this.#seen;
  }

  /** Moves what nobody reads to the database; who reads or writes isn't waited for. Throws SQLite's error. */
  pass(): void {
    try {
      this.#database.pragma('wal_checkpoint(PASSIVE)');
    } catch (error) {
      if (!isBusy(error)) throw error;
    }
  }

  /**
   * Moves all to the database, syncs it, and gives the log's blocks back: whatever a failed write left in them is gone.
   * False while somebody else reads or writes. Throws SQLite's error.
   */
  truncate(): boolean {
    try {
      const [row] = this.#database.pragma('wal_checkpoint(TRUNCATE)') as CheckpointRow[];
      return row?.busy !== 1 && statSync(this.#path).size === 0;
    } catch (error) {
      if (isBusy(error)) return false;
      throw error;
    }
  }
}
