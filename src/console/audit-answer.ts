import { AUDIT_KINDS } from '../accounts/audit.js';
import type { AuditFilter, AuditRow } from '../stores/security-store.js';
import { ConsoleError } from './console-error.js';
import type { ConsoleParts } from './console-parts.js';
import type { AuditAnswer, AuditEntry } from './contract.js';
import { isoTime } from './times.js';

const PAGE = 100;

/** One page of the audit log, the latest first. `before`: the `next` of the page before, as the query has it. */
export async function readAudit(
  { audit }: ConsoleParts,
  filter: AuditFilter,
  before: string | null,
): Promise<AuditAnswer> {
  const position = before === null ? null : Number(before);
  if (position !== null && !(Number.isSafeInteger(position) && position > 0)) {
    throw new ConsoleError(400, 'invalid-input', '"before" must be a number from an answer.', { field: 'before' });
  }
  const rows = await audit.list(filter, position, PAGE);
  const next = rows.length < PAGE ? null : rows.at(-1)!.id;
  return { records: rows.map(describe), next, kinds: AUDIT_KINDS };
}

function describe({ id, at, kind, email, actor, address, client, details }: AuditRow): AuditEntry {
  return { id, at: isoTime(at), kind, user: email, actor, address, client, details };
}
