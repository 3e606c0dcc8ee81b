import { join, resolve } from 'node:path';
import type { BlobLeases } from '../stores/blob-leases.js';
import type { BlobStore } from '../stores/blob-store.js';
import type { StorageCopy } from '../stores/storage-copy.js';
import { StorageFormatError } from '../stores/storage-errors.js';
import type { StorageMove } from '../stores/storage-move.js';
import { DiskBlobStore } from './disk/disk-blob-store.js';
import type { EngineOptions, MetadataEngine } from './metadata-engine.js';
import type { S3Config } from './s3/open-s3-blobs.js';
import { checkIsHere } from './sql/sql-move-mark.js';
import { openSqliteMetadata } from './sqlite/sqlite-metadata.js';
import { claimAsWorker, claimStorage, isClaimed } from './sqlite/storage-claim.js';
import { beginCopy, openBackup } from './storage-copy.js';
import { finish, openStorage } from './storage-format.js';
import { findStorageKey, markOfKey, readStorageKey, SECRET_KEY } from './storage-key.js';
import { EngineMove } from './storage-move.js';
import { openBlobs } from './storage-whole.js';

export type { EngineOptions, WorkerOptions } from './metadata-engine.js';
export { openBackupPlace } from './open-backup-place.js';
export { openCopy } from './sqlite/sqlite-copy.js';

/** Which engines stand behind the seams, and where their data is. */
export interface EngineConfig {
  /** Folder of everything that has no place of its own. */
  readonly storage: string;
  /** SQLite: its database is in the storage folder. PostgreSQL: `mayBeUnsafe` is for tests (`PostgresOptions`). */
  readonly metadata:
    | { readonly engine: 'sqlite'; readonly slowSyncMs?: number | undefined }
    | { readonly engine: 'postgres'; readonly url: string; readonly mayBeUnsafe?: boolean };
  /** Folder: `blobs/` in the storage folder. */
  readonly blobs: { readonly engine: 'folder' } | ({ readonly engine: 's3' } & S3Config);
  /** Null: `secret.key` in the storage folder. */
  readonly secretKeyFile: string | null;
  /** 0: nothing that was read before is used again. */
  readonly answerCacheBytes?: number;
}

/** Everything that holds data, behind the seams. */
export interface Engines extends Omit<MetadataEngine, 'leases' | 'tables'> {
  /** Whether the storage was made just now. */
  readonly isNew: boolean;
  readonly blobs: BlobStore;
  /** By which what ended processes left is found; null where it is found by listing all. */
  readonly leases: BlobLeases | null;
  /** Rejects where the bucket can't be read now; null where the bytes are in a folder. */
  readonly checkBucket: (() => Promise<void>) | null;
  /**
   * The key of the secrets that have to be read again; made where there is none and one server has the storage. Throws
   * `StorageFormatError` for a file that others can read or that holds no key, or not the one of the other servers.
   */
  readSecretKey(): Promise<Uint8Array>;
  /** A name that no other storage has; a copy keeps it. */
  storageId(): Promise<string>;
  /** What tells which key that is, and nothing else of it; null where there is none yet. */
  markOfSecretKey(): Promise<string | null>;
  /** Whether a server works on the storage folder now. */
  isServed(): boolean;
}

/**
 * Opens the data of a storage folder; where `mayMake` and the folder is missing or empty, makes it first. Several
 * processes may do so at once, but one server. Throws `StorageFormatError`, `StorageClaimedError` and `MigrationError`.
 */
export function openEngines(config: EngineConfig, options: EngineOptions = {}): Promise<Engines> {
  return openAll(config, options);
}

async function openAll(config: EngineConfig, options: EngineOptions) {
  const { storage } = config;
  const hasDatabase = config.metadata.engine === 'sqlite';
  // Where the database is elsewhere, nothing in the folder is missed.
  const state = await openStorage(storage, options.mayMake || !hasDatabase, hasDatabase);
  const metadata = await openMetadata(config, state, options);
  try {
    if (!options.half) await checkIsHere(metadata.tables.database);
    const { close, ...stored } = await openBlobStore(config, metadata, options);
    if (state === 'new') await finish(storage);
    const release = claim(storage, options);
    return {
      ...metadata,
      isNew: state === 'new' && hasDatabase,
      ...stored,
      storageId: () => metadata.leases.storageId(),
      readSecretKey: () => readSecretKey(config, metadata),
      markOfSecretKey: () => markOfKeyIn(keyFileOf(config)),
      isServed: () => isClaimed(storage),
      close: async () => {
        try {
          await close();
        } finally {
          await metadata.close().finally(release);
        }
      },
    };
  } catch (error) {
    await metadata.close();
    throw error;
  }
}

async function readSecretKey(config: EngineConfig, { cluster }: MetadataEngine) {
  const file = keyFileOf(config);
  const key = await readStorageKey(file, cluster === null);
  if (cluster && !(await cluster.store.claimKey(markOfKey(key)))) {
    throw new StorageFormatError(
      `The key in ${file} is not the one that the database was first used with. ${SAME_KEY}`,
    );
  }
  return key;
}

const SAME_KEY = 'All servers on it need that one: copy it from where it was made, or put it back.';

