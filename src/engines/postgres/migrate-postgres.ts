import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ClientBase } from 'pg';
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

/** Brings the schema up to date; of several processes that come at once, one does, and the others wait. Throws `MigrationError`. */
export async function migrate(client: ClientBase, migrations: readonly Migration[]): Promise<void> {
  await makeTurn(client);
  await client.query('BEGIN');
  try {
    await client.query('SELECT id FROM migration_turn FOR UPDATE');
    if (!(await isThere(client, 'migration'))) await client.query(MAKE_LIST);
    const applied = await client.query<AppliedMigration>('SELECT name, hash FROM migration ORDER BY name');
    for (const { name, hash, sql } of pendingMigrations(migrations, applied.rows)) {
      await client.query(sql);
      await client.query('INSERT INTO migration VALUES ($1, $2, $3)', [name, hash, Date.now()]);
    }
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  }
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
