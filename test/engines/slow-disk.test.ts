import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Faults } from '../crash/rig/faults.js';
import { DatabaseProcess, type Said } from '../support/database-process.js';

describe('a database whose disk is slow', () => {
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
    folder = await mkdtemp(path.join(tmpdir(), 'firn-slow-'));
    file = path.join(folder, 'firn.db');
    database = new DatabaseProcess(file, faults, { slowSyncMs: 0 });
    expect(await database.say('write')).toEqual({ value: 1 });
  });
  afterEach(async () => {
    faults.disarm();
    await database.kill();
    await rm(folder, { recursive: true });
  });

  test('reads do not wait for the sync of a commit, and see nothing of it before it has ended', async () => {
    faults.arm({ action: 'wait', call: 'sync', path: 'firn.db-wal', which: 0, milliseconds: 4_000 });
    const written = database.say('write');
    await expect.poll(() => faults.hits(), { timeout: 20_000 }).toBe(1);
    expect(await database.say('read')).toEqual({ value: 1 });
    expect(await database.say('readOne')).toEqual({ value: 1 });
    expect(await written).toEqual({ value: 1 });
    expect(await database.say('read')).toEqual({ value: 2 });
    expect(await database.say('readOne')).toEqual({ value: 2 });
    expect(database.answered.slice(1)).toEqual(['read', 'readOne', 'write', 'read', 'readOne']);
  });

  test('what was kept before a commit stands until its sync has ended, whatever another process commits meanwhile', async () => {
    await database.kill();
    database = new DatabaseProcess(file, faults, { slowSyncMs: 0 });
    expect(await database.say('isAsAtStart')).toEqual({ value: true });
    faults.arm({ action: 'wait', call: 'sync', path: 'firn.db-wal', which: 0, milliseconds: 4_000 });
    const written = database.say('write');
    await expect.poll(() => faults.hits(), { timeout: 20_000 }).toBe(1);
    const beside = new Database(file);
    beside.exec('UPDATE revision SET value = value + 1');
    beside.close();
    expect([await database.say('isAsAtStart'), await database.say('read')]).toEqual([{ value: true }, { value: 1 }]);
    expect(await written).toEqual({ value: 1 });
    expect([await database.say('isAsAtStart'), await database.say('read')]).toEqual([{ value: false }, { value: 3 }]);
    expect(database.answered).toEqual(['isAsAtStart', 'isAsAtStart', 'read', 'write', 'isAsAtStart', 'read']);
  });

  test('writes that come during a sync share the next one', async () => {
    faults.arm({ action: 'wait', call: 'sync', path: 'firn.db-wal', which: 0, milliseconds: 4_000 });
    const first = database.say('write');
    await expect.poll(() => faults.hits(), { timeout: 20_000 }).toBe(1);
    await Promise.all([first, ...Array.from({ length: 10 }, () => database.say('write'))]);
    expect(faults.hits()).toBe(2);
    expect(await database.say('read')).toEqual({ value: 12 });
  });

  test('of a commit whose sync failed nobody says how it ended, nobody reads it, and the process ends by itself', async () => {
    faults.arm({ action: 'fail', call: 'sync', path: 'firn.db', which: 0 });
    expect(await database.say('write')).toEqual({ error: 'OutcomeUnknownError' });
    expect(await database.say('read')).toEqual({ value: 1 });
    expect(await database.say('write')).toEqual({ error: 'StoreFailingError' });
    expect(await database.say('empty')).toEqual({ value: false });
    expect(await database.say('read')).toEqual({ value: 1 });
    faults.disarm();
    expect((await database.ended)[0]).toBe(1);
    expect((await stat(`${file}-wal`)).size).toBeGreaterThan(0);
    database = new DatabaseProcess(file, faults, { slowSyncMs: 0 });
    expect(await database.say('empty')).toEqual({ value: true });
    expect([1, 2]).toContain((await database.say('read')).value);
    expect(await database.say('write')).toEqual({ value: 1 });
  });

  test('what a read has shown is there after a crash between a commit and its sync', async () => {
    faults.arm({ action: 'kill before', call: 'sync', path: 'firn.db-wal' });
    await database.say('write').catch(() => {});
    await database.ended;
    database = new DatabaseProcess(file, faults, { slowSyncMs: 0 });
    expect(await database.say('empty')).toEqual({ value: true });
    // The system has what the process wrote: the start makes it durable before anybody reads it.
    expect(await database.say('read')).toEqual({ value: 2 });
  });

  test('a long log goes to the database in the thread: reads and writes go on, and the log begins at its start again', async () => {
    faults.arm({ action: 'wait', call: 'sync', path: 'firn.db$', which: 0, milliseconds: 8_000 });
    for (let count = 0; count < 60 && faults.hits() === 0; count++)
      expect(await database.say('fill')).toEqual({ value: 1 });
    await expect.poll(() => faults.hits(), { timeout: 20_000 }).toBeGreaterThan(0);
    expect(await database.say('write')).toEqual({ value: 1 });
    expect(await database.say('read')).toEqual({ value: 2 });
    expect(faults.hits()).toBe(1);
    faults.disarm();
    const { size } = await stat(`${file}-wal`);
    for (let count = 0; count < 45; count++) await database.say('fill');
    expect((await stat(`${file}-wal`)).size).toBeLessThan(size + 60_000_000);
    expect(await database.say('notices')).toEqual({ value: [] });
  });

  test('a sync of the database that fails in the thread is the last: the process ends by itself and leaves the log', async () => {
    faults.arm({ action: 'fail', call: 'sync', path: 'firn.db$', which: 0 });
    let said: Said = {};
    for (let count = 0; count < 80 && said.error === undefined; count++) said = await database.say('fill');
    expect(said).toEqual({ error: 'StoreFailingError' });
    expect(await database.say('read')).toEqual({ value: 1 });
    faults.disarm();
    expect((await database.ended)[0]).toBe(1);
    expect((await stat(`${file}-wal`)).size).toBeGreaterThan(30_000_000);
    database = new DatabaseProcess(file, faults, { slowSyncMs: 0 });
    expect(await database.say('empty')).toEqual({ value: true });
    expect(await database.say('read')).toEqual({ value: 1 });
  });

  test('a disk that is slow for a while is left to the thread for a while', async () => {
    await database.kill();
    database = new DatabaseProcess(file, faults, { slowSyncMs: 20 });
    faults.arm({ action: 'wait', call: 'sync', path: 'firn.db-wal', which: 0, milliseconds: 40 });
    // Ten of them are slow, on the event loop, before it is known; then reads go on.
    for (let count = 0; count < 30; count++) await database.say('write');
    faults.arm({ action: 'wait', call: 'sync', path: 'firn.db-wal', which: 0, milliseconds: 1_000 });
    const written = database.say('write');
    await expect.poll(() => faults.hits(), { timeout: 20_000 }).toBe(1);
    await database.say('read');
    await written;
    expect(database.answered.slice(-2)).toEqual(['read', 'write']);
    faults.disarm();
    for (let count = 0; count < 200; count++) await database.say('write');
    faults.arm({ action: 'wait', call: 'sync', path: 'firn.db-wal', which: 0, milliseconds: 1_000 });
    const quick = database.say('write');
    await expect.poll(() => faults.hits(), { timeout: 20_000 }).toBe(1);
    await Promise.all([quick, database.say('read')]);
    expect(database.answered.slice(-2)).toEqual(['write', 'read']);
  });

  test('it closes: the log is in the database, and no thread is left', async () => {
    for (let count = 0; count < 5; count++) await database.say('write');
    expect(await database.say('close')).toEqual({ value: null });
    await expect(stat(`${file}-wal`)).rejects.toThrow(/ENOENT/);
    expect((await stat(file)).size).toBeGreaterThan(0);
  });
});
