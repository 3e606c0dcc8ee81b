import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type Migration, pendingMigrations, readMigrations } from '../../src/engines/sql/migrate.js';
import { SqliteDatabase } from '../../src/engines/sqlite/sqlite-database.js';
import { MigrationError } from '../../src/stores/storage-errors.js';
import { mustRun, waitUntil } from '../support/run-program.js';
import { bundle, MIGRATIONS, openRaw, temporaryFile } from '../support/sqlite-file.js';

const make = (name: string, sql = `CREATE TABLE "${name}" (id INTEGER)`): Migration => ({
  name,
  sql,
  hash: `hash of ${sql}`,
});
const [FIRST, SECOND, THIRD] = [make('0001-a'), make('0002-b'), make('0003-c')];

describe('pendingMigrations', () => {
  it('gives those not yet applied, in order', () => {
    expect(pendingMigrations([FIRST, SECOND, THIRD], [])).toEqual([FIRST, SECOND, THIRD]);
    expect(pendingMigrations([FIRST, SECOND, THIRD], [FIRST])).toEqual([SECOND, THIRD]);
    expect(pendingMigrations([FIRST, SECOND], [FIRST, SECOND])).toEqual([]);
  });

  it('refuses an applied one that was edited', () => {
    const edited = make('0001-a', 'CREATE TABLE other (id INTEGER)');
    expect(() => pendingMigrations([edited, SECOND], [FIRST])).toThrow(MigrationError);
    expect(() => pendingMigrations([edited, SECOND], [FIRST])).toThrow(/0001-a was edited/);
  });

  it('refuses a database that holds one unknown here', () => {
    expect(() => pendingMigrations([FIRST], [FIRST, SECOND])).toThrow(/0002-b.*does not know/);
  });

  it('decision 0026 — accepts a newer one that says that a Firn which knows the schema up to here can go on', () => {
    const newer = { ...THIRD, compatibleWith: '0002' };
    expect(pendingMigrations([FIRST, SECOND], [FIRST, SECOND, newer])).toEqual([]);
    expect(pendingMigrations([FIRST, SECOND, THIRD], [FIRST, SECOND, newer])).toEqual([]);
    expect(() => pendingMigrations([FIRST], [FIRST, { ...SECOND, compatibleWith: '0001' }, newer])).toThrow(
      /0003-c.*does not know/,
    );
    expect(() => pendingMigrations([FIRST, SECOND], [FIRST, newer])).toThrow(/added before/);
    expect(() => pendingMigrations([FIRST, THIRD], [FIRST, { ...SECOND, compatibleWith: '0001' }])).toThrow(
      /0002-b.*does not know/,
    );
  });

  it('refuses one that was added before others that are applied', () => {
    expect(() => pendingMigrations([FIRST, SECOND, THIRD], [FIRST, THIRD])).toThrow(/added before/);
    expect(() => pendingMigrations([FIRST, SECOND], [SECOND])).toThrow(/added before/);
  });
});

describe('readMigrations', () => {
  it('reads the SQL files of a folder by name, each with the hash of its text', async () => {
    const folder = join(dirname(await temporaryFile()), 'migrations');
    await mkdir(folder);
    await writeFile(join(folder, '0002-b.sql'), 'SELECT 2');
    await writeFile(join(folder, '0001-a.sql'), 'SELECT 1');
    await writeFile(join(folder, 'README.md'), 'not SQL');
    const read = readMigrations(folder);
    expect(read.map(({ name, sql }) => [name, sql])).toEqual([
      ['0001-a', 'SELECT 1'],
      ['0002-b', 'SELECT 2'],
    ]);
    await writeFile(join(folder, '0001-a.sql'), 'SELECT 1 ');
    expect(readMigrations(folder)[0]!.hash).not.toBe(read[0]!.hash);
    expect(readMigrations(folder)[1]!.hash).toBe(read[1]!.hash);
    await writeFile(join(folder, '0002-b.sql'), '-- What it is.\n-- compatible-with: 0001\nSELECT 2');
    await writeFile(join(folder, '0003-c.sql'), 'SELECT 2;\n-- compatible-with: 0001\n');
    expect(readMigrations(folder).map(({ compatibleWith }) => compatibleWith)).toEqual([null, '0001', null]);
  });
});

