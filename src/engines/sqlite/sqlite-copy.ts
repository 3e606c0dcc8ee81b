import { sql } from 'kysely';
import type { MetadataCounts, MetadataSnapshot } from '../../stores/backup-place.js';
import type { BlobId } from '../../stores/values.js';
import { NAMED } from '../sql/content-places.js';
import { MIGRATIONS, pendingMigrations, readMigrations } from '../sql/migrate.js';
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

/** By hash nobody finds them: some at a time. */
const PAGE = 500;
const inlinePage = statement<{ after: number; limit: number }>()<{ key: number; id: string }>(
  (_db, p) => sql<{ key: number; id: string }>`
    SELECT key, id FROM content WHERE key > ${p('after')} AND bytes IS NOT NULL ORDER BY key LIMIT ${p('limit')}`,
);
const bytesOf = statement<{ key: number }>()((db, p) =>
  db.selectFrom('content').select('bytes').where('key', '=', p('key')),
);

async function contentOf(database: SqliteDatabase, id: BlobId): Promise<Uint8Array | null> {
  for (let after = -1; ; ) {
    const page = await database.readOne((connection) => inlinePage.all(connection, { after, limit: PAGE }));
    const found = page.find((row) => row.id === id);
    if (found) {
      const { key } = found;
      return (await database.readOne((connection) => bytesOf.first(connection, { key })))?.bytes ?? null;
    }
    if (page.length < PAGE) return null;
    after = page.at(-1)!.key;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

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
    contentOf: (id) => contentOf(database, id),
    settle: async () => {
      await database.write((connection) => settlePlaces(connection));
      await close();
      settle(file);
    },
    close,
  };
}
