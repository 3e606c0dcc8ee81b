import { sql } from 'kysely';
import type { DamageRow, NewDamage, ScrubStore } from '../../stores/scrub-store.js';
import type { NewAuditRecord } from '../../stores/security-store.js';
import type { BlobId, DriveId } from '../../stores/values.js';
import type { SqlDatabase } from './sql-database.js';
import { SqlSecurityStore } from './sql-security-store.js';
import { statement } from './statement.js';

const verifiedParts = statement<Record<string, never>>()((db) => db.selectFrom('scrub_part').selectAll());

const noteVerified = statement<{ digits: string; at: number }>()<never>(
  (_db, p) => sql<never>`
    INSERT INTO scrub_part (digits, verified_at) VALUES (${p('digits')}, ${p('at')})
    ON CONFLICT (digits) DO UPDATE SET verified_at = excluded.verified_at`,
);

const insertDamage = statement<{ content: string; kind: string; message: string; at: number }>()<never>(
  (_db, p) => sql<never>`
    INSERT INTO damage (content_id, kind, message, found_at)
    VALUES (${p('content')}, ${p('kind')}, ${p('message')}, ${p('at')}) ON CONFLICT (content_id) DO NOTHING`,
);

const damages = statement<{ limit: number }>()((db, p) =>
  db.selectFrom('damage').selectAll().orderBy('found_at').orderBy('content_id').limit(p('limit')),
);

const countDamages = statement<Record<string, never>>()<{ count: number }>(
  () => sql<{ count: number }>`SELECT count(*) AS count FROM damage`,
);

const byDrive = statement<Record<string, never>>()<{ drive_id: number; count: number }>(
  (_db, _p, { join }) => sql<{ drive_id: number; count: number }>`
    SELECT drive_id, count(*) AS count FROM (
      SELECT node.drive_id, content.key
      FROM damage ${join} content ON content.id = damage.content_id AND content.bytes IS NULL ${join} node ON node.content_key = content.key
      UNION
      SELECT node_past.drive_id, content.key
      FROM damage ${join} content ON content.id = damage.content_id AND content.bytes IS NULL ${join} node_past ON node_past.content_key = content.key
    ) AS named GROUP BY drive_id`,
);

const deleteDamage = statement<{ content: string }>()((db, p) =>
  db.deleteFrom('damage').where('content_id', '=', p('content')),
);

const noteTold = statement<{ contents: string; at: number }>()<never>(
  (_db, p, d) => sql<never>`UPDATE damage SET told_at = ${p('at')} WHERE content_id IN ${d.texts(p('contents'))}`,
);

/** What the reading of all contents has found, in an SQL database. */
export class SqlScrubStore implements ScrubStore {
  readonly #database: SqlDatabase;

  constructor(database: SqlDatabase) {
    this.#database = database;
  }

  async verifiedAt(): Promise<ReadonlyMap<string, number>> {
    const rows = await this.#database.readOne((connection) => verifiedParts.all(connection, {}));
    return new Map(rows.map((row) => [row.digits, row.verified_at]));
  }

  async noteVerified(digits: string, at: number): Promise<void> {
    await this.#database.write((connection) => noteVerified.run(connection, { digits, at }));
  }

  noteDamage({ contentId, kind, message, foundAt }: NewDamage, record: NewAuditRecord): Promise<boolean> {
    const row = { content: contentId, kind, message, at: foundAt };
    return this.#database.write(async (connection) => {
      if ((await insertDamage.run(connection, row)) === 0) return false;
      await new SqlSecurityStore(connection).writeAudit(record);
      return true;
    });
  }

  async damages(limit: number): Promise<DamageRow[]> {
    const rows = await this.#database.readOne((connection) => damages.all(connection, { limit }));
    return rows.map((row) => ({
      contentId: row.content_id as BlobId,
      kind: row.kind,
      message: row.message,
      foundAt: row.found_at,
      toldAt: row.told_at,
    }));
  }

  async countDamages(): Promise<number> {
    return (await this.#database.readOne((connection) => countDamages.first(connection, {})))!.count;
  }

  async damagesByDrive(): Promise<ReadonlyMap<DriveId, number>> {
    const rows = await this.#database.readOne((connection) => byDrive.all(connection, {}));
    return new Map(rows.map((row) => [row.drive_id as DriveId, row.count]));
  }

  forgetDamage(contentId: BlobId, record: NewAuditRecord | null): Promise<boolean> {
    return this.#database.write(async (connection) => {
      if ((await deleteDamage.run(connection, { content: contentId })) === 0) return false;
      if (record) await new SqlSecurityStore(connection).writeAudit(record);
      return true;
    });
  }

  async noteTold(contentIds: readonly BlobId[], at: number): Promise<void> {
    const contents = JSON.stringify(contentIds);
    await this.#database.write((connection) => noteTold.run(connection, { contents, at }));
  }
}
