import { sql } from 'kysely';
import { statement } from './statement.js';

/** A row of `node` as the database gives it. */
export interface NodeRecord {
  id: number;
  drive_id: number;
  parent_id: number | null;
  name: string;
  is_collection: number;
  content_id: string | null;
  size: number;
  descendants: number;
  modified: number;
  created: number;
  revision: number;
  property_bytes: number;
}

/** The columns of `NodeRecord`, in the order of `NodeList`, for statements on `node` under that name. */
export const NODE = sql.raw(
  'node.id, node.drive_id, node.parent_id, node.name, node.is_collection, node.content_id, node.size, ' +
    'node.descendants, node.modified, node.created, node.revision, node.property_bytes',
);

/** A row of `node` as the list of its values. */
export type NodeList = readonly [
  id: number,
  driveId: number,
  parentId: number | null,
  name: string,
  isCollection: number,
  contentId: string | null,
  size: number,
  descendants: number,
  modified: number,
  created: number,
  revision: number,
  propertyBytes: number,
];

/** What a node's own dead properties take: many small ones cost their rows, so each counts for more than its text. */
export const PROPERTY_BYTES = sql.raw(`coalesce((
      SELECT sum(100 + length(CAST(namespace AS BLOB)) + length(CAST(property.name AS BLOB)) + length(CAST(xml AS BLOB)))
      FROM property WHERE node_id = node.id), 0)`);

/** A list of values that travels as one JSON parameter, so that a statement has one text whatever the list's length. */
function listed(json: unknown) {
  return sql<number>`(SELECT value FROM json_each(${json}))`;
}

export const findNodes = statement<{ ids: string }>()<NodeRecord>(
  (_db, p) => sql<NodeRecord>`
    SELECT node.* FROM json_each(${p('ids')}) AS wanted CROSS JOIN node ON node.id = wanted.value ORDER BY wanted.key`,
);

/** One row for each step that exists; `segments` is a JSON array of names. */
export const resolvePath = statement<{ anchor: number; segments: string }>()<NodeRecord>(
  (_db, p) => sql<NodeRecord>`
    WITH RECURSIVE walk (depth, id) AS (
      SELECT 0, ${p('anchor')}
      UNION ALL
      SELECT walk.depth + 1, node.id FROM walk
      JOIN node ON node.parent_id = walk.id AND node.name = (${p('segments')} ->> walk.depth)
    )
    SELECT ${NODE} FROM walk CROSS JOIN node ON node.id = walk.id ORDER BY walk.depth`,
);

/** A node with its content, whose columns are null where it isn't asked for. */
export type NodeAndContentList = readonly [
  ...node: NodeList,
  contentSize: number | null,
  sha1: string | null,
  md5: string | null,
  bytes: Uint8Array | null,
  place: string | null,
];

/** As `resolvePath`, with the content of the node at depth `length`. */
export const resolveFile = statement<{ anchor: number; segments: string; length: number }>()<NodeRecord>(
  (_db, p) => sql<NodeRecord>`
    WITH RECURSIVE walk (depth, id) AS (
      SELECT 0, ${p('anchor')}
      UNION ALL
      SELECT walk.depth + 1, node.id FROM walk
      JOIN node ON node.parent_id = walk.id AND node.name = (${p('segments')} ->> walk.depth)
    )
    SELECT ${NODE}, content.size AS content_size, content.sha1, content.md5, content.bytes, content.place
    FROM walk CROSS JOIN node ON node.id = walk.id
    LEFT JOIN content ON content.key = node.content_key AND walk.depth = ${p('length')}
    ORDER BY walk.depth`,
);

export const ancestors = statement<{ id: number }>()<NodeRecord>(
  (_db, p) => sql<NodeRecord>`
    WITH RECURSIVE up (depth, id) AS (
      SELECT 0, parent_id FROM node WHERE id = ${p('id')}
      UNION ALL
      SELECT up.depth + 1, node.parent_id FROM up JOIN node ON node.id = up.id WHERE node.parent_id IS NOT NULL
    )
    SELECT node.* FROM up CROSS JOIN node ON node.id = up.id ORDER BY up.depth`,
);

export const childrenOfOne = statement<{ parent: number; after: string; limit: number }>()<NodeRecord>(
  (_db, p) => sql<NodeRecord>`
    SELECT ${NODE} FROM node WHERE parent_id = ${p('parent')} AND name > ${p('after')}
    ORDER BY name LIMIT ${p('limit')}`,
);

/** In two parts, so that a page begins where the one before it ended, and not at the first child. */
export const childrenOfMany = statement<{
  parents: string;
  afterParent: number;
  afterName: string;
  limit: number;
}>()<NodeRecord>(
  (_db, p) => sql<NodeRecord>`
    SELECT * FROM (
      SELECT ${NODE} FROM node WHERE parent_id = ${p('afterParent')} AND name > ${p('afterName')}
      AND ${p('afterParent')} IN ${listed(p('parents'))}
      UNION ALL
      SELECT ${NODE} FROM node WHERE parent_id IN ${listed(p('parents'))} AND parent_id > ${p('afterParent')}
    ) ORDER BY parent_id, name LIMIT ${p('limit')}`,
);

