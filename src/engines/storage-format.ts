import { randomUUID } from 'node:crypto';
import { chmod, link, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { StorageFormatError } from '../stores/storage-errors.js';
import { hasCode, syncFolder } from './disk/file-calls.js';
import { makeFolder, makeFoldersPrivate, makePrivate } from './disk/private-files.js';

/** Number of the layout that storage/README.md describes. */
const FORMAT = '1';
/** Instead of the number, while a first start fills an empty folder. */
const NEW = 'new storage';
/** Instead of the number, while a backup or a restore fills an empty folder. */
const UNFINISHED = 'unfinished copy';
/** Name of the database in a storage folder. */
export const DATABASE = 'firn.db';

/**
 * Checks that a storage folder is one of this format with a database, or, where `mayMake` and it is empty, begins one
 * that its owner alone can read: `new` until `finish`. Changes nothing where it throws `StorageFormatError`.
 */
export async function openStorage(folder: string, mayMake: boolean, hasDatabase = true): Promise<'new' | 'whole'> {
  const format = await readFormat(folder);
  if (format === UNFINISHED) {
    throw new StorageFormatError(
      `A backup or restore to ${folder} did not finish. Empty the folder to restore, or run the backup again.`,
    );
  }
  if (format === FORMAT) {
    if (hasDatabase) await checkDatabase(folder);
    await keepPrivate(folder);
    return 'whole';
  }
  if (!mayMake) throw new StorageFormatError(`There is no storage in ${folder}. ${WHICH}`);
  if (format === null) await beginStorage(folder, NEW);
  // Another process that began it at the same time may have finished.
  return (await readFormat(folder)) === FORMAT ? 'whole' : 'new';
}

const WHICH =
  'FIRN_STORAGE, or "storage" in firn.config.json, has to name the server\'s; "npm start" and "firn user create" make a new one.';

/** For a folder that is to become a copy. False where it holds a whole storage already. */
export async function beginUnfinished(folder: string): Promise<boolean> {
  const format = await readFormat(folder);
  if (format === null) await beginStorage(folder, UNFINISHED);
  await keepPrivate(folder);
  return format !== FORMAT;
}

export async function finish(folder: string): Promise<void> {
  await writeDurably(folder, 'FORMAT', `${FORMAT}\n`, rename);
}

/** For a folder that must hold a whole storage. Throws `StorageFormatError`. */
export async function checkWhole(folder: string): Promise<void> {
  const format = await readFormat(folder);
  if (format === FORMAT) return checkDatabase(folder);
  const reason = format === null ? 'has no file FORMAT' : 'is of a backup that did not finish';
  throw new StorageFormatError(`${folder} is no backup: it ${reason}.`);
}

/** A database is made only together with FORMAT: where it is gone, all that it knew is. */
async function checkDatabase(folder: string): Promise<void> {
  const { size } = (await findFile(join(folder, DATABASE))) ?? { size: null };
  if (size !== null && size > 0) return;
  throw databaseLost(folder, size === null ? 'is missing' : 'is empty');
}

/** What to say of a storage whose database is none of Firn's. */
export function databaseLost(folder: string, what: string): StorageFormatError {
  return new StorageFormatError(
    `The database of the storage, ${join(folder, DATABASE)}, ${what}: nothing was touched. ` +
      'Put it back from a backup; storage/README.md says how.',
  );
}

async function beginStorage(folder: string, format: string): Promise<void> {
  await makeStorageFolder(folder);
  // Another process that begins the folder writes FORMAT first.
  const former = (await findFile(join(folder, DATABASE)))
    ? 'a database'
    : (await hasMembers(join(folder, 'blobs'))) && 'blobs';
  if (former && !(await findFile(join(folder, 'FORMAT')))) {
    throw new StorageFormatError(`${folder} has ${former} but no file FORMAT: restore it from a backup.`);
  }
  await chmod(folder, 0o700);
  await writeDurably(folder, 'FORMAT', `${format}\n`, linkFirst);
}

async function makeStorageFolder(folder: string): Promise<void> {
  try {
    await makeFolder(folder);
  } catch (error) {
    if (hasCode(error, 'EACCES', 'EPERM', 'EROFS', 'ENOSPC')) throw error;
    throw new StorageFormatError(`${folder} can't be made: ${(error as Error).message}. ${WHICH}`, { cause: error });
  }
}

/** What an older Firn, or a copy by hand, left open to others. The folder itself keeps what its operator gave it. */
async function keepPrivate(folder: string): Promise<void> {
  const files = ['FORMAT', DATABASE, `${DATABASE}-wal`, `${DATABASE}-shm`, 'server.lock', 'incoming', 'damaged'];
  await makePrivate(files.map((name) => join(folder, name)));
  await makeFoldersPrivate(join(folder, 'blobs'));
}

/** Null where there is none. */
async function readFormat(folder: string): Promise<string | null> {
  const text = await readIfThere(join(folder, 'FORMAT'));
  const format = text?.trim() ?? null;
  if (format === null || format === FORMAT || format === NEW || format === UNFINISHED) return format;
  const found = JSON.stringify(format.slice(0, 20));
  throw new StorageFormatError(`${folder} has format ${found}; this Firn reads ${FORMAT}. Use the Firn that wrote it.`);
}

async function readIfThere(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return null;
    throw error;
  }
}

async function findFile(file: string): Promise<{ readonly size: number } | null> {
  try {
    return await stat(file);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return null;
    throw error;
  }
}

async function hasMembers(folder: string): Promise<boolean> {
  try {
    return (await readdir(folder)).length > 0;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
}

/** Who reads the file meanwhile sees all of it or nothing. `place` puts it there. */
async function writeDurably(
  folder: string,
  name: string,
  text: string,
  place: (from: string, to: string) => Promise<void>,
): Promise<void> {
  const incoming = join(folder, `${name}.${randomUUID()}`);
  const handle = await open(incoming, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await place(incoming, join(folder, name));
  await syncFolder(folder);
}

/** Never over one that another process has just put there. */
async function linkFirst(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
  } finally {
    await rm(from, { force: true });
  }
}
