import Database from 'better-sqlite3';
import type { AppliedMigration } from '../sql/migrate.js';
import { patiently } from './open-sqlite.js';

/** How long to wait for a process that opens or closes the file, in milliseconds. */
const BUSY_MAX_MS = 15_000;

/** Which steps of the schema a database file holds; none where it is not Firn's. Only reads. */
export function readApplied(path: string): AppliedMigration[] {
  return patiently(() => {
    const database = new Database(path, { readonly: true, fileMustExist: true, timeout: BUSY_MAX_MS });
    try {
      const table = database.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'migration'");
      if (table.get() === undefined) return [];
      return database.prepare('SELECT name, hash FROM migration ORDER BY name').all() as AppliedMigration[];
    } finally {
      database.close();
    }
  });
}
