import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { PostgresDatabase } from '../../src/engines/postgres/postgres-database.js';
import { OutcomeUnknownError, StoreBusyError, StoreFailingError } from '../../src/stores/metadata-store.js';
import { PostgresServer } from '../support/postgres-server.js';
import { POSTGRES, PostgresStand } from '../support/postgres-stand.js';
import { waitUntil } from '../support/run-program.js';

/** The statement, and no name that has the word in it. */
const COMMIT = /^Q.{4}COMMIT/s;
/** Nothing is on the disk before a commit asks for it. */
const LAZY = ['max_connections = 30', 'wal_writer_delay = 10s', 'autovacuum = off', 'fsync = off'];

describe('a server of PostgreSQL that ends', () => {
  let server: PostgresServer;
  let stand: PostgresStand;

  beforeEach(async () => {
    server = await PostgresServer.start(LAZY);
    stand = await PostgresStand.open(server);
  });
  afterEach(async () => {
    await stand.close();
    await server.stop();
  });

  it('and starts again — 503 meanwhile, then all works, and what was acknowledged is there', async () => {
    const told: string[] = [];
    let isOver = false;
    const failures: unknown[] = [];
    const load = Array.from({ length: 8 }, async (_, worker) => {
      for (let number = 0; !isOver; number++) {
        const name = `${worker}-${number}`;
        const done = stand.makeFolder(name).then(
          () => told.push(name),
          async (error: unknown) => {
            failures.push(error);
            await wait(10);
          },
        );
        await done;
      }
    });
    const progress = () => {
      const before = told.length;
      return waitUntil('writes are acknowledged', async () => told.length > before + 20);
    };
    for (let round = 0; round < 3; round++) {
      await progress();
      await server.crash();
      await expect(stand.world.read((view) => view.findNodes([]))).rejects.toThrow(StoreBusyError);
      await server.restart();
    }
    await progress();
    isOver = true;
    await Promise.all(load);
    const names = await stand.names();
    expect(told.filter((name) => names.filter((one) => one === name).length !== 1)).toEqual([]);
    expect(
      failures.filter((error) => !(error instanceof StoreBusyError || error instanceof OutcomeUnknownError)),
    ).toEqual([]);
  });

  it('and counts a transaction again that its disk knew nothing of — the outcome is unknown, not that of the other', async () => {
    let xid = 0;
    const spoilt = stand.proxy.spoilNext(COMMIT, 'held');
    const writing = stand.database
      .write(async (connection) => {
        const [row] = await connection.all<{ xid: number }>('SELECT pg_current_xact_id()::text::bigint AS xid', []);
        xid = row!.xid;
        await connection.run('INSERT INTO sweep (begun_at) VALUES (1)', []);
      })
      .then(
        () => null,
        (error: unknown) => error,
      );
    await spoilt;
    await server.crash();
    await server.restart();
    const other = new pg.Client({ connectionString: server.url('firn_stand') });
    await other.connect();
    const next = async () => {
      const { rows } = await other.query(
        'INSERT INTO storage_point VALUES (random(), 1, 1) RETURNING pg_current_xact_id()::text AS xid',
      );
      return Number((rows[0] as { xid: string }).xid);
    };
    let reached = 0;
    while (reached < xid) reached = await next();
    await other.end();
    expect(reached).toBe(xid);
    stand.proxy.cutAll();
    expect(await writing).toBeInstanceOf(OutcomeUnknownError);
    expect(await server.ask('SELECT 1 FROM sweep', [], 'firn_stand')).toEqual([]);
  });

  it('and has no connection left — 503, and it works when there is one', async () => {
    const others: pg.Client[] = [];
    await server.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'firn'");
    for (;;) {
      const client = new pg.Client({ connectionString: server.url('postgres') });
      client.on('error', () => {});
      try {
        await client.connect();
        others.push(client);
      } catch {
        break;
      }
    }
    await expect(stand.makeFolder('refused')).rejects.toThrow(StoreBusyError);
    await expect(stand.world.read((view) => view.findNodes([]))).rejects.toThrow(StoreBusyError);
    await Promise.all(others.map((client) => client.end()));
    await stand.makeFolder('accepted');
    expect(await stand.names()).toEqual(['accepted']);
  });
});

describe('PostgreSQL with a standby', () => {
  let primary: PostgresServer;
  let stand: PostgresStand;

  beforeEach(async () => {
    primary = await PostgresServer.start(LAZY);
    stand = await PostgresStand.open(primary);
  });
  afterEach(async () => {
    await stand.close();
    await primary.stop();
  });

  async function follow(names: string): Promise<void> {
    await primary.ask(`ALTER SYSTEM SET synchronous_standby_names = '${names}'`);
    await primary.ask('SELECT pg_reload_conf()');
    const shown = async () => (await primary.ask("SELECT current_setting('synchronous_standby_names') AS name"))[0]!;
    await waitUntil('the setting counts', async () => (await shown()).name === names);
  }

  const WAITING = "wait_event = 'SyncRep' AND query = 'COMMIT'";
  const waiting = (what: string) => primary.ask(`SELECT ${what} FROM pg_stat_activity WHERE ${WAITING}`);

  it.each(['pg_cancel_backend', 'pg_terminate_backend'])(
    '%s of a commit that waits for it — the outcome is unknown',
    async (end) => {
      await follow('nobody');
      const writing = stand.makeFolder('alone').catch((error: unknown) => error);
      await waitUntil('the commit waits', async () => (await waiting('pid')).length > 0);
      await waiting(`${end}(pid)`);
      expect(await writing).toBeInstanceOf(OutcomeUnknownError);
      await expect(stand.database.prove()).rejects.toThrow();
      await follow('');
      await stand.database.prove();
      await stand.makeFolder('next');
      expect(await stand.names()).toEqual(['alone', 'next']);
    },
  );

  it('that is promoted — what was acknowledged is there, and writes go on without a restart', async () => {
    const standby = await primary.addStandby();
    onTestFinished(() => standby.stop());
    const told: string[] = [];
    let isOver = false;
    const load = Array.from({ length: 4 }, async (_, worker) => {
      for (let number = 0; !isOver; number++) {
        const name = `${worker}-${number}`;
        await stand.makeFolder(name).then(
          () => told.push(name),
          () => wait(10),
        );
      }
    });
    await waitUntil('writes are acknowledged', async () => told.length > 20);
    await primary.crash();
    stand.proxy.target = standby.port;
    stand.proxy.cutAll();
    await expect(stand.makeFolder('too early')).rejects.toThrow();
    await standby.promote();
    const before = told.length;
    await waitUntil('writes are acknowledged', async () => told.length > before + 20);
    isOver = true;
    await Promise.all(load);
    const names = await stand.names(standby.port);
    expect(told.filter((name) => names.filter((one) => one === name).length !== 1)).toEqual([]);
  });

  it('that takes the place of its primary and is not promoted — refused at a write, read, and not opened', async () => {
    const standby = await primary.addStandby();
    onTestFinished(() => standby.stop());
    stand.proxy.target = standby.port;
    stand.proxy.cutAll();
    await expect(stand.makeFolder('standby')).rejects.toThrow(StoreFailingError);
    expect(await stand.world.read((view) => view.findNodes([stand.world.home]))).toHaveLength(1);
    const opening = PostgresDatabase.open(standby.url('firn_stand'), POSTGRES, { mayBeUnsafe: true });
    await expect(opening).rejects.toThrow('the database is a standby: name the primary');
    await standby.promote();
    await stand.makeFolder('promoted');
    expect(await stand.names(standby.port)).toEqual(['promoted']);
  });
});