export const takenNames = statement<{ parent: number; names: string }>()<{ name: string }>(
  (_db, p) => sql<{ name: string }>`
    SELECT name FROM node WHERE parent_id = ${p('parent')} AND name IN ${listed(p('names'))}`,
);

/** The next revision: never given out before, on any drive. */
export const nextRevision = statement<Record<string, never>>()<{ value: number }>(
  () => sql<{ value: number }>`UPDATE revision SET value = value + 1 RETURNING value`,
);

export const insertNode = statement<{
  drive: number;
  parent: number;
  name: string;
  isCollection: number;
  content: string | null;
  size: number;
  modified: number;
  created: number;
  revision: number;
}>()((db, p) =>
  db
    .insertInto('node')
    .values({
      drive_id: p('drive'),
      parent_id: p('parent'),
      name: p('name'),
      is_collection: p('isCollection'),
      content_key: db.selectFrom('content').select('key').where('id', '=', p('content')),
      content_id: p('content'),
      size: p('size'),
      modified: p('modified'),
      created: p('created'),
      revision: p('revision'),
      changed: p('revision'),
    })
    .returning(['id', 'content_key']),
);

/** A node and all its ancestors, by id. */
function upwards(start: number) {
  return sql<number>`(
      WITH RECURSIVE up (id) AS (
        SELECT ${start}
        UNION ALL
        SELECT node.parent_id FROM up JOIN node ON node.id = up.id WHERE node.parent_id IS NOT NULL
      ) SELECT id FROM up
    )`;
}

/** Gives the node `start` and all its ancestors a revision and adds to their sizes and counts. */
export const touchUpwards = statement<{
  start: number;
  revision: number;
  size: number;
  descendants: number;
}>()<never>(
  (_db, p) => sql<never>`
    UPDATE node SET revision = ${p('revision')}, size = size + ${p('size')},
      descendants = descendants + ${p('descendants')}
    WHERE id IN ${upwards(p('start'))}`,
);

/** Adds to the property bytes of the node `start` and all its ancestors. Apart, as they are in an index and seldom change. */
export const addPropertyBytes = statement<{ start: number; properties: number }>()<never>(
  (_db, p) => sql<never>`
    UPDATE node SET property_bytes = property_bytes + ${p('properties')} WHERE id IN ${upwards(p('start'))}`,
);

/** As `touchUpwards`, for a collection whose own members change: it is modified `now`. */
export const touchParent = statement<{
  start: number;
  revision: number;
  size: number;
  descendants: number;
  now: number;
}>()<never>(
  (_db, p) => sql<never>`
    UPDATE node SET revision = ${p('revision')}, size = size + ${p('size')},
      descendants = descendants + ${p('descendants')},
      modified = CASE WHEN id = ${p('start')} THEN ${p('now')} ELSE modified END
    WHERE id IN ${upwards(p('start'))}`,
);

export const replaceContent = statement<{
  id: number;
  content: string;
  size: number;
  modified: number;
  revision: number;
}>()((db, p) =>
  db
    .updateTable('node')
    .set({
      content_key: db.selectFrom('content').select('key').where('id', '=', p('content')),
      content_id: p('content'),
      size: p('size'),
      modified: p('modified'),
      revision: p('revision'),
      changed: p('revision'),
    })
    .where('id', '=', p('id'))
    .returning('content_key'),
);

export const setTimes = statement<{ id: number; modified: number; created: number; revision: number }>()((db, p) =>
  db
    .updateTable('node')
    .set({ modified: p('modified'), created: p('created'), changed: p('revision') })
    .where('id', '=', p('id')),
);

export const bindNode = statement<{ id: number; parent: number; name: string; revision: number }>()((db, p) =>
  db
    .updateTable('node')
    .set({
      parent_id: p('parent'),
      name: p('name'),
      revision: p('revision'),
      changed: p('revision'),
      moved: p('revision'),
    })
    .where('id', '=', p('id')),
);

/** For a tree that goes to another drive: its members count as changed there. */
export const moveToDrive = statement<{ id: number; drive: number; revision: number }>()<never>(
  (_db, p) => sql<never>`
    UPDATE node SET drive_id = ${p('drive')}, revision = ${p('revision')}, changed = ${p('revision')}
    WHERE id IN (
      WITH RECURSIVE down (id) AS (
        SELECT ${p('id')} UNION ALL SELECT node.id FROM down JOIN node ON node.parent_id = down.id
      ) SELECT id FROM down
    )`,
);

/** Collections that one look for deep ones visits: some 30 ms. */
const VISITED_MAX = 20_000;

