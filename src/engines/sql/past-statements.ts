import { type RawBuilder, sql } from 'kysely';
import type { Fragments } from './dialect.js';
import { NODE, type NodeList } from './node-statements.js';
import { statement } from './statement.js';

/** Statements on states that ended. JSON lists as in node-statements.ts. */

/** The node's own dead properties as one JSON list. */
export const pastProperties = (id: number | RawBuilder<unknown>, { dialect }: Fragments) =>
  dialect === 'sqlite'
    ? sql`(SELECT nullif(json_group_array(json_array(namespace, name, xml)), '[]') FROM property WHERE node_id = ${id})`
    : sql`(SELECT json_agg(json_build_array(namespace, name, xml))::text FROM property WHERE node_id = ${id})`;

const above = (id: number, { dialect }: Fragments) => sql`(
      WITH RECURSIVE up (id) AS (
        SELECT parent_id FROM node WHERE id = ${id}
        UNION ALL
        SELECT folder.parent_id FROM up JOIN node AS folder ON folder.id = up.id WHERE folder.parent_id IS NOT NULL
      )
      SELECT '/' || ${sql.raw(dialect === 'sqlite' ? "group_concat(id, '/')" : "string_agg(id::text, '/')")} || '/' FROM up
    )`;

/** Keeps the state of a node that a change is about to end. */
export const rememberState = statement<{
  id: number;
  revision: number;
  at: number;
  kept: number;
  by: number | null;
  with: number | null;
}>()<never>(
  (_db, p, d) => sql<never>`
    INSERT INTO node_past (node_id, to_revision, from_revision, drive_id, parent_id, name, is_collection, content_key, size,
      modified, created, properties, from_at, until_at, due_at, made_by, made_with, ended_by, ended_with, above)
    SELECT id, ${d.number(p('revision'))}, changed, drive_id, parent_id, name, is_collection, content_key, size,
      modified, created, CASE WHEN property_bytes > 0 THEN ${pastProperties(p('id'), d)} END, changed_at,
      ${d.greatest}(changed_at, ${p('at')}), ${d.greatest}(changed_at, ${p('at')}) + ${p('kept')},
      changed_by, changed_with, ${d.number(p('by'))}, ${d.number(p('with'))}, ${above(p('id'), d)}
    FROM node WHERE id = ${d.number(p('id'))}`,
);

/** As the columns of `NodeList`. */
const PAST_NODE = sql.raw(
  'node_past.node_id AS id, node_past.drive_id, node_past.parent_id, node_past.name, node_past.is_collection, ' +
    '(SELECT content.id FROM content WHERE content.key = node_past.content_key) AS content_id, node_past.size, ' +
    '0 AS descendants, node_past.modified, node_past.created, node_past.from_revision AS revision, ' +
    'CASE WHEN node_past.properties IS NULL THEN 0 ELSE 1 END AS property_bytes',
);

export type StateList = readonly [
  ...node: NodeList,
  toRevision: number | null,
  fromAt: number,
  untilAt: number | null,
  madeBy: string | null,
  madeWith: string | null,
  above: string,
];

const called = (column: string) =>
  sql`(SELECT coalesce(nullif(app_user.name, ''), app_user.email) FROM app_user WHERE app_user.id = ${sql.raw(column)})`;
const used = (column: string) =>
  sql`(SELECT app_password.name FROM app_password WHERE app_password.id = ${sql.raw(column)})`;

/** Files that took each other's place, of which one question takes the states. */
const LINE_MAX = sql.lit(200);
/** Later than any revision. */
const ALWAYS = sql.lit(Number.MAX_SAFE_INTEGER) as unknown as number & RawBuilder<number>;

/** Of files that took each other's place: each of the list with those before it. */
export const formerFiles = statement<{ ids: string }>()<{ id: number; former_id: number }>(
  (_db, p, d) => sql<{ id: number; former_id: number }>`
    WITH RECURSIVE line (id, depth, former_id) AS (
      SELECT succession.node_id, 0, succession.former_id
      FROM ${d.wantedNumbers(p('ids'))} ${d.join} succession ON succession.node_id = wanted.value
      UNION ALL
      SELECT line.id, line.depth + 1, succession.former_id
      FROM line JOIN succession ON succession.node_id = line.former_id WHERE line.depth < ${LINE_MAX}
    )
    SELECT id, former_id FROM line`,
);

