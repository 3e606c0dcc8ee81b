import type { NewAuditRecord } from '../../stores/security-store.js';
import type { SqlDatabase } from './sql-database.js';
import { SqlSecurityStore } from './sql-security-store.js';
import { statement } from './statement.js';

const endSessions = statement<Record<string, never>>()((db) => db.deleteFrom('session'));
const endFlows = statement<Record<string, never>>()((db) => db.deleteFrom('login_flow'));

/** For a database that is of an earlier day: what was ended since is there again. */
export async function endSignIns(database: SqlDatabase, record: NewAuditRecord): Promise<void> {
  await database.write(async (connection) => {
    await endSessions.run(connection, {});
    await endFlows.run(connection, {});
    await new SqlSecurityStore(connection).writeAudit(record);
  });
}
