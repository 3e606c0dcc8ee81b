import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ClientBase } from 'pg';
import { MigrationError } from '../../stores/storage-errors.js';
import { type AppliedMigration, type Migration, pendingMigrations } from '../sql/migrate.js';
import { codeOf } from './postgres-errors.js';

/** Folder of PostgreSQL's migrations. */
export const POSTGRES_MIGRATIONS = fileURLToPath(new URL('../../../migrations/postgres', import.meta.url));

/** Tries to make the table whose row is the lock, while other processes make it, too. */
const TURN_TRIES = 50;
const TURN_PAUSE_MS = 20;
const MAKE_TURN = `
  CREATE TABLE IF NOT EXISTS migration_turn (id bigint PRIMARY KEY);
  INSERT INTO migration_turn VALUES (1) ON CONFLICT DO NOTHING`;
const MAKE_LIST =
  'CREATE TABLE IF NOT EXISTS migration (name text COLLATE "C" PRIMARY KEY, hash text NOT NULL, applied_at bigint NOT NULL)';
const HAS_COMPATIBLE = `
  SELECT count(*) AS count FROM pg_attribute
  WHERE attrelid = 'migration'::regclass AND attname = 'compatible_with' AND NOT attisdropped`;
/** Those that have said that they live within three of their pauses. */
const LIVING = `
  SELECT name FROM cluster_node
  WHERE left_at IS NULL AND seen_at > extract(epoch from clock_timestamp()) * 1000 - 30000 ORDER BY name`;

/** Brings the schema up to date; of several processes that come at once, one does, and the others wait. Throws `MigrationError`. */
export async function migrate(client: ClientBase, migrations: readonly Migration[]): Promise<void> {
  await makeTurn(client);
  await client.query('BEGIN');
  try {
    await client.query('SELECT id FROM migration_turn FOR UPDATE');
    if (!(await isThere(client, 'migration'))) await client.query(MAKE_LIST);
    await addCompatible(client);
    const applied = await client.query<AppliedMigration>(
      'SELECT name, hash, compatible_with AS "compatibleWith" FROM migration ORDER BY name',
    );
    const pending = pendingMigrations(migrations, applied.rows);
    await checkMayApply(client, pending);
    for (const { name, hash, sql, compatibleWith = null } of pending) {
      await client.query(sql);
      await client.query('INSERT INTO migration VALUES ($1, $2, $3, $4)', [name, hash, Date.now(), compatibleWith]);
    }
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  }
}

/** A table of an earlier Firn lacks the column. */
async function addCompatible(client: ClientBase): Promise<void> {
  const { rows } = await client.query(HAS_COMPATIBLE);
  if ((rows[0] as { count: number }).count === 0) {
    await client.query('ALTER TABLE migration ADD COLUMN compatible_with text');
  }
}

/** Servers that run can't go on with a schema that says nothing of them. */
async function checkMayApply(client: ClientBase, pending: readonly Migration[]): Promise<void> {
  const [first] = pending.filter(({ compatibleWith }) => !compatibleWith);
  if (!first || !(await isThere(client, 'cluster_node'))) return;
  const names = ((await client.query(LIVING)).rows as { name: string }[]).map(({ name }) => name);
  if (names.length === 0) return;
  throw new MigrationError(`migration ${first.name} is not for servers of before, and these run: ${names.join(', ')}`);
}

async function makeTurn(client: ClientBase): Promise<void> {
  for (let tries = 1; !(await isThere(client, 'migration_turn')); tries++) {
    try {
      await client.query(MAKE_TURN);
    } catch (error) {
      // Two that make a table at once: one is refused in one of several ways.
      if (codeOf(error) === null || tries === TURN_TRIES) throw error;
      await wait(TURN_PAUSE_MS);
    }
  }
}

async function isThere(client: ClientBase, table: string): Promise<boolean> {
  const { rows } = await client.query('SELECT to_regclass($1) IS NOT NULL AS yes', [table]);
  return (rows[0] as { yes: number }).yes === 1;
}
