import { sql } from 'kysely';
import { insertGap } from './change-log-statements.js';
import type { SqlDatabase } from './sql-database.js';
import { statement } from './statement.js';

const skip = statement<{ count: number }>()<{ value: number }>((_db, p, { dialect }) =>
  dialect === 'sqlite'
    ? sql<{ value: number }>`UPDATE revision SET value = value + ${p('count')} RETURNING value`
    : sql<{ value: number }>`SELECT setval('revision_number', nextval('revision_number') + ${p('count')} - 1) AS value`,
);

const reach = statement<{ value: number }>()<never>((_db, p, { dialect }) =>
  dialect === 'sqlite'
    ? sql<never>`UPDATE revision SET value = ${p('value')} WHERE value < ${p('value')}`
    : sql<never>`SELECT setval('revision_number', ${p('value')}::bigint) FROM revision WHERE value < ${p('value')}::bigint`,
);

const highest = statement<Record<never, never>>()<{ value: number }>(
  () => sql<{ value: number }>`SELECT value FROM revision`,
);

/** The last revision that was given out. */
export async function highestRevision(database: SqlDatabase): Promise<number> {
  return (await database.readOne((connection) => highest.first(connection, {})))!.value;
}

const touchFolders = statement<{ value: number }>()<never>(
  (_db, p) => sql<never>`UPDATE node SET revision = ${p('value')} WHERE is_collection = 1`,
);

/**
 * Leaves out `count` revisions, and remembers that nothing is known of them. All folders get another ETag: a program that has sent something
 * into one remembers the ETag from before, which the folder has again when time went back.
 */
export async function skipRevisions(database: SqlDatabase, count: number): Promise<void> {
  await database.write(async (connection) => {
    const { value } = (await skip.first(connection, { count }))!;
    await insertGap.run(connection, { after: value - count, until: value });
    await touchFolders.run(connection, { value });
  });
}

/** Has the next revision be higher than `value`. */
export async function reachRevision(database: SqlDatabase, value: number): Promise<void> {
  await database.write(async (connection) => {
    if (connection.dialect === 'sqlite') await reach.run(connection, { value });
    else await reach.all(connection, { value });
  });
}
