import { AUDIT_KINDS, type Audit } from '../accounts/audit.js';
import type { AuditFilter, AuditRow } from '../stores/security-store.js';
import { ConsoleError } from './console-error.js';
import type { AuditAnswer, AuditEntry } from './contract.js';

const PAGE = 100;

/** A page of the audit log by `before=`, and `kind=` where there is one. Throws `ConsoleError` for what these can't be. */
export async function auditPage(audit: Audit, query: URLSearchParams, filter: AuditFilter): Promise<AuditAnswer> {
  const kind = query.get('kind');
  if (kind !== null && !(AUDIT_KINDS as readonly string[]).includes(kind)) {
    throw new ConsoleError(400, 'invalid-input', `There is no kind "${kind}".`, { field: 'kind' });
  }
  const before = query.get('before');
  if (before !== null && !/^\d{1,15}$/.test(before)) {
    throw new ConsoleError(400, 'invalid-input', 'before is the number of a record.', { field: 'before' });
  }
  const both = { ...filter, ...(kind === null ? {} : { kind }) };
  // One more tells whether there is another page.
  const rows = await audit.list(both, before === null ? null : Number(before), PAGE + 1);
  const records = rows.slice(0, PAGE).map(describe);
  return { records, next: rows.length > PAGE ? records.at(-1)!.id : null, kinds: AUDIT_KINDS };
}

function describe({ id, at, kind, email, actor, address, client, details }: AuditRow): AuditEntry {
  return { id, at: new Date(at).toISOString(), kind, user: email, actor, address, client, details };
}
