import { sql } from 'kysely';
import type { Signature } from './node-statements.js';
import type { SqlConnection } from './sql-database.js';
import { statement } from './statement.js';

/** Statements on copies of trees that hang from no drive yet. JSON lists as in node-statements.ts. */

export const insertStagedCopy = statement<{ id: number; until: number }>()((db, p) =>
  db.insertInto('staged_copy').values({ node_id: p('id'), held_until: p('until') }),
);

export const holdStagedCopy = statement<{ id: number; until: number }>()((db, p) =>
  db
    .updateTable('staged_copy')
    .set({ held_until: p('until') })
    .where('node_id', '=', p('id')),
);

export const removeStagedCopy = statement<{ id: number }>()((db, p) =>
  db.deleteFrom('staged_copy').where('node_id', '=', p('id')),
);

export const staleCopies = statement<{ now: number }>()((db, p) =>
  db.selectFrom('staged_copy').select('node_id').where('held_until', '<', p('now')),
);

/** The numbers of the next `count` nodes, ascending. */
export async function nextNodeIds(connection: SqlConnection, count: number): Promise<number[]> {
  if (connection.dialect === 'sqlite') {
    const { seq } = (await lastNodeId.first(connection, {}))!;
    return Array.from({ length: count }, (_, index) => seq + 1 + index);
  }
  return (await takeNodeIds.all(connection, { count })).map(({ id }) => id);
}

const lastNodeId = statement<Record<string, never>>()<{ seq: number }>(
  () => sql<{ seq: number }>`SELECT seq FROM sqlite_sequence WHERE name = 'node'`,
);

const takeNodeIds = statement<{ count: number }>()<{ id: number }>(
  (_db, p, d) =>
    sql<{ id: number }>`SELECT nextval('node_id_seq') AS id FROM generate_series(1, ${d.number(p('count'))})`,
);

/** `copies`: a JSON list of lists, each the new node's number, its parent's or null, and the number of what it copies. */
export const insertCopies = statement<
  { copies: string; drive: number; revision: number } & { [Key in keyof Signature]: Signature[Key] }
>()<never>(
  (_db, p, d) => sql<never>`
    INSERT INTO node (id, drive_id, parent_id, name, is_collection, content_key, content_id, size, descendants,
      modified, created, revision, property_bytes, changed, changed_at, changed_by, changed_with)
    SELECT ${d.numberAt(0)}, ${p('drive')}, ${d.numberAt(1)}, node.name, node.is_collection, node.content_key,
      node.content_id, node.size, node.descendants, node.modified, node.created, ${p('revision')}, node.property_bytes,
      ${p('revision')}, ${d.number(p('at'))}, ${d.number(p('by'))}, ${d.number(p('with'))}
    FROM ${d.wantedLists(p('copies'))} ${d.join} node ON node.id = ${d.numberAt(2)}`,
);

/** `copies`: a JSON list of lists, each the number of a node and of its copy. */
export const copyPropertiesOf = statement<{ copies: string }>()<never>(
  (_db, p, d) => sql<never>`
    INSERT INTO property (node_id, namespace, name, xml)
    SELECT ${d.numberAt(1)}, property.namespace, property.name, property.xml
    FROM ${d.wantedLists(p('copies'))} ${d.join} property ON property.node_id = ${d.numberAt(0)}`,
);
