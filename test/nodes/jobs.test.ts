import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { POSTGRES_MIGRATIONS } from '../../src/engines/postgres/migrate-postgres.js';
import { PostgresDatabase } from '../../src/engines/postgres/postgres-database.js';
import { readMigrations } from '../../src/engines/sql/migrate.js';
import { SqlMetadataStore } from '../../src/engines/sql/sql-metadata-store.js';
import { type JobKind, JobRunner } from '../../src/jobs/job-runner.js';
import { StoreBusyError } from '../../src/stores/metadata-store.js';
import type { UserId } from '../../src/stores/values.js';
import { TestPostgres } from '../support/engines.js';
import { singleCalls } from '../support/single-calls.js';

const MINUTE = 60_000;
const SERVERS = 3;
const postgres = new TestPostgres();
const migrations = readMigrations(POSTGRES_MIGRATIONS);
let databases: PostgresDatabase[];
let stores: SqlMetadataStore[];
let now: number;

beforeAll(async () => {
  const url = await postgres.makeDatabase();
  databases = [];
  for (let count = 0; count < SERVERS; count++) {
    databases.push(await PostgresDatabase.open(url, migrations, { mayBeUnsafe: true }));
  }
  stores = databases.map((database) => new SqlMetadataStore(database));
});
afterAll(() => Promise.all(databases.map((database) => database.close())));
beforeEach(async () => {
  now = 1_800_000_000_000;
  await databases[0]!.write((connection) => connection.run('DELETE FROM job', []));
});

const add = (userId: UserId | null = null) =>
  stores[0]!.write([], ({ jobs }) =>
    jobs.add({ kind: 'import', userId, driveId: null, parameters: {}, secret: null }, now),
  );
const claim = (server: number) =>
  stores[server]!.write([], ({ jobs }) => jobs.claim(['import'], `server ${server}`, now, now + 10_000));

test('decision 0026 — servers that look for work at once take each job once', async () => {
  const added = [];
  for (let count = 0; count < 30; count++) added.push((await add()).id);
  const taken: number[] = [];
  // Who finds nothing may have come while the others were taking it, and who was too often late is told that the database is busy: a
  // runner looks again.
  const work = async (server: number) => {
    while (taken.length < added.length) {
      const job = await claim(server).catch((error) => {
        if (!(error instanceof StoreBusyError)) throw error;
        return null;
      });
      if (job) taken.push(job.id);
    }
  };
  await Promise.all(stores.map((_store, server) => work(server)));
  expect(taken.sort((a, b) => a - b)).toEqual(added);
});

test('decision 0026 — of one user, one job of a kind runs, however many servers look', async () => {
  const users = singleCalls(stores[0]!).accounts;
  const { id } = await users.createUser({ email: 'anna@x', name: '', passwordHash: '', isAdmin: false }, now);
  for (let count = 0; count < 6; count++) await add(id);
  for (let round = 0; round < 6; round++) {
    const claimed = (await Promise.all(stores.map((_store, server) => claim(server)))).filter((job) => job !== null);
    expect(claimed).toHaveLength(1);
    const [job] = claimed;
    const outcome = { kind: 'succeeded', runAt: null, progress: null } as const;
    const owner = stores.map((_store, server) => `server ${server}`);
    const ends = await Promise.all(
      owner.map((name) => stores[0]!.write([], ({ jobs }) => jobs.end(job!.id, name, outcome, now))),
    );
    expect(ends.filter((isEnded) => isEnded)).toHaveLength(1);
  }
});

test('decision 0026 — a job that recurs runs once in all servers each time; when its server dies, another goes on', async () => {
  const runs: number[] = [];
  let isHanging = false;
  const kindOf = (server: number): JobKind => ({
    kind: 'sweep',
    everyMinutes: 60,
    backOff: { firstMs: 1000, longestMs: 1000, triesMax: 9 },
    run: async () => {
      runs.push(server);
      if (isHanging) await new Promise(() => {});
    },
  });
  const log = pino({ level: 'silent' });
  const runners = stores.map(
    (store, server) => new JobRunner(store, [{ kinds: [kindOf(server)], limit: 1 }], log, () => now),
  );
  onTestFinished(async () => void (await Promise.all(runners.map((runner) => runner.stop(0)))));
  await Promise.all(runners.map((runner) => runner.start()));
  const rows = () => stores[0]!.readOne([], ({ jobs }) => jobs.list({ kind: 'sweep' }, null, 9));
  expect(await rows()).toHaveLength(1);
  for (let hour = 1; hour <= 3; hour++) {
    now += 60 * MINUTE;
    await expect.poll(() => runs.length, { timeout: 20_000 }).toBe(hour);
    await expect.poll(async () => (await rows())[0]!.state, { timeout: 20_000 }).toBe('waiting');
  }
  isHanging = true;
  now += 60 * MINUTE;
  await expect.poll(() => runs.length, { timeout: 20_000 }).toBe(4);
  const dead = runs.at(-1)!;
  // As a kill: it says nothing any more.
  await runners[dead]!.stop(0);
  isHanging = false;
  now += 11_000;
  await expect.poll(() => runs.length, { timeout: 20_000 }).toBe(5);
  expect(runs.at(-1)).not.toBe(dead);
  expect((await rows())[0]!.attempts).toBe(0);
});
