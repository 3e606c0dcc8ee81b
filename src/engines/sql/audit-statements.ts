import { sql } from 'kysely';
import { statement } from './statement.js';

/** Statements on the organization's rules and on what happened. */

export const organization = statement<Record<string, never>>()((db) =>
  db.selectFrom('organization').select('second_factor_required'),
);

export const requireSecondFactor = statement<{ required: boolean }>()((db, p) =>
  db.updateTable('organization').set({ second_factor_required: p('required') as unknown as number }),
);

export const setAlert = statement<{ user: number; at: number | null }>()((db, p) =>
  db
    .updateTable('app_user')
    .set({ alerted_at: p('at') })
    .where('id', '=', p('user'))
    .where('second_factor', '=', 0),
);

export const insertAudit = statement<{
  at: number;
  kind: string;
  user: number | null;
  actor: string;
  address: string;
  client: string;
  details: string;
}>()((db, p) =>
  db.insertInto('audit').values({
    at: p('at'),
    kind: p('kind'),
    user_id: p('user'),
    actor: p('actor'),
    address: p('address'),
    client: p('client'),
    details: p('details'),
  }),
);

export interface AuditRecord {
  id: number;
  at: number;
  kind: string;
  user_id: number | null;
  actor: string;
  address: string;
  client: string;
  details: string;
  email: string | null;
}

type Page = { before: number; limit: number };

const AUDIT = sql.raw('audit.*, app_user.email FROM audit LEFT JOIN app_user ON app_user.id = audit.user_id');

export const auditPage = statement<Page>()<AuditRecord>(
  (_db, p) => sql<AuditRecord>`
    SELECT ${AUDIT} WHERE audit.id < ${p('before')} ORDER BY audit.id DESC LIMIT ${p('limit')}`,
);

export const auditPageOfUser = statement<Page & { user: number }>()<AuditRecord>(
  (_db, p) => sql<AuditRecord>`
    SELECT ${AUDIT} WHERE audit.user_id = ${p('user')} AND audit.id < ${p('before')}
    ORDER BY audit.id DESC LIMIT ${p('limit')}`,
);

export const auditPageOfKind = statement<Page & { kind: string }>()<AuditRecord>(
  (_db, p) => sql<AuditRecord>`
    SELECT ${AUDIT} WHERE audit.kind = ${p('kind')} AND audit.id < ${p('before')}
    ORDER BY audit.id DESC LIMIT ${p('limit')}`,
);

/** Along the user's records, of which there are few of other kinds. */
export const auditPageOfUserAndKind = statement<Page & { user: number; kind: string }>()<AuditRecord>(
  (_db, p) => sql<AuditRecord>`
    SELECT ${AUDIT} WHERE audit.user_id = ${p('user')} AND audit.kind = ${p('kind')} AND audit.id < ${p('before')}
    ORDER BY audit.id DESC LIMIT ${p('limit')}`,
);

export const pruneAudit = statement<{ before: number; limit: number }>()<never>(
  (_db, p) => sql<never>`
    DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at < ${p('before')} ORDER BY at LIMIT ${p('limit')})`,
);
