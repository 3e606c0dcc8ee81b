import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Faults } from '../crash/rig/faults.js';
import { DatabaseProcess, type Said } from '../support/database-process.js';
import { openRaw } from '../support/sqlite-file.js';

describe('a database whose disk fails', () => {
  let faults: Faults;
  let folder: string;
  let file: string;
  let database: DatabaseProcess;
  beforeAll(async () => {
    const program = new URL('../../scripts/prepare.js', import.meta.url).href;
    const { ensureBuild } = (await import(program)) as { ensureBuild: () => void };
    ensureBuild();
    faults = await Faults.make();
  });
  afterAll(() => faults.remove());
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'firn-failing-'));
    file = path.join(folder, 'firn.db');
    database = new DatabaseProcess(file, faults);
    expect(await database.say('write')).toEqual({ value: 1 });
  });
  afterEach(async () => {
    faults.disarm();
    await database.kill();
    await rm(folder, { recursive: true });
  });
  /** What happens to the files of the database, in words. */
  const calls = async (work: () => Promise<unknown>) =>
    (await faults.callsDuring(work))
      .filter((call) => /firn\.db(-wal)?$/.test(call.path) && /write|sync|truncate/.test(call.name))
      .map((call) => `${call.name.replace(/^f(data)?sync$/, 'sync').replace('64', '')} ${path.basename(call.path)}`);

  test.each(['sync', 'write'])(
    'faults A1 — a %s of the log that fails: its blocks go before the answer',
    async (call) => {
      faults.arm({ action: 'fail', call, path: 'firn.db-wal' });
      let failed: Said = {};
      const made = await calls(async () => {
        failed = await database.say('write');
      });
      expect(failed).toEqual({ error: 'StoreFailingError' });
      expect(made.slice(-2)).toEqual(['sync firn.db', 'ftruncate firn.db-wal']);
      expect((await stat(`${file}-wal`)).size).toBe(0);
      expect(await database.levels()).toEqual(['error', 'warn']);
      expect(await database.say('trouble')).toEqual({ value: null });
      expect(await database.say('write')).toEqual({ value: 1 });
      expect(await database.say('read')).toEqual({ value: 2 });
    },
  );

  test('faults E1 — what was refused is not there after a crash', async () => {
    faults.arm({ action: 'fail', call: 'sync', path: 'firn.db-wal' });
    expect(await database.say('write')).toEqual({ error: 'StoreFailingError' });
    await database.kill();
    expect(openRaw(file).prepare('SELECT value FROM revision').pluck().get()).toBe(1);
  });

  test('faults A1 — nothing is acknowledged while the log can not be emptied, reads go on, and it heals by itself', async () => {
    faults.arm({ action: 'fail', call: 'write', path: 'firn.db', which: 0 });
    expect(await database.say('write')).toEqual({ error: 'StoreFailingError' });
    for (let count = 0; count < 3; count++) expect(await database.say('write')).toEqual({ error: 'StoreFailingError' });
    expect((await database.say('trouble')).value).toMatch(/failed to store a commit/);
    expect(await database.say('prove')).toEqual({ error: 'StoreFailingError' });
    expect(await database.say('read')).toEqual({ value: 1 });
    faults.disarm();
    await expect.poll(() => database.say('trouble'), { timeout: 20_000 }).toEqual({ value: null });
    expect((await stat(`${file}-wal`)).size).toBe(0);
    expect(await database.say('write')).toEqual({ value: 1 });
    expect(await database.levels()).toEqual(['error', 'warn']);
  });

  test('faults A1 — a sync of the database that fails is the last: the process ends by itself and leaves the log', async () => {
    faults.arm({ action: 'fail', call: 'sync', path: 'firn.db', which: 0 });
    expect(await database.say('empty')).toEqual({ value: false });
    expect(await database.say('write')).toEqual({ error: 'StoreFailingError' });
    expect(await database.say('empty')).toEqual({ value: false });
    expect(await database.say('read')).toEqual({ value: 1 });
    faults.disarm();
    // The log alone is the truth now: closing would move it to the database, and believe the next sync.
    expect((await database.ended)[0]).toBe(1);
    expect((await stat(`${file}-wal`)).size).toBeGreaterThan(0);
    database = new DatabaseProcess(file, faults);
    expect(await database.say('empty')).toEqual({ value: true });
    expect(await database.say('read')).toEqual({ value: 1 });
  });

  test('faults D3 — no room that shows at the sync is a full disk', async () => {
    faults.arm({ action: 'fail', call: 'sync', path: folder, which: 0, error: 'ENOSPC' });
    expect(await database.say('write')).toEqual({ error: 'StorageFullError' });
  });
});
