import { AUDIT_KINDS, type Audit } from '../accounts/audit.js';
import type { AuditFilter, AuditRow } from '../stores/security-store.js';
import { ConsoleError } from './console-error.js';
import type { AuditAnswer, AuditEntry, AuditQuery } from './contract/audit.js';
import { pageOf } from './page-of.js';

const PAGE = 100;

/** A page of the audit log by `before=`, and `kind=` where there is one. Throws `ConsoleError` for a kind that there isn't. */
export async function auditPage(audit: Audit, query: AuditQuery, filter: AuditFilter): Promise<AuditAnswer> {
  const { before = null, kind } = query;
  if (kind !== undefined && !(AUDIT_KINDS as readonly string[]).includes(kind)) {
    throw new ConsoleError(400, 'invalid-input', `There is no kind "${kind}".`, { field: 'kind' });
  }
  const both = { ...filter, ...(kind === undefined ? {} : { kind }) };
  const { rows, last } = await pageOf(PAGE, (limit) => audit.list(both, before, limit));
  return { records: rows.map(describe), next: last && last.id, kinds: AUDIT_KINDS };
}

function describe({ id, at, kind, email, actor, address, client, details }: AuditRow): AuditEntry {
  return { id, at: new Date(at).toISOString(), kind, user: email, actor, address, client, details };
}
