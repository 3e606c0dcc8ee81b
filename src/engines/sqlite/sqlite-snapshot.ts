import { closeSync, existsSync, fsyncSync, openSync } from 'node:fs';
import Database from 'better-sqlite3';
import { makePrivateFile } from '../disk/private-files.js';

/** Pages (of 4 KiB) that are copied before others get a turn: 4 MB, some 5 ms. */
const STEP_PAGES = 1_000;

/**
 * Copies a database as of one moment to the new file `target`, also while other processes write. All of it is read in
 * one transaction: SQLite's backup otherwise begins again with each write of another process, and may never end (400 MB
 * beside 500 writes a second: ten times as many steps).
 */
export async function snapshot(source: string, target: string): Promise<void> {
  const database = new Database(source, { readonly: true, fileMustExist: true });
  try {
    database.exec('BEGIN');
    database.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get();
    // A server beside this may not have synced its last commit yet: the copy has nothing that a power cut could take back.
    if (existsSync(`${source}-wal`)) sync(`${source}-wal`);
    makePrivateFile(target);
    await database.backup(target, { progress: () => STEP_PAGES });
    database.exec('COMMIT');
  } finally {
    database.close();
  }
}

/** Makes a database that nobody has open a single file that needs no log beside it; durable. Nothing without one. */
export function settle(path: string): void {
  if (!existsSync(path)) return;
  const database = new Database(path);
  try {
    database.pragma('journal_mode = DELETE');
  } finally {
    database.close();
  }
  sync(path);
}

function sync(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
