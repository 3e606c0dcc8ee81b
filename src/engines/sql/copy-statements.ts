import { sql } from 'kysely';
import type { Fragments } from './dialect.js';
import { type NodeRecord, propertyBytes, type Signature } from './node-statements.js';
import type { SqlConnection } from './sql-database.js';
import { statement } from './statement.js';

/** Statements on the copy of a tree: `copy_map` says which new node stands for which old one. */

export interface Copy extends Signature {
  readonly id: number;
  readonly drive: number;
  readonly parent: number;
  readonly name: string;
  /** 1: with everything below. */
  readonly deep: number;
  readonly revision: number;
}

/**
 * Returns the copy itself; undefined where its name is taken, or throws `UniqueViolation` then. SQLite has a table for the map;
 * PostgreSQL has none that lasts no longer than a transaction and costs nothing, so there all is one statement.
 */
export async function copyTree(connection: SqlConnection, copy: Copy): Promise<NodeRecord | undefined> {
  if (connection.dialect === 'postgres') return copyAtOnce.first(connection, { ...copy });
  const { id, deep } = copy;
  await clearCopyMap.run(connection, {});
  await fillCopyMap.run(connection, { id, deep });
  await copyNodes.run(connection, { ...copy });
  await copyProperties.run(connection, {});
  return findCopy.first(connection, { id });
}

const clearCopyMap = statement<Record<string, never>>()<never>(() => sql<never>`DELETE FROM copy_map`);

/** New ids for a node and, where `deep` is 1, everything below it, in the order of the old ids. */
const fillCopyMap = statement<{ id: number; deep: number }>()<never>(
  (_db, p) => sql<never>`
    INSERT INTO copy_map (old_id, new_id)
    WITH RECURSIVE down (id) AS (
      SELECT ${p('id')}
      UNION ALL
      SELECT node.id FROM down JOIN node ON node.parent_id = down.id WHERE ${p('deep')} = 1
    )
    SELECT id, (SELECT seq FROM sqlite_sequence WHERE name = 'node') + row_number() OVER (ORDER BY id) FROM down`,
);

/** Nothing for SQLite, which has a table instead. */
const NOTHING = sql.raw('');

type Parameter = <K extends keyof Copy>(name: K) => Copy[K];

const insertNodes = (p: Parameter, d: Fragments) => sql<never>`
    INSERT INTO node (id, drive_id, parent_id, name, is_collection, content_key, content_id, size, descendants,
      modified, created, revision, property_bytes, changed, changed_at, changed_by, changed_with)
    SELECT own.new_id, ${p('drive')},
      CASE WHEN node.id = ${p('id')} THEN ${p('parent')} ELSE parent.new_id END,
      CASE WHEN node.id = ${p('id')} THEN ${p('name')} ELSE node.name END,
      node.is_collection, node.content_key, node.content_id,
      CASE WHEN node.is_collection = 1 AND ${p('deep')} = 0 THEN 0 ELSE node.size END,
      CASE WHEN ${p('deep')} = 0 THEN 0 ELSE node.descendants END,
      node.modified, node.created, ${p('revision')},
      CASE WHEN node.is_collection = 1 AND ${p('deep')} = 0 THEN ${propertyBytes(d)} ELSE node.property_bytes END,
      ${p('revision')}, ${d.number(p('at'))}, ${d.number(p('by'))}, ${d.number(p('with'))}
    FROM copy_map AS own ${d.searched(sql`${d.join} node ON node.id = own.old_id`, 'node', 'node.id = own.old_id')}
    LEFT JOIN copy_map AS parent ON parent.old_id = node.parent_id
    ORDER BY own.new_id`;

const copyNodes = statement<{ [Key in keyof Copy]: Copy[Key] }>()<never>((_db, p, d) => insertNodes(p, d));

const MARKED = 'node.id = copy_map.old_id AND node.property_bytes > 0';
const OF_MARKED = 'property.node_id = node.id';
const insertProperties = (d: Fragments) => sql<never>`
    INSERT INTO property (node_id, namespace, name, xml)
    SELECT copy_map.new_id, property.namespace, property.name, property.xml
    FROM copy_map ${d.searched(sql`${d.join} node ON ${sql.raw(MARKED)}`, 'node', MARKED)}
    ${d.searched(sql`${d.join} property ON ${sql.raw(OF_MARKED)}`, 'property', OF_MARKED)}`;

const copyProperties = statement<Record<string, never>>()<never>((_db, _p, d) => insertProperties(d));

const findCopy = statement<{ id: number }>()<NodeRecord>(
  (_db, p, d) => sql<NodeRecord>`
    SELECT node.* FROM copy_map ${d.join} node ON node.id = copy_map.new_id WHERE copy_map.old_id = ${p('id')}`,
);

const copyAtOnce = statement<{ [Key in keyof Copy]: Copy[Key] }>()<NodeRecord>(
  (_db, p, d) => sql<NodeRecord>`
    WITH RECURSIVE down (id) AS (
      SELECT ${d.number(p('id'))} WHERE NOT EXISTS (
        SELECT 1 FROM node WHERE parent_id = ${d.number(p('parent'))} AND name = ${d.text(p('name'))}
      )
      UNION ALL
      SELECT node.id FROM down ${d.searched(NOTHING, 'node', 'node.parent_id = down.id')} WHERE ${d.number(p('deep'))} = 1
    ),
    copy_map AS MATERIALIZED (
      SELECT id AS old_id, nextval('node_id_seq') AS new_id FROM (SELECT id FROM down ORDER BY id) AS ordered
    ),
    copies AS (${insertNodes(p, d)} RETURNING node.*),
    copied_properties AS (${insertProperties(d)})
    SELECT copies.* FROM copies JOIN copy_map ON copy_map.new_id = copies.id WHERE copy_map.old_id = ${p('id')}`,
);
