import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { OutcomeUnknownError, StoreBusyError } from '../../src/stores/metadata-store.js';
import { DRIVE_ID } from '../support/make-server.js';
import { startFirnOn } from '../support/postgres-firn.js';
import { PostgresServer } from '../support/postgres-server.js';
import { PostgresStand } from '../support/postgres-stand.js';
import { waitUntil } from '../support/run-program.js';
import type { WireFault } from '../support/tcp-proxy.js';

/** Both pools of a database. */
const CONNECTIONS_MAX = 20;
const INSERT = /insert into/i;
/** The statement, and no name that has the word in it. */
const COMMIT = /^Q.{4}COMMIT/s;
const APPLICATION = "application_name = 'firn' AND backend_type = 'client backend'";

/** What is true after each test: nothing is held, and requests work. */
async function expectWorking(stand: PostgresStand, server = stand.server): Promise<void> {
  stand.proxy.spoil = () => null;
  const { world, database } = stand;
  const name = `after ${Math.random()}`;
  await Promise.all(Array.from({ length: 25 }, (_, number) => stand.makeFolder(`${name} ${number}`)));
  await Promise.all(Array.from({ length: 25 }, () => world.read((view) => view.findNodes([world.home]))));
  expect((await stand.names(server.port)).filter((one) => one.startsWith(name))).toHaveLength(25);
  expect(database.stats()).toMatchObject({ waitingReads: 0, waitingWrites: 0 });
  const held = async () =>
    server.ask(`SELECT 1 FROM pg_stat_activity WHERE ${APPLICATION} AND state LIKE 'idle in transaction%'`);
  await waitUntil('no transaction is left open', async () => (await held()).length === 0);
  const all = await server.ask(`SELECT 1 FROM pg_stat_activity WHERE ${APPLICATION}`);
  expect(all.length).toBeLessThanOrEqual(CONNECTIONS_MAX);
}

