import { join } from 'node:path';
import type { BlobStore } from '../stores/blob-store.js';
import type { StorageCopy } from '../stores/storage-copy.js';
import type { EngineOptions, MetadataEngine } from './metadata-engine.js';
import { openSqliteMetadata } from './sqlite/sqlite-metadata.js';
import { claimStorage, isClaimed } from './sqlite/storage-claim.js';
import { beginCopy, openBackup } from './storage-copy.js';
import { finish, openStorage } from './storage-format.js';
import { readStorageKey, SECRET_KEY } from './storage-key.js';
import { openBlobs } from './storage-whole.js';

export type { EngineOptions } from './metadata-engine.js';

/** Which engines stand behind the seams, and where their data is. */
export interface EngineConfig {
  /** Folder of everything that has no place of its own. */
  readonly storage: string;
  /** SQLite: its database is in the storage folder. */
  readonly metadata: { readonly engine: 'sqlite' };
  /** Folder: `blobs/` in the storage folder. */
  readonly blobs: { readonly engine: 'folder' };
  /** Null: `secret.key` in the storage folder. */
  readonly secretKeyFile: string | null;
}

/** Everything that holds data, behind the seams. */
export interface Engines extends MetadataEngine {
  /** Whether the storage was made just now. */
  readonly isNew: boolean;
  readonly blobs: BlobStore;
  /**
   * The key of the secrets that have to be read again; made where there is none. Throws `StorageFormatError` for a file that
   * others can read or that holds no key.
   */
  readSecretKey(): Promise<Uint8Array>;
  /** Whether a server works on the storage now. */
  isServed(): boolean;
}

/**
 * Opens the data of a storage folder; where `mayMake` and the folder is missing or empty, makes it first. Several
 * processes may do so at once, but one server. Throws `StorageFormatError`, `StorageClaimedError` and `MigrationError`.
 */
export async function openEngines(config: EngineConfig, options: EngineOptions = {}): Promise<Engines> {
  const { storage } = config;
  const state = await openStorage(storage, options.mayMake ?? false);
  const metadata = await openMetadata(config, state, options);
  try {
    const blobs = await openBlobStore(config, metadata);
    if (state === 'new') await finish(storage);
    const release = options.isServer ? claimStorage(storage) : () => {};
    return {
      ...metadata,
      isNew: state === 'new',
      blobs,
      readSecretKey: () => readStorageKey(config.secretKeyFile ?? join(storage, SECRET_KEY)),
      isServed: () => isClaimed(storage),
      close: () => metadata.close().finally(release),
    };
  } catch (error) {
    await metadata.close();
    throw error;
  }
}

/** What `firn restore` needs: the blobs of a backup, and what fills the storage from it. */
export async function openRestore(
  { storage }: EngineConfig,
  backup: string,
): Promise<{ readonly blobs: BlobStore; readonly beginCopy: () => Promise<StorageCopy> }> {
  return { blobs: await openBackup(backup), beginCopy: () => beginCopy(backup, storage) };
}

/** Another database is another case here. */
function openMetadata(
  { metadata, storage }: EngineConfig,
  state: 'new' | 'whole',
  options: EngineOptions,
): Promise<MetadataEngine> {
  switch (metadata.engine) {
    case 'sqlite':
      return openSqliteMetadata(storage, state, options);
  }
}

/** Another place for bytes is another case here. */
function openBlobStore({ blobs, storage }: EngineConfig, metadata: MetadataEngine): Promise<BlobStore> {
  switch (blobs.engine) {
    case 'folder':
      return openBlobs(storage, metadata);
  }
}
