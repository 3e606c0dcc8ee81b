import { sql } from 'kysely';
import type { Inconsistency, MetadataCheck } from '../../stores/blob-index.js';
import { FORGOTTEN, nominateForgotten } from './candidate-statements.js';
import { isDamage } from './damage.js';
import type { Fragments } from './dialect.js';
import { propertyBytes } from './node-statements.js';
import type { SqlConnection, SqlDatabase } from './sql-database.js';
import { type Statement, statement } from './statement.js';

interface Problem {
  id: number | string;
  text: string;
}

interface Check {
  readonly kind: string;
  readonly find: Statement<Record<string, never>, Problem>;
  /** Mends what `find` found; null where a person has to look. */
  readonly repair: ((connection: SqlConnection, now: number) => Promise<unknown>) | null;
}

/** Problems of one kind that are reported one by one. */
const REPORTED_MAX = 1000;

/** Questions to the database whose right answer is no row. */
export class SqlMetadataCheck implements MetadataCheck {
  readonly #database: SqlDatabase;

  constructor(database: SqlDatabase) {
    this.#database = database;
  }

  async *check(options: { readonly repair: boolean; readonly now: number }): AsyncGenerator<Inconsistency> {
    let isDamaged = false;
    for (const text of await this.#damages()) {
      isDamaged = true;
      yield { kind: 'database', message: `the database is damaged: ${text}` };
    }
    await this.#countRows();
    for (const { kind, find, repair } of CHECKS) {
      try {
        const problems = await this.#database.read((connection) => find.all(connection, {}));
        for (const problem of problems) yield { kind, message: problem.text };
        if (options.repair && repair && problems.length > 0 && !isDamaged) {
          await this.#database.write((connection) => repair(connection, options.now));
        }
      } catch (error) {
        if (!isDamage(error)) throw error;
        isDamaged = true;
        yield {
          kind: 'database',
          message: `the database can't tell what is wrong of the kind ${kind}: ${error.message}`,
        };
      }
    }
  }

  /** PostgreSQL plans by what it counted last: in tables that grew since, the questions would take hours. */
  async #countRows(): Promise<void> {
    const dialect = await this.#database.readOne(async (connection) => connection.dialect);
    if (dialect === 'postgres') await this.#database.write((connection) => connection.run('ANALYZE', []));
  }

  /**
   * What SQLite's own check says: pages, rows, and indexes against their tables. In one reading; no writer waits for it.
   * PostgreSQL's is a program of its own (pg_amcheck).
   */
  async #damages(): Promise<string[]> {
    try {
      const rows = await this.#database.readOne(async (connection) =>
        connection.dialect === 'sqlite'
          ? connection.all<{ integrity_check: string }>(`PRAGMA integrity_check(${REPORTED_MAX})`, [])
          : [],
      );
      return rows.map((row) => row.integrity_check).filter((text) => text !== 'ok');
    } catch (error) {
      if (!isDamage(error)) throw error;
      return [error.message];
    }
  }
}

function question(query: (limit: number, d: Fragments) => ReturnType<typeof sql<Problem>>): Check['find'] {
  return statement<Record<string, never>>()<Problem>((_db, _p, d) => query(REPORTED_MAX, d));
}

function change(query: (d: Fragments) => ReturnType<typeof sql<never>>): Check['repair'] {
  const made = statement<Record<string, never>>()<never>((_db, _p, d) => query(d));
  return (connection) => made.run(connection, {});
}

/** What is below a drive's root or the top of a destroyed tree. Folders that contain each other are not. */
const REACHED = sql`
  reached (id) AS (
    SELECT id FROM node WHERE parent_id IS NULL
    UNION ALL
    SELECT node.id FROM reached JOIN node ON node.parent_id = reached.id
  )`;

/** What hangs from no drive, not yet or not any more: its counters are those of the whole tree, while a part is there. */
const HIDDEN = sql`(
  WITH RECURSIVE hidden (id) AS (
    SELECT node_id FROM staged_copy
    UNION ALL
    SELECT node_id FROM purge
    UNION ALL
    SELECT node.id FROM hidden JOIN node ON node.parent_id = hidden.id
  )
  SELECT id FROM hidden)`;

/** A collection's counters by what its members say; repaired from the leaves up, so in one statement for all levels. */
const trueCounters = (d: Fragments) => sql`
  WITH RECURSIVE ${REACHED},
  up (id, size, descendants) AS (
    SELECT parent_id, CASE WHEN is_collection = 1 THEN 0 ELSE size END, 1
    FROM reached ${d.join} node ON node.id = reached.id WHERE parent_id IS NOT NULL
    UNION ALL
    SELECT node.parent_id, up.size, up.descendants FROM up JOIN node ON node.id = up.id WHERE node.parent_id IS NOT NULL
  )
  SELECT id, sum(size) AS size, sum(descendants) AS descendants FROM up GROUP BY id`;

