import Database from 'better-sqlite3';
import { StoreBusyError } from '../../stores/metadata-store.js';
import { type Migration, pendingMigrations } from '../sql/migrate.js';
import { isBusy, SqliteConnection } from './sqlite-connection.js';

/** How long an opening waits for another process, in milliseconds. */
const BUSY_MAX_MS = 15_000;
/** Longest pause between two tries, in milliseconds. */
const BUSY_PAUSE_MAX_MS = 5;

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

/** A connection that writes, its schema brought up to date. Throws `MigrationError`. */
export function openWriter(path: string, migrations: readonly Migration[], lockingMode = 'NORMAL'): SqliteConnection {
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

/** A connection that can't write. */
export function openReader(path: string): SqliteConnection {
  const database = new Database(path, { timeout: BUSY_MAX_MS, fileMustExist: true });
  try {
    setUp(database);
    database.pragma('query_only = ON');
    return new SqliteConnection(database);
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
  // What ALTER TABLE has no words for is written into the schema.
  database.unsafeMode(true);
  try {
    apply.immediate();
  } finally {
    database.pragma('writable_schema = OFF');
    database.unsafeMode(false);
  }
}
