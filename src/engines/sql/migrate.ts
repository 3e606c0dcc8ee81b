import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MigrationError } from '../../stores/storage-errors.js';

/** Folder of SQLite's migrations. */
export const MIGRATIONS = fileURLToPath(new URL('../../../migrations/sqlite', import.meta.url));

/** A released step of the schema. */
export interface Migration {
  readonly name: string;
  readonly sql: string;
  readonly hash: string;
  /**
   * Number of the migration up to which a Firn has to know the schema to work beside this one; said in its first lines as
   * `-- compatible-with: 0002`. Absent: none that doesn't know this one can.
   */
  readonly compatibleWith?: string | null;
}

export type AppliedMigration = Omit<Migration, 'sql'>;

const COMPATIBLE = /^(?:--.*\n)*?-- compatible-with: (\d{4})\s*?(?:\n|$)/;

/** Reads the migrations of a folder in the order of their names. */
export function readMigrations(folder: string): Migration[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.sql'))
    .sort()
    .map((file) => {
      const sql = readFileSync(join(folder, file), 'utf8');
      const hash = createHash('sha256').update(sql).digest('hex');
      return { name: file.slice(0, -'.sql'.length), sql, hash, compatibleWith: COMPATIBLE.exec(sql)?.[1] ?? null };
    });
}

/**
 * Which migrations are still to be applied. Throws `MigrationError` when the database holds one that was edited since,
 * is unknown here (the database belongs to a newer Firn) and doesn't say that this one can go on, or comes before one not yet applied.
 */
export function pendingMigrations(released: readonly Migration[], applied: readonly AppliedMigration[]): Migration[] {
  const byName = new Map(released.map((migration) => [migration.name, migration]));
  const last = released.at(-1)?.name ?? '';
  let unknown = 0;
  for (const { name, hash, compatibleWith } of applied) {
    const migration = byName.get(name);
    if (!migration && name > last && compatibleWith && compatibleWith <= numberOf(last)) {
      unknown++;
      continue;
    }
    if (!migration) throw new MigrationError(`the database holds migration ${name}, which this Firn does not know`);
    if (migration.hash !== hash) throw new MigrationError(`migration ${name} was edited after it was applied`);
  }
  const pending = released.slice(applied.length - unknown);
  if (pending.some(({ name }) => applied.some((done) => done.name >= name))) {
    throw new MigrationError('a migration was added before ones that are applied already');
  }
  return pending;
}

/** Of `0002-cluster`. */
function numberOf(name: string): string {
  return name.slice(0, 4);
}
