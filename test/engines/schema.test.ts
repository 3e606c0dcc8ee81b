import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { PostgresDatabase } from '../../src/engines/postgres/postgres-database.js';
import type { Migration } from '../../src/engines/sql/migrate.js';
import { TestPostgres } from '../support/engines.js';
import { PostgresServer } from '../support/postgres-server.js';
import { POSTGRES } from '../support/postgres-stand.js';
import { mustRun } from '../support/run-program.js';
import { bundle, MIGRATIONS, temporaryFile } from '../support/sqlite-file.js';

const postgres = new TestPostgres();

interface Table {
  /** Each with whether it may be null. */
  readonly columns: Record<string, boolean>;
  /** Of each unique key its columns. */
  readonly keys: string[];
}
type Tables = Record<string, Table>;

/** What one of them needs for itself: numbers given out, the lock of migrations, the map of a copy. */
const OWN = ['revision', 'migration_turn', 'copy_map'];
/** PostgreSQL's keys of long texts have these texts' hash instead. */
const LONG: Record<string, string> = { property: 'namespace, name', import_folder: 'href', import_file: 'href' };

function sqliteTables(): Tables {
  const database = new Database(':memory:').unsafeMode();
  for (const { sql } of MIGRATIONS) database.exec(sql);
  const names = database
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
    .pluck()
    .all() as string[];
  const tables = names.map((name) => {
    const columns = database.pragma(`table_info("${name}")`) as { name: string; notnull: number; pk: number }[];
    const indexes = database.pragma(`index_list("${name}")`) as { name: string; unique: number }[];
    const keys = indexes
      .filter(({ unique }) => unique === 1)
      .map((index) => (database.pragma(`index_info("${index.name}")`) as { name: string }[]).map((part) => part.name));
    const primary = columns.filter(({ pk }) => pk > 0).sort((a, b) => a.pk - b.pk);
    if (primary.length > 0) keys.push(primary.map((column) => column.name));
    const columnsOf = Object.fromEntries(
      columns.map(({ name: column, notnull, pk }) => [column, notnull === 0 && pk === 0]),
    );
    return [
      name,
      tableOf(
        columnsOf,
        keys.map((key) => key.join(', ')),
      ),
    ] as const;
  });
  database.close();
  return withoutOwn(tables);
}

async function postgresTables(): Promise<Tables> {
  const url = await postgres.makeDatabase();
  await (await PostgresDatabase.open(url, POSTGRES, { mayBeUnsafe: true })).close();
  const found = await ask<{ name: string; columns: Record<string, boolean>; keys: string[] | null }>(
    url,
    `SELECT class.relname AS name,
      (SELECT json_object_agg(attname, NOT attnotnull) FROM pg_attribute
        WHERE attrelid = class.oid AND attnum > 0 AND NOT attisdropped) AS columns,
      (SELECT json_agg((SELECT string_agg(attname, ', ' ORDER BY place) FROM unnest(indkey::int[]) WITH ORDINALITY AS part (number, place)
        JOIN pg_attribute ON attrelid = class.oid AND attnum = part.number)) FROM pg_index
        WHERE indrelid = class.oid AND indisunique) AS keys
    FROM pg_class AS class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'migration'`,
  );
  return withoutOwn(
    found.map(({ name, columns: { digest: _digest, ...columns }, keys }) => {
      const long = LONG[name];
      return [
        name,
        tableOf(
          columns,
          (keys ?? []).map((key) => (long ? key.replace('digest', long) : key)),
        ),
      ] as const;
    }),
  );
}

function tableOf(columns: Record<string, boolean>, keys: string[]): Table {
  const sorted = Object.fromEntries(Object.entries(columns).sort(([a], [b]) => (a < b ? -1 : 1)));
  return { columns: sorted, keys: [...new Set(keys)].sort() };
}

function withoutOwn(tables: (readonly [string, Table])[]): Tables {
  return Object.fromEntries(tables.filter(([name]) => !OWN.includes(name)).sort(([a], [b]) => (a < b ? -1 : 1)));
}

async function ask<Row>(url: string, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows as Row[];
  } finally {
    await client.end();
  }
}

describe("PostgreSQL's schema", () => {
  it("has SQLite's tables, columns, what may be null, and unique keys", async () => {
    expect(await postgresTables()).toEqual(sqliteTables());
  });

  it('is made once by three processes that start at once', async () => {
    const url = await postgres.makeDatabase();
    const module = await bundle('src/engines/postgres/postgres-database.ts');
    const order = join(dirname(await temporaryFile()), 'order.json');
    const startAt = Date.now() + 3_000;
    await writeFile(order, JSON.stringify({ url, migrations: POSTGRES, startAt }));
    const script = `
      import { readFileSync } from 'node:fs';
      const { PostgresDatabase } = await import(process.argv[1]);
      const { url, migrations, startAt } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
      await new Promise((resolve) => setTimeout(resolve, startAt - Date.now()));
      await (await PostgresDatabase.open(url, migrations, { mayBeUnsafe: true })).close();`;
    const parameters = ['--input-type=module', '-e', script, '--', module, order];
    await Promise.all(Array.from({ length: 3 }, () => mustRun(process.execPath, parameters)));
    const applied = await ask<{ name: string }>(url, 'SELECT name FROM migration ORDER BY name');
    expect(applied.map(({ name }) => name)).toEqual(POSTGRES.map(({ name }) => name));
  });

  it('stays as it was where a migration fails, and is brought on when it is mended', async () => {
    const url = await postgres.makeDatabase();
    const open = async (migrations: readonly Migration[]) =>
      (await PostgresDatabase.open(url, migrations, { mayBeUnsafe: true })).close();
    const step = (name: string, sql: string): Migration => ({ name, sql, hash: sql });
    const tables = async () =>
      (
        await ask<{ name: string }>(
          url,
          "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY 1",
        )
      ).map(({ name }) => name);
    const first = step('0001-a', 'CREATE TABLE one (id bigint)');
    await open([first]);
    const half = [
      first,
      step('0002-b', 'CREATE TABLE two (id bigint)'),
      step('0003-c', 'CREATE TABEL wrong (id bigint)'),
    ];
    await expect(open(half)).rejects.toThrow(/syntax error/);
    expect(await tables()).toEqual(['migration', 'migration_turn', 'one']);
    await open(half.slice(0, 2));
    expect(await tables()).toEqual(['migration', 'migration_turn', 'one', 'two']);
  });
});

describe('a server that is refused', () => {
  const unsafe = [
    ['fsync = off', /the database has fsync off and would lose files: turn it on/],
    ['full_page_writes = off', /the database has full_page_writes off and would lose files: turn it on/],
    ['synchronous_commit = off', /the database has synchronous_commit = off and would lose files: set it to on/],
    ['synchronous_commit = local', /the database has synchronous_commit = local and would lose files: set it to on/],
  ] as const;
  it.each(unsafe)('%s', async (setting, sentence) => {
    const server = await PostgresServer.start([setting]);
    try {
      await expect(PostgresDatabase.open(server.url('postgres'), POSTGRES)).rejects.toThrow(sentence);
      expect(await server.ask("SELECT 1 FROM pg_tables WHERE schemaname = 'public'")).toEqual([]);
    } finally {
      await server.stop();
    }
  });

  it('a database in another encoding than UTF8', async () => {
    const server = await PostgresServer.start();
    try {
      await server.ask("CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
      const opening = PostgresDatabase.open(server.url('latin'), POSTGRES, { mayBeUnsafe: true });
      await expect(opening).rejects.toThrow('the database is in LATIN1: make one in UTF8');
    } finally {
      await server.stop();
    }
  });
});
