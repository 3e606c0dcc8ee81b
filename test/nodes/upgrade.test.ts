import { expect, test } from 'vitest';
import { POSTGRES_MIGRATIONS } from '../../src/engines/postgres/migrate-postgres.js';
import { PostgresDatabase } from '../../src/engines/postgres/postgres-database.js';
import { type Migration, readMigrations } from '../../src/engines/sql/migrate.js';
import { SqlClusterStore } from '../../src/engines/sql/sql-cluster-store.js';
import type { ServerId } from '../../src/stores/cluster-store.js';
import { MigrationError } from '../../src/stores/storage-errors.js';
import { TestPostgres } from '../support/engines.js';

const KNOWN = readMigrations(POSTGRES_MIGRATIONS);
const LAST = KNOWN.at(-1)!.name.slice(0, 4);
const newer = (number: string, compatibleWith: string | null): Migration => ({
  name: `${number}-newer`,
  sql: `CREATE TABLE newer_${number} (id bigint)`,
  hash: number,
  compatibleWith,
});
const postgres = new TestPostgres();

async function open(url: string, migrations: readonly Migration[]): Promise<SqlClusterStore> {
  const database = await PostgresDatabase.open(url, migrations, { mayBeUnsafe: true });
  const store = new SqlClusterStore(database);
  await store.time();
  await database.close();
  return store;
}

test('decision 0026 — while servers run, a newer one migrates what they can go on with, and they start again beside it', async () => {
  const url = await postgres.makeDatabase();
  const old = await PostgresDatabase.open(url, KNOWN, { mayBeUnsafe: true });
  await new SqlClusterStore(old).join({ id: 'a' as ServerId, name: 'a', version: '1' }, 0);
  await open(url, [...KNOWN, newer('9001', LAST)]);
  await open(url, KNOWN);
  await open(url, [...KNOWN, newer('9001', LAST)]);
  await old.close();
});

test('decision 0026 — what they can not go on with is not migrated while one of them runs, and none of them starts afterwards', async () => {
  const url = await postgres.makeDatabase();
  const old = await PostgresDatabase.open(url, KNOWN, { mayBeUnsafe: true });
  const cluster = new SqlClusterStore(old);
  await cluster.join({ id: 'a' as ServerId, name: 'one-that-runs', version: '1' }, 0);
  const steps = [...KNOWN, newer('9001', null)];
  await expect(open(url, steps)).rejects.toThrow(MigrationError);
  await expect(open(url, steps)).rejects.toThrow(/9001-newer is not for servers of before.*one-that-runs/);
  await open(url, KNOWN);
  await cluster.leave('a' as ServerId);
  await open(url, steps);
  await expect(open(url, KNOWN)).rejects.toThrow(/9001-newer, which this Firn does not know/);
  await old.close();
});

test('decision 0026 — a database of before migrations said so gets to know it', async () => {
  const url = await postgres.makeDatabase();
  const old = await PostgresDatabase.open(url, KNOWN, { mayBeUnsafe: true });
  await old.write((connection) => connection.run('ALTER TABLE migration DROP COLUMN compatible_with', []));
  await open(url, [...KNOWN, newer('9001', LAST)]);
  await open(url, KNOWN);
  await old.close();
});
