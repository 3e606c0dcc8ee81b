import { sql } from 'kysely';
import { begun, propertyBytes, type Signature } from './node-statements.js';
import { pastProperties } from './past-statements.js';
import { statement } from './statement.js';

/** Statements of `Past.changeTree`. Each takes a JSON list of lists, whose values are named in front of it. */

type Signed = { [Key in keyof Signature]: Signature[Key] };

/** A block of revisions, the first of `count`. */
export const takeRevisions = statement<{ count: number }>()<{ value: number }>((_db, p, { dialect }) =>
  dialect === 'sqlite'
    ? sql<{
        value: number;
      }>`UPDATE revision SET value = value + ${p('count')} RETURNING value - ${p('count')} + 1 AS value`
    : sql<{ value: number }>`SELECT nextval('revision_number') AS value FROM generate_series(1, ${p('count')}::bigint)`,
);

/** node, revision. As `rememberState`, of many; what is above is asked for once for each folder. */
export const rememberStates = statement<{ states: string; kept: number } & Signed>()<never>(
  (_db, p, d) => sql<never>`
    INSERT INTO node_past (node_id, to_revision, from_revision, drive_id, parent_id, name, is_collection, content_key, size,
      modified, created, properties, from_at, until_at, due_at, made_by, made_with, ended_by, ended_with, above)
    WITH RECURSIVE ended AS MATERIALIZED (
      SELECT ${d.numberAt(1)} AS to_revision, node.* FROM ${d.wantedLists(p('states'))}
      ${d.join} node ON node.id = ${d.numberAt(0)}
    ),
    up (start, depth, id) AS (
      SELECT DISTINCT parent_id, 0, parent_id FROM ended
      UNION ALL
      SELECT up.start, up.depth + 1, folder.parent_id
      FROM up JOIN node AS folder ON folder.id = up.id WHERE folder.parent_id IS NOT NULL
    ),
    folders AS MATERIALIZED (
      SELECT start, '/' || ${sql.raw(d.dialect === 'sqlite' ? "group_concat(id, '/')" : "string_agg(id::text, '/')")} || '/' AS above
      FROM (SELECT start, id FROM up ORDER BY start, depth) AS line GROUP BY start
    )
    SELECT ended.id, ended.to_revision, ended.changed, ended.drive_id, ended.parent_id, ended.name, ended.is_collection,
      ended.content_key, ended.size, ended.modified, ended.created,
      CASE WHEN ended.property_bytes > 0 THEN ${pastProperties(sql.raw('ended.id'), d)} END, ended.changed_at,
      ${d.greatest}(ended.changed_at, ${p('at')}), ${d.greatest}(ended.changed_at, ${p('at')}) + ${p('kept')},
      ended.changed_by, ended.changed_with, ${d.number(p('by'))}, ${d.number(p('with'))}, folders.above
    FROM ended JOIN folders ON folders.start = ended.parent_id`,
);

/** node, revision. */
export const noteRemovals = statement<{ nodes: string; now: number }>()<never>(
  (_db, p, d) => sql<never>`
    INSERT INTO removal (drive_id, revision, parent_id, name, is_collection, removed_at)
    SELECT node.drive_id, ${d.numberAt(1)}, node.parent_id, node.name, node.is_collection, ${d.number(p('now'))}
    FROM ${d.wantedLists(p('nodes'))} ${d.join} node ON node.id = ${d.numberAt(0)}`,
);

/** Numbers of nodes that get another place: names that they swap are free meanwhile. */
export const unbindNodes = statement<{ ids: string }>()<never>(
  (_db, p, d) => sql<never>`UPDATE node SET parent_id = NULL WHERE id IN ${d.numbers(p('ids'))}`,
);

/** node, parent, name, revision. */
export const bindNodes = statement<{ nodes: string } & Signed>()<never>((_db, p, d) => {
  const { changed_at: at, changed_by: by, changed_with: used } = begun(p, d);
  return sql<never>`
    UPDATE node SET parent_id = ${d.numberAt(1)}, name = ${d.textAt(2)}, revision = ${d.numberAt(3)},
      changed = ${d.numberAt(3)}, moved = ${d.numberAt(3)}, changed_at = ${at}, changed_by = ${by}, changed_with = ${used}
    FROM ${d.wantedLists(p('nodes'))} WHERE node.id = ${d.numberAt(0)}`;
});

/**
 * node, parent, name, the node and the revision of the state that it is made like, revision. Without such a node a folder is made;
 * where the state is the present one its revision is null.
 */
