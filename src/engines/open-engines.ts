import { randomUUID } from 'node:crypto';
import { chmod, mkdir, open, readFile, rename, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AccountStore } from '../stores/account-store.js';
import type { BlobIndex, MetadataCheck } from '../stores/blob-index.js';
import type { BlobStore } from '../stores/blob-store.js';
import type { DriveStore } from '../stores/drive-store.js';
import { DiskBlobStore } from './disk/disk-blob-store.js';
import { readMigrations } from './sql/migrate.js';
import { SqlAccountStore } from './sql/sql-account-store.js';
import { SqlBlobIndex } from './sql/sql-blob-index.js';
import { SqlDriveStore } from './sql/sql-drive-store.js';
import { SqlMetadataCheck } from './sql/sql-metadata-check.js';
import { SqliteDatabase } from './sqlite/sqlite-database.js';

/** Number of the layout that storage/README.md describes. */
const FORMAT = 1;
const DATABASE = 'firn.db';
const MIGRATIONS = fileURLToPath(new URL('../../migrations/sqlite', import.meta.url));

/** Everything that holds data, behind the seams. */
export interface Engines {
  readonly blobs: BlobStore;
  readonly drives: DriveStore;
  readonly accounts: AccountStore;
  readonly blobIndex: BlobIndex;
  readonly check: MetadataCheck;
  close(): Promise<void>;
}

/** The storage folder can't be used as it is. The message says why. */
export class StorageFormatError extends Error {
  override readonly name = 'StorageFormatError';
}

/**
 * Opens the data, and makes the storage folder where there is none. Several processes may do so at once. Throws
 * `StorageFormatError` and `MigrationError`.
 */
export async function openEngines(config: { readonly storage: string }): Promise<Engines> {
  await openStorage(config.storage);
  const database = SqliteDatabase.open(join(config.storage, DATABASE), readMigrations(MIGRATIONS));
  try {
    return {
      blobs: await DiskBlobStore.open(config.storage),
      drives: new SqlDriveStore(database),
      accounts: new SqlAccountStore(database),
      blobIndex: new SqlBlobIndex(database),
      check: new SqlMetadataCheck(database),
      close: () => database.close(),
    };
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** Checks the format of a storage folder, or begins a new one that its owner alone can read. */
async function openStorage(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, 'FORMAT');
  const format = await readIfThere(file);
  if (format === null) {
    // Another process that begins the folder writes FORMAT first.
    if ((await isThere(join(folder, DATABASE))) && !(await isThere(file))) {
      throw new StorageFormatError(`${folder} has a database but no file FORMAT: restore it from a backup.`);
    }
    await chmod(folder, 0o700);
    await writeDurably(file, `${FORMAT}\n`);
    return;
  }
  if (format.trim() !== `${FORMAT}`) {
    const found = JSON.stringify(format.trim().slice(0, 20));
    throw new StorageFormatError(
      `${folder} has format ${found}; this Firn reads ${FORMAT}. Use the Firn that wrote it.`,
    );
  }
}

async function readIfThere(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

async function isThere(file: string): Promise<boolean> {
  return (await stat(file).catch(() => null)) !== null;
}

/** Whoever reads the file meanwhile sees all of it or nothing. */
async function writeDurably(file: string, text: string): Promise<void> {
  const incoming = `${file}.${randomUUID()}`;
  const handle = await open(incoming, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(incoming, file);
  const folder = await open(dirname(file), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