/** Depth first, and no deeper than one level below `levels`. */
export const deepestBelow = statement<{ id: number; levels: number }>()<{ depth: number }>(
  (_db, p) => sql<{ depth: number }>`
    WITH RECURSIVE down (id, depth) AS (
      SELECT ${p('id')}, 0
      UNION ALL
      SELECT node.id, down.depth + 1 FROM down CROSS JOIN node INDEXED BY node_folder
      ON node.parent_id = down.id AND node.is_collection = 1
      WHERE down.depth <= ${p('levels')}
      ORDER BY 2 DESC LIMIT ${sql.lit(VISITED_MAX)}
    )
    SELECT max(depth) AS depth FROM down`,
);

export const clearCopyMap = statement<Record<string, never>>()<never>(() => sql<never>`DELETE FROM copy_map`);

/** New ids for a node and, where `deep` is 1, everything below it, in the order of the old ids. */
export const fillCopyMap = statement<{ id: number; deep: number }>()<never>(
  (_db, p) => sql<never>`
    INSERT INTO copy_map (old_id, new_id)
    WITH RECURSIVE down (id) AS (
      SELECT ${p('id')}
      UNION ALL
      SELECT node.id FROM down JOIN node ON node.parent_id = down.id WHERE ${p('deep')} = 1
    )
    SELECT id, (SELECT seq FROM sqlite_sequence WHERE name = 'node') + row_number() OVER (ORDER BY id) FROM down`,
);

export const copyNodes = statement<{
  top: number;
  drive: number;
  parent: number;
  name: string;
  deep: number;
  revision: number;
}>()<never>(
  (_db, p) => sql<never>`
    INSERT INTO node (id, drive_id, parent_id, name, is_collection, content_key, content_id, size, descendants,
      modified, created, revision, property_bytes, changed)
    SELECT own.new_id, ${p('drive')},
      CASE WHEN node.id = ${p('top')} THEN ${p('parent')} ELSE parent.new_id END,
      CASE WHEN node.id = ${p('top')} THEN ${p('name')} ELSE node.name END,
      node.is_collection, node.content_key, node.content_id,
      CASE WHEN node.is_collection = 1 AND ${p('deep')} = 0 THEN 0 ELSE node.size END,
      CASE WHEN ${p('deep')} = 0 THEN 0 ELSE node.descendants END,
      node.modified, node.created, ${p('revision')},
      CASE WHEN node.is_collection = 1 AND ${p('deep')} = 0 THEN ${PROPERTY_BYTES} ELSE node.property_bytes END,
      ${p('revision')}
    FROM copy_map AS own CROSS JOIN node ON node.id = own.old_id
    LEFT JOIN copy_map AS parent ON parent.old_id = node.parent_id
    ORDER BY own.new_id`,
);

export const copyProperties = statement<Record<string, never>>()<never>(
  () => sql<never>`
    INSERT INTO property (node_id, namespace, name, xml)
    SELECT copy_map.new_id, property.namespace, property.name, property.xml
    FROM copy_map CROSS JOIN node ON node.id = copy_map.old_id AND node.property_bytes > 0
    CROSS JOIN property ON property.node_id = node.id`,
);

export const findCopy = statement<{ id: number }>()<NodeRecord>(
  (_db, p) => sql<NodeRecord>`
    SELECT node.* FROM copy_map CROSS JOIN node ON node.id = copy_map.new_id WHERE copy_map.old_id = ${p('id')}`,
);

export const cutNode = statement<{ id: number }>()((db, p) =>
  db.updateTable('node').set({ parent_id: null }).where('id', '=', p('id')),
);

export const insertRemoval = statement<{
  drive: number;
  revision: number;
  parent: number;
  name: string;
  isCollection: number;
  now: number;
}>()((db, p) =>
  db.insertInto('removal').values({
    drive_id: p('drive'),
    revision: p('revision'),
    parent_id: p('parent'),
    name: p('name'),
    is_collection: p('isCollection'),
    removed_at: p('now'),
  }),
);

export const insertPurge = statement<{ id: number }>()((db, p) => db.insertInto('purge').values({ node_id: p('id') }));

export const usage = statement<{ root: number; home: number; bin: number }>()<{ drive: number; member: number }>(
  (_db, p) => sql<{ drive: number; member: number }>`
    SELECT coalesce(sum(CASE WHEN id = ${p('root')} THEN size + property_bytes END), 0) AS drive,
      coalesce(sum(CASE WHEN id = ${p('root')} THEN 0 ELSE size + property_bytes END), 0) AS member
    FROM node WHERE id IN (${p('root')}, ${p('home')}, ${p('bin')})`,
);

/** A root's own size and count are those of everything below it. */
export const totals = statement<Record<string, never>>()<{ drives: number; nodes: number; bytes: number }>(
  () => sql<{ drives: number; nodes: number; bytes: number }>`
    SELECT count(*) AS drives, coalesce(sum(node.descendants), 0) AS nodes, coalesce(sum(node.size), 0) AS bytes
    FROM drive JOIN node ON node.id = drive.root_id`,
);
