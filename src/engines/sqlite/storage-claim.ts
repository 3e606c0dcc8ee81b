import { join } from 'node:path';
import Database from 'better-sqlite3';
import { StorageClaimedError } from '../../stores/storage-errors.js';
import { makePrivateFile } from '../disk/private-files.js';
import { isBusy } from './sqlite-connection.js';

/**
 * Makes this process the one server of a storage folder until the answer is called, or the process ends in whatever
 * way: the lock is the operating system's, held through SQLite. Throws `StorageClaimedError`.
 */
export function claimStorage(folder: string): () => void {
  const path = join(folder, 'server.lock');
  makePrivateFile(path);
  const database = new Database(path, { timeout: 0 });
  try {
    // A journal on the disk would need room there.
    database.pragma('journal_mode = MEMORY');
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (!isBusy(error)) throw error;
    throw new StorageClaimedError(`another Firn server is running on ${folder}`, { cause: error });
  }
  return () => database.close();
}

/** Whether a server works on the storage folder now. */
export function isClaimed(folder: string): boolean {
  try {
    claimStorage(folder)();
    return false;
  } catch (error) {
    if (error instanceof StorageClaimedError) return true;
    throw error;
  }
}
