import { sql } from 'kysely';
import type { MetadataCounts, MetadataSnapshot } from '../../stores/backup-place.js';
import { NAMED } from '../sql/content-places.js';
import { MIGRATIONS, pendingMigrations, readMigrations } from '../sql/migrate.js';
import { findContent } from '../sql/record-statements.js';
import { SqlBlobIndex } from '../sql/sql-blob-index.js';
import { SqlMetadataCheck } from '../sql/sql-metadata-check.js';
import { settlePlaces } from '../sql/sql-sweeps.js';
import { statement } from '../sql/statement.js';
import { SqliteDatabase } from './sqlite-database.js';
import { readApplied } from './sqlite-peek.js';
import { settle, snapshot } from './sqlite-snapshot.js';

const counts = statement<Record<string, never>>()<MetadataCounts>(
  () => sql<MetadataCounts>`
    SELECT (SELECT count(*) FROM app_user) AS users, (SELECT count(*) FROM drive) AS drives, (SELECT count(*) FROM node) AS nodes,
      (SELECT count(*) FROM totp) + (SELECT count(*) FROM job WHERE secret IS NOT NULL) AS secrets,
      count(*) AS contents, coalesce(sum(size), 0) AS "contentBytes"
    FROM content WHERE ${NAMED}`,
);

/** Copies the database `source` as of one moment to the new `file`, also while others write. Throws `MigrationError`. */
export async function copyDatabase(source: string, file: string): Promise<MetadataSnapshot> {
  // Before anything is made: one of a newer Firn can't be read.
  pendingMigrations(readMigrations(MIGRATIONS), readApplied(source));
  await snapshot(source, file);
  return openCopy(file);
}

/** Opens a copy that nobody else has open, and brings it to the present schema. Throws `MigrationError`. */
export function openCopy(file: string): MetadataSnapshot {
  const database = SqliteDatabase.open(file, readMigrations(MIGRATIONS));
  let isOpen = true;
  const close = async () => {
    if (isOpen) await database.close();
    isOpen = false;
  };
  return {
    blobIndex: new SqlBlobIndex(database),
    check: new SqlMetadataCheck(database),
    counts: async () => (await database.readOne((connection) => counts.first(connection, {})))!,
    contentOf: async (id) =>
      (await database.readOne((connection) => findContent.first(connection, { id })))?.bytes ?? null,
    settle: async () => {
      await database.write((connection) => settlePlaces(connection));
      await close();
      settle(file);
    },
    close,
  };
}
