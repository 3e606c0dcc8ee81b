import { z } from 'zod';
import { ConsoleError, inField } from '../console-error.js';
import { actorOf, type ConsoleParts } from '../console-parts.js';
import type { PasskeyBody, PasskeyMade, PasskeyStepBody } from '../contract.js';
import { checkPasskey, visitorOf } from '../passkey-proof.js';
import { type ConsoleRequest, done, made, ok, type Route, route } from '../route.js';
import { isoTime } from '../times.js';
import { checkFresh, endOthers } from './security.js';
import { renew, text } from './session.js';

const passkeyBody: z.ZodType<PasskeyBody> = z.strictObject({ name: text(200), response: z.looseObject({}) });
const stepBody: z.ZodType<PasskeyStepBody> = z.strictObject({ response: z.looseObject({}) });

export const passkeyRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/api/session/passkey/options',
    access: 'second-step',
    summary: 'What the browser is to sign with a passkey: for the second step of a sign-in, or for a proof.',
    run: async (request, { passkeys }) => ok(await passkeys.useOptions(visitorOf(request))),
  }),
  route({
    method: 'POST',
    path: '/api/session/passkey',
    access: 'second-step',
    summary: 'The second step of a sign-in: what the browser signed with a passkey.',
    body: stepBody,
    run: signInByPasskey,
  }),
  route({
    method: 'POST',
    path: '/api/security/passkeys/options',
    access: 'set-up',
    summary: 'What the browser makes a new passkey from.',
    run: async (request, { passkeys }) => {
      checkFresh(request);
      return ok(await passkeys.registrationOptions(visitorOf(request)));
    },
  }),
  route({
    method: 'POST',
    path: '/api/security/passkeys',
    access: 'set-up',
    summary: 'Adds a passkey. The first second factor gives recovery codes, and ends all other sessions.',
    body: passkeyBody,
    run: addPasskey,
  }),
  route({
    method: 'DELETE',
    path: '/api/security/passkeys/:id',
    access: 'user',
    summary: 'Removes a passkey that is not the only second factor.',
    run: async (request, { passkeys, audit }) => {
      checkFresh(request);
      const { user } = request.session!;
      const name = await passkeys.remove(user.id, request.parameters.id!);
      await audit.note('passkey-removed', user.id, actorOf(request), { name });
      return done();
    },
  }),
];

async function signInByPasskey(request: ConsoleRequest<PasskeyStepBody>, parts: ConsoleParts) {
  const { session, user } = request.session!;
  if (session.stage === 'full') throw new ConsoleError(409, 'signed-in', 'You are signed in already.');
  await checkPasskey(request, parts, request.body.response);
  await parts.audit.note('sign-in', user.id, actorOf(request), { by: 'passkey' });
  return renew(request, parts);
}

async function addPasskey(request: ConsoleRequest<PasskeyBody>, parts: ConsoleParts) {
  // Whoever only has found the browser open adds no way in for themselves, and locks nobody out by a first one.
  checkFresh(request);
  const { passkeys, audit, security } = parts;
  const { name, response } = request.body;
  const { user } = request.session!;
  const { id, recoveryCodes } = await inField({ 'invalid-name': 'name', 'wrong-code': 'response' }, () =>
    passkeys.add(visitorOf(request), name, response),
  );
  await audit.note('passkey-added', user.id, actorOf(request), { name });
  if (recoveryCodes) {
    await audit.note('second-factor-on', user.id, actorOf(request), { by: 'passkey' });
    await endOthers(request, parts);
  }
  const row = (await security.findPasskey(id))!;
  const passkey = { id, name: row.name, createdAt: isoTime(row.createdAt), lastUsedAt: null };
  return made({ passkey, recoveryCodes } satisfies PasskeyMade);
}
