import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { readMigrations } from '../../src/engines/sql/migrate.js';
import { Faults } from '../crash/rig/faults.js';
import { openRaw } from '../support/sqlite-file.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MODULE = new URL('../../dist/engines/sqlite/sqlite-database.js', import.meta.url).href;
const MIGRATIONS = readMigrations(fileURLToPath(new URL('../../migrations/sqlite', import.meta.url)));

/** A line in, a line out: the database in a process whose calls can fail. */
const PROGRAM = `
  import { createInterface } from 'node:readline';
  const { SqliteDatabase } = await import(${JSON.stringify(MODULE)});
  const notices = [];
  const tell = ({ level, message }) => notices.push({ level, message });
  const database = SqliteDatabase.open(process.argv[1], JSON.parse(process.env.MIGRATIONS), { tell });
  const deeds = {
    write: () => database.write((connection) => connection.run('UPDATE revision SET value = value + 1', [])),
    read: async () => (await database.read((connection) => connection.all('SELECT value FROM revision', [])))[0].value,
    prove: () => database.prove(),
    empty: () => database.emptyLog(),
    trouble: async () => database.trouble(),
    notices: async () => notices,
    close: () => database.close(),
  };
  for await (const line of createInterface({ input: process.stdin })) {
    const answer = await deeds[line]().then((value) => ({ value: value ?? null }), (error) => ({ error: error.name }));
    console.log(JSON.stringify(answer));
  }
`;

interface Said {
  readonly value?: unknown;
  readonly error?: string;
}

class DatabaseProcess {
  readonly #child: ChildProcess;
  readonly #lines: Interface;
  readonly ended: Promise<unknown[]>;

  constructor(file: string, faults: Faults) {
    this.#child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM, file], {
      cwd: ROOT,
      env: { ...process.env, ...faults.environment, MIGRATIONS: JSON.stringify(MIGRATIONS) },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#lines = createInterface({ input: this.#child.stdout! });
    this.ended = once(this.#child, 'exit');
  }

  async say(deed: string): Promise<Said> {
    const line = once(this.#lines, 'line');
    this.#child.stdin!.write(`${deed}\n`);
    const gone = this.ended.then(() => {
      throw new Error('the process has ended');
    });
    return JSON.parse((await Promise.race([line, gone]))[0] as string) as Said;
  }

  /** Ends as a crash does: nothing is closed. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.ended;
  }
}

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
  const levels = async () => ((await database.say('notices')).value as { level: string }[]).map(({ level }) => level);
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
      expect(await levels()).toEqual(['error', 'warn']);
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
    expect(await levels()).toEqual(['error', 'warn']);
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
