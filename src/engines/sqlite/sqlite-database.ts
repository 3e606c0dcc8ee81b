import { dirname } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { StorageFullError } from '../../stores/blob-store.js';
import type { Durability, Tell } from '../../stores/durability.js';
import {
  StoreBusyError,
  StoreFailingError,
  type TransactionStats,
  type WriteOptions,
} from '../../stores/metadata-store.js';
import { paced } from '../paced.js';
import type { Reserve } from '../reserve.js';
import { type Migration, pendingMigrations } from '../sql/migrate.js';
import type { SqlConnection, SqlDatabase } from '../sql/sql-database.js';
import { isIoError, LogKeeper } from './log-keeper.js';
import { Mutex } from './mutex.js';
import { isBusy, SqliteConnection, translate } from './sqlite-connection.js';
import { WriteAheadLog } from './write-ahead-log.js';

/** Writes that may share a commit: bounded so that the first of them isn't kept waiting by the last. */
const BATCH_MAX = 128;
/** How long a write waits for another process (a command beside the server), in milliseconds. */
const BUSY_MAX_MS = 15_000;
/** Longest pause between two tries to get the write lock, in milliseconds. */
const BUSY_PAUSE_MAX_MS = 5;
/** Pause between two tries to empty the log, in milliseconds. */
const DROP_PAUSE_MS = 20;
/** How long a command rests after each commit, in milliseconds: the server has asked for the lock again by then. */
export const COMMAND_REST_MS = 2 * BUSY_PAUSE_MAX_MS;
/** Tries to empty the log; the next checkpoint that finds nobody reading does it otherwise. */
const DROP_TRIES = 50;
/** Tries to empty the log before a failed commit is answered. */
const RESCUE_TRIES = 5;
/** Pages (of 4 KiB) in the write-ahead log before they are moved to the database: 32 MB. */
const CHECKPOINT_PAGES = 8_000;
/** Commits between two looks at how many they are. */
const COMMITS_A_LOOK = 8;
/** A proof that commits become durable holds so long, in milliseconds: nobody can make it a load on the disk. */
const PROOF_MS = 5_000;
const IN_MEMORY = ':memory:';

interface PendingWrite {
  readonly work: (connection: SqlConnection) => Promise<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  readonly mayUseReserve: boolean;
}

export interface OpenOptions {
  /** How long a write waits for another process, in milliseconds. */
  readonly busyMaxMs?: number;
  /** How long to leave the write lock to other processes after each commit, in milliseconds; 0 for the server itself. */
  readonly restMs?: number;
  readonly tell?: Tell;
  /** Ends the process at once; called when the disk failed and only a new start helps. */
  readonly end?: () => void;
  /** Room for what makes room. */
  readonly reserve?: Reserve;
}

type Outcome = { readonly value: unknown } | { readonly error: unknown };

/**
 * SQLite in a file (WAL, synchronous=FULL) or in memory. Writes wait in a queue and share one commit, so one fsync,
 * each within a savepoint of its own. A file has a second connection for reads; in memory there is but one, and reads
 * take their turn between commits.
 */
export class SqliteDatabase implements SqlDatabase, Pick<Durability, 'trouble' | 'prove' | 'emptyLog'> {
  readonly #writer: SqliteConnection;
  readonly #reader: SqliteConnection;
  readonly #writerTurn = new Mutex();
  readonly #readerTurn: Mutex;
  #queue: PendingWrite[] = [];
  #isFlushing = false;
  /** Null in memory. */
  readonly #keeper: LogKeeper | null;
  readonly #log: WriteAheadLog | null;
  readonly #reserve: Reserve | null;
  readonly #busyMaxMs: number;
  readonly #restMs: number;
  #restsUntil = 0;
  /** At index N how many commits made N writes durable, or rolled them back, together. */
  readonly commitsBySize: number[] = new Array<number>(BATCH_MAX + 1).fill(0);
  #failedCommits = 0;
  #commitsToLook = 0;

  private constructor(path: string, writer: SqliteConnection, reader: SqliteConnection, options: OpenOptions) {
    const { busyMaxMs = BUSY_MAX_MS, restMs = 0, reserve = null } = options;
    const { tell = () => {}, end = () => process.exit(1) } = options;
    this.#writer = writer;
    this.#reader = reader;
    this.#readerTurn = writer === reader ? this.#writerTurn : new Mutex();
    this.#busyMaxMs = busyMaxMs;
    this.#restMs = restMs;
    this.#reserve = reserve;
    this.#log = path === IN_MEMORY ? null : new WriteAheadLog(path, writer.database);
    this.#keeper = this.#log && new LogKeeper(this.#log, { folder: dirname(path), tell, end });
  }

