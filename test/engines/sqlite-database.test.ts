import { statSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { SqlMetadataStore } from '../../src/engines/sql/sql-metadata-store.js';
import { COMMAND_REST_MS, SqliteDatabase } from '../../src/engines/sqlite/sqlite-database.js';
import { StorageFullError } from '../../src/stores/blob-store.js';
import type { Notice } from '../../src/stores/durability.js';
import { StoreBusyError, StoreFailingError } from '../../src/stores/metadata-store.js';
import { commitsInLog, MIGRATIONS, openRaw, runScript, temporaryFile } from '../support/sqlite-file.js';

const FILL = 'INSERT INTO content (id, size, stored_at, bytes) VALUES (hex(randomblob(32)), 9, 0, randomblob(50000))';
const RAISE = 'UPDATE revision SET value = value + 1';

/** Of the suites that run with syncs on the event loop, and with all of them in a thread. */
let slowSyncMs: number | undefined;

async function openFile(options: { busyMaxMs?: number } = {}) {
  const path = await temporaryFile();
  const slow = slowSyncMs === undefined ? {} : { slowSyncMs };
  const database = SqliteDatabase.open(path, MIGRATIONS, { ...options, ...slow });
  onTestFinished(() => database.close().catch(() => undefined));
  const raise = () => database.write((connection) => connection.run(RAISE, []));
  const value = async () => {
    const rows = await database.read((connection) => connection.all<{ value: number }>('SELECT * FROM revision', []));
    return rows[0]!.value;
  };
  return { path, database, raise, value };
}

describe('SqliteDatabase, settings', () => {
  it('the file is in WAL mode; the writer syncs each commit; both connections keep foreign keys', async () => {
    const { database } = await openFile();
    const pragma = (name: string, way: 'read' | 'write') =>
      database[way](async (connection) => Object.values((await connection.all<object>(`PRAGMA ${name}`, []))[0]!)[0]);
    expect(await pragma('journal_mode', 'write')).toBe('wal');
    const FULL = 2;
    expect(await pragma('synchronous', 'write')).toBe(FULL);
    expect(await pragma('foreign_keys', 'write')).toBe(1);
    expect(await pragma('foreign_keys', 'read')).toBe(1);
    expect(await pragma('query_only', 'read')).toBe(1);
  });

  it('a reference to a node that is not there is refused', async () => {
    const { database } = await openFile();
    const insertion = database.write((connection) => connection.run('INSERT INTO purge (node_id) VALUES (77)', []));
    await expect(insertion).rejects.toThrow(/FOREIGN KEY/);
  });

  it('a read can not write', async () => {
    const { database } = await openFile();
    await expect(database.read((connection) => connection.run(RAISE, []))).rejects.toThrow(/readonly/);
  });

  it('a write that resolved is in the file, for any other program', async () => {
    const { path, raise } = await openFile();
    await raise();
    expect(openRaw(path).prepare('SELECT value FROM revision').pluck().get()).toBe(1);
  });
});

describe.each([
  ['the event loop', undefined],
  ['a thread', 0],
])('SqliteDatabase, group commit, synced on %s', (_where, slowMs) => {
  beforeEach(() => {
    slowSyncMs = slowMs;
  });
  afterEach(() => {
    slowSyncMs = undefined;
  });

  it('counts how many writes each commit had, also those that were rolled back', async () => {
    const { database, raise } = await openFile();
    const sum = () => database.commitsBySize.reduce((all, count, size) => all + count * size, 0);
    const before = sum();
    await Promise.all(Array.from({ length: 5 }, raise));
    await database.write(() => Promise.reject(new Error('rolled back'))).catch(() => {});
    expect(sum() - before).toBe(6);
  });

  it('writes that wait together share a commit', async () => {
    const { path, raise, value } = await openFile();
    const before = commitsInLog(path);
    await Promise.all(Array.from({ length: 100 }, raise));
    expect(commitsInLog(path) - before).toBe(1);
    expect(await value()).toBe(100);
  });

  it('a commit takes a bounded number of them', async () => {
    const { path, raise, value } = await openFile();
    const before = commitsInLog(path);
    await Promise.all(Array.from({ length: 500 }, raise));
    const commits = commitsInLog(path) - before;
    expect(commits).toBeGreaterThan(1);
    expect(commits).toBeLessThanOrEqual(10);
    expect(await value()).toBe(500);
  });

  it('writes one after the other take a commit each: none resolves before it is durable', async () => {
    const { path, raise } = await openFile();
    const before = commitsInLog(path);
    for (let count = 1; count <= 5; count++) {
      await raise();
      expect(commitsInLog(path) - before).toBe(count);
    }
  });

  it('a write that fails takes back its own changes and no others of the commit', async () => {
    const { path, database, raise, value } = await openFile();
    const before = commitsInLog(path);
    const failing = database.write(async (connection) => {
      await connection.run(RAISE, []);
      await connection.run(RAISE, []);
      throw new Error('changed my mind');
    });
    const outcomes = await Promise.allSettled([raise(), failing, raise(), raise()]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
    expect(await value()).toBe(3);
    expect(commitsInLog(path) - before).toBe(1);
  });
});

describe.each([
  ['the event loop', undefined],
  ['a thread', 0],
])('SqliteDatabase beside other programs, synced on %s', (_where, slowMs) => {
  beforeEach(() => {
    slowSyncMs = slowMs;
  });
  afterEach(() => {
    slowSyncMs = undefined;
  });

  it('a write waits while another program writes, then goes on', async () => {
    const { path, raise, value } = await openFile();
    const other = openRaw(path);
    other.exec('BEGIN IMMEDIATE');
    let isDone = false;
    const written = raise().then(() => {
      isDone = true;
    });
    await wait(100);
    expect(isDone).toBe(false);
    other.exec(`${RAISE}; COMMIT`);
    await written;
    expect(await value()).toBe(2);
  });

  it('reads go on while a write waits, and see what is committed', async () => {
    const { path, raise, value } = await openFile();
    const other = openRaw(path);
    other.exec(`BEGIN IMMEDIATE; ${RAISE}`);
    const written = raise();
    for (let count = 0; count < 5; count++) {
      expect(await value()).toBe(0);
      await wait(5);
    }
    other.exec('COMMIT');
    await written;
    expect(await value()).toBe(2);
  });

  it('reads go on while a write is at work, and see the state before it', async () => {
    const { database, value } = await openFile();
    const seen = await database.write(async (connection) => {
      await connection.run(RAISE, []);
      return value();
    });
    expect(seen).toBe(0);
    expect(await value()).toBe(1);
  });

  it('a read that is under way sees nothing of a write that comes meanwhile', async () => {
    const { database, raise, value } = await openFile();
    let written = Promise.resolve(0);
    const seen = await database.read(async (connection) => {
      const values = [await connection.all('SELECT value FROM revision', [])];
      written = raise();
      await wait(50);
      values.push(await connection.all('SELECT value FROM revision', []));
      return values;
    });
    expect(seen).toEqual([[{ value: 0 }], [{ value: 0 }]]);
    await written;
    expect(await value()).toBe(1);
  });

  it('StoreBusyError when the other program writes for too long; later writes succeed', async () => {
    const { path, raise, value } = await openFile({ busyMaxMs: 50 });
    const other = openRaw(path);
    other.exec('BEGIN IMMEDIATE');
    const outcomes = await Promise.allSettled([raise(), raise()]);
    for (const outcome of outcomes) {
      expect(outcome.status === 'rejected' && outcome.reason).toBeInstanceOf(StoreBusyError);
    }
    other.exec('ROLLBACK');
    await raise();
    expect(await value()).toBe(1);
  });

  it('loses no write of two processes that write at once', async () => {
    const { path, raise, value } = await openFile();
    const script = `
      const database = new Database(words[0], { timeout: 30000 });
      const raise = database.prepare('${RAISE}');
      for (let count = 0; count < 300; count++) database.transaction(() => raise.run()).immediate();`;
    const other = runScript(script, path);
    for (let count = 0; count < 300; count++) {
      await raise();
      // Anyone who asks again at once leaves the other hardly a gap.
      await wait(1);
    }
    await other;
    expect(await value()).toBe(600);
  });
});

describe.each([
  ['the event loop', undefined],
  ['a thread', 0],
])('SqliteDatabase beside a reader that does not end, checkpoints in %s', (_where, slowMs) => {
  it('its log is bounded: it is told who stands in the way, then nothing is stored, until that one has ended', async () => {
    const path = await temporaryFile();
    const told: Notice[] = [];
    const tell = (notice: Notice) => void told.push(notice);
    const logSizes = { checkpoint: 300e3, long: 600e3, full: 2e6 };
    const slow = slowMs === undefined ? {} : { slowSyncMs: slowMs };
    const database = SqliteDatabase.open(path, MIGRATIONS, { tell, logSizes, ...slow });
    onTestFinished(() => database.close());
    const fill = () => database.write((connection) => connection.run(FILL, []));
    await fill();
    const reader = openRaw(path);
    reader.exec('BEGIN; SELECT value FROM revision');
    reader.prepare('SELECT value FROM revision').get();
    const isRefused = async () =>
      fill().then(
        () => false,
        (error: unknown) => error instanceof StoreFailingError,
      );
    let writes = 0;
    while (!(await isRefused()) && writes < 2_000) writes++;
    expect(writes).toBeGreaterThan(10);
    expect(writes).toBeLessThan(2_000);
    expect(statSync(`${path}-wal`).size).toBeLessThan(30e6);
    expect(told.map(({ level }) => level)).toEqual(['warn', 'error']);
    expect(told[0]!.message).toMatch(/^another program reads from the database .* firn\.db open/);
    expect(database.trouble()).toMatch(/until that has ended/);
    expect(database.stats().logBytes).toBeGreaterThan(2e6);
    expect(await database.read((connection) => connection.all('SELECT value FROM revision', []))).toHaveLength(1);
    reader.exec('COMMIT');
    await expect.poll(() => database.trouble(), { timeout: 20_000 }).toBeNull();
    await fill();
    expect(statSync(`${path}-wal`).size).toBeLessThan(1e6);
  });
});

describe('SqliteDatabase beside a busy command', () => {
  it('faults B5 — a command that writes all the time leaves the server its turn after each commit', async () => {
    const { path, database } = await openFile();
    const command = SqliteDatabase.open(path, MIGRATIONS, { restMs: COMMAND_REST_MS });
    onTestFinished(() => command.close());
    let isOver = false;
    let commits = 0;
    const busy = (async () => {
      while (!isOver) {
        await command.write(async (connection) => {
          await connection.run(RAISE, []);
          await wait(10);
        });
        commits++;
      }
    })();
    const between: number[] = [];
    for (let number = 0; number < 10; number++) {
      const before = commits;
      await database.write((connection) => connection.run(RAISE, []));
      between.push(commits - before);
      await wait(3);
    }
    isOver = true;
    await busy;
    expect(Math.max(...between)).toBeLessThanOrEqual(2);
  });
});

describe('SqliteDatabase, a full disk', () => {
  it('fails the write with StorageFullError, keeps what was there, and writes again once there is room', async () => {
    const { database, raise, value } = await openFile();
    await raise();
    const limit = (pages: string) =>
      database.write((connection) => connection.all(`PRAGMA max_page_count${pages}`, []));
    const [{ page_count }] = (await database.read((c) => c.all<{ page_count: number }>('PRAGMA page_count', []))) as [
      { page_count: number },
    ];
    const original = (await limit('')) as [{ max_page_count: number }];
    await limit(` = ${page_count + 2}`);
    const big = () =>
      database.write(async (connection) => {
        await connection.run(RAISE, []);
        const sql = 'INSERT INTO content (id, size, stored_at, bytes) VALUES (?, 1, 1, zeroblob(1000000))';
        await connection.run(sql, [crypto.randomUUID()]);
      });
    const neighbour = raise().catch(() => -1);
    await expect(big()).rejects.toThrow(StorageFullError);
    const raised = 1 + ((await neighbour) === -1 ? 0 : 1);
    expect(await value()).toBe(raised);
    await raise();
    expect(await value()).toBe(raised + 1);
    await limit(` = ${original[0].max_page_count}`);
    await big();
    expect(await value()).toBe(raised + 2);
  });
});

describe('SqliteDatabase, its end', () => {
  it('close waits for the writes that were asked for before it', async () => {
    const { path, database, raise } = await openFile();
    const writes = Promise.all(Array.from({ length: 300 }, raise));
    await database.close();
    await writes;
    expect(openRaw(path).prepare('SELECT value FROM revision').pluck().get()).toBe(300);
  });

  it('a write after close is refused, and does not hang', async () => {
    const { database, raise } = await openFile();
    await database.close();
    await expect(raise()).rejects.toThrow(/not open/);
  });

  it('in memory: reads and writes take turns on the one connection', async () => {
    const database = SqliteDatabase.open(':memory:', MIGRATIONS);
    onTestFinished(() => database.close());
    const metadata = new SqlMetadataStore(database);
    const failing = metadata.write([], () => Promise.reject(new Error('no')));
    const work = Array.from({ length: 50 }, (_, index) =>
      index % 2 === 0
        ? database.write((connection) => connection.run(RAISE, []))
        : database.read((connection) => connection.all('SELECT value FROM revision', [])),
    );
    await Promise.all([...work, expect(failing).rejects.toThrow('no')]);
    expect(await database.read((connection) => connection.all('SELECT value FROM revision', []))).toEqual([
      { value: 25 },
    ]);
  });
});
