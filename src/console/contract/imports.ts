import { z } from 'zod';
import { created, type Declarations, empty, json, type MessageOf, raw } from './declaration.js';
import { before, count, PATH_LENGTH_MAX, text, time } from './values.js';

const ADDRESS_LENGTH_MAX = 2000;
const LOGIN_LENGTH_MAX = 1000;

const source = {
  url: text(ADDRESS_LENGTH_MAX),
  user: text(LOGIN_LENGTH_MAX),
  password: text(LOGIN_LENGTH_MAX),
  from: z.string().max(PATH_LENGTH_MAX).describe('A folder below the address; empty: all.'),
};

export type ImportSourceBody = MessageOf<typeof importSourceBody>;
const importSourceBody = z.strictObject(source);

export type ImportSourceAnswer = MessageOf<typeof importSourceAnswer>;
const importSourceAnswer = z
  .strictObject({
    url: z.string().describe('Where redirects lead.'),
    folders: count,
    files: count,
    bytes: count,
    isMore: z.boolean().describe('There are more than were counted.'),
    names: z.array(z.string()).describe('The first names, folders with a slash at the end.'),
    isDriveRoot: z.boolean().describe('It is the root of a drive, whose trash will be left out.'),
  })
  .meta({ id: 'ImportSource' });

export type ImportConflict = MessageOf<typeof conflict>;
const conflict = z.enum(['skip', 'overwrite', 'keep-both']);

export type ImportBody = MessageOf<typeof importBody>;
const importBody = z.strictObject({
  ...source,
  driveId: z.int(),
  to: z.string().max(PATH_LENGTH_MAX).describe('A folder of the drive; empty: the drive’s own.'),
  conflict,
});

export type ImportCounts = MessageOf<typeof importCounts>;
const importCounts = z
  .strictObject({
    folders: count,
    foldersLeft: count,
    files: count.describe('All that are known so far, with `done`, `unchanged`, `skipped`, `failed` among them.'),
    bytes: count,
    done: count,
    unchanged: count,
    skipped: count,
    failed: count,
    gone: count.describe('Imported earlier, and not at the source any more.'),
    endedBytes: count.describe('Of all files that have come to their end, however.'),
    bytesPerSecond: z.number().nonnegative(),
  })
  .meta({ id: 'ImportCounts' });

export type ImportEntry = MessageOf<typeof importEntry>;
const importEntry = z
  .strictObject({
    id: z.int(),
    state: z.enum(['waiting', 'running', 'succeeded', 'failed', 'cancelled']),
    driveId: z.int().nullable(),
    url: z.string(),
    user: z.string(),
    to: z.string(),
    conflict,
    error: z.string().nullable().describe('Of the last try that failed; there may be another.'),
    nextAt: time.nullable(),
    createdAt: time,
    startedAt: time.nullable(),
    endedAt: time.nullable(),
    progress: importCounts.nullable().describe('Null before anything is known.'),
  })
  .meta({ id: 'Import' });

export type ImportsAnswer = MessageOf<typeof importsAnswer>;
const importsAnswer = z
  .strictObject({
    imports: z.array(importEntry),
    next: z.int().nullable().describe('To be sent as `before` for the next page; null: this was the last.'),
  })
  .meta({ id: 'Imports' });

export const importContract = {
  'POST /api/imports/test': {
    access: 'user',
    summary: 'Tries the connection to another WebDAV server, and says what its folder holds. Takes nothing.',
    body: importSourceBody,
    answer: json(importSourceAnswer, 'What the folder itself holds, without what lies deeper.'),
    refusals: {
      422: '`source-refused`: what the other server said, or that nobody answers.',
      429: '`too-many-tests`.',
    },
  },
  'POST /api/imports': {
    access: 'user',
    summary: 'Imports a folder of another WebDAV server, in the background. Again, it takes only what changed.',
    body: importBody,
    answer: created(importEntry, 'The import, which waits for its turn.'),
    refusals: {
      404: '`no-such-drive`.',
      422: '`source-refused`: this address is not asked.',
      429: '`too-many-imports`.',
    },
  },
  'GET /api/imports': {
    access: 'user',
    summary: 'Your imports, the newest first.',
    query: z.object({
      before: before('before is the number of an import.').describe('The number of an import: those before it.'),
    }),
    answer: json(importsAnswer, 'A page of them.'),
  },
  'GET /api/imports/:id': {
    access: 'user',
    summary: 'How far an import is.',
    answer: json(importEntry, 'The import as it is now.'),
    refusals: { 404: '`no-such-import`.' },
  },
  'DELETE /api/imports/:id': {
    access: 'user',
    summary: 'Cancels an import. What has come stays; the password is removed.',
    answer: empty('It is cancelled.'),
    refusals: { 404: '`no-such-import`.', 409: '`import-ended`.' },
  },
  'GET /api/imports/:id/report': {
    access: 'user',
    summary: 'What an import could not take, why, and what to do: as CSV.',
    answer: raw({ 200: { description: 'A line for each file, with a line of titles.', mediaType: 'text/csv' } }),
    refusals: { 404: '`no-such-import`.' },
  },
} as const satisfies Declarations;