/** What `firn restore` needs: the blobs of a backup, and what fills the storage from it. */
export async function openRestore(
  { storage, blobs }: EngineConfig,
  backup: string,
): Promise<{ readonly blobs: BlobStore; readonly beginCopy: () => Promise<StorageCopy> }> {
  checkIsFolder(blobs);
  return { blobs: await openBackup(backup), beginCopy: () => beginCopy(backup, storage) };
}

/** The same from the database in the folder `from`, which is no whole backup. */
export function beginRestore({ storage, blobs }: EngineConfig, from: string): Promise<StorageCopy> {
  checkIsFolder(blobs);
  return beginCopy(from, storage);
}

function checkIsFolder(blobs: EngineConfig['blobs']): void {
  if (blobs.engine === 'folder') return;
  throw new StorageFormatError('A backup is restored into a folder: set "blobs" to { "engine": "folder" } for it.');
}

/**
 * What `firn migrate-storage` works with: both storages are this process's alone until it is closed. Throws `StorageClaimedError` where a
 * server works on one of them, and `StorageFormatError` where the one can't become the other.
 */
export async function openMove(from: EngineConfig, to: EngineConfig, now: number): Promise<StorageMove> {
  if (resolve(from.storage) === resolve(to.storage)) {
    throw new StorageFormatError(
      `Both configurations name the folder ${to.storage}: the target needs a "storage" of its own, also where its data is elsewhere.`,
    );
  }
  await checkSameKey(keyFileOf(from), keyFileOf(to));
  // A cluster's folder holds nothing that is moved: any will do.
  const source = await openAll(from, { isServer: true, half: 'source', mayMake: from.metadata.engine !== 'sqlite' });
  try {
    const target = await openAll(to, { isServer: true, half: 'target', mayMake: true });
    try {
      await target.blobs.clearIncoming();
      return await EngineMove.begin({ ...source, place: placeOf(from) }, { ...target, place: placeOf(to) }, now);
    } catch (error) {
      await target.close();
      throw error;
    }
  } catch (error) {
    await source.close();
    throw error;
  }
}

/** Throws where what is encrypted in the one could not be read in the other. */
async function checkSameKey(source: string, target: string): Promise<void> {
  const key = await findStorageKey(source);
  if (!key) return;
  const other = await findStorageKey(target);
  if (!other) {
    throw new StorageFormatError(`The target has no secret key: copy ${source} to ${target}, for its owner alone.`);
  }
  if (!Buffer.from(key).equals(other)) {
    throw new StorageFormatError(
      `${target} holds another key than ${source}: what is encrypted could not be read there. Copy the source's file.`,
    );
  }
}

function keyFileOf({ secretKeyFile, storage }: EngineConfig): string {
  return secretKeyFile ?? join(storage, SECRET_KEY);
}

/** What tells which key is in the file, and nothing else of it; null where there is none. Throws `StorageFormatError`. */
export async function markOfKeyIn(file: string): Promise<string | null> {
  const key = await findStorageKey(file);
  return key && markOfKey(key);
}

/** Where a storage is, without credentials. */
function placeOf({ metadata, blobs, storage }: EngineConfig): string {
  if (metadata.engine === 'sqlite') return storage;
  const { host, pathname } = new URL(metadata.url);
  const bytes = blobs.engine === 's3' ? `the bucket ${blobs.bucket}` : storage;
  return `PostgreSQL ${host}${pathname} and ${bytes}`;
}

/** Another database is another case here. */
async function openMetadata(
  { metadata, storage, answerCacheBytes }: EngineConfig,
  state: 'new' | 'whole',
  options: EngineOptions,
): Promise<MetadataEngine> {
  switch (metadata.engine) {
    case 'sqlite':
      return openSqliteMetadata(storage, state, options, { ...metadata, isWatched: answerCacheBytes !== 0 });
    case 'postgres': {
      // Who has SQLite doesn't load it.
      const { openPostgresMetadata } = await import('./postgres/postgres-metadata.js');
      return openPostgresMetadata(metadata.url, { mayBeUnsafe: metadata.mayBeUnsafe ?? false });
    }
  }
}

interface OpenBlobs {
  readonly blobs: BlobStore;
  readonly leases: BlobLeases | null;
  readonly checkBucket: (() => Promise<void>) | null;
  /** Before the database is closed. */
  readonly close: () => Promise<void>;
}

/** Another place for bytes is another case here. */
async function openBlobStore(
  { blobs, storage }: EngineConfig,
  metadata: MetadataEngine,
  { worker, half }: EngineOptions,
): Promise<OpenBlobs> {
  switch (blobs.engine) {
    case 'folder':
      return {
        blobs: half === 'target' ? await DiskBlobStore.open(storage) : await openBlobs(storage, metadata, worker?.name),
        leases: null,
        checkBucket: null,
        close: async () => {},
      };
    case 's3': {
      // Loaded where it is wanted: its libraries cost memory.
      const { openS3Blobs } = await import('./s3/open-s3-blobs.js');
      return { ...(await openS3Blobs(blobs, metadata)), leases: metadata.leases };
    }
  }
}

/** Returns what gives the claim back. */
function claim(storage: string, { isServer, hasWorkers, worker }: EngineOptions): () => void {
  if (worker) return claimAsWorker(storage);
  return isServer ? claimStorage(storage, { hasWorkers: hasWorkers === true }) : () => {};
}
