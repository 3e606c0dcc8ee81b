import { randomUUID } from 'node:crypto';
import { chmod, mkdir, open, readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder } from './disk/file-calls.js';

/** Number of the layout that storage/README.md describes. */
const FORMAT = '1';
/** Instead of the number, while a backup or a restore fills an empty folder. */
const UNFINISHED = 'unfinished copy';
/** Name of the database in a storage folder. */
export const DATABASE = 'firn.db';

/** The storage folder can't be used as it is. The message says why. */
export class StorageFormatError extends Error {
  override readonly name = 'StorageFormatError';
}

/**
 * Checks the format of a storage folder, or begins a new one that its owner alone can read. Throws
 * `StorageFormatError`.
 */
export async function openStorage(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const format = await readFormat(folder);
  if (format === UNFINISHED) {
    throw new StorageFormatError(
      `A backup or restore to ${folder} did not finish. Empty the folder to restore, or run the backup again.`,
    );
  }
  if (format === null) await beginStorage(folder, FORMAT);
}

/** For a folder that is to become a copy. False where it holds a whole storage already. */
export async function beginUnfinished(folder: string): Promise<boolean> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const format = await readFormat(folder);
  if (format === null) await beginStorage(folder, UNFINISHED);
  return format !== FORMAT;
}

export async function finish(folder: string): Promise<void> {
  await writeDurably(folder, 'FORMAT', `${FORMAT}\n`);
}

/** For a folder that must hold a whole storage. Throws `StorageFormatError`. */
export async function checkWhole(folder: string): Promise<void> {
  const format = await readFormat(folder);
  if (format === FORMAT) return;
  const reason = format === null ? 'has no file FORMAT' : 'is of a backup that did not finish';
  throw new StorageFormatError(`${folder} is no backup: it ${reason}.`);
}

async function beginStorage(folder: string, format: string): Promise<void> {
  // Another process that begins the folder writes FORMAT first.
  if ((await isThere(join(folder, DATABASE))) && !(await isThere(join(folder, 'FORMAT')))) {
    throw new StorageFormatError(`${folder} has a database but no file FORMAT: restore it from a backup.`);
  }
  await chmod(folder, 0o700);
  await writeDurably(folder, 'FORMAT', `${format}\n`);
}

/** Null where there is none. */
async function readFormat(folder: string): Promise<string | null> {
  const text = await readIfThere(join(folder, 'FORMAT'));
  const format = text?.trim() ?? null;
  if (format === null || format === FORMAT || format === UNFINISHED) return format;
  const found = JSON.stringify(format.slice(0, 20));
  throw new StorageFormatError(`${folder} has format ${found}; this Firn reads ${FORMAT}. Use the Firn that wrote it.`);
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
async function writeDurably(folder: string, name: string, text: string): Promise<void> {
  const incoming = join(folder, `${name}.${randomUUID()}`);
  const handle = await open(incoming, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(incoming, join(folder, name));
  await syncFolder(folder);
}
