import { join } from 'node:path';
import Database from 'better-sqlite3';
import { makePrivateFile } from '../disk/private-files.js';
import { isBusy } from './sqlite-connection.js';

/** Another server works on the same storage. */
export class StorageClaimedError extends Error {
  override readonly name = 'StorageClaimedError';
}

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
