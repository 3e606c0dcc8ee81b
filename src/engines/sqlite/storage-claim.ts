import { join } from 'node:path';
import Database from 'better-sqlite3';
import { StorageClaimedError } from '../../stores/storage-errors.js';
import { makePrivateFile } from '../disk/private-files.js';
import { isBusy } from './sqlite-connection.js';

/** How long workers may take to end whose server has ended, in milliseconds: they do so at once, but for a disk that hangs. */
const WORKERS_END_MS = 10_000;
const PAUSE_MS = 50;
/** How long a worker waits while a server looks whether it may claim the storage. */
const LOOK_MS = 2_000;

/**
 * Makes this process the one server of a storage folder until the answer is called, or the process ends in whatever
 * way: the lock is the operating system's, held through SQLite. Where the server `hasWorkers` they share in the lock
 * (`claimAsWorker`), and it isn't free before the last of them has ended; who takes the place of a server that was
 * killed waits for that. Throws `StorageClaimedError`.
 */
export function claimStorage(folder: string, { hasWorkers = false } = {}): () => void {
  const database = openLock(folder, 0);
  try {
    const giveUpAt = Date.now() + WORKERS_END_MS;
    while (!begin(database, 'EXCLUSIVE')) {
      if (!isLeftByServer(database) || Date.now() > giveUpAt) {
        throw new StorageClaimedError(`another Firn server is running on ${folder}`);
      }
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
    }
    // RESERVED keeps other servers away, and lets the workers have SHARED.
    if (hasWorkers) {
      database.exec('COMMIT');
      if (!begin(database, 'IMMEDIATE')) throw new StorageClaimedError(`another Firn server is running on ${folder}`);
    }
  } catch (error) {
    database.close();
    throw error;
  }
  return () => database.close();
}

/** Keeps the claim of the server whose worker this process is alive as long as it lives itself. */
export function claimAsWorker(folder: string): () => void {
  const database = openLock(folder, LOOK_MS);
  database.exec('BEGIN');
  database.prepare('SELECT 1 FROM sqlite_schema').get();
  return () => database.close();
}

/** Whether a server works on the storage folder now. */
export function isClaimed(folder: string): boolean {
  try {
    const database = openLock(folder, 0);
    try {
      return !begin(database, 'EXCLUSIVE');
    } finally {
      database.close();
    }
  } catch (error) {
    if (error instanceof StorageClaimedError) return true;
    throw error;
  }
}

function openLock(folder: string, timeout: number): Database.Database {
  const path = join(folder, 'server.lock');
  makePrivateFile(path);
  const database = new Database(path, { timeout });
  try {
    // A journal on the disk would need room there.
    database.pragma('journal_mode = MEMORY');
    return database;
  } catch (error) {
    database.close();
    if (!isBusy(error)) throw error;
    throw new StorageClaimedError(`another Firn server is running on ${folder}`, { cause: error });
  }
}

/** False where another process holds a lock that doesn't go with it. */
function begin(database: Database.Database, kind: 'EXCLUSIVE' | 'IMMEDIATE'): boolean {
  try {
    database.exec(`BEGIN ${kind}`);
    return true;
  } catch (error) {
    if (isBusy(error)) return false;
    throw error;
  }
}

/** Whether workers alone hold the lock: their server has ended. */
function isLeftByServer(database: Database.Database): boolean {
  if (!begin(database, 'IMMEDIATE')) return false;
  database.exec('ROLLBACK');
  return true;
}
