import { z } from 'zod';
import { type Declarations, json, type MessageOf } from './declaration.js';
import { count, PATH_LENGTH_MAX, text, time } from './values.js';

const path = text(PATH_LENGTH_MAX).describe('Of the folder, from the drive’s root, as the user sees it.');
const isDryRun = z.boolean().optional().describe('Only tells what it would do.');
const moment = z.iso.datetime({ offset: true });

export type TakenBack = MessageOf<typeof takenBack>;
const takenBack = z
  .strictObject({
    steps: z
      .array(
        z.strictObject({
          what: z
            .enum(['back', 'changed', 'moved', 'trashed'])
            .describe('It is there again; has other content or dates; another place or name; or went to the trash.'),
          path: z.string().describe('Where it is afterwards; of what goes to the trash where it was.'),
          isFolder: z.boolean(),
        }),
      )
      .describe('The first 1,000.'),
    count: count.describe('How many there are in all.'),
    kept: z
      .array(
        z.strictObject({
          why: z.enum(['changed-since', 'taken', 'no-place', 'elsewhere', 'not-empty']),
          path: z.string(),
          isFolder: z.boolean(),
        }),
      )
      .describe('The first 1,000 of what stays as it is, as others have gone on with it.'),
    keptCount: count,
    trash: z.array(z.string()).describe('Names in the trash of what went there.'),
    undoAt: time
      .nullable()
      .describe('Where this was wrong: the moment to put the folder back to. Null: nothing changed.'),
  })
  .meta({ id: 'TakenBack' });

const refusals = {
  403: '`forbidden`.',
  404: '`no-such-drive`, `not-found`: also where nothing is kept of that moment.',
  423: '`locked`.',
} as const;

export const pastContract = {
  'POST /api/drives/:id/put-back': {
    access: 'user',
    summary: 'Makes a folder again what it was at a moment: all that was in it, and nothing else.',
    body: z.strictObject({ path, at: moment, isDryRun }),
    answer: json(takenBack, 'What was done.'),
    refusals: { ...refusals, 409: '`parent-missing`.', 507: '`tree-too-large`.' },
  },
  'POST /api/drives/:id/undo-changes': {
    access: 'user',
    summary: 'Undoes what one of your app passwords did in a folder since a moment, where nobody has gone on with it.',
    body: z.strictObject({
      path,
      since: moment,
      appPasswordId: z.int().nullable().describe('Also a revoked one. Null: what you did by your own password.'),
      isDryRun,
    }),
    answer: json(takenBack, 'What was done.'),
    refusals: {
      ...refusals,
      404: '`no-such-drive`, `no-such-app-password`, `not-found`: also where nothing is kept of that moment.',
      409: '`not-a-collection`.',
      507: '`tree-too-large`.',
    },
  },
} as const satisfies Declarations;