describe('SqliteDatabase.open and the schema', () => {
  const tables = (path: string) =>
    openRaw(path)
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name")
      .pluck()
      .all();
  const open = async (path: string, migrations: readonly Migration[]) => SqliteDatabase.open(path, migrations).close();

  it('applies what is pending and writes down its name and hash', async () => {
    const path = await temporaryFile();
    await open(path, [FIRST]);
    await open(path, [FIRST, SECOND]);
    await open(path, [FIRST, SECOND]);
    expect(tables(path)).toEqual(['0001-a', '0002-b', 'migration']);
    expect(openRaw(path).prepare('SELECT name, hash FROM migration ORDER BY name').all()).toEqual(
      [FIRST, SECOND].map(({ name, hash }) => ({ name, hash })),
    );
  });

  it('the whole run is one transaction: when one fails, none is applied', async () => {
    const path = await temporaryFile();
    await open(path, [FIRST]);
    const broken = make('0003-c', 'CREATE TABLE half (id INTEGER); CREATE TABEL wrong (id INTEGER)');
    expect(() => SqliteDatabase.open(path, [FIRST, SECOND, broken])).toThrow(/syntax error/);
    expect(tables(path)).toEqual(['0001-a', 'migration']);
    await open(path, [FIRST, SECOND, THIRD]);
    expect(tables(path)).toEqual(['0001-a', '0002-b', '0003-c', 'migration']);
  });

  it('a refused database is left as it was, and not locked', async () => {
    const path = await temporaryFile();
    await open(path, [FIRST, SECOND]);
    expect(() => SqliteDatabase.open(path, [FIRST])).toThrow(MigrationError);
    expect(() => SqliteDatabase.open(path, [FIRST, make('0002-b', 'SELECT 1'), THIRD])).toThrow(MigrationError);
    expect(tables(path)).toEqual(['0001-a', '0002-b', 'migration']);
    await open(path, [FIRST, SECOND, THIRD]);
  });

  it('the released migrations apply to an empty database', async () => {
    const path = await temporaryFile();
    await open(path, MIGRATIONS);
    expect(tables(path)).toContain('node');
    expect(openRaw(path).pragma('foreign_key_check')).toEqual([]);
  });

  it('jobs that recur keep their rows under their new names, others stay as they are', async () => {
    const path = await temporaryFile();
    const renaming = MIGRATIONS.find(({ name }) => name.endsWith('-job-names'))!;
    const before = openRaw(path);
    for (const { name, sql } of MIGRATIONS) if (name < renaming.name) before.exec(sql);
    const add = before.prepare(
      "INSERT INTO job (kind, name, state, run_at, parameters, created_at) VALUES (?, ?, 'waiting', ?, '{}', 0)",
    );
    const jobs: [string, string | null, number][] = [
      ['trash expiry', 'trash expiry', 1],
      ['forgetting what was removed', 'forgetting what was removed', 2],
      ['scrub', 'scrub', 3],
      ['import', null, 4],
    ];
    for (const job of jobs) add.run(...job);
    before.exec(renaming.sql);
    expect(before.prepare('SELECT kind, name, run_at FROM job ORDER BY id').raw().all()).toEqual([
      ['trash-expiry', 'trash-expiry', 1],
      ['prune-change-log', 'prune-change-log', 2],
      ['scrub', 'scrub', 3],
      ['import', null, 4],
    ]);
  });

  it('decision 0033 — contents stay whole while the index of their hashes shrinks to those of blobs', async () => {
    const path = await temporaryFile();
    const shrinking = MIGRATIONS.find(({ name }) => name.endsWith('-blob-hashes'))!;
    const older = MIGRATIONS.filter(({ name }) => name < shrinking.name);
    await open(path, older);
    const before = openRaw(path);
    const insert = before.prepare('INSERT INTO content (id, size, stored_at, bytes, place) VALUES (?, 3, 1, ?, ?)');
    before.transaction(() => {
      for (let number = 0; number < 2_000; number++) insert.run(`inline ${number}`.padStart(64, '0'), 'abc', null);
      for (let number = 0; number < 20; number++) insert.run(`blob ${number}`.padStart(64, '0'), null, null);
    })();
    const contents = () => openRaw(path).prepare('SELECT * FROM content ORDER BY key').raw().all();
    const all = contents();
    before.close();
    await open(path, MIGRATIONS);
    expect(contents()).toEqual(all);
    const after = openRaw(path);
    expect(after.pragma('integrity_check', { simple: true })).toBe('ok');
    expect(after.pragma('freelist_count', { simple: true })).toBeGreaterThan(30);
    expect(
      after.prepare("SELECT name FROM sqlite_schema WHERE tbl_name = 'content' ORDER BY name").pluck().all(),
    ).toEqual(['content', 'content_blob', 'content_place']);
    const again = after.prepare('INSERT INTO content (id, size, stored_at, bytes) VALUES (?, 3, 1, ?)');
    again.run('inline 1'.padStart(64, '0'), 'abc');
    expect(() => again.run('blob 1'.padStart(64, '0'), null)).toThrow(/UNIQUE/);
    // Nobody but a migration may write there.
    expect(() => after.exec('PRAGMA writable_schema = ON; DELETE FROM sqlite_schema')).toThrow(/may not be modified/);
  });

  it('several processes may open a new database at once', async () => {
    const module = await bundle('src/engines/sqlite/sqlite-database.ts');
    const script = `
      import { readFileSync } from 'node:fs';
      const { SqliteDatabase } = await import(process.argv[1]);
      const { migrations, paths, startAt } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
      for (const [index, path] of paths.entries()) {
        // All processes come to each file at the same moment.
        await new Promise((resolve) => setTimeout(resolve, startAt + index * 60 - Date.now()));
        await SqliteDatabase.open(path, migrations).close();
      }`;
    const paths = await Promise.all(Array.from({ length: 20 }, temporaryFile));
    const order = join(dirname(paths[0]!), 'order.json');
    await writeFile(order, JSON.stringify({ migrations: MIGRATIONS, paths, startAt: Date.now() + 1_000 }));
    const parameters = ['--input-type=module', '-e', script, '--', module, order];
    await Promise.all(Array.from({ length: 3 }, () => mustRun(process.execPath, parameters)));
    for (const path of paths) {
      const applied = openRaw(path).prepare('SELECT name FROM migration').pluck().all();
      expect(applied).toEqual(MIGRATIONS.map(({ name }) => name));
    }
  });

  it('waits for another process that just makes the file: SQLite itself would give up at once', async () => {
    const path = await temporaryFile();
    const module = await bundle('src/engines/sqlite/sqlite-database.ts');
    const order = join(dirname(path), 'order.json');
    await writeFile(order, JSON.stringify(MIGRATIONS));
    const other = openRaw(path);
    other.exec('BEGIN IMMEDIATE; CREATE TABLE other (id INTEGER)');
    const script = `
      import { readFileSync, writeFileSync } from 'node:fs';
      const [module, order, path] = process.argv.slice(1);
      const { SqliteDatabase } = await import(module);
      writeFileSync(path + '.begun', '');
      await SqliteDatabase.open(path, JSON.parse(readFileSync(order, 'utf8'))).close();`;
    const opening = mustRun(process.execPath, ['--input-type=module', '-e', script, '--', module, order, path]);
    // Anyone who ends before the other program has failed.
    const early = opening.then(() => 'opened');
    await waitUntil('the process opens the file', () => existsSync(`${path}.begun`));
    expect(await Promise.race([early, wait(300, 'waits')])).toBe('waits');
    other.exec('COMMIT');
    await opening;
    expect(tables(path)).toContain('node');
  });
});
