import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MIGRATIONS, readMigrations } from '../../src/engines/sql/migrate.js';
import { SqliteDatabase } from '../../src/engines/sqlite/sqlite-database.js';
import { claimAsWorker, claimStorage, isClaimed } from '../../src/engines/sqlite/storage-claim.js';
import { StoreFailingError } from '../../src/stores/metadata-store.js';
import { StorageClaimedError } from '../../src/stores/storage-errors.js';
import type { TurnLender } from '../../src/stores/write-turns.js';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'firn-turns-'));
  file = path.join(folder, 'firn.db');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('decision 0025 — a worker writes in turns that the keeper of the log lends', () => {
  let keeper: SqliteDatabase;
  let worker: SqliteDatabase;
  let turns: TurnLender;
  beforeEach(() => {
    const migrations = readMigrations(MIGRATIONS);
    keeper = SqliteDatabase.open(file, migrations);
    turns = keeper.lendTurns();
    worker = SqliteDatabase.open(file, migrations, { turns });
  });
  afterEach(async () => {
    await worker.close();
    await keeper.close();
  });
  const add = (database: SqliteDatabase) =>
    database.write((connection) => connection.run('UPDATE revision SET value = value + 1', []));
  const value = async () =>
    (await keeper.read((connection) => connection.all<{ value: number }>('SELECT value FROM revision', [])))[0]!.value;

  /** Somebody who reads from the log, which can't be emptied meanwhile. */
  function readLog(): () => void {
    const reader = new Database(file, { readonly: true });
    reader.exec('BEGIN');
    reader.prepare('SELECT value FROM revision').get();
    return () => reader.close();
  }

  it('both write, and each sees what the other wrote', async () => {
    const before = await value();
    await Promise.all(Array.from({ length: 40 }, (_, number) => add(number % 2 === 0 ? keeper : worker)));
    expect(await value()).toBe(before + 40);
  });

  it('the keeper writes again as soon as a turn was given back, and looks at the log meanwhile', async () => {
    const other = keeper.lendTurns();
    const before = await value();
    for (let round = 0; round < 32; round++) {
      // The log is looked at after every so many turns: here, now after the keeper's, now after the other one's.
      if (round % 2 === 0) await add(keeper);
      await other.take();
      const written = keeper.write(async (connection) => {
        await connection.run('UPDATE revision SET value = value + 1', []);
        // Whatever follows the turn of the other one runs now, in the middle of this transaction.
        await new Promise((resolve) => setImmediate(resolve));
      });
      // The write waits for its turn.
      await new Promise((resolve) => setTimeout(resolve, 2));
      other.give();
      await written;
    }
    expect(await value()).toBe(before + 48);
  });

  it('nobody writes in the turn of another', async () => {
    const other = keeper.lendTurns();
    expect(await other.take()).toBeNull();
    const waiting = [add(keeper), add(worker)];
    const isDone = await Promise.race([Promise.all(waiting), new Promise((resolve) => setTimeout(resolve, 100, 'no'))]);
    expect(isDone).toBe('no');
    other.give();
    await Promise.all(waiting);
  });

  it('a turn whose process ends goes on to the next, when the log was emptied', async () => {
    await add(keeper);
    const other = keeper.lendTurns();
    await other.take();
    expect(statSync(`${file}-wal`).size).toBeGreaterThan(0);
    const waiting = add(worker);
    const emptied = other.gone().then(() => statSync(`${file}-wal`).size);
    await waiting;
    expect(await emptied).toBe(0);
  });

  it.each(['ends in its turn', 'meets a failing disk'])(
    'nothing is acknowledged in any process after one %s, until the log was emptied',
    async (what) => {
      await add(worker);
      const stopReading = readLog();
      await add(worker);
      const before = await value();
      const other = keeper.lendTurns();
      await other.take();
      if (what === 'ends in its turn') await other.gone();
      else {
        expect(await other.failed({ code: 'SQLITE_IOERR_FSYNC', message: 'disk I/O error' })).toBe('failing');
        other.give();
      }
      await expect(add(keeper)).rejects.toThrow(StoreFailingError);
      await expect(add(worker)).rejects.toThrow(StoreFailingError);
      expect(worker.trouble()).toMatch(/nothing more is stored/);
      expect(await value()).toBe(before);
      stopReading();
      await expect.poll(() => keeper.trouble(), { timeout: 10_000 }).toBeNull();
      await expect.poll(() => worker.trouble(), { timeout: 10_000 }).toBeNull();
      await add(keeper);
      await add(worker);
      expect(await value()).toBe(before + 2);
    },
  );

  it('a worker empties no log, and its closing leaves it to the keeper', async () => {
    await add(worker);
    await worker.close();
    expect(statSync(`${file}-wal`).size).toBeGreaterThan(0);
    worker = SqliteDatabase.open(file, readMigrations(MIGRATIONS), { turns });
    expect(await worker.emptyLog()).toBe(true);
    expect(statSync(`${file}-wal`).size).toBe(0);
  });
});

describe('decision 0025 — workers share in the claim of their server', () => {
  it('a second server is refused, and the folder is claimed as long as one of them lives', () => {
    const releases = [claimStorage(folder, { hasWorkers: true }), claimAsWorker(folder), claimAsWorker(folder)];
    for (const hasWorkers of [true, false])
      expect(() => claimStorage(folder, { hasWorkers })).toThrow(StorageClaimedError);
    for (const release of releases) {
      expect(isClaimed(folder)).toBe(true);
      release();
    }
    expect(isClaimed(folder)).toBe(false);
    claimStorage(folder)();
  });
});
