import type { BlobLeases, LeaseId } from '../../stores/blob-leases.js';
import type { SqlConnection, SqlDatabase } from './sql-database.js';
import { statement } from './statement.js';

export class SqlBlobLeases implements BlobLeases {
  readonly #database: SqlDatabase;

  constructor(database: SqlDatabase) {
    this.#database = database;
  }

  async begin(id: LeaseId, until: number): Promise<void> {
    await this.#database.write((connection) => insertLease.run(connection, { id, until }));
  }

  renew(id: LeaseId, until: number): Promise<boolean> {
    return this.#database.write(async (connection) => (await renewLease.run(connection, { id, until })) > 0);
  }

  async ended(before: number, limit: number): Promise<LeaseId[]> {
    const rows = await this.#database.readOne((connection: SqlConnection) =>
      endedLeases.all(connection, { before, limit }),
    );
    return rows.map(({ id }) => id as LeaseId);
  }

  async remove(id: LeaseId, endedBefore: number): Promise<void> {
    await this.#database.write((connection) => removeLease.run(connection, { id, endedBefore }));
  }

  async storageId(): Promise<string> {
    const row = await this.#database.readOne((connection: SqlConnection) => storageId.first(connection, {}));
    return row!.id;
  }
}

const insertLease = statement<{ id: string; until: number }>()((db, p) =>
  db.insertInto('blob_lease').values({ id: p('id'), held_until: p('until') }),
);

const renewLease = statement<{ id: string; until: number }>()((db, p) =>
  db
    .updateTable('blob_lease')
    .set({ held_until: p('until') })
    .where('id', '=', p('id')),
);

const endedLeases = statement<{ before: number; limit: number }>()((db, p) =>
  db
    .selectFrom('blob_lease')
    .select('id')
    .where('held_until', '<=', p('before'))
    .orderBy('held_until')
    .limit(p('limit')),
);

const removeLease = statement<{ id: string; endedBefore: number }>()((db, p) =>
  db.deleteFrom('blob_lease').where('id', '=', p('id')).where('held_until', '<=', p('endedBefore')),
);

const storageId = statement<Record<string, never>>()((db) => db.selectFrom('storage_id').select('id').limit(1));