/** In no order, as what one of the line has is bounded alone. The present state where `before` is null. */
export const states = statement<{ id: number; before: number | null; limit: number }>()<never>(
  (_db, p, d) => sql<never>`
    WITH RECURSIVE line (id, depth, until) AS (
      SELECT ${d.number(p('id'))}, 0, ${d.number(ALWAYS)}
      UNION ALL
      SELECT succession.former_id, line.depth + 1, succession.revision
      FROM line JOIN succession ON succession.node_id = line.id WHERE line.depth < ${LINE_MAX}
    )
    SELECT node.id, node.drive_id, node.parent_id, node.name, node.is_collection, node.content_id, node.size,
      node.descendants, node.modified, node.created, node.changed AS revision, node.property_bytes,
      ${d.number(sql.lit(null) as never)} AS to_revision, node.changed_at AS from_at, ${d.number(sql.lit(null) as never)} AS until_at,
      ${called('node.changed_by')} AS made_by, ${used('node.changed_with')} AS made_with, '/' AS above
    FROM node WHERE id = ${d.number(p('id'))} AND ${d.number(p('before'))} IS NULL
    UNION ALL
    SELECT ${PAST_NODE}, node_past.to_revision, node_past.from_at, node_past.until_at, ${called('node_past.made_by')},
      ${used('node_past.made_with')}, node_past.above
    FROM (SELECT id, max(until) AS until FROM line GROUP BY id) AS file ${d.join} node_past ON node_past.node_id = file.id
    WHERE node_past.to_revision IN (
      SELECT recent.to_revision FROM node_past AS recent WHERE recent.node_id = file.id
      AND recent.to_revision <= file.until AND recent.to_revision < coalesce(${d.number(p('before'))}, ${ALWAYS})
      ORDER BY recent.to_revision DESC LIMIT ${p('limit')}
    )`,
);

export const dueStates = statement<{ drive: number; now: number; limit: number }>()((db, p) =>
  db
    .selectFrom('node_past')
    .select(['node_id', 'to_revision', 'from_at', 'until_at'])
    .where('drive_id', '=', p('drive'))
    .where('due_at', '<=', p('now'))
    .orderBy('due_at')
    .limit(p('limit')),
);

export const endedBefore = statement<{ drive: number; time: number; limit: number }>()((db, p) =>
  db
    .selectFrom('node_past')
    .select(['node_id', 'to_revision', 'from_at', 'until_at'])
    .where('drive_id', '=', p('drive'))
    .where('until_at', '<', p('time'))
    .orderBy('until_at')
    .limit(p('limit')),
);

/** `states`: a JSON list of lists, each a node and the revision that ended its state. */
export const forgetStates = statement<{ states: string }>()<{ content_key: number | null }>(
  (_db, p, d) => sql<{ content_key: number | null }>`
    DELETE FROM node_past WHERE (node_id, to_revision) IN (
      SELECT ${d.numberAt(0)}, ${d.numberAt(1)} FROM ${d.wantedLists(p('states'))}
    ) RETURNING content_key`,
);

/** `states`: a JSON list of lists, each a node, the revision that ended its state, and when it is due. */
export const postponeStates = statement<{ states: string }>()<never>(
  (_db, p, d) => sql<never>`
    UPDATE node_past SET due_at = ${d.numberAt(2)} FROM ${d.wantedLists(p('states'))}
    WHERE node_past.node_id = ${d.numberAt(0)} AND node_past.to_revision = ${d.numberAt(1)}`,
);

