import { closeSync, openSync } from 'node:fs';
import { chmod, mkdir, readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hasCode } from './file-calls.js';

/** Rights of a folder and of a file: the owner's alone, whatever the process' umask is. */
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;
/** Rights of the group and of others. */
const FOREIGN_RIGHTS = 0o077;

/**
 * Makes a folder, and those above it that are missing, for its owner alone. Rejects where it can't be: Node's own
 * `recursive` never ends where the system refuses a name in a folder that is there, as /proc does.
 */
export async function makeFolder(path: string): Promise<void> {
  if ((await makeOne(path)) === null) return;
  const above = dirname(path);
  if (!(await isFolder(above))) await makeFolder(above);
  // Another caller may have made the one above since: one more try tells.
  const missing = await makeOne(path);
  if (missing !== null) throw missing;
}

/** Returns the error where something is missing. */
async function makeOne(path: string): Promise<unknown> {
  try {
    await mkdir(path, { mode: FOLDER_MODE });
    return null;
  } catch (error) {
    if (hasCode(error, 'EEXIST', 'EISDIR') && (await isFolder(path))) return null;
    if (hasCode(error, 'ENOENT')) return error;
    throw error;
  }
}

/** Makes an empty file for its owner alone where there is none, for a library that would give it the umask's rights. */
export function makePrivateFile(path: string): void {
  closeSync(openSync(path, 'a', FILE_MODE));
}

/** Takes what rights the group and others have of these files and folders, where they are there. */
export async function makePrivate(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const mode = await modeOf(path);
    if (mode !== null && (mode & FOREIGN_RIGHTS) !== 0) await chmod(path, mode & ~FOREIGN_RIGHTS & 0o777);
  }
}

/** The same for a folder and the folders in it; where the folder itself is private already, those in it are too. */
export async function makeFoldersPrivate(path: string): Promise<void> {
  const mode = await modeOf(path);
  if (mode === null || (mode & FOREIGN_RIGHTS) === 0) return;
  await makePrivate((await readdir(path)).map((name) => join(path, name)));
  await makePrivate([path]);
}

async function modeOf(path: string): Promise<number | null> {
  try {
    return (await stat(path)).mode;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null;
    throw error;
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return false;
    throw error;
  }
}
