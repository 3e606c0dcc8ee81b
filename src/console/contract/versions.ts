import { z } from 'zod';
import { type Declarations, json, type MessageOf, raw } from './declaration.js';
import { fileEntry } from './files.js';
import { before, count, time } from './values.js';

const NO_PAGE = 'There is no such page.';
const NO_VERSION = 'The version must be a number, as the list of versions has it.';

const path = z.string().min(1).describe('Of the file, from the drive’s root, as the user sees it.');

export type VersionEntry = MessageOf<typeof versionEntry>;
const versionEntry = z
  .strictObject({
    version: count.nullable().describe('Its number, never used again; null: it is what the file contains now.'),
    name: z.string().describe('What the file was called then.'),
    size: count,
    modifiedAt: time.describe('The file’s own date then.'),
    from: time.nullable().describe('When it was written, by the server’s clock; null: before the past was kept.'),
    until: time.nullable().describe('When it ended; null: it is what the file contains now.'),
    by: z.string().nullable().describe('Who wrote it; null: the operator, or nobody knows.'),
    appPassword: z.string().nullable().describe('The name of the app password that they used.'),
    etag: z.string(),
  })
  .meta({ id: 'Version' });

export type VersionsAnswer = MessageOf<typeof versionsAnswer>;
const versionsAnswer = z
  .strictObject({
    versions: z.array(versionEntry),
    next: count.nullable().describe('To be sent as `before` for the next page; null: this was the last.'),
  })
  .meta({ id: 'Versions' });

export const versionContract = {
  'GET /api/drives/:id/files/versions': {
    access: 'user',
    summary: 'What a file contains and contained, the newest first. A page may be empty and yet have a next one.',
    query: z.object({ path, before: before(NO_PAGE).describe('The `next` of the page before.') }),
    answer: json(versionsAnswer, 'A page of versions.'),
    refusals: {
      403: '`forbidden`: the file lies in the trash.',
      404: '`no-such-drive`, `not-found`.',
      409: '`is-a-collection`.',
    },
  },
  'GET /api/drives/:id/files/versions/content': {
    access: 'user',
    summary: 'The bytes of a version that ended, to be saved.',
    query: z.object({
      path,
      version: z
        .string({ error: NO_VERSION })
        .regex(/^\d{1,15}$/, NO_VERSION)
        .transform(Number)
        .describe('Its number.'),
    }),
    answer: raw({
      200: { description: 'All bytes.', mediaType: '*/*', headers: { ETag: 'Another one for other bytes.' } },
    }),
    refusals: { 403: '`forbidden`.', 404: '`no-such-drive`, `not-found`.', 409: '`is-a-collection`.' },
  },
  'POST /api/drives/:id/restore-version': {
    access: 'user',
    summary: 'Has a file contain again what a version has. What it contains until then stays as a version.',
    body: z.strictObject({ path, version: count }),
    answer: json(fileEntry, 'The file as it is now.'),
    refusals: {
      403: '`forbidden`.',
      404: '`no-such-drive`, `not-found`.',
      409: '`is-a-collection`.',
      423: '`locked`.',
      507: '`drive-full`.',
    },
  },
} as const satisfies Declarations;
