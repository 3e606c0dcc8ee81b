import { z } from 'zod';
import { auditAnswer, auditQuery } from './audit.js';
import { type Declarations, json, type MessageOf } from './declaration.js';
import { count, time } from './values.js';

const lastRun = z
  .strictObject({
    name: z.string().nullable().describe('Of the backup; null: there is none.'),
    at: time.describe('When it began.'),
    problems: z.array(z.string()).describe('The first of `problemCount`; sentences in English that name files.'),
    problemCount: count.describe('0: nothing is lacking.'),
  })
  .nullable()
  .describe('The last one; null: none yet.');
const runs = z.strictObject({
  last: lastRun,
  lastWholeAt: time.nullable().describe('When the last one began that lacks nothing.'),
  error: z.string().nullable().describe('Why the last try came to nothing.'),
});

export type StorageAnswer = MessageOf<typeof storageAnswer>;
const storageAnswer = z
  .strictObject({
    points: z.array(z.strictObject({ day: z.iso.date(), usedBytes: count, files: count })).describe('A point a day.'),
    freeBytes: count.nullable().describe('Null where nobody can say.'),
    cluster: z
      .strictObject({
        nodes: z
          .array(
            z.strictObject({
              name: z.string(),
              version: z.string(),
              startedAt: time,
              seenAt: time.describe('When it last said that it lives: every 10 s.'),
              isThis: z.boolean().describe('It has answered this request.'),
            }),
          )
          .describe('Servers that have not left, in the order of their starts.'),
        warnings: z.array(z.string()).describe('Sentences in English, for the operator.'),
      })
      .nullable()
      .describe('The servers on one database; null where one server has the storage.'),
    backups: z
      .strictObject({ to: z.string().describe('Where they go.'), backup: runs, rehearsal: runs })
      .nullable()
      .describe('Backups that the server makes by itself; null: none are configured.'),
    verifiedAt: time.nullable().describe('Since when every stored byte was read and compared; null: not yet all.'),
    damaged: count.describe('Contents that are lost or damaged.'),
    damages: z
      .array(z.strictObject({ content: z.string(), kind: z.string(), message: z.string(), foundAt: time }))
      .describe('The longest known of them, at most 50; the messages name files.'),
  })
  .meta({ id: 'Storage' });

export const adminReportContract = {
  'GET /api/admin/audit': {
    access: 'administrator',
    summary: 'What happened to accounts, the latest first, a page at a time.',
    query: auditQuery.extend({ user: z.string().optional().describe('Only of the user with this e-mail address.') }),
    answer: json(auditAnswer, 'A page of records.'),
    refusals: { 404: '`no-such-user`.' },
  },
  'GET /api/admin/storage': {
    access: 'administrator',
    summary: 'How full the storage was, a point a day, what is free on its disk, and how many contents are damaged.',
    answer: json(storageAnswer, 'The last year.'),
  },
} as const satisfies Declarations;