/** Destroyed trees that the past shows no more. */
export const releasePurges = statement<{ ids: string }>()<never>(
  (_db, p, d) => sql<never>`
    UPDATE purge SET waits = 0 WHERE node_id IN ${d.numbers(p('ids'))} AND waits = 1
    AND NOT EXISTS (SELECT 1 FROM node_past WHERE node_past.node_id = purge.node_id)`,
);

export const insertSuccession = statement<{ id: number; former: number; revision: number }>()<never>(
  (_db, p) => sql<never>`
    INSERT INTO succession (node_id, former_id, revision) VALUES (${p('id')}, ${p('former')}, ${p('revision')})
    ON CONFLICT (node_id) DO UPDATE SET former_id = excluded.former_id, revision = excluded.revision`,
);

/** The file that a user took away from a place last, since a time. */
export const vacatedBy = statement<{
  parent: number;
  name: string;
  since: number;
  by: number | null;
  with: number | null;
}>()<{ node_id: number }>(
  (_db, p, d) => sql<{ node_id: number }>`
    SELECT node_id FROM (
      SELECT * FROM node_past WHERE parent_id = ${p('parent')} AND name = ${p('name')} ORDER BY until_at DESC, to_revision DESC LIMIT 1
    ) AS last
    WHERE is_collection = 0 AND until_at >= ${p('since')} AND ended_by = ${d.number(p('by'))}
    AND NOT ended_with ${d.differs} ${d.number(p('with'))}`,
);

export const pastSince = statement<{ drive: number }>()((db, p) =>
  db.selectFrom('drive').select('past_since').where('id', '=', p('drive')),
);

export const beginPast = statement<{ drive: number; since: number }>()<never>(
  (_db, p, d) => sql<never>`
    UPDATE drive SET past_since = ${d.greatest}(past_since, ${p('since')}) WHERE id = ${p('drive')}`,
);

/**
 * States of a drive, the last that ended first, each with the bytes that nothing else names and no later state of the drive does: its
 * content, and of a destroyed tree all that is in it.
 */
export const heldStates = statement<{ drive: number; until: number; node: number; revision: number; limit: number }>()<{
  node_id: number;
  to_revision: number;
  until_at: number;
  bytes: number;
}>(
  (_db, p, d) => sql<{ node_id: number; to_revision: number; until_at: number; bytes: number }>`
    SELECT state.node_id, state.to_revision, state.until_at,
      coalesce((
        SELECT content.size FROM content WHERE content.key = state.content_key
        AND NOT EXISTS (SELECT 1 FROM node WHERE node.content_key = state.content_key AND node.parent_id IS NOT NULL)
        AND NOT EXISTS (
          SELECT 1 FROM node_past AS later WHERE later.content_key = state.content_key AND later.drive_id = state.drive_id
          AND later.until_at >= state.until_at
          AND (later.until_at, later.node_id, later.to_revision) > (state.until_at, state.node_id, state.to_revision)
        )
      ), 0) + coalesce((
        SELECT node.size FROM purge ${d.join} node ON node.id = purge.node_id
        WHERE purge.node_id = state.node_id AND purge.waits = 1 AND NOT EXISTS (
          SELECT 1 FROM node_past AS later WHERE later.node_id = state.node_id AND later.to_revision > state.to_revision
        )
      ), 0) AS bytes
    FROM node_past AS state
    WHERE state.drive_id = ${p('drive')} AND (state.until_at, state.node_id, state.to_revision)
      < (${d.number(p('until'))}, ${d.number(p('node'))}, ${d.number(p('revision'))})
    ORDER BY state.until_at DESC, state.node_id DESC, state.to_revision DESC LIMIT ${p('limit')}`,
);

export type EndedList = readonly [
  ...node: NodeList,
  toRevision: number,
  fromAt: number,
  untilAt: number,
  madeBy: number | null,
  madeWith: number | null,
  endedBy: number | null,
  endedWith: number | null,
  above: string,
];