  /** Opens the file, or `:memory:`, and brings its schema up to date. Throws `MigrationError`. */
  static open(path: string, migrations: readonly Migration[], options: OpenOptions = {}): SqliteDatabase {
    const writer = patiently(() => openWriter(path, migrations));
    if (path === IN_MEMORY) return new SqliteDatabase(path, writer, writer, options);
    try {
      return new SqliteDatabase(path, writer, new SqliteConnection(patiently(() => openReader(path))), options);
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

  write<T>(work: (connection: SqlConnection) => Promise<T>, { mayUseReserve = false }: WriteOptions = {}): Promise<T> {
    // Not even what is free: it was given up for what makes room.
    if (!mayUseReserve && this.#reserve?.isOwed()) return Promise.reject(new StorageFullError());
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ work, resolve: resolve as (value: unknown) => void, reject, mayUseReserve });
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
    };
  }

  trouble(): string | null {
    return this.#keeper?.trouble ?? null;
  }

  prove: () => Promise<void> = paced(async () => {
    await this.write((connection) => connection.run('PRAGMA user_version = 0', []));
  }, PROOF_MS);

  wipeRemoved(): Promise<boolean> {
    return this.emptyLog();
  }

  async emptyLog(): Promise<boolean> {
    if (!this.#keeper) return true;
    // The many pages first, beside readers; the rest is little.
    await this.#writerTurn.take(async () => this.#keeper?.pass(this.#rescue));
    for (let tries = 0; tries < DROP_TRIES; tries++) {
      if (await this.#writerTurn.take(() => this.#tryEmpty())) return true;
      if (this.#keeper.trouble) return false;
      await wait(DROP_PAUSE_MS);
    }
    return false;
  }

  readonly #rescue = (): void => void this.#writerTurn.take(() => this.#tryEmpty());

  /** Within the writer's turn. */
  async #tryEmpty(): Promise<boolean> {
    const empty = async () => this.#keeper?.empty(this.#rescue) ?? true;
    return this.#readerTurn === this.#writerTurn ? empty() : this.#readerTurn.take(empty);
  }

  async close(): Promise<void> {
    while (this.#isFlushing) await wait(1);
    this.#keeper?.stop();
    // Closing moves the log to the database and removes it. Where that isn't to be believed, the process ends with both open.
    if (this.#keeper?.isLost) return;
    if (this.#reader !== this.#writer) this.#reader.database.close();
    this.#writer.database.close();
  }

  async #flush(): Promise<void> {
    while (this.#queue.length > 0) {
      if (this.#restMs > 0) await this.#rest();
      const batch = this.#queue.splice(0, BATCH_MAX);
      await this.#writerTurn.take(() => this.#commit(batch));
      if (this.#isLogLong()) {
        // The answers first.
        await new Promise((resolve) => setImmediate(resolve));
        await this.#writerTurn.take(async () => this.#keeper?.pass(this.#rescue));
      }
      // Lets answers out and new requests in before the next fsync.
      if (this.#queue.length > 0) await new Promise((resolve) => setImmediate(resolve));
    }
    this.#isFlushing = false;
  }

  /** Another process that waits for the lock has it before the next write of a command. */
  async #rest(): Promise<void> {
    const left = this.#restsUntil - performance.now();
    if (left > 0) await wait(left);
  }

  #isLogLong(): boolean {
    if (!this.#log || ++this.#commitsToLook < COMMITS_A_LOOK) return false;
    this.#commitsToLook = 0;
    return this.#log.pages >= CHECKPOINT_PAGES;
  }

  /** Where the disk is full, what may use the reserve is tried again, as long as there is something to give up. */
  async #commit(writes: readonly PendingWrite[]): Promise<void> {
    for (let batch = writes; batch.length > 0; ) {
      const trouble = this.trouble();
      const failure = trouble === null ? await this.#tryCommit(batch) : new StoreFailingError(trouble);
      if (failure === null) return;
      const isFull = failure instanceof StorageFullError;
      const again = isFull ? batch.filter(({ mayUseReserve }) => mayUseReserve) : [];
      const hasRoom = again.length > 0 && (await this.#makeRoom());
      for (const write of batch) if (!hasRoom || !write.mayUseReserve) write.reject(failure);
      batch = hasRoom ? again : [];
    }
  }

  /** The log's own room first; a part of the reserve where that was too little. */
  async #makeRoom(): Promise<boolean> {
    const isLogUsed = (this.#log?.pages ?? 0) > 0;
    if (isLogUsed && (await this.#tryEmpty())) return true;
    if (!this.#reserve?.giveUp()) return false;
    await this.#tryEmpty();
    return true;
  }

  /** Gives what the writes that failed with the commit are told; null where it succeeded. */
  async #tryCommit(batch: readonly PendingWrite[]): Promise<unknown> {
    let outcomes: Outcome[];
    try {
      await this.#begin();
      try {
        outcomes = [];
        for (const write of batch) outcomes.push(await this.#runInSavepoint(write));
        this.#writer.control('COMMIT');
      } catch (error) {
        if (this.#writer.database.inTransaction) this.#writer.control('ROLLBACK');
        throw error;
      }
    } catch (error) {
      this.#failedCommits++;
      return await this.#failed(error);
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

  /** Gives what the writes of a batch are told that failed. A failed disk isn't written to again before it was looked after. */
  async #failed(error: unknown): Promise<unknown> {
    if (!this.#keeper || !isIoError(error)) return translate(error);
    const reason = await this.#keeper.reason(error);
    // The log can't be emptied where the database finds no room for it.
    if (reason instanceof StorageFullError) this.#reserve?.giveUp();
    this.#keeper.distrust(error, this.#rescue);
    for (let tries = 1; !(await this.#tryEmpty()) && tries < RESCUE_TRIES && !this.#keeper.isLost; tries++) {
      await wait(DROP_PAUSE_MS);
    }
    return reason;
  }

  async #runInSavepoint(write: PendingWrite): Promise<Outcome> {
    this.#writer.control('SAVEPOINT one_write');
    try {
      const value = await write.work(this.#writer);
      this.#writer.control('RELEASE one_write');
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

/**
 * Tries again while another process opens or closes the file: SQLite takes locks then for which its own timeout doesn't
 * wait. Blocks the event loop, which has nothing to do yet.
 */
export function patiently<T>(open: () => T): T {
  const giveUpAt = Date.now() + BUSY_MAX_MS;
  for (;;) {
    try {
      return open();
    } catch (error) {
      if (!isBusy(error)) throw error;
      if (Date.now() > giveUpAt) throw new StoreBusyError('another process holds the database', { cause: error });
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BUSY_PAUSE_MAX_MS * Math.random());
    }
  }
}

function openWriter(path: string, migrations: readonly Migration[], lockingMode = 'NORMAL'): SqliteConnection {
  const database = new Database(path, { timeout: BUSY_MAX_MS });
  try {
    database.pragma(`locking_mode = ${lockingMode}`);
    setUpWriter(database);
    migrate(database, migrations);
    database.exec('CREATE TEMP TABLE copy_map (old_id INTEGER PRIMARY KEY, new_id INTEGER NOT NULL)');
    database.pragma('busy_timeout = 0');
    return new SqliteConnection(database);
  } catch (error) {
    database.close();
    throw error;
  }
}

function setUpWriter(database: Database.Database): void {
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  // Zeros go over what is removed: the credentials of imports leave nothing behind (PRODUCT I3).
  database.pragma('secure_delete = FAST');
  setUp(database);
}

function openReader(path: string): Database.Database {
  const database = new Database(path, { timeout: BUSY_MAX_MS, fileMustExist: true });
  try {
    setUp(database);
    database.pragma('query_only = ON');
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function setUp(database: Database.Database): void {
  database.pragma('foreign_keys = ON');
  database.pragma('temp_store = MEMORY');
  // 8 MB a connection, as negative KiB.
  database.pragma('cache_size = -8000');
  database.pragma('trusted_schema = OFF');
}

function migrate(database: Database.Database, migrations: readonly Migration[]): void {
  const apply = database.transaction(() => {
    database.exec(
      'CREATE TABLE IF NOT EXISTS migration (name TEXT PRIMARY KEY, hash TEXT NOT NULL, applied_at INTEGER NOT NULL)',
    );
    const applied = database.prepare('SELECT name, hash FROM migration ORDER BY name').all() as {
      name: string;
      hash: string;
    }[];
    for (const migration of pendingMigrations(migrations, applied)) {
      database.exec(migration.sql);
      database.prepare('INSERT INTO migration VALUES (?, ?, ?)').run(migration.name, migration.hash, Date.now());
    }
  });
  apply.immediate();
}
