import { type RawBuilder, sql } from 'kysely';
import { PROPERTY_ROW_BYTES } from '../../stores/values.js';
import { keyOf } from './content-statements.js';
import type { Fragments } from './dialect.js';
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

/** What a node's own dead properties take; as `weightOf` in `drive/past/tree-plan.ts`. */
export function propertyBytes(d: Fragments) {
  return sql<number>`coalesce((
      SELECT sum(${sql.lit(PROPERTY_ROW_BYTES)} + ${d.bytesOf('namespace')} + ${d.bytesOf('property.name')} + ${d.bytesOf('xml')})
      FROM property WHERE node_id = node.id), 0)`;
}

/** How far down the path a walk has come. */
const DEPTH = sql.raw<number>('walk.depth');

export const findNodes = statement<{ ids: string }>()<NodeRecord>(
  (_db, p, d) => sql<NodeRecord>`
    SELECT node.* FROM ${d.wantedNumbers(p('ids'))} ${d.join} node ON node.id = wanted.value ORDER BY wanted.key`,
);

/** One row for each step that exists; `segments` is a JSON array of names. */
export const resolvePath = statement<{ anchor: number; segments: string }>()<NodeRecord>(
  (_db, p, d) => sql<NodeRecord>`
    WITH RECURSIVE walk (depth, id) AS (
      SELECT 0, ${d.number(p('anchor'))}
      UNION ALL
      SELECT walk.depth + 1, node.id FROM walk
      JOIN node ON node.parent_id = walk.id AND node.name = ${d.textOf(p('segments'), DEPTH)}
    )
    SELECT ${NODE} FROM walk ${d.join} node ON node.id = walk.id ORDER BY walk.depth`,
);

/** A node with its content, whose columns are null where it isn't asked for. */
export type NodeAndContentList = readonly [
  ...node: NodeList,
  contentSize: number | null,
  sha1: string | null,
  md5: string | null,
  bytes: Uint8Array | null,
  place: string | null,
  key: number | null,
];

/** As `resolvePath`, with the content of the node at depth `length`. */
export const resolveFile = statement<{ anchor: number; segments: string; length: number }>()<NodeRecord>(
  (_db, p, d) => sql<NodeRecord>`
    WITH RECURSIVE walk (depth, id) AS (
      SELECT 0, ${d.number(p('anchor'))}
      UNION ALL
      SELECT walk.depth + 1, node.id FROM walk
      JOIN node ON node.parent_id = walk.id AND node.name = ${d.textOf(p('segments'), DEPTH)}
    )
    SELECT ${NODE}, content.size AS content_size, content.sha1, content.md5, content.bytes, content.place,
      content.key
    FROM walk ${d.join} node ON node.id = walk.id
    LEFT JOIN content ON content.key = node.content_key AND walk.depth = ${p('length')}
    ORDER BY walk.depth`,
);

export const ancestors = statement<{ id: number }>()<NodeRecord>(
  (_db, p, d) => sql<NodeRecord>`
    WITH RECURSIVE up (depth, id) AS (
      SELECT 0, parent_id FROM node WHERE id = ${p('id')}
      UNION ALL
      SELECT up.depth + 1, node.parent_id FROM up JOIN node ON node.id = up.id WHERE node.parent_id IS NOT NULL
    )
    SELECT node.* FROM up ${d.join} node ON node.id = up.id ORDER BY up.depth`,
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
  (_db, p, d) => sql<NodeRecord>`
    SELECT * FROM (
      SELECT ${NODE} FROM node WHERE parent_id = ${p('afterParent')} AND name > ${p('afterName')}
      AND ${p('afterParent')} IN ${d.numbers(p('parents'))}
      UNION ALL
      SELECT ${NODE} FROM node WHERE parent_id IN ${d.numbers(p('parents'))} AND parent_id > ${p('afterParent')}
    )${d.page} ORDER BY parent_id, name LIMIT ${p('limit')}`,
);

export const takenNames = statement<{ parent: number; names: string }>()<{ name: string }>(
  (_db, p, d) => sql<{ name: string }>`
    SELECT name FROM node WHERE parent_id = ${p('parent')} AND name IN ${d.texts(p('names'))}`,
);

/** The next revision: never given out before, on any drive. */
export const nextRevision = statement<Record<string, never>>()<{ value: number }>((_db, _p, { dialect }) =>
  dialect === 'sqlite'
    ? sql<{ value: number }>`UPDATE revision SET value = value + 1 RETURNING value`
    : sql<{ value: number }>`SELECT nextval('revision_number') AS value`,
);

/** Who makes a change, and when; `at` is 0 where nobody has signed. */
export interface Signature {
  readonly at: number;
  readonly by: number | null;
  readonly with: number | null;
}

/** A change begins a state of the node. No clock that went back makes one end before it began. */
export function begun(p: <Name extends keyof Signature>(name: Name) => Signature[Name], d: Fragments) {
  const isSigned = sql`${d.number(p('at'))} > 0`;
  return {
    changed_at: sql<number>`${d.greatest}(changed_at, ${p('at')})`,
    changed_by: sql<number>`CASE WHEN ${isSigned} THEN ${d.number(p('by'))} ELSE changed_by END`,
    changed_with: sql<number>`CASE WHEN ${isSigned} THEN ${d.number(p('with'))} ELSE changed_with END`,
  };
}

