import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** What is in the folder, at any depth, that its group or others have rights on, and the folder itself. */
export async function openToOthers(folder: string): Promise<string[]> {
  const names = ['.', ...(await readdir(folder, { recursive: true }))];
  const open: string[] = [];
  for (const name of names) if (((await stat(join(folder, name))).mode & 0o077) !== 0) open.push(name);
  return open.sort();
}
