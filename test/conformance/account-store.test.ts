import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readMigrations } from '../../src/engines/sql/migrate.js';
import { SqlMetadataStore } from '../../src/engines/sql/sql-metadata-store.js';
import { SqliteDatabase } from '../../src/engines/sqlite/sqlite-database.js';
import { storesOf } from '../support/stores.js';
import { accountRightsSuite } from './account-rights.js';
import { type AccountEngine, accountStoreSuite } from './account-store.js';
import { type SecurityEngine, securityStoreSuite } from './security-store.js';

const MIGRATIONS = readMigrations(new URL('../../migrations/sqlite', import.meta.url).pathname);

const inMemory = async () => openSqlite(':memory:', async () => {});
const inFile = async () => {
  const folder = await mkdtemp(join(tmpdir(), 'firn-accounts-'));
  return openSqlite(join(folder, 'firn.db'), () => rm(folder, { recursive: true }));
};

for (const suite of [accountStoreSuite, accountRightsSuite, securityStoreSuite]) {
  suite('SQLite in memory', inMemory);
  suite('SQLite in a file', inFile);
}

function openSqlite(path: string, remove: () => Promise<void>): AccountEngine & SecurityEngine {
  const database = SqliteDatabase.open(path, MIGRATIONS);
  const close = async () => {
    await database.close();
    await remove();
  };
  return {
    accounts: storesOf(database).accounts,
    security: storesOf(database).security,
    metadata: new SqlMetadataStore(database),
    close,
  };
}
