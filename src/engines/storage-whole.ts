import { join } from 'node:path';
import Database from 'better-sqlite3';
import { type BlobIndex, MetadataDamagedError } from '../stores/blob-index.js';
import type { BlobRef, BlobStore } from '../stores/blob-store.js';
import type { MetadataStore } from '../stores/metadata-store.js';
import { StorageFormatError } from '../stores/storage-errors.js';
import type { BlobPlace } from '../stores/values.js';
import { DiskBlobStore } from './disk/disk-blob-store.js';
import { makePrivateFile } from './disk/private-files.js';
import { isDamage } from './sql/damage.js';
import { readApplied } from './sqlite/sqlite-peek.js';
import { DATABASE, databaseLost } from './storage-format.js';

/** Blobs of either side that are looked for on the other. */
const SAMPLE = 32;
/** Fewer lost blobs may be damage, which `firn fsck` names; so many, and none of them there, is another folder. */
const LOST_MIN = 8;

/** For a database that is about to be opened: made where the storage is new, else there and Firn's. */
export function prepareDatabase(folder: string, state: 'new' | 'whole'): string {
  const path = join(folder, DATABASE);
  if (state === 'new') makePrivateFile(path);
  else if (readOrExplain(folder, path).length === 0) throw databaseLost(folder, "holds nothing of Firn's");
  return path;
}

function readOrExplain(folder: string, path: string) {
  try {
    return readApplied(path);
  } catch (error) {
    if (!(error instanceof Database.SqliteError)) throw error;
    if (error.code === 'SQLITE_NOTADB') throw databaseLost(folder, 'is no database');
    if (error.code.startsWith('SQLITE_CORRUPT')) throw databaseLost(folder, `is damaged (${error.message})`);
    throw error;
  }
}

/**
 * Opens the blobs of a storage folder whose database is open; `owner`: see `BlobStore.clearIncoming`. Throws `StorageFormatError` where the one is plainly not of
 * the other: a disk that is not mounted, a database of an empty Firn beside filled blobs.
 */
export async function openBlobs(
  folder: string,
  { metadata, blobIndex }: { readonly metadata: MetadataStore; readonly blobIndex: BlobIndex },
  owner?: string,
): Promise<DiskBlobStore> {
  const isPrepared = await DiskBlobStore.isPrepared(folder);
  const open = () => DiskBlobStore.open(folder, owner);
  try {
    const named = await blobIndex.newest(SAMPLE);
    if (named.length > 0 && !isPrepared) throw blobsLost(folder);
    const blobs = await open();
    if (named.length > 0) {
      if (named.length >= LOST_MIN && !(await hasAny(blobs, named)) && !(await knowsAny(blobIndex, blobs))) {
        throw blobsLost(folder);
      }
    } else if (
      (await metadata.readOne([], ({ accounts }) => accounts.listUsers(null, 1))).length === 0 &&
      (await firstBlobs(blobs, 1)).length > 0
    ) {
      throw databaseLost(folder, 'has no users, and blobs/ is full');
    }
    return blobs;
  } catch (error) {
    // Plainly Firn's, and damaged: what can be read is served, and fsck tells.
    if (isPrepared && (error instanceof MetadataDamagedError || isDamage(error))) return open();
    throw error;
  }
}

function blobsLost(folder: string): StorageFormatError {
  return new StorageFormatError(
    `${join(folder, 'blobs')} has none of the contents that the database names: nothing was touched. ` +
      'Is its disk mounted? Else put the folder back from a backup; storage/README.md says how.',
  );
}

async function hasAny(blobs: BlobStore, named: readonly BlobRef[]): Promise<boolean> {
  for (const blob of named) if (await blobs.stat(blob)) return true;
  return false;
}

async function knowsAny(blobIndex: BlobIndex, blobs: BlobStore): Promise<boolean> {
  const places = await firstBlobs(blobs, SAMPLE);
  return (await blobIndex.unknown(places)).length < places.length;
}

async function firstBlobs(blobs: BlobStore, limit: number): Promise<BlobPlace[]> {
  const places: BlobPlace[] = [];
  for await (const { place } of blobs.list()) {
    places.push(place);
    if (places.length === limit) break;
  }
  return places;
}
