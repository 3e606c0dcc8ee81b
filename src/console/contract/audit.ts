import { z } from 'zod';
import type { MessageOf } from './declaration.js';
import { before, time } from './values.js';

/** Of everybody's log, and of one's own. */
export type AuditQuery = MessageOf<typeof auditQuery>;
export const auditQuery = z.object({
  before: before('before is the number of a record.').describe('The `next` of the page before.'),
  kind: z.string().optional().describe('Only these.'),
});

export type AuditEntry = MessageOf<typeof auditEntry>;
const auditEntry = z
  .strictObject({
    id: z.int(),
    at: time,
    kind: z.string(),
    user: z.string().nullable(),
    actor: z.string(),
    address: z.string(),
    client: z.string(),
    details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  })
  .meta({ id: 'AuditEntry' });

export type AuditAnswer = MessageOf<typeof auditAnswer>;
export const auditAnswer = z
  .strictObject({
    records: z.array(auditEntry),
    next: z.int().nullable().describe('To be sent as `before` for the next page; null: this was the last.'),
    kinds: z.array(z.string()).describe('All that there are.'),
  })
  .meta({ id: 'AuditPage' });