/** What the dead properties of a node and of everything below it take. */
const truePropertyBytes = (d: Fragments) => sql`
  WITH RECURSIVE ${REACHED},
  up (id, bytes) AS (
    SELECT node.id, ${propertyBytes(d)} FROM reached ${d.join} node ON node.id = reached.id
    WHERE EXISTS (SELECT 1 FROM property WHERE node_id = node.id)
    UNION ALL
    SELECT node.parent_id, up.bytes FROM up JOIN node ON node.id = up.id WHERE node.parent_id IS NOT NULL
  )
  SELECT id, sum(bytes) AS bytes FROM up GROUP BY id`;

/** The nodes that lie in the trash folder of a drive or a member. A former member's folder is known by its name. */
const DELETED = sql`
  SELECT node.id FROM drive JOIN node AS bin ON bin.parent_id = drive.root_id
  JOIN node ON node.parent_id = bin.id WHERE bin.name = 'bin' OR bin.name LIKE 'bin/%'`;

const listDeleted = statement<{ now: number }>()<never>(
  (_db, p, d) => sql<never>`
    INSERT INTO trash (node_id, drive_id, owner_id, name, original_path, deleted_by, deleted_at)
    SELECT node.id, node.drive_id, CASE WHEN bin.name = 'bin' THEN NULL ELSE CAST(substr(bin.name, 5) AS INTEGER) END,
      node.name, node.name, NULL, ${p('now')}
    FROM (${DELETED}) AS deleted ${d.join} node ON node.id = deleted.id JOIN node AS bin ON bin.id = node.parent_id
    WHERE true
    ON CONFLICT (node_id) DO UPDATE SET name = excluded.name`,
);

