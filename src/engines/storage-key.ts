import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { link, open, readFile, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { StorageFormatError } from '../stores/storage-errors.js';
import { syncFolder } from './disk/file-calls.js';

/** Beside the database, but in no backup: who has the one should not have the other. */
export const SECRET_KEY = 'secret.key';

const KEY_BYTES = 32;
/** Rights of the group and of others. */
const FOREIGN_RIGHTS = 0o077;

/**
 * The key of the secrets that have to be read again: the file's, which is made where there is none and it `mayMake`, for its owner alone.
 * Several processes may do so at once. Throws `StorageFormatError` for a file that others can read or that holds no key.
 */
export async function readStorageKey(file: string, mayMake = true): Promise<Uint8Array> {
  const key = await findStorageKey(file);
  if (key) return key;
  if (!mayMake) throw new StorageFormatError(`There is no key in ${file}. ${MAKE_KEY}`);
  await makeKeyFile(file);
  return (await findStorageKey(file))!;
}

/** Null where there is no file. Throws as `readStorageKey` does. */
export async function findStorageKey(file: string): Promise<Uint8Array | null> {
  const text = await readKeyFile(file);
  if (text === null) return null;
  const key = Buffer.from(text.trim(), 'base64');
  if (key.length !== KEY_BYTES) {
    throw new StorageFormatError(`${file} needs to hold ${KEY_BYTES} bytes in base64; put the right file back.`);
  }
  return key;
}

const MAKE_KEY =
  'All servers on the database need the same: copy it there, or make the first one by ' +
  '"head -c 32 /dev/urandom | base64 > FILE; chmod 600 FILE".';

/** What tells whether two keys are the same, and nothing else of them. */
export function markOfKey(key: Uint8Array): string {
  return createHmac('sha256', key).update('Firn: which key this is').digest('base64');
}

async function readKeyFile(file: string): Promise<string | null> {
  try {
    const { mode } = await stat(file);
    if ((mode & FOREIGN_RIGHTS) !== 0) {
      throw new StorageFormatError(`${file} can be read by others; type: chmod 600 ${file}`);
    }
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Whole or not at all, and never over one that another process has just made. */
async function makeKeyFile(file: string): Promise<void> {
  const fresh = join(dirname(file), `.${randomUUID()}.key`);
  const handle = await open(fresh, 'wx', 0o600);
  try {
    await handle.writeFile(`${randomBytes(KEY_BYTES).toString('base64')}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  try {
    await link(fresh, file);
    await syncFolder(dirname(file));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(fresh, { force: true });
  }
}
