import { copyFile, stat } from 'node:fs/promises';
import { type Logger, pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { readMigrations } from '../../src/engines/sql/migrate.js';
import { SqlClockStore } from '../../src/engines/sql/sql-clock-store.js';
import { withReserve } from '../../src/engines/sql/sql-database.js';
import { SqlMetadataStore } from '../../src/engines/sql/sql-metadata-store.js';
import { SqliteDatabase } from '../../src/engines/sqlite/sqlite-database.js';
import { RetryableError } from '../../src/jobs/back-off.js';
import { GcTotals } from '../../src/jobs/gc-totals.js';
import { JobFailedError, type JobKind, JobRunner } from '../../src/jobs/job-runner.js';
import { type Maintenance, maintenanceLane } from '../../src/jobs/maintenance.js';
import { SteadyClock } from '../../src/jobs/steady-clock.js';
import { StorageFullError } from '../../src/stores/blob-store.js';
import type { JobStore } from '../../src/stores/job-store.js';
import type { MetadataStore } from '../../src/stores/metadata-store.js';
import { openRaw, temporaryFile } from '../support/sqlite-file.js';
import { storesOf } from '../support/stores.js';
import { Storage } from './storage-fixture.js';

const MIGRATIONS = readMigrations(new URL('../../migrations/sqlite', import.meta.url).pathname);
const MINUTE = 60_000;

describe('JobRunner', () => {
  let database: SqliteDatabase;
  let metadata: MetadataStore;
  let store: JobStore;
  let now: number;
  beforeEach(() => {
    database = SqliteDatabase.open(':memory:', MIGRATIONS);
    metadata = new SqlMetadataStore(database);
    store = storesOf(database).jobs;
    now = 1_800_000_000_000;
  });
  afterEach(() => database.close());

  const kindOf = (run: JobKind['run'], everyMinutes: number | null = null, kind = 'work'): JobKind => ({
    kind,
    everyMinutes,
    backOff: { firstMs: 10, longestMs: 1000, triesMax: 3 },
    run,
  });
  const start = async (
    kinds: JobKind | readonly JobKind[],
    limit = 1,
    log: Logger = pino({ level: 'silent' }),
    passed = () => performance.now(),
  ) => {
    const runner = new JobRunner(metadata, [{ kinds: [kinds].flat(), limit }], log, () => now, passed);
    await runner.start();
    onTestFinished(() => runner.stop());
    return runner;
  };
  const add = () => store.add({ kind: 'work', userId: null, driveId: null, parameters: {}, secret: 's' }, now);
  const stateOf = (id: number) => expect.poll(async () => (await store.find(id))!.state, { timeout: 5000 });

  it('a job that recurs runs at its interval, and again after a failure', async () => {
    let runs = 0;
    const runner = await start(
      kindOf(async () => {
        if (++runs === 1) throw new RetryableError('once');
      }, 1),
    );
    now += MINUTE - 1;
    await expect.poll(() => runs).toBe(0);
    now += 1;
    await expect.poll(() => runs, { timeout: 5000 }).toBe(1);
    now += MINUTE;
    await expect.poll(() => runs, { timeout: 5000 }).toBe(2);
    await runner.stop();
    expect(await store.list({}, null, 9)).toMatchObject([{ state: 'waiting', runAt: now + MINUTE }]);
  });

  it('each job that recurs has its own interval', async () => {
    const runs: string[] = [];
    await start([
      kindOf(async () => void runs.push('often'), 1, 'often'),
      kindOf(async () => void runs.push('rarely'), 3, 'rarely'),
    ]);
    for (let minute = 1; minute <= 3; minute++) {
      now += MINUTE;
      await expect.poll(() => runs.filter((name) => name === 'often').length, { timeout: 5000 }).toBe(minute);
    }
    await expect.poll(() => runs.filter((name) => name === 'rarely').length, { timeout: 5000 }).toBe(1);
  });

  it('a job that takes longer than its interval doesn’t pile up behind itself', async () => {
    let runs = 0;
    let finish = () => {};
    const first = new Promise<void>((resolve) => {
      finish = resolve;
    });
    await start(kindOf(() => (++runs === 1 ? first : Promise.resolve()), 1));
    now += MINUTE;
    await expect.poll(() => runs, { timeout: 5000 }).toBe(1);
    const held = () => store.list({}, null, 1).then(([job]) => job!.runAt - now);
    for (let minute = 0; minute < 10; minute++) {
      now += 5_000;
      // Its lease is kept while it runs, so nobody takes it a second time.
      await expect.poll(held, { timeout: 5000 }).toBe(10_000);
    }
    expect(runs).toBe(1);
    finish();
    await expect.poll(async () => (await store.list({}, null, 1))[0]!.state, { timeout: 5000 }).toBe('waiting');
    now += MINUTE;
    await expect.poll(() => runs, { timeout: 5000 }).toBe(2);
  });

  it('stop waits for the job that is running, and starts no other', async () => {
    let finish = () => {};
    let isBegun = false;
    const long = new Promise<void>((resolve) => {
      finish = resolve;
    });
    let others = 0;
    const runner = await start([
      kindOf(
        () => {
          isBegun = true;
          return long;
        },
        1,
        'long',
      ),
      kindOf(async () => void others++, 1, 'other'),
    ]);
    now += MINUTE;
    await expect.poll(() => isBegun, { timeout: 5000 }).toBe(true);
    let isStopped = false;
    const stopped = runner.stop().then(() => {
      isStopped = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(isStopped).toBe(false);
    finish();
    await stopped;
    expect(others).toBe(0);
    expect((await store.list({ kind: 'long' }, null, 1))[0]).toMatchObject({ state: 'waiting', runAt: now + MINUTE });
  });

  it('faults E3 — a clock that was a year ahead and is right again keeps no job waiting for longer than an hour', async () => {
    const YEAR = 365 * 24 * 60 * MINUTE;
    const runs: string[] = [];
    const recurring = kindOf(async () => void runs.push('recurring'), 60, 'recurring');
    const once = kindOf(async () => void runs.push('once'));
    let passed = 0;
    now += YEAR;
    const { id } = await add();
    // Its owner died, and another try of it waits.
    expect(await store.claim(['work'], 'dead', now, now + 10_000)).toMatchObject({ id });
    const retried = await add();
    await store.claim(['work'], 'other', now, now + 10_000);
    const outcome = { kind: 'retry', runAt: now + MINUTE, failures: 1, error: '', progress: null } as const;
    await store.end(retried.id, 'other', outcome, now);
    await start([recurring, once], 1, pino({ level: 'silent' }), () => passed);
    now -= YEAR;
    const times = async () => (await store.list({}, null, 9)).map(({ runAt }) => runAt - now).sort((a, b) => a - b);
    expect((await times()).every((ahead) => ahead > YEAR - 60 * MINUTE)).toBe(true);
    passed = 61 * MINUTE;
    await expect.poll(times, { timeout: 5000 }).toEqual([10_000, 60 * MINUTE, 24 * 60 * MINUTE]);
    now += 10_001;
    await expect.poll(() => runs, { timeout: 5000 }).toEqual(['once']);
    now += 60 * MINUTE;
    await expect.poll(() => runs, { timeout: 5000 }).toEqual(['once', 'recurring']);
  });

  it('faults B4 — stop doesn’t wait for ever for a job that takes no notice', async () => {
    let begin = () => {};
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const logged: object[] = [];
    const log = { info() {}, error() {}, warn: (fields: object) => logged.push(fields) } as unknown as Logger;
    let finish = () => {};
    const stubborn = kindOf(() => {
      begin();
      return new Promise<void>((resolve) => {
        finish = resolve;
      });
    }, 1);
    const runner = await start(stubborn, 1, log);
    now += MINUTE;
    await begun;
    await runner.stop(1);
    expect(logged).toEqual([{ job: 'work' }]);
    finish();
  });

  it('faults B4 — each job of the maintenance ends when the server does', async () => {
    const storage = await Storage.make();
    onTestFinished(() => storage.remove());
    for (let number = 0; number < 250; number++) await storage.upload(`${number}`);
    const { metadata, accounts, history } = storage.world.engine;
    const { kinds } = maintenanceLane({
      ...{ metadata, blobs: storage.blobs, blobIndex: storage.blobIndex, history, gc: new GcTotals() },
      ...{ security: accounts as never, audit: accounts as never, uploads: { removeExpired: async () => {} } as never },
      durability: database,
      clock: new SteadyClock({ store: new SqlClockStore(database), onJump() {} }),
      clockStore: new SqlClockStore(database),
      ...{
        leases: null,
        graceSeconds: 3600,
        trashRetentionDays: 1,
        auditRetentionDays: 0,
        sessionLongestHours: 1,
        uploadExpiryHours: 1,
      },
    });
    const abort = new AbortController();
    abort.abort(new Error('ending'));
    const work = { job: {} as never, signal: abort.signal, report() {}, renew() {} };
    const runs = ['garbage-collection', 'storage-point'].map((name) => kinds.find(({ kind }) => kind === name)!);
    for (const kind of runs) await expect(kind.run(work)).rejects.toThrow('ending');
  });

  it('faults C3 — the log is emptied each hour: what a quiet server stored is in the database', async () => {
    const file = await temporaryFile();
    const quiet = SqliteDatabase.open(file, MIGRATIONS);
    onTestFinished(() => quiet.close());
    await quiet.write((connection) => connection.run('UPDATE revision SET value = 7', []));
    const { kinds } = maintenanceLane({ durability: quiet } as unknown as Maintenance);
    const hourly = kinds.find(({ kind }) => kind === 'empty-log')!;
    expect(hourly.everyMinutes).toBe(60);
    await hourly.run({ job: {} as never, signal: new AbortController().signal, report() {}, renew() {} });
    expect((await stat(`${file}-wal`)).size).toBe(0);
    await copyFile(file, `${file}.alone`);
    expect(openRaw(`${file}.alone`).prepare('SELECT value FROM revision').pluck().get()).toBe(7);
  });

  it('faults D1 — where the store takes nothing at the start, jobs begin as soon as it does, and the log has one line', async () => {
    const full = new StorageFullError();
    let isFull = true;
    let looks = 0;
    const failing = new SqlMetadataStore({
      ...withReserve(database),
      write: (work) => {
        looks++;
        return isFull ? Promise.reject(full) : database.write(work);
      },
    });
    const errors: unknown[] = [];
    const log = { info() {}, warn() {}, error: ({ err }: { err: unknown }) => errors.push(err) } as unknown as Logger;
    let runs = 0;
    const work = async () => void runs++;
    const runner = new JobRunner(failing, [{ kinds: [kindOf(work, 1)], limit: 1 }], log, () => now);
    await runner.start();
    onTestFinished(() => runner.stop());
    await expect.poll(() => looks, { timeout: 10_000 }).toBeGreaterThan(2);
    expect(errors).toEqual([full]);
    isFull = false;
    await expect.poll(async () => (await store.list({}, null, 9)).length, { timeout: 10_000 }).toBe(1);
    now += MINUTE;
    await expect.poll(() => runs, { timeout: 10_000 }).toBe(1);
  });

  it('counts runs, failures, the last success and how long it took, and logs what failed', async () => {
    const logged: { level: string; fields: object }[] = [];
    const note = (level: string) => (fields: object) => void logged.push({ level, fields });
    const log = { info: note('info'), warn: note('warn'), error: note('error') } as unknown as Logger;
    const error = new Error('the disk is full');
    let runs = 0;
    const runner = await start(
      kindOf(async () => {
        if (++runs === 1) throw error;
      }, 1),
      1,
      log,
    );
    const none = { name: 'work', runs: 0, failures: 0, succeededAt: null, lastSeconds: null };
    expect(runner.stats()).toEqual([none]);
    now += MINUTE;
    await expect.poll(() => runner.stats()[0]!.runs, { timeout: 5000 }).toBe(1);
    expect(runner.stats()).toMatchObject([{ runs: 1, failures: 1, succeededAt: null }]);
    now += MINUTE;
    await expect.poll(() => runner.stats()[0]!.runs, { timeout: 5000 }).toBe(2);
    expect(runner.stats()).toMatchObject([{ runs: 2, failures: 1, succeededAt: now }]);
    expect(runner.stats()[0]!.lastSeconds).toBeGreaterThanOrEqual(0);
    expect(logged).toMatchObject([
      { level: 'error', fields: { err: error, job: 'work' } },
      { level: 'info', fields: { job: 'work' } },
    ]);
  });

  it('two processes on one storage run a job that recurs once', async () => {
    let runs = 0;
    const kind = kindOf(async () => {
      runs++;
      await new Promise((resolve) => setTimeout(resolve, 700));
    }, 1);
    await Promise.all([start(kind), start(kind)]);
    now += MINUTE;
    await expect.poll(() => runs, { timeout: 5000 }).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(runs).toBe(1);
  });

  it('what passes is tried again, and given up after so many tries', async () => {
    const { id } = await add();
    let runs = 0;
    await start(
      kindOf(async () => {
        runs++;
        now += 1000;
        throw new RetryableError('away');
      }),
    );
    await expect
      .poll(
        async () => {
          now += 1000;
          return (await store.find(id))!;
        },
        { timeout: 10_000 },
      )
      .toMatchObject({ state: 'failed', error: 'away', hasSecret: false });
    expect(runs).toBe(3);
  });

  it('what does not pass ends at once, with its words', async () => {
    const { id } = await add();
    await start(kindOf(() => Promise.reject(new JobFailedError('no such folder'))));
    await stateOf(id).toBe('failed');
    expect(await store.find(id)).toMatchObject({ error: 'no such folder', attempts: 0 });
  });

  it('runs no more at once than its lane has', async () => {
    const ids = [(await add()).id, (await add()).id, (await add()).id];
    let running = 0;
    let most = 0;
    await start(
      kindOf(async () => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, 50));
        running--;
      }),
      2,
    );
    for (const id of ids) await stateOf(id).toBe('succeeded');
    expect(most).toBe(2);
  });

  it('the end of the process breaks it off, and the next goes on with its progress', async () => {
    const { id } = await add();
    const untilAborted = (signal: AbortSignal) =>
      new Promise<void>((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    const first = await start(
      kindOf(async ({ signal, report }) => {
        report({ step: 1 });
        await untilAborted(signal);
      }),
    );
    await stateOf(id).toBe('running');
    await first.stop();
    expect(await store.find(id)).toMatchObject({
      state: 'waiting',
      attempts: 0,
      progress: { step: 1 },
      hasSecret: true,
    });
    const seen: unknown[] = [];
    await start(kindOf(async ({ job }) => void seen.push(job.progress)));
    await stateOf(id).toBe('succeeded');
    expect(seen).toEqual([{ step: 1 }]);
  });

  it('a job of a process that died is taken over when its lease ends', async () => {
    const { id } = await add();
    await store.claim(['work'], 'the dead', now, now + 10_000);
    await start(kindOf(async () => {}));
    now += 10_000;
    await stateOf(id).toBe('succeeded');
  });

  it('a wish to cancel reaches the one that runs it', async () => {
    const { id } = await add();
    await start(
      kindOf(
        ({ signal }) =>
          new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
      ),
    );
    await stateOf(id).toBe('running');
    await store.cancel(id, now);
    await stateOf(id).toBe('cancelled');
  });
});
