import { sql } from 'kysely';
import type { StorageHistory, StoragePoint } from '../../stores/storage-history.js';
import type { SqlDatabase } from './sql-database.js';
import { statement } from './statement.js';

const usedBytes = statement<Record<string, never>>()<{ used: number }>(
  () => sql<{ used: number }>`
    SELECT coalesce(sum(node.size), 0) AS used FROM drive JOIN node ON node.id = drive.root_id`,
);

const countFiles = statement<{ after: number; limit: number }>()<{ last: number | null; files: number | null }>(
  (_db, p) => sql<{ last: number | null; files: number | null }>`
    SELECT max(id) AS last, sum(1 - is_collection) AS files
    FROM (SELECT id, is_collection FROM node WHERE id > ${p('after')} ORDER BY id LIMIT ${p('limit')}) AS page`,
);

const putPoint = statement<{ day: string; used: number; files: number }>()<never>(
  (_db, p) => sql<never>`
    INSERT INTO storage_point (day, used_bytes, files) VALUES (${p('day')}, ${p('used')}, ${p('files')})
    ON CONFLICT (day) DO UPDATE SET used_bytes = excluded.used_bytes, files = excluded.files`,
);

const points = statement<{ limit: number }>()((db, p) =>
  db.selectFrom('storage_point').selectAll().orderBy('day', 'desc').limit(p('limit')),
);

/** How full the storage was, in an SQL database. */
export class SqlStorageHistory implements StorageHistory {
  readonly #database: SqlDatabase;

  constructor(database: SqlDatabase) {
    this.#database = database;
  }

  async usedBytes(): Promise<number> {
    return (await this.#database.readOne((connection) => usedBytes.first(connection, {})))!.used;
  }

  async countFiles(after: number, limit: number): Promise<{ files: number; last: number | null }> {
    const row = await this.#database.readOne((connection) => countFiles.first(connection, { after, limit }));
    return { files: row!.files ?? 0, last: row!.last };
  }

  async putPoint({ day, usedBytes: used, files }: StoragePoint): Promise<void> {
    await this.#database.write((connection) => putPoint.run(connection, { day, used, files }));
  }

  async points(limit: number): Promise<StoragePoint[]> {
    const rows = await this.#database.readOne((connection) => points.all(connection, { limit }));
    return rows.reverse().map(({ day, used_bytes, files }) => ({ day, usedBytes: used_bytes, files }));
  }
}
