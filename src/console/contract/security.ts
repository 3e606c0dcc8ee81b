import { z } from 'zod';
import { auditAnswer, auditQuery } from './audit.js';
import { type Declarations, empty, json, type MessageOf } from './declaration.js';
import { passkeyEntry } from './passkeys.js';
import { proofBody, sessionAnswer } from './session.js';
import { count, PASSWORD_LENGTH_MAX, text, time } from './values.js';

export type SessionEntry = MessageOf<typeof sessionEntry>;
const sessionEntry = z
  .strictObject({
    id: z.int(),
    isThis: z.boolean(),
    client: z.string(),
    address: z.string(),
    createdAt: time,
    seenAt: time,
  })
  .meta({ id: 'SessionEntry' });

export type StaleDevice = MessageOf<typeof staleDevice>;
const staleDevice = z
  .strictObject({
    appPassword: z.string().nullable().describe('The app password’s name; null: the account password.'),
    client: z.string(),
    at: time,
  })
  .meta({ id: 'StaleDevice' });

export type SecurityAnswer = MessageOf<typeof securityAnswer>;
const securityAnswer = z
  .strictObject({
    isTotpOn: z.boolean(),
    recoveryCodes: count.describe('How many are left.'),
    passkeys: z.array(passkeyEntry),
    sessions: z.array(sessionEntry),
    staleDevices: z
      .array(staleDevice)
      .describe(
        'Programs that still try a password that isn’t valid any more, or the account password while 2FA is on.',
      ),
    isSecondFactorRequired: z.boolean(),
  })
  .meta({ id: 'Security' });

export type PasswordBody = MessageOf<typeof passwordBody>;
const passwordBody = z.strictObject({ current: text(PASSWORD_LENGTH_MAX), next: text(PASSWORD_LENGTH_MAX) });

export type TotpAnswer = MessageOf<typeof totpAnswer>;
const totpAnswer = z
  .strictObject({
    secret: z.string(),
    uri: z.string(),
    qrSvg: z.string().describe('An SVG picture of the QR code.'),
  })
  .meta({ id: 'Totp' });

export type TotpConfirmBody = MessageOf<typeof totpConfirmBody>;
const totpConfirmBody = z.strictObject({ code: text(100) });

const recoveryCodesBody = z.strictObject({
  code: text(100).optional().describe('Without one, the proof has to be fresh.'),
});

export type RecoveryCodesAnswer = MessageOf<typeof recoveryCodesAnswer>;
const recoveryCodesAnswer = z
  .strictObject({ recoveryCodes: z.array(z.string()).describe('Shown this once.') })
  .meta({ id: 'RecoveryCodes' });

export const securityContract = {
  'GET /api/security': {
    access: 'set-up',
    summary: 'Second factors, sessions, and devices that still try a password that is not valid any more.',
    answer: json(securityAnswer, 'All of it at once.'),
  },
  'POST /api/security/password': {
    access: 'set-up',
    summary: 'Changes the account password, and ends all other sessions.',
    body: passwordBody,
    answer: json(sessionAnswer, 'The session, with a new token against forgery.'),
    refusals: { 403: '`wrong-password`.' },
  },
  'POST /api/security/totp': {
    access: 'set-up',
    summary: 'A secret for an authenticator, which counts once a code confirms it.',
    answer: json(totpAnswer, 'The secret, in three forms.'),
    refusals: { 403: '`not-fresh`.', 409: '`second-factor-on`.' },
  },
  'POST /api/security/totp/confirm': {
    access: 'set-up',
    summary: 'Switches two-factor authentication on, returns recovery codes, and ends all other sessions.',
    body: totpConfirmBody,
    answer: json(recoveryCodesAnswer, 'It is on.'),
    refusals: { 403: '`wrong-code`.' },
  },
  'DELETE /api/security/second-factor': {
    access: 'user',
    summary: 'Switches two-factor authentication off: authenticator, passkeys and recovery codes.',
    body: proofBody,
    answer: empty('It is off.'),
    refusals: { 403: '`wrong-password`, `code-wanted`, `wrong-code`, `wrong-passkey`.', 409: '`second-factor-off`.' },
  },
  'POST /api/security/recovery-codes': {
    access: 'user',
    summary: 'New recovery codes in place of all others.',
    body: recoveryCodesBody,
    answer: json(recoveryCodesAnswer, 'The new ones; all others are void.'),
    refusals: { 403: '`not-fresh`, `wrong-code`.' },
  },
  'DELETE /api/security/sessions/:id': {
    access: 'user',
    summary: 'Ends one session.',
    answer: empty('It has ended. Of one’s own the cookie is removed.'),
    refusals: { 404: '`no-such-session`.' },
  },
  'DELETE /api/security/sessions': {
    access: 'user',
    summary: 'Ends all sessions but this one.',
    answer: empty('They have ended.'),
  },
  'GET /api/security/audit': {
    access: 'user',
    summary: 'What happened to your own account, the latest first.',
    query: auditQuery,
    answer: json(auditAnswer, 'A page of records.'),
  },
} as const satisfies Declarations;
