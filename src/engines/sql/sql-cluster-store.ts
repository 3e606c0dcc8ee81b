import { sql } from 'kysely';
import type { ClusterStore, NewServer, ServerId, ServerRow } from '../../stores/cluster-store.js';
import type { Schema } from './schema.js';
import type { SqlDatabase } from './sql-database.js';
import { statement } from './statement.js';

/** How long it is known of a server that it was there, in milliseconds. */
const KEPT_MS = 86_400_000;

export class SqlClusterStore implements ClusterStore {
  readonly #database: SqlDatabase;

  constructor(database: SqlDatabase) {
    this.#database = database;
  }

  async time(): Promise<number> {
    return (await this.#database.readOne((connection) => readClock.first(connection, {})))!.now;
  }

  join({ id, name, version }: NewServer, goneBefore: number): Promise<ServerRow | null> {
    return this.#database.write(async (connection) => {
      await removeEnded.run(connection, { kept: KEPT_MS });
      const other = await livingOf.first(connection, { name, goneBefore });
      if (other) return toServer(other);
      await takeName.run(connection, { name });
      await insertServer.run(connection, { id, name, version });
      return null;
    });
  }

  renew(id: ServerId, trouble: string | null): Promise<boolean> {
    return this.#database.write(async (connection) => (await renewServer.run(connection, { id, trouble })) > 0);
  }

  async leave(id: ServerId): Promise<void> {
    await this.#database.write((connection) => leaveServer.run(connection, { id }));
  }

  async servers(): Promise<ServerRow[]> {
    return (await this.#database.readOne((connection) => servers.all(connection, {}))).map(toServer);
  }

  claimKey(mac: string): Promise<boolean> {
    return this.#database.write(async (connection) => {
      await noteKey.run(connection, { mac });
      return (await readKey.first(connection, {}))?.key_mac === mac;
    });
  }
}

type ServerRecord = Schema['cluster_node'];

function toServer(row: ServerRecord): ServerRow {
  const { name, version, trouble } = row;
  const times = { startedAt: row.started_at, seenAt: row.seen_at, leftAt: row.left_at };
  return { id: row.id as ServerId, name, version, ...times, trouble };
}

const readClock = statement<Record<never, never>>()<{ now: number }>(
  (_db, _p, d) => sql<{ now: number }>`SELECT ${d.clock} AS now`,
);

const removeEnded = statement<{ kept: number }>()<never>(
  (_db, p, d) => sql<never>`DELETE FROM cluster_node WHERE coalesce(left_at, seen_at) < ${d.clock} - ${p('kept')}`,
);

const livingOf = statement<{ name: string; goneBefore: number }>()((db, p) =>
  db
    .selectFrom('cluster_node')
    .selectAll()
    .where('name', '=', p('name'))
    .where('left_at', 'is', null)
    .where('seen_at', '>=', p('goneBefore'))
    .limit(1),
);

/** From who is gone without a word. */
const takeName = statement<{ name: string }>()<never>(
  (_db, p, d) => sql<never>`UPDATE cluster_node SET left_at = ${d.clock} WHERE name = ${p('name')} AND left_at IS NULL`,
);

const insertServer = statement<{ id: string; name: string; version: string }>()<never>(
  (_db, p, d) => sql<never>`
    INSERT INTO cluster_node (id, name, version, started_at, seen_at)
    VALUES (${p('id')}, ${p('name')}, ${p('version')}, ${d.clock}, ${d.clock})`,
);

const renewServer = statement<{ id: string; trouble: string | null }>()<never>(
  (_db, p, d) => sql<never>`
    UPDATE cluster_node SET seen_at = ${d.clock}, trouble = ${p('trouble')} WHERE id = ${p('id')} AND left_at IS NULL`,
);

const leaveServer = statement<{ id: string }>()<never>(
  (_db, p, d) => sql<never>`UPDATE cluster_node SET left_at = ${d.clock} WHERE id = ${p('id')} AND left_at IS NULL`,
);

const servers = statement<Record<never, never>>()((db) =>
  db.selectFrom('cluster_node').selectAll().orderBy('started_at').orderBy('id'),
);

const noteKey = statement<{ mac: string }>()((db, p) =>
  db
    .updateTable('storage_id')
    .set({ key_mac: p('mac') })
    .where('key_mac', 'is', null),
);

const readKey = statement<Record<never, never>>()((db) => db.selectFrom('storage_id').select('key_mac').limit(1));