/** In the order in which they ended, those of one moment by node and revision; each as it was. */
export const endedSince = statement<{
  drive: number;
  since: number;
  node: number;
  revision: number;
  limit: number;
}>()<never>(
  (_db, p, d) => sql<never>`
    SELECT ${PAST_NODE}, node_past.to_revision, node_past.from_at, node_past.until_at, node_past.made_by, node_past.made_with,
      node_past.ended_by, node_past.ended_with, node_past.above
    FROM node_past
    WHERE node_past.drive_id = ${p('drive')} AND (node_past.until_at, node_past.node_id, node_past.to_revision)
      > (${d.number(p('since'))}, ${d.number(p('node'))}, ${d.number(p('revision'))})
    ORDER BY node_past.until_at, node_past.node_id, node_past.to_revision LIMIT ${p('limit')}`,
);

/** Those nodes of a list whose present state somebody began since a moment. */
export const begunSince = statement<{ ids: string; since: number; by: number | null; with: number | null }>()<{
  id: number;
}>(
  (_db, p, d) => sql<{ id: number }>`
    SELECT node.id FROM ${d.wantedNumbers(p('ids'))} ${d.join} node ON node.id = wanted.value
    WHERE node.changed_at > ${p('since')} AND NOT node.changed_by ${d.differs} ${d.number(p('by'))}
    AND NOT node.changed_with ${d.differs} ${d.number(p('with'))}`,
);

/** `states`: a JSON list of lists, each a node and the revision that ended its state. */
export const formerProperties = statement<{ states: string }>()<{ node_id: number; properties: string }>(
  (_db, p, d) => sql<{ node_id: number; properties: string }>`
    SELECT node_past.node_id, node_past.properties FROM ${d.wantedLists(p('states'))}
    ${d.join} node_past ON node_past.node_id = ${d.numberAt(0)} AND node_past.to_revision = ${d.numberAt(1)}
    WHERE node_past.properties IS NOT NULL`,
);

/** A row of `node` as it was, with the revision that ended the state; null: it is the present one. */
export type FormerList = readonly [...node: NodeList, toRevision: number | null];

const PRESENT = (d: Fragments) => sql`${NODE}, ${d.number(sql.lit(null) as never)} AS to_revision`;
const FORMER = sql`${PAST_NODE}, node_past.to_revision`;

/** Whether a state, present or past, is the one at a moment. */
const NOW_AT = (moment: number) => sql`node.changed_at <= ${moment}`;
const THEN_AT = (moment: number) => sql`node_past.from_at <= ${moment} AND node_past.until_at > ${moment}`;

/** The nodes of a list as they were, in no order. */
export const nodesAt = statement<{ ids: string; moment: number }>()<never>(
  (_db, p, d) => sql<never>`
    SELECT ${PRESENT(d)} FROM ${d.wantedNumbers(p('ids'))} ${d.join} node ON node.id = wanted.value AND ${NOW_AT(p('moment'))}
    UNION ALL
    SELECT ${FORMER} FROM ${d.wantedNumbers(p('ids'))}
    ${d.join} node_past ON node_past.node_id = wanted.value AND ${THEN_AT(p('moment'))}`,
);

const DEPTH = sql.raw<number>('walk.depth');

/** As `resolvePath`, at a moment; in two parts, each from the top. Of two states of one name the later one counts. */
export const pathAt = statement<{ anchor: number; segments: string; length: number; moment: number }>()<{ id: number }>(
  (_db, p, d) => sql<{ id: number }>`
    WITH RECURSIVE walk (depth, id) AS (
      SELECT 0, ${d.number(p('anchor'))}
      UNION ALL
      SELECT walk.depth + 1, coalesce(
        (SELECT node.id FROM node WHERE node.parent_id = walk.id AND node.name = ${d.textOf(p('segments'), DEPTH)}
          AND ${NOW_AT(p('moment'))}),
        (SELECT node_past.node_id FROM node_past WHERE node_past.parent_id = walk.id
          AND node_past.name = ${d.textOf(p('segments'), DEPTH)} AND ${THEN_AT(p('moment'))}
          ORDER BY node_past.until_at, node_past.from_revision DESC LIMIT 1))
      FROM walk WHERE walk.id IS NOT NULL AND walk.depth < ${p('length')}
    )
    SELECT id FROM walk WHERE id IS NOT NULL ORDER BY depth`,
);