/** A node and all its ancestors, by id. */
function upwards(start: RawBuilder<number>) {
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
  (_db, p, d) => sql<never>`
    UPDATE node SET revision = ${p('revision')}, size = size + ${p('size')},
      descendants = descendants + ${p('descendants')}
    WHERE id IN ${upwards(d.number(p('start')))}`,
);

/** Adds to the property bytes of the node `start` and all its ancestors. Apart, as they are in an index and seldom change. */
export const addPropertyBytes = statement<{ start: number; properties: number }>()<never>(
  (_db, p, d) => sql<never>`
    UPDATE node SET property_bytes = property_bytes + ${p('properties')} WHERE id IN ${upwards(d.number(p('start')))}`,
);

/** As `touchUpwards`, for a collection whose own members change: it is modified `now`. */
export const touchParent = statement<{
  start: number;
  revision: number;
  size: number;
  descendants: number;
  now: number;
}>()<never>(
  (_db, p, d) => sql<never>`
    UPDATE node SET revision = ${p('revision')}, size = size + ${p('size')},
      descendants = descendants + ${p('descendants')},
      modified = CASE WHEN id = ${p('start')} THEN ${p('now')} ELSE modified END
    WHERE id IN ${upwards(d.number(p('start')))}`,
);

export const replaceContent = statement<
  {
    id: number;
    content: string;
    key: number | null;
    size: number;
    modified: number;
    revision: number;
  } & { [Key in keyof Signature]: Signature[Key] }
>()((db, p, d) =>
  db
    .updateTable('node')
    .set({
      ...begun(p, d),
      content_key: keyOf(p, d),
      content_id: p('content'),
      size: p('size'),
      modified: p('modified'),
      revision: p('revision'),
      changed: p('revision'),
    })
    .where('id', '=', p('id'))
    .returning('content_key'),
);

export const setTimes = statement<
  { id: number; modified: number; created: number; revision: number } & { [Key in keyof Signature]: Signature[Key] }
>()((db, p, d) =>
  db
    .updateTable('node')
    .set({ ...begun(p, d), modified: p('modified'), created: p('created'), changed: p('revision') })
    .where('id', '=', p('id')),
);

/** For a tree that goes to another drive: its members count as changed there. */
export const moveToDrive = statement<{ id: number; drive: number; revision: number }>()<never>(
  (_db, p, d) => sql<never>`
    UPDATE node SET drive_id = ${p('drive')}, revision = ${p('revision')}, changed = ${p('revision')}
    WHERE id ${oneOf(d)}(
      WITH RECURSIVE down (id) AS (
        SELECT ${d.number(p('id'))} UNION ALL SELECT node.id FROM down ${d.searched(BELOW, 'node', IS_BELOW)}
      ) SELECT id FROM down
    )${closed(d)}`,
);

const IS_BELOW = 'node.parent_id = down.id';
const BELOW = sql.raw(`JOIN node ON ${IS_BELOW}`);
const IS_FOLDER_BELOW = `${IS_BELOW} AND node.is_collection = 1`;
/** See `Fragments.searched`: PostgreSQL searches for each number of a list. */
const oneOf = ({ dialect }: Fragments) => sql.raw(dialect === 'sqlite' ? 'IN ' : '= ANY (ARRAY');
const closed = ({ dialect }: Fragments) => sql.raw(dialect === 'sqlite' ? '' : ')');

/** Collections below those of `down`. */
export const foldersBelow = (d: Fragments) =>
  d.searched(
    sql`${d.join} node${d.indexedBy('node_folder')}
      ON ${sql.raw(IS_FOLDER_BELOW)}`,
    'node',
    IS_FOLDER_BELOW,
  );

/** Collections that one look for deep ones visits: some 30 ms. PostgreSQL comes to them level by level, so it may look at more. */
const VISITED_MAX = { sqlite: 20_000, postgres: 100_000 };

const limit = ({ dialect }: Fragments) => sql.lit(VISITED_MAX[dialect]);
const deepestFirst = (d: Fragments) =>
  d.dialect === 'sqlite' ? sql`\n      ORDER BY 2 DESC LIMIT ${limit(d)}` : sql``;
const visited = (d: Fragments) =>
  d.dialect === 'sqlite' ? sql`down` : sql`(SELECT depth FROM down LIMIT ${limit(d)}) AS visited`;

/** Depth first, as far as the database can, and no deeper than one level below `levels`. */
export const deepestBelow = statement<{ id: number; levels: number }>()<{ depth: number }>(
  (_db, p, d) => sql<{ depth: number }>`
    WITH RECURSIVE down (id, depth) AS (
      SELECT ${d.number(p('id'))}, 0
      UNION ALL
      SELECT node.id, down.depth + 1 FROM down ${foldersBelow(d)}
      WHERE down.depth <= ${p('levels')}${deepestFirst(d)}
    )
    SELECT max(depth) AS depth FROM ${visited(d)}`,
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

/** A folder that the past still shows waits for that to end. `ids`: a JSON list. */
export const insertPurges = statement<{ ids: string }>()<never>(
  (_db, p, d) => sql<never>`
    INSERT INTO purge (node_id, waits)
    SELECT node.id, ${d.truth(sql`node.is_collection = 1
      AND EXISTS (SELECT 1 FROM node_past WHERE node_past.node_id = node.id)`)}
    FROM ${d.wantedNumbers(p('ids'))} ${d.join} node ON node.id = wanted.value`,
);

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
