import { sql } from 'kysely';
import type { SqlConnection } from './sql-database.js';
import { statement } from './statement.js';

/** What the databases know of their own tables, for what takes all rows of a storage elsewhere. */

type None = Record<string, never>;

/** `place`: in the primary key, from 1 on; 0: not in it. Not those that are computed of others. */
export const listColumns = statement<None>()<{ table: string; column: string; type: string; place: number }>(
  (_db, _p, { dialect }) =>
    dialect === 'sqlite'
      ? sql`
        SELECT listed.name AS "table", own.name AS "column", own.type, own.pk AS place
        FROM sqlite_schema AS listed, pragma_table_info(listed.name) AS own
        WHERE listed.type = 'table' AND substr(listed.name, 1, 7) <> 'sqlite_' ORDER BY listed.name, own.cid`
      : sql`
        SELECT listed.relname AS "table", own.attname AS "column", format_type(own.atttypid, NULL) AS type,
          coalesce(array_position(string_to_array(pg_index.indkey::text, ' '), own.attnum::text), 0)::bigint AS place
        FROM pg_class AS listed
        JOIN pg_attribute AS own ON own.attrelid = listed.oid AND own.attnum > 0
          AND NOT own.attisdropped AND own.attgenerated = ''
        LEFT JOIN pg_index ON pg_index.indrelid = listed.oid AND pg_index.indisprimary
        WHERE listed.relkind = 'r' AND listed.relnamespace = current_schema()::regnamespace
        ORDER BY listed.relname, own.attnum`,
);

/** Which columns name rows of which table. */
export const listReferences = statement<None>()<{ table: string; column: string; target: string }>(
  (_db, _p, { dialect }) =>
    dialect === 'sqlite'
      ? sql`
        SELECT listed.name AS "table", named."from" AS "column", named."table" AS target
        FROM sqlite_schema AS listed, pragma_foreign_key_list(listed.name) AS named WHERE listed.type = 'table'`
      : sql`
        SELECT listed.relname AS "table", own.attname AS "column", target.relname AS target
        FROM pg_constraint AS rule
        JOIN pg_class AS listed ON listed.oid = rule.conrelid
        JOIN pg_class AS target ON target.oid = rule.confrelid
        JOIN pg_attribute AS own ON own.attrelid = listed.oid AND own.attnum = rule.conkey[1]
        WHERE rule.contype = 'f' AND listed.relnamespace = current_schema()::regnamespace`,
);

/** The columns whose values the database counts up by itself, and the last one that it gave out; null: none. */
export const listCounters = statement<None>()<{ table: string; column: string; last: number | null }>(
  (_db, _p, { dialect }) =>
    dialect === 'sqlite'
      ? sql`
        SELECT listed.name AS "table", own.name AS "column",
          (SELECT seq FROM sqlite_sequence WHERE sqlite_sequence.name = listed.name) AS last
        FROM sqlite_schema AS listed, pragma_table_info(listed.name) AS own
        WHERE listed.type = 'table' AND own.pk = 1 AND instr(listed.sql, 'AUTOINCREMENT') > 0`
      : sql`
        SELECT listed.relname AS "table", own.attname AS "column",
          pg_sequence_last_value(pg_get_serial_sequence(quote_ident(listed.relname), own.attname)::regclass) AS last
        FROM pg_class AS listed JOIN pg_attribute AS own ON own.attrelid = listed.oid AND own.attidentity <> ''
        WHERE listed.relkind = 'r' AND listed.relnamespace = current_schema()::regnamespace`,
);

/** Has a column counted on from `last`, which is no less than where it is. */
export async function setCounter(
  connection: SqlConnection,
  counter: { readonly table: string; readonly column: string; readonly last: number },
): Promise<void> {
  if (connection.dialect === 'postgres') return void (await setSequence.all(connection, counter));
  // SQLite makes it with the first row of the table.
  await makeCounter.run(connection, counter);
  await raiseCounter.run(connection, counter);
}

const setSequence = statement<{ table: string; column: string; last: number }>()<never>(
  (_db, p) => sql<never>`
    SELECT setval(pg_get_serial_sequence(quote_ident(${p('table')}::text), ${p('column')}), ${p('last')}::bigint)`,
);

const makeCounter = statement<{ table: string }>()<never>(
  (_db, p) => sql<never>`
    INSERT INTO sqlite_sequence (name, seq) SELECT ${p('table')}, 0
    WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = ${p('table')})`,
);

const raiseCounter = statement<{ table: string; last: number }>()<never>(
  (_db, p) => sql<never>`UPDATE sqlite_sequence SET seq = ${p('last')} WHERE name = ${p('table')}`,
);
