import { sql } from 'kysely';
import type { Inconsistency, MetadataCheck } from '../../stores/blob-index.js';
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
  readonly repair: ((connection: SqlConnection) => Promise<unknown>) | null;
}

/** Problems of one kind that are reported one by one. */
const REPORTED_MAX = 1000;

/** Questions to the database whose right answer is no row. */
export class SqlMetadataCheck implements MetadataCheck {
  readonly #database: SqlDatabase;

  constructor(database: SqlDatabase) {
    this.#database = database;
  }

  async *check(options: { readonly repair: boolean }): AsyncGenerator<Inconsistency> {
    for (const { kind, find, repair } of CHECKS) {
      const problems = await this.#database.read((connection) => find.all(connection, {}));
      for (const problem of problems) yield { kind, message: problem.text };
      if (options.repair && repair && problems.length > 0) await this.#database.write(repair);
    }
  }
}

function question(query: (limit: number) => ReturnType<typeof sql<Problem>>): Check['find'] {
  return statement<Record<string, never>>()<Problem>(() => query(REPORTED_MAX));
}

function change(query: ReturnType<typeof sql<never>>): Check['repair'] {
  const made = statement<Record<string, never>>()<never>(() => query);
  return (connection) => made.run(connection, {});
}

/** A collection's counters by what its members say; repaired from the leaves up, so in one statement for all levels. */
const TRUE_COUNTERS = sql`
  WITH RECURSIVE up (id, size, descendants) AS (
    SELECT parent_id, size, 1 FROM node WHERE is_collection = 0 AND parent_id IS NOT NULL
    UNION ALL
    SELECT parent_id, 0, 1 FROM node WHERE is_collection = 1 AND parent_id IS NOT NULL
    UNION ALL
    SELECT node.parent_id, up.size, up.descendants FROM up JOIN node ON node.id = up.id WHERE node.parent_id IS NOT NULL
  )
  SELECT id, sum(size) AS size, sum(descendants) AS descendants FROM up GROUP BY id`;

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
        AND NOT EXISTS (SELECT 1 FROM purge WHERE node_id = node.id) LIMIT ${sql.lit(limit)}`,
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
    kind: 'counters',
    find: question(
      (limit) => sql<Problem>`
        SELECT node.id, 'folder ' || node.id || ' (' || node.name || ') counts ' || node.size || ' bytes, '
          || node.descendants || ' below; it has ' || coalesce(actual.size, 0) || ', '
          || coalesce(actual.descendants, 0) AS text
        FROM node LEFT JOIN (${TRUE_COUNTERS}) AS actual ON actual.id = node.id
        WHERE node.is_collection = 1 AND (node.size <> coalesce(actual.size, 0)
          OR node.descendants <> coalesce(actual.descendants, 0))
        AND NOT EXISTS (SELECT 1 FROM purge WHERE node_id = node.id) LIMIT ${sql.lit(limit)}`,
    ),
    repair: change(
      sql<never>`
        UPDATE node SET size = coalesce(actual.size, 0), descendants = coalesce(actual.descendants, 0)
        FROM (SELECT node.id, total.size, total.descendants
          FROM node LEFT JOIN (${TRUE_COUNTERS}) AS total ON total.id = node.id WHERE node.is_collection = 1) AS actual
        WHERE actual.id = node.id AND NOT EXISTS (SELECT 1 FROM purge WHERE node_id = node.id)`,
    ),
  },
  {
    kind: 'property-flag',
    find: question(
      (limit) => sql<Problem>`
        SELECT id, 'node ' || id || ' (' || name || ') is not marked rightly for its properties' AS text FROM node
        WHERE has_properties <> EXISTS (SELECT 1 FROM property WHERE node_id = node.id) LIMIT ${sql.lit(limit)}`,
    ),
    repair: change(
      sql<never>`
        UPDATE node SET has_properties = EXISTS (SELECT 1 FROM property WHERE node_id = node.id)
        WHERE has_properties <> EXISTS (SELECT 1 FROM property WHERE node_id = node.id)`,
    ),
  },
  {
    kind: 'trash',
    find: question(
      (limit) => sql<Problem>`
        SELECT node.id, 'node ' || node.id || ' (' || node.name || ') and the list of the trash disagree' AS text
        FROM node JOIN node AS bin ON bin.id = node.parent_id
        LEFT JOIN drive AS home ON home.common_bin_id = bin.id LEFT JOIN member ON member.bin_id = bin.id
        LEFT JOIN trash ON trash.node_id = node.id
        WHERE (home.id IS NOT NULL OR member.user_id IS NOT NULL)
        AND (trash.node_id IS NULL OR trash.name <> node.name) LIMIT ${sql.lit(limit)}`,
    ),
    repair: null,
  },
];
