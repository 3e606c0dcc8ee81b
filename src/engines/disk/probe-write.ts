import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { close, fsync, open, translateFull, unlinkIfThere, writeAll } from './file-calls.js';

/** More than a file system keeps beside a file's name, so that it takes room of its own. */
const PROBE_BYTES = 64 * 1024;

/** Writes a file to the folder, syncs it and removes it. Throws `StorageFullError`, or what the system says. */
export async function probeWrite(folder: string): Promise<void> {
  const path = join(folder, `probe.${randomUUID()}`);
  try {
    const fd = await open(path, 'wx', 0o600);
    try {
      await writeAll(fd, Buffer.alloc(PROBE_BYTES, 1), 0);
      await fsync(fd);
    } finally {
      await close(fd);
    }
  } catch (error) {
    throw translateFull(error);
  } finally {
    await unlinkIfThere(path);
  }
}
