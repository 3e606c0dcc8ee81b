import { fileURLToPath } from 'node:url';
import type { AccountStore } from '../stores/account-store.js';
import type { BlobIndex, MetadataCheck } from '../stores/blob-index.js';
import type { BlobStore } from '../stores/blob-store.js';
import type { ClockStore } from '../stores/clock-store.js';
import type { DriveStore } from '../stores/drive-store.js';
import type { Durability, Tell } from '../stores/durability.js';
import type { ImportStore } from '../stores/import-store.js';
import type { JobStore } from '../stores/job-store.js';
import type { SecurityStore } from '../stores/security-store.js';
import type { StorageHistory } from '../stores/storage-history.js';
import { readMigrations } from './sql/migrate.js';
import { SqlAccountStore } from './sql/sql-account-store.js';
import { SqlBlobIndex } from './sql/sql-blob-index.js';
import { SqlClockStore } from './sql/sql-clock-store.js';
import { SqlDriveStore } from './sql/sql-drive-store.js';
import { SqlImportStore } from './sql/sql-import-store.js';
import { SqlJobStore } from './sql/sql-job-store.js';
import { SqlMetadataCheck } from './sql/sql-metadata-check.js';
import { SqlSecurityStore } from './sql/sql-security-store.js';
import { SqlStorageHistory } from './sql/sql-storage-history.js';
import { COMMAND_REST_MS, SqliteDatabase } from './sqlite/sqlite-database.js';
import { finish, openStorage } from './storage-format.js';
import { openBlobs, prepareDatabase } from './storage-whole.js';

/** Folder of SQLite's migrations. */
export const MIGRATIONS = fileURLToPath(new URL('../../migrations/sqlite', import.meta.url));

/** Everything that holds data, behind the seams. */
export interface Engines {
  /** Whether the storage was made just now. */
  readonly isNew: boolean;
  readonly blobs: BlobStore;
  readonly drives: DriveStore;
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
  const database = SqliteDatabase.open(prepareDatabase(config.storage, state), readMigrations(MIGRATIONS), {
    ...options,
    restMs: options.isCommand ? COMMAND_REST_MS : 0,
  });
  try {
    const accounts = new SqlAccountStore(database);
    const blobIndex = new SqlBlobIndex(database);
    const blobs = await openBlobs(config.storage, { accounts, blobIndex });
    if (state === 'new') await finish(config.storage);
    return {
      isNew: state === 'new',
      blobs,
      accounts,
      blobIndex,
      drives: new SqlDriveStore(database),
      security: new SqlSecurityStore(database),
      jobs: new SqlJobStore(database),
      imports: new SqlImportStore(database),
      history: new SqlStorageHistory(database),
      check: new SqlMetadataCheck(database),
      clock: new SqlClockStore(database),
      durability: database,
      close: () => database.close(),
    };
  } catch (error) {
    await database.close();
    throw error;
  }
}
