import { readMigrations } from '../../src/engines/sql/migrate.js';
import { SqliteDatabase } from '../../src/engines/sqlite/sqlite-database.js';
import { TestPostgres } from '../support/engines.js';
import { clusterStoreSuite } from './cluster-store.js';

const MIGRATIONS = readMigrations(new URL('../../migrations/sqlite', import.meta.url).pathname);
const postgres = new TestPostgres();

clusterStoreSuite('SQLite', async () => SqliteDatabase.open(':memory:', MIGRATIONS));
clusterStoreSuite('PostgreSQL', () => postgres.open());
