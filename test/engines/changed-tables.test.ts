import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { MIGRATIONS, readMigrations } from '../../src/engines/sql/migrate.js';
import {
  CHANGES_CONTENTS,
  CHANGES_DRIVES,
  CHANGES_RIGHTS,
  changesOf,
} from '../../src/engines/sqlite/changed-tables.js';
import { SqliteDatabase } from '../../src/engines/sqlite/sqlite-database.js';

const ALL = CHANGES_RIGHTS | CHANGES_CONTENTS | CHANGES_DRIVES;

describe('changesOf', () => {
  test.each([
    ['UPDATE app_user SET is_disabled = 1', CHANGES_RIGHTS],
    ['update "app_password" set "last_used_at" = ?', CHANGES_RIGHTS],
    ['insert into "member" ("drive_id") values (?) on conflict do update set "role" = ?', CHANGES_RIGHTS],
    ['INSERT INTO content (id) VALUES (?) ON CONFLICT (id) DO UPDATE SET sha1 = 1', CHANGES_CONTENTS],
    ['WITH RECURSIVE up AS (SELECT 1) UPDATE node SET revision = ?', CHANGES_DRIVES],
    ['INSERT OR REPLACE INTO property (xml) SELECT xml FROM content', CHANGES_DRIVES],
    ['DELETE FROM dav_lock WHERE token = ?', CHANGES_DRIVES],
    ['insert into "audit" ("kind") values (?)', 0],
    ['PRAGMA user_version = 0', 0],
    // Rows of drives go along.
    ['delete from "app_user" where "id" = ?', ALL],
    ['INSERT INTO of_tomorrow VALUES (1)', ALL],
    ['VACUUM', ALL],
  ])('%s', (sql, changes) => {
    expect(changesOf(sql)).toBe(changes);
  });

  test('knows each table of the schema', () => {
    const database = new Database(':memory:').unsafeMode();
    for (const { sql } of readMigrations(MIGRATIONS)) database.exec(sql);
    const names = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all() as string[];
    const unknown = names.filter((name) => changesOf(`INSERT INTO ${name} VALUES (1)`) === ALL);
    // Written by commands that have the storage to themselves, once in its life, or by PostgreSQL alone.
    expect(unknown.sort()).toEqual(['cluster_node', 'sqlite_sequence', 'storage_id', 'storage_move', 'storage_point']);
    // What comes along by a trigger nobody would note.
    expect(database.prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'").all()).toEqual([]);
  });
});

describe('SqliteCommitWatch', () => {
  const open = (file = ':memory:') => SqliteDatabase.open(file, []);
  const change = (database: SqliteDatabase, table: string, drives?: readonly number[]) =>
    database.write((connection) => connection.run(`INSERT INTO ${table} VALUES (1)`, []), {
      ...(drives && { drives: drives as never }),
    });

  test('own writes make stale what they changed, on the drives that they name', async () => {
    const database = open();
    const { commits } = database;
    for (const table of ['node', 'content', 'member', 'audit']) {
      await database.write((connection) => connection.run(`CREATE TABLE ${table} (value)`, []));
    }
    const one = { drive: 1 as never, withContents: false };
    const since = commits.look()!;
    const stale = () => {
      const now = commits.look()!;
      return [
        !commits.areRightsSame(since, now),
        !commits.isSame(since, now, one),
        !commits.isSame(since, now, { ...one, withContents: true }),
      ];
    };
    expect(stale()).toEqual([false, false, false]);
    await change(database, 'audit');
    await change(database, 'node', [2]);
    await expect(
      database.write(async (connection) => {
        await connection.run('INSERT INTO node VALUES (1)', []);
        throw new Error('rolled back');
      }),
    ).rejects.toThrow('rolled back');
    expect(stale()).toEqual([false, false, false]);
    await change(database, 'content', [2]);
    expect(stale()).toEqual([false, false, true]);
    await change(database, 'member', [2]);
    expect(stale()).toEqual([true, false, true]);
    await change(database, 'node', [2, 1]);
    expect(stale()).toEqual([true, true, true]);
    await database.close();
  });

  test('a write sees that one before it in its batch changed rights', async () => {
    const database = open();
    await database.write((connection) => connection.run('CREATE TABLE member (value)', []));
    const since = database.commits.look()!;
    const seen = await Promise.all([
      database.write(async () => database.commits.areRightsSameHere(since)),
      change(database, 'member'),
      database.write(async () => database.commits.areRightsSameHere(since)),
    ]);
    expect([seen[0], seen[2]]).toEqual([true, false]);
    await database.close();
  });
});
