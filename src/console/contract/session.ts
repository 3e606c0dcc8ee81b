import { z } from 'zod';
import { created, type Declarations, empty, json, type MessageOf } from './declaration.js';
import { PASSWORD_LENGTH_MAX, text } from './values.js';

export type SessionUser = MessageOf<typeof sessionUser>;
const sessionUser = z
  .strictObject({
    email: z.string(),
    name: z.string(),
    isAdmin: z.boolean(),
    hasSecondFactor: z.boolean(),
    mustSetUpSecondFactor: z
      .boolean()
      .describe('The organization wants a second factor, and this user has none: nothing else can be done.'),
    isAlerted: z.boolean().describe('An administrator asks for a second factor.'),
    isFresh: z.boolean().describe('Whether what an administrator does needs a new proof first: not when true.'),
    isFirstStart: z
      .boolean()
      .describe(
        'The administrator of a new Firn, who has not changed the password that was made up: to be led through.',
      ),
  })
  .meta({ id: 'SessionUser' });

export type Stage = SessionAnswer['stage'];
export type SessionAnswer = MessageOf<typeof sessionAnswer>;
export const sessionAnswer = z
  .strictObject({
    stage: z.enum(['signed-out', 'second-step', 'full']),
    csrfToken: z
      .string()
      .nullable()
      .describe('To be sent as `X-CSRF-Token` with every request that is no GET. Null when signed out.'),
    user: sessionUser.nullable().describe('Null when signed out, and before the second step.'),
    secondStep: z
      .strictObject({ code: z.boolean(), passkey: z.boolean() })
      .nullable()
      .describe('What the second step can be done with.'),
  })
  .meta({ id: 'Session' });

export type SignInBody = MessageOf<typeof signInBody>;
const signInBody = z.strictObject({ email: text(320), password: text(PASSWORD_LENGTH_MAX) });

export type SecondStepBody = MessageOf<typeof secondStepBody>;
const secondStepBody = z.strictObject({ code: text(100) });

export type ProofBody = MessageOf<typeof proofBody>;
/** With a second factor on, one of code and passkey is wanted. */
export const proofBody = z.strictObject({
  password: text(PASSWORD_LENGTH_MAX),
  code: text(100).optional(),
  passkey: z
    .unknown()
    .optional()
    .describe('What `startAuthentication` returned, with the options of POST /api/session/passkey/options.'),
});

export const sessionContract = {
  'GET /api/session': {
    access: 'anyone',
    summary: 'Who is signed in, and what is still to be done.',
    answer: json(sessionAnswer, 'The session of the cookie.'),
  },
  'POST /api/session': {
    access: 'anyone',
    summary: 'Signs in by the account password; with a second factor on, that is wanted next.',
    body: signInBody,
    answer: created(sessionAnswer, 'The new session, whose cookie is set.'),
    refusals: { 401: '`wrong-credentials`, `former-password`, `app-password`, `account-disabled`.' },
  },
  'POST /api/session/second-step': {
    access: 'second-step',
    summary: 'The second step of a sign-in: a code of the authenticator, or a recovery code.',
    body: secondStepBody,
    answer: json(sessionAnswer, 'The session, now a full one.'),
    refusals: { 403: '`wrong-code`.', 409: '`signed-in`: the second step was done already.' },
  },
  'POST /api/session/proof': {
    access: 'set-up',
    summary: 'Proves again who is signed in: for what an administrator does, and where a refusal says `not-fresh`.',
    body: proofBody,
    answer: json(sessionAnswer, 'The session, now a fresh one.'),
    refusals: { 403: '`wrong-password`, `code-wanted`, `wrong-code`, `wrong-passkey`.' },
  },
  'DELETE /api/session': {
    access: 'second-step',
    summary: 'Signs out.',
    answer: empty('The session has ended, and its cookie is removed.'),
  },
} as const satisfies Declarations;
