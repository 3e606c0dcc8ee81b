import { sql } from 'kysely';
import type { Fragments } from './dialect.js';
import { foldersBelow, NODE, type NodeList } from './node-statements.js';
import { type TrashRecord, trashed } from './record-statements.js';
import { statement } from './statement.js';

/** Statements on what changed since when. JSON lists as in node-statements.ts. */

/** Changes of other drives may be under way on PostgreSQL, with lower numbers: there the last one of the drive counts. */
const lastRevision = (drive: number, { dialect }: Fragments) =>
  dialect === 'sqlite'
    ? sql`revision`
    : sql`(SELECT coalesce(max(node.revision), 0) AS value
      FROM drive JOIN node ON node.id = drive.root_id WHERE drive.id = ${drive}) AS revision`;

type HorizonRecord = { last: number; forgotten: number; is_lost: number };

export const horizon = statement<{ drive: number; revision: number }>()<HorizonRecord>(
  (_db, p, d) => sql<HorizonRecord>`
    SELECT revision.value AS last,
      coalesce((SELECT until FROM forgotten_removals WHERE drive_id = ${p('drive')}), 0) AS forgotten,
      EXISTS (
        SELECT 1 FROM sync_gap WHERE after > 0 AND after < ${p('revision')} AND until > ${p('revision')}
      ) AS is_lost
    FROM ${lastRevision(p('drive'), d)}`,
);

/** A row of `node` with its place in the change log. */
export type ChangeList = readonly [...node: NodeList, changed: number, moved: number];

const CHANGE = sql`${NODE}, node.changed, node.moved`;

/** In two parts, so that a page begins where the one before it ended, however many nodes share a revision. */
export const changedNodes = statement<{ drive: number; revision: number; id: number; limit: number }>()<never>(
  (_db, p, d) => sql<never>`
    SELECT * FROM (
      SELECT ${CHANGE} FROM node
      WHERE drive_id = ${p('drive')} AND changed = ${p('revision')} AND id > ${p('id')}
      UNION ALL
      SELECT ${CHANGE} FROM node WHERE drive_id = ${p('drive')} AND changed > ${p('revision')}
    )${d.page} ORDER BY changed, id LIMIT ${p('limit')}`,
);

export const movedCollections = statement<{ drive: number; after: number; until: number; limit: number }>()<never>(
  (_db, p) => sql<never>`
    SELECT ${CHANGE} FROM node
    WHERE drive_id = ${p('drive')} AND moved > ${p('after')} AND moved <= ${p('until')}
    AND moved > 0 AND is_collection = 1
    ORDER BY moved LIMIT ${p('limit')}`,
);

export const removals = statement<{ drive: number; after: number; limit: number }>()((db, p) =>
  db
    .selectFrom('removal')
    .select(['revision', 'parent_id', 'name', 'is_collection'])
    .where('drive_id', '=', p('drive'))
    .where('revision', '>', p('after'))
    .orderBy('revision')
    .limit(p('limit')),
);

const found = (d: Fragments) => d.searched(sql`${d.join} node ON node.id = up.id`, 'node', 'node.id = up.id');

export const ancestorChains = statement<{ ids: string; anchors: string }>()<{
  id: number;
  parent_id: number | null;
  name: string;
  moved: number;
}>(
  (_db, p, d) => sql<{ id: number; parent_id: number | null; name: string; moved: number }>`
    WITH RECURSIVE up (id) AS (
      SELECT value FROM ${d.eachNumber(p('ids'))}
      UNION
      SELECT node.parent_id FROM up ${found(d)}
      WHERE node.parent_id IS NOT NULL AND node.id NOT IN ${d.numbers(p('anchors'))}
    )
    SELECT node.id, node.parent_id, node.name, node.moved FROM up ${found(d)}`,
);

type PagePlace = { afterParent: number; limit: number };
/** PostgreSQL goes from folder to folder, in their order, until it has enough. */
const nextFolders = (p: <K extends keyof PagePlace>(name: K) => PagePlace[K], { dialect }: Fragments) =>
  dialect === 'sqlite'
    ? sql`SELECT ${NODE} FROM node WHERE parent_id IN (SELECT id FROM down WHERE id > ${p('afterParent')})`
    : sql`(SELECT ${NODE} FROM (SELECT id AS folder FROM down WHERE id > ${p('afterParent')} ORDER BY id) AS later
      CROSS JOIN LATERAL (SELECT * FROM node WHERE parent_id = folder ORDER BY name LIMIT ${p('limit')}) AS node
      LIMIT ${p('limit')})`;

/**
 * Collections are found by an index of theirs, so that the number of files doesn't matter. In two parts like
 * `childrenOfMany`, for the same reason.
 */
export const membersBelow = statement<{
  ids: string;
  afterParent: number;
  afterName: string;
  limit: number;
}>()<never>(
  (_db, p, d) => sql<never>`
    WITH RECURSIVE down (id) AS (
      SELECT value FROM ${d.eachNumber(p('ids'))}
      UNION
      SELECT node.id FROM down ${foldersBelow(d)}
    )
    SELECT * FROM (
      SELECT ${NODE} FROM node WHERE parent_id = ${p('afterParent')} AND name > ${p('afterName')}
      AND ${p('afterParent')} IN (SELECT id FROM down)
      UNION ALL
      ${nextFolders(p, d)}
    )${d.page} ORDER BY parent_id, name LIMIT ${p('limit')}`,
);

/** `places`: a JSON list of lists, each a parent and a name. */
export const bound = statement<{ places: string }>()<{ parent_id: number; name: string; is_collection: number }>(
  (_db, p, d) => sql<{ parent_id: number; name: string; is_collection: number }>`
    SELECT node.parent_id, node.name, node.is_collection FROM ${d.wantedLists(p('places'))}
    ${d.join} node ON node.parent_id = (${d.numberAt(0)}) AND node.name = (${d.textAt(1)})`,
);

export const deletions = statement<{ ids: string }>()<TrashRecord>(
  (_db, p, d) => sql<TrashRecord>`
    SELECT ${trashed(d)} WHERE node.id IN ${d.numbers(p('ids'))}`,
);

export const lastRestoration = statement<Record<string, never>>()<{ until: number | null }>(
  () => sql<{ until: number | null }>`SELECT max(until) AS until FROM sync_gap WHERE after > 0`,
);

export const pruneRemovals = statement<{ drive: number; before: number; limit: number }>()<{ revision: number }>(
  (_db, p) => sql<{ revision: number }>`
    DELETE FROM removal WHERE drive_id = ${p('drive')} AND revision IN (
      SELECT revision FROM removal WHERE drive_id = ${p('drive')} AND removed_at < ${p('before')}
      ORDER BY removed_at LIMIT ${p('limit')}
    ) RETURNING revision`,
);

export const noteForgotten = statement<{ drive: number; until: number }>()<never>(
  (_db, p, d) => sql<never>`
    INSERT INTO forgotten_removals (drive_id, until) VALUES (${p('drive')}, ${p('until')})
    ON CONFLICT (drive_id) DO UPDATE SET until = ${d.greatest}(forgotten_removals.until, excluded.until)`,
);

/** Of two gaps after the same revision the longer one counts. */
export const insertGap = statement<{ after: number; until: number }>()<never>(
  (_db, p, d) => sql<never>`
    INSERT INTO sync_gap (after, until) VALUES (${p('after')}, ${p('until')})
    ON CONFLICT (after) DO UPDATE SET until = ${d.greatest}(sync_gap.until, excluded.until)`,
);
