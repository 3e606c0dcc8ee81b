import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { hasCode, syncFolder } from './disk/file-calls.js';

const markSchema = z.object({
  /** Highest revision that was committed when this was written. */
  revision: z.number().int().nonnegative(),
  at: z.string(),
  /** What starts found lost, until `firn fsck --repair`. */
  losses: z.array(z.object({ at: z.string(), kind: z.enum(['past', 'log']), message: z.string() })),
});

export type Mark = z.infer<typeof markSchema>;

/** `revision.json` beside the database: what it should know, in case that it comes back from an earlier day. */
export class RevisionMark {
  readonly #folder: string;
  readonly #path: string;
  #written: string | null = null;

  constructor(folder: string) {
    this.#folder = folder;
    this.#path = join(folder, 'revision.json');
  }

  /** Null where there is none that can be read: it is an aid, which nothing depends on. */
  async read(): Promise<Mark | null> {
    try {
      return markSchema.parse(JSON.parse(await readFile(this.#path, 'utf8')));
    } catch (error) {
      if (error instanceof SyntaxError || error instanceof z.ZodError || hasCode(error, 'ENOENT')) return null;
      throw error;
    }
  }

  /** Durable; who reads it meanwhile sees the former or this one. Nothing where the revision and losses are those. */
  async write({ revision, at, losses }: Mark): Promise<void> {
    const what = JSON.stringify([revision, losses]);
    if (what === this.#written) return;
    const fresh = `${this.#path}.new`;
    const file = await open(fresh, 'w', 0o600);
    try {
      await file.writeFile(`${JSON.stringify({ revision, at, losses }, null, 2)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(fresh, this.#path);
    await syncFolder(this.#folder);
    this.#written = what;
  }
}
