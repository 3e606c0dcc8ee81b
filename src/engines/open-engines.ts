import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import type { AccountStore } from '../stores/account-store.js';
import type { BlobIndex, MetadataCheck } from '../stores/blob-index.js';
import type { BlobStore } from '../stores/blob-store.js';
import type { ClockStore } from '../stores/clock-store.js';
import type { Durability, Tell } from '../stores/durability.js';
import type { ImportStore } from '../stores/import-store.js';
import type { JobStore } from '../stores/job-store.js';
import type { MetadataStore } from '../stores/metadata-store.js';
import type { SecurityStore } from '../stores/security-store.js';
import type { StorageHistory } from '../stores/storage-history.js';
import { Reserve } from './reserve.js';
import { RevisionMark } from './revision-mark.js';
import { singleCalls } from './single-calls.js';
import { readMigrations } from './sql/migrate.js';
import { SqlBlobIndex } from './sql/sql-blob-index.js';
import { SqlClockStore } from './sql/sql-clock-store.js';
import { withReserve } from './sql/sql-database.js';
import { SqlMetadataCheck } from './sql/sql-metadata-check.js';
import { SqlMetadataStore } from './sql/sql-metadata-store.js';
import { SqlStorageHistory } from './sql/sql-storage-history.js';
import { COMMAND_REST_MS, SqliteDatabase } from './sqlite/sqlite-database.js';
import { isDamaged, type LogReport, scanLog } from './sqlite/wal-scan.js';
import { StorageDurability } from './storage-durability.js';
import { DATABASE, finish, openStorage } from './storage-format.js';
import { openBlobs, prepareDatabase } from './storage-whole.js';

/** Folder of SQLite's migrations. */
export const MIGRATIONS = fileURLToPath(new URL('../../migrations/sqlite', import.meta.url));

/** Everything that holds data, behind the seams. */
export interface Engines {
  /** Whether the storage was made just now. */
  readonly isNew: boolean;
  readonly blobs: BlobStore;
  readonly metadata: MetadataStore;
  readonly accounts: AccountStore;
  readonly security: SecurityStore;
  readonly jobs: JobStore;
  readonly imports: ImportStore;
  readonly blobIndex: BlobIndex;
  readonly history: StorageHistory;
  readonly check: MetadataCheck;
  readonly clock: ClockStore;
  readonly durability: Durability;
  close(): Promise<void>;
}

export interface EngineOptions {
  readonly mayMake?: boolean;
  /** A command beside a server: it leaves the write lock to the server between its own transactions. */
  readonly isCommand?: boolean;
  readonly tell?: Tell;
  /** Ends the process at once; called when the disk failed and only a new start helps. */
  readonly end?: () => void;
}

/**
 * Opens the data of a storage folder; where `mayMake` and the folder is missing or empty, makes it first. Several
 * processes may do so at once. Throws `StorageFormatError` and `MigrationError`.
 */
export async function openEngines(config: { readonly storage: string }, options: EngineOptions = {}): Promise<Engines> {
  const state = await openStorage(config.storage, options.mayMake ?? false);
  const { tell = () => {} } = options;
  const reserve = new Reserve(config.storage);
  const mark = new RevisionMark(config.storage);
  const log = options.isCommand ? null : await lookAtLog(join(config.storage, `${DATABASE}-wal`));
  const restMs = options.isCommand ? COMMAND_REST_MS : 0;
  const database = openDatabase(config.storage, state, { ...options, reserve, restMs });
  try {
    const orderly = withReserve(database);
    const metadata = new SqlMetadataStore(database);
    const stores = singleCalls(metadata);
    const blobIndex = new SqlBlobIndex(orderly);
    const blobs = await openBlobs(config.storage, { metadata, blobIndex });
    if (state === 'new') await finish(config.storage);
    return {
      isNew: state === 'new',
      blobs,
      ...stores,
      blobIndex,
      metadata,
      history: new SqlStorageHistory(orderly),
      check: new SqlMetadataCheck(database),
      clock: new SqlClockStore(orderly),
      durability: new StorageDurability({ database, blobIndex, reserve, mark, log, tell }),
      close: () => database.close(),
    };
  } catch (error) {
    await database.close();
    throw error;
  }
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
  options: EngineOptions & { readonly reserve: Reserve; readonly restMs: number },
): SqliteDatabase {
  const migrations = readMigrations(MIGRATIONS);
  const open = () => SqliteDatabase.open(prepareDatabase(folder, state), migrations, options);
  const { reserve, tell } = options;
  if (state === 'new' || !reserve.isDiskFull()) return open();
  reserve.giveUp();
  try {
    return open();
  } catch (error) {
    if (!(error instanceof Database.SqliteError) || !reserve.isDiskFull()) throw error;
    tell?.({ level: 'error', message: NO_ROOM, cause: error });
    return SqliteDatabase.openAlone(join(folder, DATABASE), migrations, options);
  }
}

const NO_ROOM =
  'the disk is full, to the last byte: commands can not run beside the server until it was started again with some room';
