import { sql } from 'kysely';
import { PLACE, UNDER_WAY } from './content-places.js';
import type { Fragments } from './dialect.js';
import { begun, type NodeRecord, propertyBytes, type Signature } from './node-statements.js';
import type { Schema } from './schema.js';
import { statement } from './statement.js';

/** Statements on what hangs on nodes: contents, properties, trash. JSON lists as in node-statements.ts. */

type PlaceRecord = { sweep: number | null; is_under_way: number; former: string | null };

/** Of a mark that `holdPlace` made. */
const HELD_AT = sql.lit(-1);

/**
 * What is known of a place: the last sweep that came by, and where the content's bytes are so far. The mark of `holdPlace` goes, and is felt
 * by others until the transaction ends.
 */
export const findPlace = statement<{ id: string; place: string }>()<PlaceRecord>((_db, p, d) => {
  const found = sql<PlaceRecord>`
    SELECT (SELECT sweep_id FROM swept WHERE place = ${p('place')}) AS sweep,
      EXISTS (SELECT 1 FROM swept WHERE place = ${p('place')} AND ${UNDER_WAY}) AS is_under_way,
      (SELECT ${PLACE} FROM content WHERE id = ${p('id')} AND bytes IS NULL) AS former`;
  if (d.dialect === 'sqlite') return found;
  return sql<PlaceRecord>`
    WITH given_up AS (DELETE FROM condemned WHERE place = ${p('place')} AND condemned_at = ${HELD_AT})${found}`;
});

/**
 * Only where writes run side by side: nobody else marks the place, or sweeps it, before the transaction ends. A sweep that was to take it
 * fails and looks again, or has ended and is seen by `findPlace`, which comes next.
 */
export const holdPlace = statement<{ place: string }>()<never>(
  (_db, p) => sql<never>`
    INSERT INTO condemned (place, condemned_at) VALUES (${p('place')}, ${HELD_AT})
    ON CONFLICT (place) DO UPDATE SET condemned_at = condemned.condemned_at`,
);

/** Nothing names the place any more. */
export const condemnPlace = statement<{ place: string; now: number }>()((db, p) =>
  db
    .insertInto('condemned')
    .values({ place: p('place'), condemned_at: p('now') })
    .onConflict((conflict) => conflict.doNothing()),
);

export const properties = statement<{ nodes: string }>()<Schema['property']>(
  (_db, p, d) => sql<Schema['property']>`
    SELECT node_id, namespace, name, xml FROM property
    WHERE node_id IN ${d.numbers(p('nodes'))} ORDER BY node_id, namespace, name`,
);

export const nodesWithProperties = statement<{
  drive: number;
  namespace: string;
  name: string;
  after: number;
  limit: number;
}>()<NodeRecord & { xml: string | null }>(
  (_db, p) => sql<NodeRecord & { xml: string | null }>`
    SELECT node.*, property.xml FROM node LEFT JOIN property ON property.node_id = node.id
      AND property.namespace = ${p('namespace')} AND property.name = ${p('name')}
    WHERE node.drive_id = ${p('drive')} AND node.property_bytes > 0 AND node.id > ${p('after')}
    ORDER BY node.id LIMIT ${p('limit')}`,
);

export const putProperty = statement<{ node: number; namespace: string; name: string; xml: string }>()((db, p, d) =>
  db
    .insertInto('property')
    .values({ node_id: p('node'), namespace: p('namespace'), name: p('name'), xml: p('xml') })
    .onConflict((conflict) =>
      conflict
        .columns(d.longKey(['node_id', 'namespace', 'name']))
        .doUpdateSet({ xml: (row) => row.ref('excluded.xml') }),
    ),
);

export const removeProperty = statement<{ node: number; namespace: string; name: string }>()((db, p) =>
  db
    .deleteFrom('property')
    .where('node_id', '=', p('node'))
    .where('namespace', '=', p('namespace'))
    .where('name', '=', p('name')),
);

export const weighProperties = statement<{ node: number }>()<{ bytes: number }>(
  (_db, p, d) => sql<{ bytes: number }>`SELECT ${propertyBytes(d)} AS bytes FROM node WHERE id = ${p('node')}`,
);

export const markChanged = statement<
  { node: number; revision: number } & { [Key in keyof Signature]: Signature[Key] }
>()((db, p, d) =>
  db
    .updateTable('node')
    .set({ ...begun(p, d), changed: p('revision') })
    .where('id', '=', p('node')),
);

/** A clock that is behind the time by which things expire would let it expire at once. */
export const insertTrash = statement<{ [Key in keyof Schema['trash']]: Schema['trash'][Key] }>()<never>(
  (_db, p, d) => sql<never>`
    INSERT INTO trash (node_id, drive_id, owner_id, name, original_path, deleted_by, deleted_at)
    SELECT ${p('node_id')}, ${p('drive_id')}, ${p('owner_id')}, ${p('name')}, ${p('original_path')}, ${p('deleted_by')},
      ${d.greatest}(${p('deleted_at')}, expiry_at) FROM clock_mark`,
);

export const removeTrash = statement<{ node: number }>()((db, p) =>
  db.deleteFrom('trash').where('node_id', '=', p('node')),
);

/** A node of the trash with what is known of its deletion. */
export type TrashRecord = NodeRecord &
  Pick<Schema['trash'], 'owner_id' | 'original_path' | 'deleted_by' | 'deleted_at'>;

const trashColumns = ['trash.owner_id', 'trash.original_path', 'trash.deleted_by', 'trash.deleted_at'] as const;
export function trashed(d: Fragments) {
  return sql`node.*, ${sql.raw(trashColumns.join(', '))} FROM node ${d.join} trash ON trash.node_id = node.id`;
}

/** In two parts that the database merges by name: one IN would sort all that lies in both, for each page. */
export const trashPage = statement<{ bin: number; otherBin: number; after: string; limit: number }>()<TrashRecord>(
  (_db, p, d) => sql<TrashRecord>`
    SELECT * FROM (
      SELECT ${trashed(d)} WHERE node.parent_id = ${p('bin')} AND node.name > ${p('after')}
      UNION ALL
      SELECT ${trashed(d)} WHERE node.parent_id = ${p('otherBin')} AND node.name > ${p('after')}
      AND ${p('otherBin')} <> ${p('bin')}
    )${d.page} ORDER BY name LIMIT ${p('limit')}`,
);

export const findTrash = statement<{ node: number }>()((db, p) =>
  db
    .selectFrom('trash')
    .innerJoin('node', 'node.id', 'trash.node_id')
    .selectAll('node')
    .select(trashColumns)
    .where('trash.node_id', '=', p('node')),
);

export const expiredTrash = statement<{ drive: number; before: number; limit: number }>()((db, p) =>
  db
    .selectFrom('trash')
    .innerJoin('node', 'node.id', 'trash.node_id')
    .selectAll('node')
    .select(trashColumns)
    .where('trash.drive_id', '=', p('drive'))
    .where('trash.deleted_at', '<', p('before'))
    .orderBy('trash.deleted_at')
    .limit(p('limit')),
);

export const takenTrashNames = statement<{ drive: number; owner: number | null; names: string }>()<{ name: string }>(
  (_db, p, d) => sql<{ name: string }>`
    SELECT name FROM trash WHERE drive_id = ${p('drive')}
    AND name IN ${d.texts(p('names'))}
    AND (owner_id IS NULL OR ${d.number(p('owner'))} IS NULL OR owner_id = ${p('owner')})`,
);
