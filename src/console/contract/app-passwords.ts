import { z } from 'zod';
import { created, type Declarations, empty, json, type MessageOf } from './declaration.js';
import { PATH_LENGTH_MAX, text, time } from './values.js';

const allowance = z.enum(['full', 'read-only', 'add-only']);

export type AppPasswordEntry = MessageOf<typeof appPasswordEntry>;
const appPasswordEntry = z
  .strictObject({
    id: z.int(),
    name: z.string(),
    drive: z.strictObject({ id: z.int(), name: z.string() }).nullable(),
    folder: z.string().nullable().describe('Where it is now. Null: there is no limit to one, or it was deleted.'),
    isFolderGone: z.boolean().describe('It is limited to a folder that was deleted: nothing can be done with it.'),
    allowance,
    createdAt: time,
    expiresAt: time.nullable(),
    lastUsedAt: time.nullable(),
    lastClient: z.string().nullable(),
    state: z.enum(['valid', 'expired', 'revoked']),
  })
  .meta({ id: 'AppPassword' });

export type AppPasswordsAnswer = MessageOf<typeof appPasswordsAnswer>;
const appPasswordsAnswer = z.strictObject({ appPasswords: z.array(appPasswordEntry) }).meta({ id: 'AppPasswords' });

export type AppPasswordBody = MessageOf<typeof appPasswordBody>;
const appPasswordBody = z.strictObject({
  name: text(200),
  driveId: z.int().nullable(),
  folder: text(PATH_LENGTH_MAX)
    .nullish()
    .describe('A folder’s path on that drive, as the user sees it; what is missing of it is made.'),
  allowance: allowance.optional(),
  expiresAt: z
    .union([z.iso.datetime({ offset: true }), z.iso.date()])
    .nullish()
    .describe('A moment, or a day like 2027-12-31, which is the last one it can be used (UTC).'),
});

export type AppPasswordMade = MessageOf<typeof appPasswordMade>;
const appPasswordMade = z
  .strictObject({ appPassword: appPasswordEntry, secret: z.string().describe('Shown this once.') })
  .meta({ id: 'AppPasswordMade' });

export const appPasswordContract = {
  'GET /api/app-passwords': {
    access: 'user',
    summary: 'Your app passwords, revoked and expired ones too.',
    answer: json(appPasswordsAnswer, 'All of them.'),
  },
  'POST /api/app-passwords': {
    access: 'user',
    summary: 'Makes an app password, after a fresh sign-in. Its secret is shown this once.',
    body: appPasswordBody,
    answer: created(appPasswordMade, 'The app password, with its secret.'),
    refusals: { 403: '`not-fresh`.', 404: '`no-such-drive`.' },
  },
  'DELETE /api/app-passwords/:id': {
    access: 'user',
    summary: 'Revokes an app password: it is refused from the next request on.',
    answer: empty('It is revoked.'),
    refusals: { 404: '`no-such-app-password`.' },
  },
  'DELETE /api/app-passwords': {
    access: 'user',
    summary: 'Revokes all app passwords.',
    answer: empty('They are revoked.'),
  },
} as const satisfies Declarations;
