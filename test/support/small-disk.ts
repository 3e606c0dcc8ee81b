import { mkdtempSync } from 'node:fs';
import { open, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { mustRun } from './run-program.js';

/** Only root may mount; elsewhere tests of a full disk are left out. CI is root. */
export const mayMount = process.getuid?.() === 0;

/** A disk of a few MB that can be filled to the last byte. */
export class SmallDisk {
  private constructor(readonly folder: string) {}

  static async mount(megabytes: number): Promise<SmallDisk> {
    const folder = mkdtempSync(path.join(tmpdir(), 'firn-disk-'));
    await mustRun('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=700`, 'tmpfs', folder]);
    return new SmallDisk(folder);
  }

  /** Until not one byte more can be written. */
  async fill(): Promise<void> {
    const file = await open(path.join(this.folder, 'fill'), 'a');
    try {
      for (const size of [1024 * 1024, 4096, 1]) {
        const bytes = Buffer.alloc(size, 1);
        const write = async () => {
          for (;;) await file.write(bytes);
        };
        await write().catch((error: NodeJS.ErrnoException) => {
          if (error.code !== 'ENOSPC') throw error;
        });
      }
    } finally {
      await file.close();
    }
  }

  async unmount(): Promise<void> {
    await mustRun('umount', [this.folder]);
    await rmdir(this.folder);
  }
}