export const ancestorsAt = statement<{ id: number; moment: number }>()<{ id: number }>(
  (_db, p, d) => sql<{ id: number }>`
    WITH RECURSIVE up (depth, id) AS (
      SELECT 0, ${d.number(p('id'))}
      UNION ALL
      SELECT up.depth + 1, coalesce(
        (SELECT node.parent_id FROM node WHERE node.id = up.id AND ${NOW_AT(p('moment'))}),
        (SELECT node_past.parent_id FROM node_past WHERE node_past.node_id = up.id AND ${THEN_AT(p('moment'))}))
      FROM up WHERE up.id IS NOT NULL
    )
    SELECT id FROM up WHERE id IS NOT NULL AND depth > 0 ORDER BY depth`,
);

/** As `childrenOfOne`, at a moment. Both parts come sorted, and are merged. */
export const childrenOfOneAt = statement<{ parent: number; after: string; moment: number; limit: number }>()<never>(
  (_db, p, d) => sql<never>`
    SELECT ${PRESENT(d)} FROM node WHERE parent_id = ${p('parent')} AND name > ${p('after')} AND ${NOW_AT(p('moment'))}
    UNION ALL
    SELECT ${FORMER} FROM node_past WHERE parent_id = ${p('parent')} AND name > ${p('after')} AND ${THEN_AT(p('moment'))}
    ORDER BY name LIMIT ${p('limit')}`,
);

/** As `childrenOfMany`, at a moment. */
export const childrenOfManyAt = statement<{
  parents: string;
  afterParent: number;
  afterName: string;
  moment: number;
  limit: number;
}>()<never>((_db, p, d) => {
  const first = (table: string) => sql`${sql.raw(table)}.parent_id = ${p('afterParent')}
      AND ${sql.raw(table)}.name > ${p('afterName')} AND ${p('afterParent')} IN ${d.numbers(p('parents'))}`;
  const further = (table: string) => sql`${sql.raw(table)}.parent_id IN ${d.numbers(p('parents'))}
      AND ${sql.raw(table)}.parent_id > ${p('afterParent')}`;
  return sql<never>`
    SELECT * FROM (
      SELECT ${PRESENT(d)} FROM node WHERE ${first('node')} AND ${NOW_AT(p('moment'))}
      UNION ALL
      SELECT ${PRESENT(d)} FROM node WHERE ${further('node')} AND ${NOW_AT(p('moment'))}
      UNION ALL
      SELECT ${FORMER} FROM node_past WHERE ${first('node_past')} AND ${THEN_AT(p('moment'))}
      UNION ALL
      SELECT ${FORMER} FROM node_past WHERE ${further('node_past')} AND ${THEN_AT(p('moment'))}
    )${d.page} ORDER BY parent_id, name LIMIT ${p('limit')}`;
});

/** A file that was destroyed has them in its last state, and is still there until it is freed. */
export const presentPropertiesAt = statement<{ nodes: string; moment: number }>()<{
  node_id: number;
  namespace: string;
  name: string;
  xml: string;
}>(
  (_db, p, d) => sql<{ node_id: number; namespace: string; name: string; xml: string }>`
    SELECT property.node_id, property.namespace, property.name, property.xml FROM property
    WHERE property.node_id IN ${d.numbers(p('nodes'))}
    AND EXISTS (
      SELECT 1 FROM node WHERE node.id = property.node_id AND node.parent_id IS NOT NULL AND ${NOW_AT(p('moment'))}
    )
    ORDER BY property.node_id, property.namespace, property.name`,
);

export const pastPropertiesAt = statement<{ nodes: string; moment: number }>()<{ node_id: number; properties: string }>(
  (_db, p, d) => sql<{ node_id: number; properties: string }>`
    SELECT node_past.node_id, node_past.properties FROM node_past
    WHERE node_past.node_id IN ${d.numbers(p('nodes'))} AND ${THEN_AT(p('moment'))} AND properties IS NOT NULL`,
);
