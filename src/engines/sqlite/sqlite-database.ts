import { setTimeout as wait } from 'node:timers/promises';
import { StorageFullError } from '../../stores/blob-store.js';
import type { Durability } from '../../stores/durability.js';
import { StoreBusyError, StoreFailingError, type TransactionStats } from '../../stores/metadata-store.js';
import type { WriteTurns } from '../../stores/write-turns.js';
import { Mutex } from '../mutex.js';
import { paced } from '../paced.js';
import type { Reserve } from '../reserve.js';
import type { Migration } from '../sql/migrate.js';
import type { SqlConnection, SqlDatabase, SqlWriteOptions } from '../sql/sql-database.js';
import { BorrowedLog } from './borrowed-log.js';
import { SqliteCommitWatch } from './commit-watch.js';
import { LentTurns } from './lent-turns.js';
import { isIoError } from './log-keeper.js';
import { openReader, openWriter, patiently } from './open-sqlite.js';
import { OwnLog, type OwnLogOptions } from './own-log.js';
import type { SharedLog } from './shared-log.js';
import { isBusy, type SqliteConnection, translate } from './sqlite-connection.js';

/** Writes that may share a commit: bounded so that the first of them isn't kept waiting by the last. */
const BATCH_MAX = 128;
/** How long a write waits for another process (a command beside the server), in milliseconds. */
const BUSY_MAX_MS = 15_000;
/** Longest pause between two tries to get the write lock, in milliseconds. */
const BUSY_PAUSE_MAX_MS = 5;
/** How long a command rests after each commit, in milliseconds: the server has asked for the lock again by then. */
export const COMMAND_REST_MS = 2 * BUSY_PAUSE_MAX_MS;
/** A proof that commits become durable holds so long, in milliseconds: nobody can make it a load on the disk. */
const PROOF_MS = 5_000;
const IN_MEMORY = ':memory:';

interface PendingWrite {
  readonly work: (connection: SqlConnection) => Promise<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  readonly mayUseReserve: boolean;
  readonly drives: SqlWriteOptions['drives'];
}

export interface OpenOptions extends OwnLogOptions {
  /** How long a write waits for another process, in milliseconds. */
  readonly busyMaxMs?: number;
  /** How long to leave the write lock to other processes after each commit, in milliseconds; 0 for the server itself. */
  readonly restMs?: number;
  /** Of a worker: the turns to write that the process lends which keeps the log. */
  readonly turns?: WriteTurns;
}

type Outcome = { readonly value: unknown } | { readonly error: unknown };

/**
 * SQLite in a file (WAL) or in memory. Writes wait in a queue and share one commit, so one fsync, each within a savepoint of its
 * own. A file has a second connection for reads, which sees what is durable; in memory there is but one, and reads take their
 * turn between commits.
 */
export class SqliteDatabase implements SqlDatabase, Pick<Durability, 'trouble' | 'prove' | 'emptyLog'> {
  readonly #writer: SqliteConnection;
  readonly #reader: SqliteConnection;
  readonly #readerTurn: Mutex;
  /** The reader stays at what was durable before a commit, until that one is. */
  #isHeld = false;
  #queue: PendingWrite[] = [];
  #isFlushing = false;
  readonly commits: SqliteCommitWatch;
  readonly #log: SharedLog;
  readonly #reserve: Reserve | null;
  readonly #busyMaxMs: number;
  readonly #restMs: number;
  #restsUntil = 0;
  /** At index N how many commits made N writes durable, or rolled them back, together. */
  readonly commitsBySize: number[] = new Array<number>(BATCH_MAX + 1).fill(0);
  #failedCommits = 0;

