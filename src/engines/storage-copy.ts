import { randomUUID } from 'node:crypto';
import { realpath, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { BlobStore } from '../stores/blob-store.js';
import type { StorageCopy } from '../stores/storage-copy.js';
import { StorageFormatError } from '../stores/storage-errors.js';
import { DiskBlobStore } from './disk/disk-blob-store.js';
import { syncFolder } from './disk/file-calls.js';
import { MIGRATIONS, pendingMigrations, readMigrations } from './sql/migrate.js';
import { endSignIns } from './sql/restored.js';
import { skipRevisions } from './sql/revisions.js';
import { SqlBlobIndex } from './sql/sql-blob-index.js';
import { settlePlaces } from './sql/sql-sweeps.js';
import { SqliteDatabase } from './sqlite/sqlite-database.js';
import { readApplied } from './sqlite/sqlite-peek.js';
import { settle, snapshot } from './sqlite/sqlite-snapshot.js';
import { claimStorage } from './sqlite/storage-claim.js';
import { beginUnfinished, checkWhole, DATABASE, finish } from './storage-format.js';

/**
 * Takes the metadata of the storage folder `source` to `folder`, which is empty, or a backup, or one that was broken
 * off; a server or another copy must not work on it. Throws
 * `StorageFormatError`, `StorageClaimedError`; and `MigrationError`, leaving nothing, where the source is of a newer Firn.
 */
export async function beginCopy(source: string, folder: string): Promise<StorageCopy> {
  const migrations = readMigrations(MIGRATIONS);
  // Before anything is made in the folder: the next try would find it not empty.
  pendingMigrations(migrations, readApplied(join(source, DATABASE)));
  const isNew = await beginUnfinished(folder);
  if ((await realpath(source)) === (await realpath(folder))) {
    throw new StorageFormatError(`${folder} is the storage itself; a copy needs a folder of its own.`);
  }
  const release = claimStorage(folder);
  const fresh = join(folder, 'incoming', `${randomUUID()}.db`);
  try {
    const blobs = await DiskBlobStore.open(folder);
    await blobs.clearIncoming();
    await snapshot(join(source, DATABASE), fresh);
    const database = SqliteDatabase.open(fresh, migrations);
    return {
      blobs,
      blobIndex: new SqlBlobIndex(database),
      skipRevisions: (count) => skipRevisions(database, count),
      endSignIns: (record) => endSignIns(database, record),
      commit: async () => {
        await database.write((connection) => settlePlaces(connection));
        await database.close();
        await takePlace(fresh, join(folder, DATABASE));
        if (isNew) await finish(folder);
        release();
      },
      abandon: async () => {
        await database.close();
        await removeDatabase(fresh);
        release();
      },
    };
  } catch (error) {
    await removeDatabase(fresh);
    release();
    throw error;
  }
}

/** The blobs of a backup, for `restore`. Only reads. Throws `StorageFormatError` where there is no whole backup. */
export async function openBackup(folder: string): Promise<BlobStore> {
  await checkWhole(folder);
  return DiskBlobStore.open(folder);
}

async function takePlace(fresh: string, path: string): Promise<void> {
  settle(fresh);
  // The log of the database that goes would be read as the log of the one that comes.
  settle(path);
  await rename(fresh, path);
  await syncFolder(dirname(path));
}

async function removeDatabase(path: string): Promise<void> {
  for (const suffix of ['', '-wal', '-shm', '-journal']) await rm(`${path}${suffix}`, { force: true });
}