describe('a connection to PostgreSQL that breaks', () => {
  let server: PostgresServer;
  let stand: PostgresStand;

  beforeAll(async () => {
    server = await PostgresServer.start();
    stand = await PostgresStand.open(server);
  });
  afterEach(() => expectWorking(stand));
  afterAll(async () => {
    await stand.close();
    await server.stop();
  });

  const again: [string, RegExp, WireFault][] = [
    ['before BEGIN', /BEGIN/, 'cut before'],
    ["before BEGIN's answer", /BEGIN/, 'cut after'],
    ['amid statements', INSERT, 'cut before'],
    ["before a statement's answer", INSERT, 'cut after'],
    ['before COMMIT arrives', COMMIT, 'cut before'],
    ['while COMMIT never arrives', COMMIT, 'held'],
  ];
  it.each(again)('%s — the work runs again, and leaves one effect', async (name, words, fault) => {
    const spoilt = stand.proxy.spoilNext(words, fault);
    expect(await stand.makeFolder(name)).toBe(2);
    await spoilt;
    expect((await stand.names()).filter((one) => one === name)).toHaveLength(1);
  });

  const done: [string, WireFault][] = [
    ["before COMMIT's answer", 'cut after'],
    ['while the answer to COMMIT never comes', 'silent after'],
  ];
  it.each(done)('%s — what was committed is acknowledged, once', async (name, fault) => {
    const spoilt = stand.proxy.spoilNext(COMMIT, fault);
    expect(await stand.makeFolder(name)).toBe(1);
    await spoilt;
    expect((await stand.names()).filter((one) => one === name)).toHaveLength(1);
  });

  it('around a change that went out together with the COMMIT — it is done once, and acknowledged', async () => {
    const { world } = stand;
    for (const fault of ['cut before', 'cut after', 'silent after'] as const) {
      const spoilt = stand.proxy.spoilNext(INSERT, fault);
      const name = `together, ${fault}`;
      await stand.makeFolder(name, (_runs, view) => view.resolve(world.home, [name]));
      await spoilt;
      expect((await stand.names()).filter((one) => one === name)).toHaveLength(1);
    }
  });

  it('before the answer to a COMMIT without a drive — the same', async () => {
    const { accounts } = stand.world.engine;
    const add = (email: string) => accounts.createUser({ email, name: email, passwordHash: 'hash', isAdmin: false }, 1);
    for (const fault of ['cut before', 'cut after'] as const) {
      const spoilt = stand.proxy.spoilNext(COMMIT, fault);
      expect((await add(fault)).email).toBe(fault);
      await spoilt;
    }
  });

  it('and stays broken — nothing is done, and the caller is told so', async () => {
    stand.proxy.spoil = (text) => (INSERT.test(text) ? 'cut before' : null);
    await expect(stand.makeFolder('never')).rejects.toThrow(StoreBusyError);
    expect(await stand.names()).not.toContain('never');
  });

  it('at the COMMIT, and nobody can be asked — the outcome is unknown', async () => {
    stand.proxy.spoil = (text) => (/^Q.{4}COMMIT|pg_xact_status/s.test(text) ? 'cut after' : null);
    await expect(stand.makeFolder('perhaps')).rejects.toThrow(OutcomeUnknownError);
    expect(await stand.names()).toContain('perhaps');
  });

  it('a statement that is never answered — 503, and nothing is done', async () => {
    const spoilt = stand.proxy.spoilNext(INSERT, 'silent after');
    await expect(stand.makeFolder('silence')).rejects.toThrow(StoreBusyError);
    await spoilt;
    expect(await stand.names()).not.toContain('silence');
  });

  it('BEGIN that is refused — no statement runs outside of a transaction', async () => {
    const spoilt = stand.proxy.spoilNext(/BEGIN/, 'refused');
    const adding = stand.database.write((connection) => connection.run('INSERT INTO sweep (begun_at) VALUES (77)', []));
    await expect(adding).rejects.toThrow(StoreBusyError);
    await spoilt;
    expect(await server.ask('SELECT 1 FROM sweep WHERE begun_at = 77', [], 'firn_stand')).toEqual([]);
  });

  it('a statement that nobody waits for, and fails — the work is told so at its end, and nothing is done', async () => {
    let runs = 0;
    const adding = stand.database.write(async (connection) => {
      runs++;
      connection.send!('INSERT INTO sweep (begun_at) VALUES (79)', []);
      connection.send!('INSERT INTO sweep (begun_at) VALUES (NULL)', []);
    });
    await expect(adding).rejects.toThrow(/null value/);
    expect(runs).toBe(1);
    const adds = stand.database.write(async (connection) => {
      connection.send!('INSERT INTO sweep (begun_at) VALUES (NULL)', []);
      await connection.all('SELECT 1', []);
    });
    await expect(adds).rejects.toThrow(/null value/);
    expect(await server.ask('SELECT 1 FROM sweep WHERE begun_at = 79', [], 'firn_stand')).toEqual([]);
  });

  it('a statement that nobody waits for, and a connection that is cut behind it — the work runs again', async () => {
    const spoilt = stand.proxy.spoilNext(/INSERT INTO sweep/, 'cut after');
    await stand.database.write(async (connection) => connection.send!('INSERT INTO sweep (begun_at) VALUES (80)', []));
    await spoilt;
    expect(await server.ask('SELECT 1 FROM sweep WHERE begun_at = 80', [], 'firn_stand')).toHaveLength(1);
  });

  it('reads — 503, and the next one works', async () => {
    const { world } = stand;
    for (const fault of ['cut before', 'cut after', 'silent after'] as const) {
      const spoilt = stand.proxy.spoilNext(/select/i, fault);
      await expect(world.read((view) => view.findNodes([world.home]))).rejects.toThrow(StoreBusyError);
      await spoilt;
      expect(await world.read((view) => view.findNodes([world.home]))).toHaveLength(1);
    }
  });

  it('a terminated server process — the work runs again, and resting connections are replaced', async () => {
    const end = () => server.ask(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE ${APPLICATION}`);
    const runs = await stand.makeFolder('terminated', async (count) => {
      if (count === 1) await end();
    });
    expect(runs).toBe(2);
    await end();
    await stand.makeFolder('next');
    expect((await stand.names()).filter((name) => /terminated|next/.test(name))).toEqual(['terminated', 'next']);
  });

  it('all connections at once — every request has the right answer', async () => {
    const names = Array.from({ length: 40 }, (_, number) => `burst ${number}`);
    const answers = Promise.allSettled(names.map((name) => stand.makeFolder(name)));
    let commits = 0;
    stand.proxy.spoil = (text) => {
      if (COMMIT.test(text) && ++commits % 5 === 0) setImmediate(() => stand.proxy.cutAll());
      return null;
    };
    const told = await answers;
    stand.proxy.spoil = () => null;
    const there = await stand.names();
    for (const [index, name] of names.entries()) {
      const { status } = told[index]!;
      expect(there.filter((one) => one === name).length, name).toBe(status === 'fulfilled' ? 1 : 0);
    }
  });

  it('statement_timeout — 503, and nothing is done', async () => {
    const slow = stand.database.write(async (connection) => {
      await connection.run("SET LOCAL statement_timeout = '20ms'", []);
      await connection.run('INSERT INTO sweep (begun_at) VALUES (78)', []);
      await connection.run('SELECT pg_sleep(10)', []);
    });
    await expect(slow).rejects.toThrow(StoreBusyError);
    expect(await server.ask('SELECT 1 FROM sweep WHERE begun_at = 78', [], 'firn_stand')).toEqual([]);
  });

  it('lock_timeout — 503 while another process holds the drive, and then it works', async () => {
    await server.ask("CREATE DATABASE firn_server ENCODING 'UTF8' TEMPLATE template0");
    const url = server.url('firn_server');
    const { firn, stop } = await startFirnOn(url);
    const other = new pg.Client({ connectionString: url });
    await other.connect();
    try {
      await other.query(`BEGIN; SELECT 1 FROM drive WHERE id = ${DRIVE_ID} FOR UPDATE`);
      const refused = await firn.as('alice')('PUT', '/a.txt', { body: 'a' });
      expect([refused.status, refused.headers['retry-after']]).toEqual([503, '5']);
      await other.query('ROLLBACK');
      expect((await firn.as('alice')('GET', '/a.txt')).status).toBe(404);
      expect((await firn.as('alice')('PUT', '/a.txt', { body: 'a' })).status).toBe(201);
    } finally {
      await other.end();
      await stop();
    }
  });
});
