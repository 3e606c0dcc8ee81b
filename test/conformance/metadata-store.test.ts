import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { readMigrations } from '../../src/engines/sql/migrate.js';
import type { SqlDatabase } from '../../src/engines/sql/sql-database.js';
import { SqliteDatabase } from '../../src/engines/sqlite/sqlite-database.js';
import { storesOf } from '../support/stores.js';
import { importStoreSuite } from './import-store.js';
import { jobStoreSuite } from './job-store.js';
import { engineOn, type MetadataEngine, NOBODY, World } from './metadata-fixture.js';
import { metadataStoreSuite } from './metadata-store.js';

const MIGRATIONS = readMigrations(new URL('../../migrations/sqlite', import.meta.url).pathname);

metadataStoreSuite('SQLite in memory', async () => openSqlite(':memory:', async () => {}));
metadataStoreSuite('SQLite in a file', async () => (await openFile()).engine);

jobStoreSuite('SQLite in memory', async () => {
  const database = SqliteDatabase.open(':memory:', MIGRATIONS);
  return { jobs: storesOf(database).jobs, addUser: addUserTo(database), close: () => database.close() };
});

jobStoreSuite('SQLite in a file', async () => {
  const { engine } = await openFile();
  const { database } = engine;
  return { jobs: storesOf(database).jobs, addUser: addUserTo(database), close: () => engine.close() };
});

function addUserTo(database: SqlDatabase) {
  const accounts = storesOf(database).accounts;
  return async (email: string) =>
    (await accounts.createUser({ email, name: email, passwordHash: 'hash', isAdmin: false }, 0)).id;
}

importStoreSuite('SQLite in memory', async () => {
  const engine = openSqlite(':memory:', async () => {});
  const { drive } = await World.open(async () => engine);
  const { database, close } = engine;
  return { imports: storesOf(database).imports, jobs: storesOf(database).jobs, driveId: drive.id, close };
});

describe('MetadataCheck of SQLite in a file', () => {
  it('orphan — a node whose folder is gone is reported and left for a person to look at', async () => {
    const { engine, path } = await openFile();
    const world = await World.open(async () => engine);
    const file = await world.file(world.home, 'a.txt', 'a');
    // The database itself refuses this; so it is done as a broken disk would.
    const raw = new Database(path);
    raw.pragma('foreign_keys = OFF');
    raw.prepare('UPDATE node SET parent_id = ? WHERE id = ?').run(NOBODY, file.id);
    raw.close();
    expect(await world.problems(true)).toContain('orphan');
    expect(await world.problems()).toEqual(['orphan']);
    await engine.close();
  });
});

async function openFile(): Promise<{ engine: MetadataEngine; path: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'firn-metadata-'));
  const path = join(folder, 'firn.db');
  return { engine: openSqlite(path, () => rm(folder, { recursive: true })), path };
}

function openSqlite(path: string, remove: () => Promise<void>): MetadataEngine {
  const engine = engineOn(SqliteDatabase.open(path, MIGRATIONS));
  return {
    ...engine,
    close: async () => {
      await engine.close();
      await remove();
    },
  };
}
