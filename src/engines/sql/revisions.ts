import { sql } from 'kysely';
import type { SqlDatabase } from './sql-database.js';
import { statement } from './statement.js';

const skip = statement<{ count: number }>()<never>(
  (_db, p) => sql<never>`UPDATE revision SET value = value + ${p('count')}`,
);

/** Leaves out `count` revisions. */
export async function skipRevisions(database: SqlDatabase, count: number): Promise<void> {
  await database.write((connection) => skip.run(connection, { count }));
}
