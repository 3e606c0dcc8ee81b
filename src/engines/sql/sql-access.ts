import { sql } from 'kysely';
import type { Access, Authority } from '../../stores/account-store.js';
import type { DriveId, UserId } from '../../stores/values.js';
import { toAccess } from './sql-account-records.js';
import * as statements from './sql-account-statements.js';
import type { SqlConnection } from './sql-database.js';
import { statement } from './statement.js';

/** `AccountStore.access` on a connection, so that a transaction can ask for itself. */
export async function findAccess(
  connection: SqlConnection,
  authority: Authority,
  driveId: DriveId | null,
  now: number,
): Promise<Access> {
  return toAccess(await findRow(connection, authority, driveId, now), authority.userId);
}

function findRow(
  connection: SqlConnection,
  authority: Authority,
  drive: DriveId | null,
  now: number,
): Promise<statements.AccessRecord | undefined> {
  const { userId: user } = authority;
  switch (authority.kind) {
    case 'account': {
      const { passwordVersion: version, mayLackFactor = false } = authority;
      return statements.accountAccess.first(connection, { user, version, mayLackFactor, drive });
    }
    case 'app':
      return statements.appAccess.first(connection, { user, id: authority.id, drive, now });
    case 'session':
      return statements.sessionAccess.first(connection, { user, id: authority.id, drive, now });
    case 'user':
      return statements.userAccess.first(connection, { user, drive });
  }
}

/**
 * For what ends a right of a user: resolves when no write is under way that has seen it. Each holds its drive; one that comes later sees what
 * this transaction did. SQLite's writes run one after the other.
 */
export async function outlastWritesOf(connection: SqlConnection, user: UserId): Promise<void> {
  if (connection.dialect === 'postgres') await holdDrivesOf.run(connection, { user });
}

const holdDrivesOf = statement<{ user: number }>()<never>(
  (_db, p) => sql<never>`
    SELECT id FROM drive WHERE id IN (SELECT drive_id FROM member WHERE user_id = ${p('user')})
    ORDER BY id FOR NO KEY UPDATE`,
);
