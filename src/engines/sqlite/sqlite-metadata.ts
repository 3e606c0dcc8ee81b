import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { EngineOptions, MetadataEngine } from '../metadata-engine.js';
import { Reserve } from '../reserve.js';
import { RevisionMark } from '../revision-mark.js';
import { MIGRATIONS, readMigrations } from '../sql/migrate.js';
import { SqlBlobIndex } from '../sql/sql-blob-index.js';
import { SqlBlobLeases } from '../sql/sql-blob-leases.js';
import { SqlClockStore } from '../sql/sql-clock-store.js';
import { withReserve } from '../sql/sql-database.js';
import { SqlMetadataCheck } from '../sql/sql-metadata-check.js';
import { SqlMetadataStore } from '../sql/sql-metadata-store.js';
import { SqlScrubStore } from '../sql/sql-scrub-store.js';
import { SqlStorageHistory } from '../sql/sql-storage-history.js';
import { SqlTables } from '../sql/sql-tables.js';
import { beginCopy } from '../storage-copy.js';
import { StorageDurability } from '../storage-durability.js';
import { DATABASE } from '../storage-format.js';
import { prepareDatabase } from '../storage-whole.js';
import { copyDatabase } from './sqlite-copy.js';
import { COMMAND_REST_MS, type OpenOptions, SqliteDatabase } from './sqlite-database.js';
import { isDamaged, type LogReport, scanLog } from './wal-scan.js';

/** A sync that is shorter costs less on the event loop than in a thread, in milliseconds. */
const SLOW_SYNC_MS = 2;

/** Opens SQLite's database in a storage folder. Throws `StorageFormatError` and `MigrationError`. */
export async function openSqliteMetadata(
  storage: string,
  state: 'new' | 'whole',
  options: EngineOptions,
  { slowSyncMs = SLOW_SYNC_MS, isWatched }: { readonly slowSyncMs?: number | undefined; readonly isWatched: boolean },
): Promise<MetadataEngine> {
  const { tell = () => {} } = options;
  const isShared = options.hasWorkers === true || options.worker !== undefined;
  const reserve = new Reserve(storage, { isShared });
  const mark = new RevisionMark(storage);
  const log = options.isCommand || options.worker ? null : await lookAtLog(join(storage, `${DATABASE}-wal`));
  const restMs = options.isCommand ? COMMAND_REST_MS : 0;
  const slow = options.isServer && !isShared ? { slowSyncMs } : {};
  const database = openDatabase(storage, state, { ...options, ...slow, isShared, reserve, restMs, ...options.worker });
  const orderly = withReserve(database);
  const metadata = new SqlMetadataStore(database, isWatched);
  const blobIndex = new SqlBlobIndex(orderly);
  return {
    metadata,
    blobIndex,
    leases: new SqlBlobLeases(orderly),
    history: new SqlStorageHistory(orderly),
    check: new SqlMetadataCheck(database),
    clock: new SqlClockStore(orderly),
    scrubStore: new SqlScrubStore(orderly),
    durability: new StorageDurability({ database, blobIndex, reserve, mark, log, tell }),
    cluster: null,
    now: Date.now,
    tables: new SqlTables(database),
    metrics: () => [commitSizes(database)],
    lendTurns: () => database.lendTurns(),
    copyTo: (file) => copyDatabase(join(storage, DATABASE), file),
    beginCopy: (folder) => beginCopy(storage, folder),
    close: () => database.close(),
  };
}

function commitSizes({ commitsBySize }: SqliteDatabase) {
  return {
    name: 'firn_store_commit_writes',
    help: 'Writes that shared a commit.',
    bounds: [1, 2, 4, 8, 16, 32, 64, 128],
    counts: commitsBySize,
  };
}

/** A damaged one is looked at twice: a command may be writing to it. */
async function lookAtLog(path: string): Promise<LogReport | null> {
  const report = await scanLog(path);
  return report && isDamaged(report) ? scanLog(path) : report;
}

/** With no room for the index that SQLite's connections share a part of the reserve goes, or there is one connection. */
function openDatabase(
  folder: string,
  state: 'new' | 'whole',
  options: EngineOptions & OpenOptions & { readonly reserve: Reserve; readonly isShared: boolean },
): SqliteDatabase {
  const migrations = readMigrations(MIGRATIONS);
  const open = () => SqliteDatabase.open(prepareDatabase(folder, state), migrations, options);
  const { reserve, tell } = options;
  if (state === 'new' || !reserve.isDiskFull()) return open();
  reserve.giveUp();
  try {
    return open();
  } catch (error) {
    // Workers need the index.
    if (!(error instanceof Database.SqliteError) || !reserve.isDiskFull() || options.isShared) throw error;
    tell?.({ level: 'error', message: NO_ROOM, cause: error });
    return SqliteDatabase.openAlone(join(folder, DATABASE), migrations, options);
  }
}

const NO_ROOM =
  'the disk is full, to the last byte: commands can not run beside the server until it was started again with some room';
