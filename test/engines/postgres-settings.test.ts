import pg from 'pg';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { lookAtServer } from '../../src/engines/postgres/check-server.js';
import { PostgresDatabase } from '../../src/engines/postgres/postgres-database.js';
import { StoreBusyError } from '../../src/stores/metadata-store.js';
import { PostgresServer } from '../support/postgres-server.js';
import { POSTGRES } from '../support/postgres-stand.js';

let server: PostgresServer;
let client: pg.Client;
beforeAll(async () => {
  server = await PostgresServer.start(['autovacuum = off']);
  client = new pg.Client({ connectionString: server.url('postgres') });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await server.stop();
});

const look = (mayBeUnsafe = false) => lookAtServer(async (sql) => (await client.query(sql)).rows, mayBeUnsafe);

/** While a running server has a setting; it reads its file again. */
async function having(name: string, value: string, work: () => Promise<void>): Promise<void> {
  const shown = async () => ((await client.query(`SHOW ${name}`)).rows[0] as Record<string, string>)[name];
  await client.query(`ALTER SYSTEM SET ${name} = '${value}'; `);
  await client.query('SELECT pg_reload_conf()');
  await expect.poll(shown).toBe(value);
  await work();
  await client.query(`ALTER SYSTEM RESET ${name}`);
  await client.query('SELECT pg_reload_conf()');
  await expect.poll(shown).not.toBe(value);
}

test('decision 0026 — a server that keeps what it acknowledges may be used; no standby is a warning', async () => {
  expect(await look()).toEqual({
    version: expect.stringMatching(/^\d+\.\d+/),
    standbys: '',
    refusal: null,
    warnings: [expect.stringContaining('no synchronous standby')],
  });
});

test.each([
  ['fsync', 'off', /fsync off and would lose files/],
  ['full_page_writes', 'off', /full_page_writes off and would lose files/],
  ['synchronous_commit', 'off', /synchronous_commit = off and would lose files/],
  ['synchronous_commit', 'local', /synchronous_commit = local and would lose files/],
])('decision 0026 — %s = %s, set under a running server, is a refusal', async (name, value, sentence) => {
  await having(name, value, async () => {
    expect((await look()).refusal).toMatch(sentence);
    expect((await look(true)).refusal).toBeNull();
  });
  expect((await look()).refusal).toBeNull();
});

test('decision 0026 — with a synchronous standby there is no warning', async () => {
  await having('synchronous_standby_names', 'db2', async () => {
    expect(await look()).toMatchObject({ standbys: 'db2', refusal: null, warnings: [] });
  });
});

test('a question to all of the database takes the time that it takes, and one of a request does not', async () => {
  await client.query("CREATE DATABASE firn_patience ENCODING 'UTF8' TEMPLATE template0");
  const hasty = await PostgresDatabase.open(server.url('firn_patience'), POSTGRES, {
    mayBeUnsafe: true,
    statementMs: 50,
    answerMs: 500,
  });
  const patient = hasty.patient();
  onTestFinished(() => Promise.all([hasty.close(), patient.close()]).then(() => {}));
  const SLOW = 'SELECT 1 AS one FROM pg_sleep(1)';
  await expect(hasty.read((connection) => connection.all(SLOW, []))).rejects.toThrow(StoreBusyError);
  await expect(hasty.readOne((connection) => connection.all(SLOW, []))).rejects.toThrow();
  expect(await patient.read((connection) => connection.all(SLOW, []))).toEqual([{ one: 1 }]);
  expect(await patient.readOne((connection) => connection.all(SLOW, []))).toEqual([{ one: 1 }]);
  expect(await patient.write((connection) => connection.all(SLOW, []))).toEqual([{ one: 1 }]);
});