const CHECKS: readonly Check[] = [
  {
    kind: 'orphan',
    find: question(
      (limit) => sql<Problem>`
        SELECT id, 'node ' || id || ' (' || name || ') is in a folder that is not there' AS text FROM node
        WHERE parent_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM node AS parent WHERE parent.id = node.parent_id)
        LIMIT ${sql.lit(limit)}`,
    ),
    repair: null,
  },
  {
    kind: 'unreachable',
    find: question(
      (limit) => sql<Problem>`
        SELECT id, 'node ' || id || ' (' || name || ') is in no drive' AS text FROM node
        WHERE parent_id IS NULL AND NOT EXISTS (SELECT 1 FROM drive WHERE root_id = node.id)
        AND NOT EXISTS (SELECT 1 FROM purge WHERE node_id = node.id)
        AND NOT EXISTS (SELECT 1 FROM staged_copy WHERE node_id = node.id) LIMIT ${sql.lit(limit)}`,
    ),
    repair: null,
  },
  {
    kind: 'unreachable',
    find: question(
      (limit) => sql<Problem>`
        WITH RECURSIVE ${REACHED}
        SELECT id, 'node ' || id || ' (' || name || ') is in a folder that is inside it, or below such a one' AS text
        FROM node WHERE id NOT IN (SELECT id FROM reached)
        AND EXISTS (SELECT 1 FROM node AS parent WHERE parent.id = node.parent_id) LIMIT ${sql.lit(limit)}`,
    ),
    repair: null,
  },
  {
    kind: 'file-in-file',
    find: question(
      (limit) => sql<Problem>`
        SELECT node.id, 'node ' || node.id || ' (' || node.name || ') is in a file' AS text
        FROM node JOIN node AS parent ON parent.id = node.parent_id WHERE parent.is_collection = 0
        LIMIT ${sql.lit(limit)}`,
    ),
    repair: null,
  },
  {
    kind: 'content',
    find: question(
      (limit) => sql<Problem>`
        SELECT node.id, 'file ' || node.id || ' (' || node.name || ') has a size or content that is not recorded' AS text
        FROM node LEFT JOIN content ON content.key = node.content_key
        WHERE node.is_collection = 0
        AND (content.id IS NULL OR content.id <> node.content_id OR content.size <> node.size) LIMIT ${sql.lit(limit)}`,
    ),
    repair: null,
  },
  {
    kind: 'past',
    find: question(
      (limit) => sql<Problem>`
        SELECT node_past.node_id AS id, 'a former state of file ' || node_past.node_id || ' (' || node_past.name
          || ') has a size or content that is not recorded' AS text
        FROM node_past LEFT JOIN content ON content.key = node_past.content_key
        WHERE node_past.is_collection = 0 AND (content.id IS NULL OR content.size <> node_past.size)
        LIMIT ${sql.lit(limit)}`,
    ),
    repair: null,
  },
  {
    kind: 'purge',
    find: question(
      (limit) => sql<Problem>`
        SELECT node_id AS id, 'folder ' || node_id || ' was destroyed and waits for a past that is gone' AS text
        FROM purge WHERE waits = 1 AND NOT EXISTS (SELECT 1 FROM node_past WHERE node_past.node_id = purge.node_id)
        LIMIT ${sql.lit(limit)}`,
    ),
    repair: change(
      () => sql<never>`
        UPDATE purge SET waits = 0 WHERE waits = 1
        AND NOT EXISTS (SELECT 1 FROM node_past WHERE node_past.node_id = purge.node_id)`,
    ),
  },
  {
    kind: 'counters',
    find: question(
      (limit, d) => sql<Problem>`
        SELECT node.id, 'folder ' || node.id || ' (' || node.name || ') counts ' || node.size || ' bytes, '
          || node.descendants || ' below; it has ' || coalesce(actual.size, 0) || ', '
          || coalesce(actual.descendants, 0) AS text
        FROM node LEFT JOIN (${trueCounters(d)}) AS actual ON actual.id = node.id
        WHERE node.is_collection = 1 AND (node.size <> coalesce(actual.size, 0)
          OR node.descendants <> coalesce(actual.descendants, 0))
        AND node.id NOT IN ${HIDDEN} LIMIT ${sql.lit(limit)}`,
    ),
    repair: change(
      (d) => sql<never>`
        UPDATE node SET size = coalesce(actual.size, 0), descendants = coalesce(actual.descendants, 0)
        FROM (SELECT node.id, total.size, total.descendants
          FROM node LEFT JOIN (${trueCounters(d)}) AS total ON total.id = node.id WHERE node.is_collection = 1) AS actual
        WHERE actual.id = node.id AND node.id NOT IN ${HIDDEN}`,
    ),
  },
  {
    kind: 'property-bytes',
    find: question(
      (limit, d) => sql<Problem>`
        SELECT node.id, 'node ' || node.id || ' (' || node.name || ') counts ' || node.property_bytes
          || ' bytes of properties; it has ' || coalesce(actual.bytes, 0) AS text
        FROM node LEFT JOIN (${truePropertyBytes(d)}) AS actual ON actual.id = node.id
        WHERE node.property_bytes <> coalesce(actual.bytes, 0)
        AND node.id NOT IN ${HIDDEN} LIMIT ${sql.lit(limit)}`,
    ),
    repair: change(
      (d) => sql<never>`
        UPDATE node SET property_bytes = coalesce(actual.bytes, 0)
        FROM (SELECT node.id, total.bytes FROM node LEFT JOIN (${truePropertyBytes(d)}) AS total ON total.id = node.id) AS actual
        WHERE actual.id = node.id AND node.property_bytes <> coalesce(actual.bytes, 0)
        AND node.id NOT IN ${HIDDEN}`,
    ),
  },
  {
    kind: 'trash',
    find: question(
      (limit, d) => sql<Problem>`
        SELECT node.id, 'node ' || node.id || ' (' || node.name || ') is in the trash and not rightly in its list' AS text
        FROM (${DELETED}) AS deleted ${d.join} node ON node.id = deleted.id
        LEFT JOIN trash ON trash.node_id = node.id
        WHERE trash.node_id IS NULL OR trash.name <> node.name LIMIT ${sql.lit(limit)}`,
    ),
    // What is not known any more is made up so that the node shows, and its retention begins now.
    repair: (connection, now) => listDeleted.run(connection, { now }),
  },
  {
    kind: 'trash',
    find: question(
      (limit, d) => sql<Problem>`
        SELECT node.id, 'node ' || node.id || ' (' || node.name || ') is in the list of the trash and not in it' AS text
        FROM trash ${d.join} node ON node.id = trash.node_id
        WHERE node.id NOT IN (${DELETED}) LIMIT ${sql.lit(limit)}`,
    ),
    repair: change(() => sql<never>`DELETE FROM trash WHERE node_id NOT IN (${DELETED})`),
  },
  {
    kind: 'unnamed-content',
    find: question(
      (limit) => sql<Problem>`
        SELECT key AS id, 'content ' || id || ' is named by nothing, and no collector looks at it' AS text
        FROM content WHERE ${FORGOTTEN} LIMIT ${sql.lit(limit)}`,
    ),
    repair: (connection) => nominateForgotten.run(connection, {}),
  },
];
