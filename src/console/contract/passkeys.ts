import type {
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
} from '@simplewebauthn/browser';
import { z } from 'zod';
import { created, type Declarations, empty, json, type MessageOf } from './declaration.js';
import { sessionAnswer } from './session.js';
import { text, time } from './values.js';

export type PasskeyEntry = MessageOf<typeof passkeyEntry>;
export const passkeyEntry = z
  .strictObject({ id: z.string(), name: z.string(), createdAt: time, lastUsedAt: time.nullable() })
  .meta({ id: 'PasskeyEntry' });

const isOptions = (value: unknown) => typeof value === 'object' && value !== null && 'challenge' in value;
const requestOptions = z
  .custom<PublicKeyCredentialRequestOptionsJSON>(isOptions)
  .meta({ type: 'object', description: 'What `startAuthentication` takes as `optionsJSON`, once.' });
const creationOptions = z
  .custom<PublicKeyCredentialCreationOptionsJSON>(isOptions)
  .meta({ type: 'object', description: 'What `startRegistration` takes as `optionsJSON`, once.' });

/** As @simplewebauthn/browser makes it of what the browser's `navigator.credentials` returned. */
const signed: z.ZodType<object> = z.looseObject({});

const passkeyStepBody = z.strictObject({ response: signed.describe('What `startAuthentication` returned.') });

export type PasskeyBody = MessageOf<typeof passkeyBody>;
const passkeyBody = z.strictObject({
  name: text(200),
  response: signed.describe('What `startRegistration` returned.'),
});

export type PasskeyMade = MessageOf<typeof passkeyMade>;
const passkeyMade = z
  .strictObject({
    passkey: passkeyEntry,
    recoveryCodes: z
      .array(z.string())
      .nullable()
      .describe(
        'Shown this once, where it is the first second factor; all other sessions have ended then. Null: those of before stay.',
      ),
  })
  .meta({ id: 'PasskeyMade' });

export const passkeyContract = {
  'POST /api/session/passkey/options': {
    access: 'second-step',
    summary: 'What the browser is to sign with a passkey: for the second step of a sign-in, or for a proof.',
    answer: json(requestOptions, 'Asked for before each try.'),
  },
  'POST /api/session/passkey': {
    access: 'second-step',
    summary: 'The second step of a sign-in: what the browser signed with a passkey.',
    body: passkeyStepBody,
    answer: json(sessionAnswer, 'The session, now a full one.'),
    refusals: { 403: '`wrong-passkey`.', 409: '`signed-in`: the second step was done already.' },
  },
  'POST /api/security/passkeys/options': {
    access: 'set-up',
    summary: 'What the browser makes a new passkey from.',
    answer: json(creationOptions, 'Asked for before each try.'),
    refusals: { 403: '`not-fresh`.', 409: '`no-host-name`.' },
  },
  'POST /api/security/passkeys': {
    access: 'set-up',
    summary: 'Adds a passkey. The first second factor comes with recovery codes, and ends all other sessions.',
    body: passkeyBody,
    answer: created(passkeyMade, 'The passkey, and recovery codes with the first.'),
    refusals: { 403: '`not-fresh`, `wrong-code`.', 409: '`passkey-taken`.' },
  },
  'DELETE /api/security/passkeys/:id': {
    access: 'user',
    summary: 'Removes a passkey that is not the only second factor.',
    answer: empty('It is removed.'),
    refusals: { 403: '`not-fresh`.', 404: '`no-such-passkey`.', 409: '`last-second-factor`.' },
  },
} as const satisfies Declarations;
