import { sql } from 'kysely';
import { describe, expect, it, onTestFinished } from 'vitest';
import { UniqueViolation } from '../../src/engines/sql/sql-database.js';
import { statement } from '../../src/engines/sql/statement.js';
import { SqliteDatabase } from '../../src/engines/sqlite/sqlite-database.js';
import { CountingDatabase } from '../support/counting-database.js';
import { MIGRATIONS } from '../support/sqlite-file.js';

function openMemory(): CountingDatabase {
  const database = new CountingDatabase(SqliteDatabase.open(':memory:', MIGRATIONS));
  onTestFinished(() => database.close());
  return database;
}

describe('Statement', () => {
  it('is built once, however often it runs, and its text stays the same', async () => {
    let built = 0;
    const echo = statement<{ value: number }>()<{ value: number }>((_db, p) => {
      built++;
      return sql<{ value: number }>`SELECT ${p('value')} AS value`;
    });
    expect(built).toBe(0);
    const database = openMemory();
    const ran = await database.statementsOf(async () => {
      for (const value of [1, 2, 3]) {
        expect(await database.read((connection) => echo.all(connection, { value }))).toEqual([{ value }]);
      }
    });
    expect(built).toBe(1);
    expect(new Set(ran.map((each) => each.sql)).size).toBe(1);
    expect(ran.map(({ parameters }) => parameters)).toEqual([[1], [2], [3]]);
  });

  it('binds values by name: in any order, one several times, beside constants', async () => {
    const mixed = statement<{ first: string; second: string }>()<Record<string, unknown>>(
      (_db, p) => sql`SELECT ${p('second')} AS a, ${'constant'} AS b, ${p('first')} AS c, ${p('second')} AS d`,
    );
    const rows = await openMemory().read((connection) => mixed.all(connection, { first: '1', second: '2' }));
    expect(rows).toEqual([{ a: '2', b: 'constant', c: '1', d: '2' }]);
  });

  it('binds values in a query that Kysely builds, also as limit', async () => {
    const byName = statement<{ name: string; limit: number }>()((db, p) =>
      db.selectFrom('node').select('id').where('name', '=', p('name')).limit(p('limit')),
    );
    const database = openMemory();
    const ran = await database.statementsOf(() =>
      database.read((connection) => byName.all(connection, { name: "it's", limit: 7 })),
    );
    expect(ran[0]!.parameters).toEqual(["it's", 7]);
  });

  it('binds booleans as 1 and 0, and null as null', async () => {
    const values = statement<{ yes: boolean; no: boolean; nothing: null }>()<Record<string, unknown>>(
      (_db, p) => sql`SELECT ${p('yes')} AS yes, ${p('no')} AS no, ${p('nothing')} AS none, ${true} AS fixed`,
    );
    const rows = await openMemory().read((c) => values.all(c, { yes: true, no: false, nothing: null }));
    expect(rows).toEqual([{ yes: 1, no: 0, none: null, fixed: 1 }]);
  });

  it('first — gives the first row, undefined without one', async () => {
    const named = statement<{ limit: number }>()<{ n: number }>(
      (_db, p) => sql<{ n: number }>`SELECT 5 AS n UNION ALL SELECT 6 LIMIT ${p('limit')}`,
    );
    const database = openMemory();
    expect(await database.read((connection) => named.first(connection, { limit: 9 }))).toEqual({ n: 5 });
    expect(await database.read((connection) => named.first(connection, { limit: 0 }))).toBeUndefined();
  });

  it('lists — gives each row as the list of its values', async () => {
    const pair = statement<{ value: string }>()<{ a: number; b: string }>(
      (_db, p) => sql<{ a: number; b: string }>`SELECT 1 AS a, ${p('value')} AS b`,
    );
    const rows = await openMemory().read((connection) =>
      pair.lists<readonly [number, string]>(connection, { value: 'x' }),
    );
    expect(rows).toEqual([[1, 'x']]);
  });

  it('run — gives the number of changed rows, and throws UniqueViolation where an index refuses', async () => {
    const mark = statement<{ id: string }>()((db, p) =>
      db.insertInto('condemned').values({ place: p('id'), condemned_at: 1 }),
    );
    const clear = statement<Record<string, never>>()((db) => db.deleteFrom('condemned'));
    const database = openMemory();
    expect(await database.write((connection) => mark.run(connection, { id: 'a' }))).toBe(1);
    await database.write((connection) => mark.run(connection, { id: 'b' }));
    const twice = database.write((connection) => mark.run(connection, { id: 'a' }));
    await expect(twice).rejects.toThrow(UniqueViolation);
    expect(await database.write((connection) => clear.run(connection, {}))).toBe(2);
  });
});