export const makeNodes = statement<{ nodes: string; drive: number; moment: number; now: number } & Signed>()<never>(
  (_db, p, d) => {
    const place = sql`${d.numberAt(0)}, ${d.number(p('drive'))}, ${d.numberAt(1)}, ${d.textAt(2)}`;
    const sign = sql`${d.numberAt(5)}, ${d.numberAt(5)}, ${d.number(p('at'))}, ${d.number(p('by'))}, ${d.number(p('with'))}`;
    const list = d.wantedLists(p('nodes'));
    return sql<never>`
    INSERT INTO node (id, drive_id, parent_id, name, is_collection, content_key, content_id, size, modified, created,
      revision, changed, changed_at, changed_by, changed_with)
    SELECT ${place}, node_past.is_collection, node_past.content_key,
      (SELECT content.id FROM content WHERE content.key = node_past.content_key),
      CASE WHEN node_past.is_collection = 1 THEN 0 ELSE node_past.size END,
      node_past.modified, node_past.created, ${sign}
    FROM ${list} ${d.join} node_past ON node_past.node_id = ${d.numberAt(3)} AND node_past.to_revision = ${d.numberAt(4)}
    UNION ALL
    SELECT ${place}, node.is_collection, node.content_key, node.content_id,
      CASE WHEN node.is_collection = 1 THEN 0 ELSE node.size END, node.modified, node.created, ${sign}
    FROM ${list} ${d.join} node ON node.id = ${d.numberAt(3)} AND ${d.numberAt(4)} IS NULL
      AND node.changed_at <= ${d.number(p('moment'))}
    UNION ALL
    SELECT ${place}, 1, ${d.number(sql.lit(null) as never)}, NULL, 0, ${d.number(p('now'))}, ${d.number(p('now'))}, ${sign}
    FROM ${list} WHERE ${d.numberAt(3)} IS NULL`;
  },
);

/** node, the node and the revision of a state, as in `makeNodes`, revision. */
export const takeStates = statement<{ nodes: string; moment: number } & Signed>()<never>((_db, p, d) => {
  const { changed_at: at, changed_by: by, changed_with: used } = begun(p, d);
  return sql<never>`
    UPDATE node SET content_key = state.content_key, content_id = state.content_id,
      size = CASE WHEN node.is_collection = 1 THEN node.size ELSE state.size END, modified = state.modified,
      created = state.created, revision = state.revision, changed = state.revision,
      changed_at = ${at}, changed_by = ${by}, changed_with = ${used}
    FROM (
      SELECT ${d.numberAt(0)} AS target, ${d.numberAt(3)} AS revision, node_past.content_key,
        (SELECT content.id FROM content WHERE content.key = node_past.content_key) AS content_id,
        node_past.size, node_past.modified, node_past.created
      FROM ${d.wantedLists(p('nodes'))}
      ${d.join} node_past ON node_past.node_id = ${d.numberAt(1)} AND node_past.to_revision = ${d.numberAt(2)}
      UNION ALL
      SELECT ${d.numberAt(0)}, ${d.numberAt(3)}, source.content_key, source.content_id, source.size, source.modified,
        source.created
      FROM ${d.wantedLists(p('nodes'))} ${d.join} node AS source ON source.id = ${d.numberAt(1)}
        AND ${d.numberAt(2)} IS NULL AND source.changed_at <= ${d.number(p('moment'))}
    ) AS state WHERE node.id = state.target`;
});

export const dropProperties = statement<{ ids: string }>()<never>(
  (_db, p, d) => sql<never>`DELETE FROM property WHERE node_id IN ${d.numbers(p('ids'))}`,
);

/** node, the node and the revision of a state. */
export const putFormerProperties = statement<{ nodes: string }>()<never>((_db, p, d) => {
  const listed =
    d.dialect === 'sqlite'
      ? sql`CROSS JOIN json_each(node_past.properties) AS listed`
      : sql`CROSS JOIN LATERAL jsonb_array_elements(node_past.properties::jsonb) AS listed (value)`;
  return sql<never>`
    INSERT INTO property (node_id, namespace, name, xml)
    SELECT ${d.numberAt(0)}, listed.value ->> 0, listed.value ->> 1, listed.value ->> 2
    FROM ${d.wantedLists(p('nodes'))}
    ${d.join} node_past ON node_past.node_id = ${d.numberAt(1)} AND node_past.to_revision = ${d.numberAt(2)}
    ${listed}`;
});

/** Numbers of files. What a folder counts is with those below it. */
export const weighFiles = statement<{ ids: string }>()<never>(
  (_db, p, d) => sql<never>`
    UPDATE node SET property_bytes = ${propertyBytes(d)} WHERE id IN ${d.numbers(p('ids'))}`,
);

/** folder, bytes, descendants, property bytes, date or null. */
export const growFolders = statement<{ folders: string; revision: number }>()<never>(
  (_db, p, d) => sql<never>`
    UPDATE node SET size = node.size + ${d.numberAt(1)}, descendants = node.descendants + ${d.numberAt(2)},
      modified = coalesce(${d.numberAt(4)}, node.modified), revision = ${d.number(p('revision'))}
    FROM ${d.wantedLists(p('folders'))} WHERE node.id = ${d.numberAt(0)}`,
);

/** folder, property bytes. Apart, as in `addPropertyBytes`. */
export const growProperties = statement<{ folders: string }>()<never>(
  (_db, p, d) => sql<never>`
    UPDATE node SET property_bytes = node.property_bytes + ${d.numberAt(1)}
    FROM ${d.wantedLists(p('folders'))} WHERE node.id = ${d.numberAt(0)}`,
);

/** node, the one whose history it goes on with, revision. */
export const insertSuccessions = statement<{ nodes: string }>()<never>(
  (_db, p, d) => sql<never>`
    INSERT INTO succession (node_id, former_id, revision)
    SELECT ${d.numberAt(0)}, ${d.numberAt(1)}, ${d.numberAt(2)} FROM ${d.wantedLists(p('nodes'))} WHERE true
    ON CONFLICT (node_id) DO UPDATE SET former_id = excluded.former_id, revision = excluded.revision`,
);

export const leaveTrash = statement<{ ids: string }>()<never>(
  (_db, p, d) => sql<never>`DELETE FROM trash WHERE node_id IN ${d.numbers(p('ids'))}`,
);