  private constructor(path: string, writer: SqliteConnection, reader: SqliteConnection, options: OpenOptions) {
    const { busyMaxMs = BUSY_MAX_MS, restMs = 0, reserve = null, turns } = options;
    const writerTurn = new Mutex();
    this.#writer = writer;
    this.#reader = reader;
    this.#readerTurn = writer === reader ? writerTurn : new Mutex();
    this.#busyMaxMs = busyMaxMs;
    this.#restMs = restMs;
    this.#reserve = reserve;
    this.commits = new SqliteCommitWatch(writer.database);
    const means = { writerTurn, readerTurn: this.#readerTurn, writer: writer.database };
    this.#log = turns
      ? new BorrowedLog(turns, writer.database)
      : new OwnLog(path === IN_MEMORY ? null : path, means, options);
  }

  /** Opens the file, or `:memory:`, and brings its schema up to date. Throws `MigrationError`. */
  static open(path: string, migrations: readonly Migration[], options: OpenOptions = {}): SqliteDatabase {
    const writer = patiently(() => openWriter(path, migrations));
    if (path === IN_MEMORY) return new SqliteDatabase(path, writer, writer, options);
    try {
      return new SqliteDatabase(
        path,
        writer,
        patiently(() => openReader(path)),
        options,
      );
    } catch (error) {
      writer.database.close();
      throw error;
    }
  }

  /**
   * As `open`, for a disk that has no room for the index that connections share: one connection, and no other process
   * can use the file meanwhile.
   */
  static openAlone(path: string, migrations: readonly Migration[], options: OpenOptions): SqliteDatabase {
    const writer = openWriter(path, migrations, 'EXCLUSIVE');
    return new SqliteDatabase(path, writer, writer, options);
  }

  read<T>(work: (connection: SqlConnection) => Promise<T>): Promise<T> {
    return this.#readerTurn.take(async () => {
      if (this.#isHeld) return work(this.#reader);
      this.#reader.control('BEGIN');
      try {
        return await work(this.#reader);
      } finally {
        this.#reader.control('COMMIT');
      }
    });
  }

  readOne<T>(work: (connection: SqlConnection) => Promise<T>): Promise<T> {
    return this.#readerTurn.take(() => work(this.#reader));
  }

  write<T>(work: (connection: SqlConnection) => Promise<T>, options: SqlWriteOptions = {}): Promise<T> {
    const { mayUseReserve = false, drives } = options;
    // Not even what is free: it was given up for what makes room.
    if (!mayUseReserve && this.#reserve?.isOwed()) return Promise.reject(new StorageFullError());
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ work, resolve: resolve as (value: unknown) => void, reject, mayUseReserve, drives });
      if (!this.#isFlushing) {
        this.#isFlushing = true;
        // Requests that this turn of the event loop has read join the same commit.
        setImmediate(() => void this.#flush());
      }
    });
  }

  stats(): TransactionStats {
    return {
      waitingReads: this.#readerTurn.waiting,
      waitingWrites: this.#queue.length,
      failedCommits: this.#failedCommits,
      logBytes: this.#log.bytes,
    };
  }

  trouble(): string | null {
    return this.#log.trouble;
  }

  prove: () => Promise<void> = paced(async () => {
    await this.write((connection) => connection.run('PRAGMA user_version = 0', []));
  }, PROOF_MS);

  wipeRemoved(): Promise<boolean> {
    return this.emptyLog();
  }

  emptyLog(): Promise<boolean> {
    return this.#log.empty();
  }

  /** Turns for another process that writes to the same log; that one was opened with them. */
  lendTurns(): LentTurns {
    if (!(this.#log instanceof OwnLog)) throw new Error('a worker lends no turns');
    return new LentTurns(this.#log);
  }

  async close(): Promise<void> {
    while (this.#isFlushing) await wait(1);
    await this.#log.stop();
    // Closing moves the log to the database and removes it. Where that isn't to be believed, the process ends with both open.
    if (this.#log.isLost) return;
    if (this.#reader !== this.#writer) this.#reader.database.close();
    this.#writer.database.close();
    await this.#log.end();
  }

  async #flush(): Promise<void> {
    while (this.#queue.length > 0) {
      if (this.#restMs > 0) await this.#rest();
      const batch = this.#queue.splice(0, BATCH_MAX);
      await this.#log.turn(() => this.#commit(batch));
      await this.#log.shorten();
      // Lets answers out and new requests in before the next fsync.
      if (this.#queue.length > 0) await this.#pause();
    }
    this.#isFlushing = false;
  }

  #pause(): Promise<void> {
    const { pauseMs } = this.#log;
    return pauseMs > 0 ? wait(pauseMs) : new Promise((resolve) => setImmediate(resolve));
  }

  /** Another process that waits for the lock has it before the next write of a command. */
  async #rest(): Promise<void> {
    const left = this.#restsUntil - performance.now();
    if (left > 0) await wait(left);
  }

  /** Where the disk is full, what may use the reserve is tried again, as long as there is something to give up. */
  async #commit(writes: readonly PendingWrite[]): Promise<void> {
    for (let batch = writes; batch.length > 0; ) {
      const trouble = this.trouble();
      const failure = trouble === null ? await this.#tryCommit(batch) : new StoreFailingError(trouble);
      if (failure === null) return;
      const isFull = failure instanceof StorageFullError;
      const again = isFull ? batch.filter(({ mayUseReserve }) => mayUseReserve) : [];
      const hasRoom = again.length > 0 && (await this.#log.makeRoom());
      for (const write of batch) if (!hasRoom || !write.mayUseReserve) write.reject(failure);
      batch = hasRoom ? again : [];
    }
  }

  /** Returns what the writes that failed with the commit are told; null where it succeeded. */
  async #tryCommit(batch: readonly PendingWrite[]): Promise<unknown> {
    let outcomes: Outcome[];
    try {
      const leavesSync = await this.#log.leavesSync();
      await this.#begin();
      try {
        outcomes = [];
        for (const write of batch) outcomes.push(await this.#runInSavepoint(write));
        await (leavesSync ? this.#commitBeside() : this.#commitHere());
      } catch (error) {
        if (this.#writer.database.inTransaction) this.#writer.control('ROLLBACK');
        throw error;
      }
    } catch (error) {
      this.commits.noteFailure();
      this.#failedCommits++;
      return isIoError(error) ? await this.#log.failed(error) : translate(error);
    }
    this.commitsBySize[batch.length]!++;
    this.#restsUntil = performance.now() + this.#restMs;
    batch.forEach((write, index) => {
      const outcome = outcomes[index]!;
      if ('error' in outcome) write.reject(outcome.error);
      else write.resolve(outcome.value);
    });
    return null;
  }

  async #commitHere(): Promise<void> {
    const startedAt = performance.now();
    this.#writer.control('COMMIT');
    this.commits.noteCommit();
    this.#log.took(performance.now() - startedAt);
  }

  /** Nobody reads what a power cut could take back: where the sync fails, for good. */
  async #commitBeside(): Promise<void> {
    await this.#readerTurn.take(async () => {
      try {
        await this.#hold();
        this.#writer.control('COMMIT');
      } catch (error) {
        this.#letGo();
        throw error;
      }
    });
    await this.#log.sync();
    await this.#readerTurn.take(async () => {
      this.#letGo();
      this.commits.noteCommit();
    });
  }

  async #hold(): Promise<void> {
    this.#reader.control('BEGIN');
    this.#isHeld = true;
    this.commits.hold();
    // The snapshot is taken by the first read.
    await this.#reader.all('SELECT 1 FROM sqlite_schema LIMIT 1', []);
  }

  #letGo(): void {
    this.#isHeld = false;
    this.commits.letGo();
    if (this.#reader.database.inTransaction) this.#reader.control('COMMIT');
  }

  async #runInSavepoint(write: PendingWrite): Promise<Outcome> {
    this.#writer.control('SAVEPOINT one_write');
    this.#writer.changed = 0;
    try {
      const value = await write.work(this.#writer);
      this.#writer.control('RELEASE one_write');
      this.commits.noteWrite(this.#writer.changed, write.drives);
      return { value };
    } catch (error) {
      // A full disk, say, makes SQLite roll back everything by itself: then the whole batch has failed.
      if (!this.#writer.database.inTransaction) throw error;
      this.#writer.control('ROLLBACK TO one_write');
      this.#writer.control('RELEASE one_write');
      return { error };
    }
  }

  /** Waits without blocking the event loop while another process writes. */
  async #begin(): Promise<void> {
    const giveUpAt = Date.now() + this.#busyMaxMs;
    for (let pause = 1; ; pause = Math.min(pause * 2, BUSY_PAUSE_MAX_MS)) {
      try {
        this.#writer.control('BEGIN IMMEDIATE');
        return;
      } catch (error) {
        if (!isBusy(error)) throw error;
        if (Date.now() > giveUpAt) throw new StoreBusyError('another process is writing', { cause: error });
        await wait(pause);
      }
    }
  }
}
