import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { BackupPlace, StoredBytes, StoredName } from '../../stores/backup-place.js';
import { takeSource } from '../take-source.js';
import { hasCode, syncFolder, translateFull, writeAll } from './file-calls.js';
import { makeFolder } from './private-files.js';

/** Beginnings of names that are being written. */
const UNFINISHED = '.unfinished-';

/** Backups in a folder. */
export class FolderBackupPlace implements BackupPlace {
  /** Folders that were made or seen, whose names are durable. */
  readonly #folders = new Set<string>();

  constructor(readonly title: string) {}

  async put(
    name: string,
    source: AsyncIterable<Uint8Array>,
    verify?: (stored: StoredBytes) => void,
  ): Promise<StoredBytes> {
    const path = join(this.title, name);
    await this.#makeFolder(dirname(path));
    const fresh = join(dirname(path), `${UNFINISHED}${randomUUID()}`);
    const hash = createHash('sha256');
    const file = await open(fresh, 'wx', 0o600);
    try {
      let written = 0;
      const size = await takeSource(source, {}, async (chunk) => {
        hash.update(chunk);
        await writeAll(file.fd, chunk, written);
        written += chunk.length;
      });
      const stored = { hash: hash.digest('hex'), size };
      verify?.(stored);
      await file.sync();
      await file.close();
      await rename(fresh, path);
      await syncFolder(dirname(path));
      return stored;
    } catch (error) {
      await file.close().catch(() => {}); // It may be closed.
      await rm(fresh, { force: true });
      throw translateFull(error);
    }
  }

  async open(name: string): Promise<AsyncIterable<Uint8Array> | null> {
    const path = join(this.title, name);
    try {
      if (!(await stat(path)).isFile()) return null;
    } catch (error) {
      if (hasCode(error, 'ENOENT', 'ENOTDIR')) return null;
      throw error;
    }
    return createReadStream(path, { highWaterMark: 256 * 1024 });
  }

  async *list(prefix: string): AsyncIterable<StoredName> {
    for (const { name, isFolder } of await this.#members(prefix)) {
      if (isFolder) yield* this.list(`${prefix}${name}`);
      else yield { name: `${prefix}${name}`, size: (await stat(join(this.title, `${prefix}${name}`))).size };
    }
  }

  async delete(names: readonly string[]): Promise<boolean> {
    const folders = new Set<string>();
    try {
      for (const name of names) {
        await rm(join(this.title, name), { force: true });
        folders.add(dirname(join(this.title, name)));
      }
    } catch (error) {
      if (hasCode(error, 'EACCES', 'EPERM', 'EROFS')) return false;
      throw error;
    }
    for (const folder of folders) {
      this.#folders.delete(folder);
      // Those that are not empty stay.
      await rmdir(folder).catch(() => {});
    }
    return true;
  }

  close(): void {}

  /** Names of folders end in `/`, so that all are in the order of whole names. */
  async #members(prefix: string): Promise<{ readonly name: string; readonly isFolder: boolean }[]> {
    try {
      const found = await readdir(join(this.title, prefix), { withFileTypes: true });
      return found
        .filter(({ name }) => !name.startsWith(UNFINISHED))
        .map((member) => {
          const isFolder = member.isDirectory();
          return { name: isFolder ? `${member.name}/` : member.name, isFolder };
        })
        .sort((a, b) => (a.name < b.name ? -1 : 1));
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return [];
      throw error;
    }
  }

  async #makeFolder(folder: string): Promise<void> {
    if (this.#folders.has(folder)) return;
    await makeFolder(folder);
    for (let each = folder; each.length > this.title.length; each = dirname(each)) await syncFolder(dirname(each));
    this.#folders.add(folder);
  }
}
