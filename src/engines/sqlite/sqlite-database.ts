import { setTimeout as wait } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { StoreBusyError, type TransactionStats } from '../../stores/drive-store.js';
import { type Migration, pendingMigrations } from '../sql/migrate.js';
import type { SqlConnection, SqlDatabase } from '../sql/sql-database.js';
import { isBusy, SqliteConnection, translate } from './sqlite-connection.js';

/** Writes that may share a commit: bounded so that the first of them isn't kept waiting by the last. */
const BATCH_MAX = 128;
/** How long a write waits for another process (a command beside the server), in milliseconds. */
const BUSY_MAX_MS = 15_000;
/** Longest pause between two tries to get the write lock, in milliseconds. */
const BUSY_PAUSE_MAX_MS = 20;
/** Tries to empty the log; the next checkpoint that finds nobody reading does it otherwise. */
const DROP_TRIES = 50;
/** Pages (of 4 KiB) in the write-ahead log before SQLite moves them to the database: 32 MB. */
const CHECKPOINT_PAGES = 8_000;

interface PendingWrite {
  readonly work: (connection: SqlConnection) => Promise<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

type Outcome = { readonly value: unknown } | { readonly error: unknown };

/**
 * SQLite in a file (WAL, synchronous=FULL) or in memory. Writes wait in a queue and share one commit, so one fsync,
 * each within a savepoint of its own. A file has a second connection for reads; in memory there is but one, and reads
 * take their turn between commits.
 */
export class SqliteDatabase implements SqlDatabase {
  readonly #writer: SqliteConnection;
  readonly #reader: SqliteConnection;
  readonly #writerTurn = new Turn();
  readonly #readerTurn: Turn;
  #queue: PendingWrite[] = [];
  #isFlushing = false;
  readonly #busyMaxMs: number;
  readonly #commitsBySize = new Array<number>(BATCH_MAX + 1).fill(0);
  #failedCommits = 0;

  private constructor(writer: SqliteConnection, reader: SqliteConnection, busyMaxMs: number) {
    this.#writer = writer;
    this.#busyMaxMs = busyMaxMs;
    this.#reader = reader;
    this.#readerTurn = writer === reader ? this.#writerTurn : new Turn();
  }

  /**
   * Opens the file, or `:memory:`, and brings its schema up to date. Throws `MigrationError`. `busyMaxMs`: how long a
   * write waits for another process, in milliseconds.
   */
  static open(
    path: string,
    migrations: readonly Migration[],
    options: { readonly busyMaxMs?: number } = {},
  ): SqliteDatabase {
    const writer = patiently(() => {
      const database = new Database(path, { timeout: BUSY_MAX_MS });
      try {
        setUpWriter(database);
        migrate(database, migrations);
        database.exec('CREATE TEMP TABLE copy_map (old_id INTEGER PRIMARY KEY, new_id INTEGER NOT NULL)');
        database.pragma('busy_timeout = 0');
        return new SqliteConnection(database);
      } catch (error) {
        database.close();
        throw error;
      }
    });
    const reader = path === ':memory:' ? writer : new SqliteConnection(patiently(() => openReader(path)));
    return new SqliteDatabase(writer, reader, options.busyMaxMs ?? BUSY_MAX_MS);
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

  write<T>(work: (connection: SqlConnection) => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ work, resolve: resolve as (value: unknown) => void, reject });
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
      commitsBySize: this.#commitsBySize,
      failedCommits: this.#failedCommits,
    };
  }

  async dropLog(): Promise<void> {
    for (let tries = 0; tries < DROP_TRIES; tries++) {
      const result = await this.#writerTurn.take(() =>
        this.#readerTurn === this.#writerTurn ? this.#truncateLog() : this.#readerTurn.take(() => this.#truncateLog()),
      );
      if (result) return;
      await wait(BUSY_PAUSE_MAX_MS);
    }
  }

  /** False while another process reads or writes. */
  async #truncateLog(): Promise<boolean> {
    try {
      const [row] = this.#writer.database.pragma('wal_checkpoint(TRUNCATE)') as { busy: number }[];
      return row?.busy !== 1;
    } catch (error) {
      if (isBusy(error)) return false;
      throw error;
    }
  }

  async close(): Promise<void> {
    while (this.#isFlushing) await wait(1);
    if (this.#reader !== this.#writer) this.#reader.database.close();
    this.#writer.database.close();
  }

  async #flush(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = this.#queue.splice(0, BATCH_MAX);
      await this.#writerTurn.take(() => this.#commit(batch));
      // Lets answers out and new requests in before the next fsync.
      if (this.#queue.length > 0) await new Promise((resolve) => setImmediate(resolve));
    }
    this.#isFlushing = false;
  }

  async #commit(batch: readonly PendingWrite[]): Promise<void> {
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
      for (const write of batch) write.reject(translate(error));
      return;
    }
    this.#commitsBySize[batch.length]!++;
    batch.forEach((write, index) => {
      const outcome = outcomes[index]!;
      if ('error' in outcome) write.reject(outcome.error);
      else write.resolve(outcome.value);
    });
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

/** Lets pieces of work run one after the other, in the order in which they came. A failure ends its own turn only. */
class Turn {
  #isTaken = false;
  readonly #waiting: (() => void)[] = [];

  get waiting(): number {
    return this.#waiting.length;
  }

  async take<T>(work: () => Promise<T>): Promise<T> {
    // Handed over, it stays taken.
    if (this.#isTaken) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#isTaken = true;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#isTaken = false;
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
      if (!isBusy(error) || Date.now() > giveUpAt) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BUSY_PAUSE_MAX_MS * Math.random());
    }
  }
}

function setUpWriter(database: Database.Database): void {
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  database.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
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
