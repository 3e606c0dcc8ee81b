import { z } from 'zod';
import { created, type Declarations, json, type MessageOf } from './declaration.js';
import { count, time } from './values.js';

/** The accounts' own rules say what is too long; this bounds what they look at. */
const text = z.string().max(1024);

export type UserEntry = MessageOf<typeof userEntry>;
const userEntry = z
  .strictObject({
    email: z.string(),
    name: z.string(),
    isAdmin: z.boolean(),
    isDisabled: z.boolean(),
    hasSecondFactor: z.boolean(),
    alertedAt: time.nullable(),
    createdAt: time,
    drives: count,
  })
  .meta({ id: 'User' });

export type UsersAnswer = MessageOf<typeof usersAnswer>;
const usersAnswer = z
  .strictObject({
    users: z.array(userEntry),
    next: z.string().nullable().describe('To be sent as `after` for the next page; null: this was the last.'),
    isSecondFactorRequired: z.boolean(),
    withoutSecondFactor: count.describe('Users who can sign in and have none.'),
  })
  .meta({ id: 'Users' });

const password = text.optional().describe('Without one, one is made up and given back once.');
const madeUp = z.string().nullable().describe('The one that was made up; null: it was in the body.');

export type NewUserBody = MessageOf<typeof newUserBody>;
const newUserBody = z.strictObject({ email: text, name: text, isAdmin: z.boolean(), password });

export type NewUserAnswer = MessageOf<typeof newUserAnswer>;
const newUserAnswer = z.strictObject({ user: userEntry, password: madeUp }).meta({ id: 'NewUser' });

export type UserChangeBody = MessageOf<typeof userChangeBody>;
const userChangeBody = z.strictObject({
  name: text.optional(),
  isAdmin: z.boolean().optional(),
  isDisabled: z.boolean().optional(),
});

const newPasswordBody = z.strictObject({ password });

export type NewPasswordAnswer = MessageOf<typeof newPasswordAnswer>;
const newPasswordAnswer = z.strictObject({ password: madeUp }).meta({ id: 'NewPassword' });

export type AlertAnswer = MessageOf<typeof alertAnswer>;
const alertAnswer = z
  .strictObject({
    alerted: count.describe('Users who see it at their next sign-in.'),
    mailed: count.describe('Mails that went out.'),
    hasMailServer: z.boolean().describe('Whether there is a mail server at all.'),
  })
  .meta({ id: 'Alert' });

export type OrganizationBody = MessageOf<typeof organization>;
const organization = z.strictObject({ isSecondFactorRequired: z.boolean() });

const NO_SUCH_USER = { 404: '`no-such-user`.' } as const;

export const adminUserContract = {
  'GET /api/admin/users': {
    access: 'administrator',
    summary: 'Users by e-mail address, a page at a time.',
    query: z.object({
      secondFactor: z
        .enum(['none'], { error: 'secondFactor can be "none".' })
        .optional()
        .describe('`none`: those who can sign in and have none.'),
      after: z.string().optional().describe('The `next` of the page before.'),
    }),
    answer: json(usersAnswer, 'A page of them.'),
  },
  'POST /api/admin/users': {
    access: 'fresh-administrator',
    summary: 'Makes a user; without a password one is made up, and given back this once.',
    body: newUserBody,
    answer: created(newUserAnswer, 'The user.'),
    refusals: { 409: '`email-taken`.' },
  },
  'PATCH /api/admin/users/:email': {
    access: 'fresh-administrator',
    summary: 'Changes a user’s name, makes them administrator or not, stops them or lets them in again.',
    body: userChangeBody,
    answer: json(userEntry, 'The user as they are now.'),
    refusals: { ...NO_SUCH_USER, 409: '`last-administrator`.' },
  },
  'POST /api/admin/users/:email/password': {
    access: 'fresh-administrator',
    summary: 'Gives a user another password, which ends their sessions; without one in the body, one is made up.',
    body: newPasswordBody,
    answer: json(newPasswordAnswer, 'It is the user’s password now.'),
    refusals: NO_SUCH_USER,
  },
  'POST /api/admin/users/:email/reset-2fa': {
    access: 'fresh-administrator',
    summary: 'Takes away a user’s second factors, for who has lost phone and recovery codes.',
    answer: json(userEntry, 'The user as they are now.'),
    refusals: { ...NO_SUCH_USER, 409: '`second-factor-off`.' },
  },
  'POST /api/admin/users/:email/alert': {
    access: 'fresh-administrator',
    summary: 'Asks a user to set up a second factor: at the next sign-in, and by mail where there is a mail server.',
    answer: json(alertAnswer, 'Whom it reaches.'),
    refusals: NO_SUCH_USER,
  },
  'POST /api/admin/alert': {
    access: 'fresh-administrator',
    summary: 'Asks everyone who has none to set up a second factor.',
    answer: json(alertAnswer, 'Whom it reaches.'),
  },
  'GET /api/admin/organization': {
    access: 'administrator',
    summary: 'Whether everyone needs a second factor.',
    answer: json(organization, 'The rule as it is.'),
  },
  'PUT /api/admin/organization': {
    access: 'fresh-administrator',
    summary: 'Requires a second factor of everyone, or no longer: without it the console does nothing but set it up.',
    body: organization,
    answer: json(organization, 'The rule as it is now.'),
  },
} as const satisfies Declarations;
