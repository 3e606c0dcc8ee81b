import { ConsoleError, inField } from '../console-error.js';
import { actorOf, type ConsoleParts } from '../console-parts.js';
import { type PasskeyMade, passkeyContract } from '../contract/passkeys.js';
import { checkPasskey, visitorOf } from '../passkey-proof.js';
import { bind, done, made, ok, type RequestTo } from '../route.js';
import { isoTime } from '../times.js';
import { checkFresh, endOthers } from './security.js';
import { renew } from './session.js';

export const passkeyRoutes = bind(passkeyContract, {
  'POST /api/session/passkey/options': async (request, { passkeys }) =>
    ok(await passkeys.useOptions(visitorOf(request))),
  'POST /api/session/passkey': signInByPasskey,
  'POST /api/security/passkeys/options': async (request, { passkeys }) => {
    checkFresh(request);
    return ok(await passkeys.registrationOptions(visitorOf(request)));
  },
  'POST /api/security/passkeys': addPasskey,
  'DELETE /api/security/passkeys/:id': async (request, { passkeys, audit }) => {
    checkFresh(request);
    const { user } = request.session!;
    const name = await passkeys.remove(user.id, request.parameters.id);
    await audit.note('passkey-removed', user.id, actorOf(request), { name });
    return done();
  },
});

async function signInByPasskey(request: RequestTo<'POST /api/session/passkey'>, parts: ConsoleParts) {
  const { session, user } = request.session!;
  if (session.stage === 'full') throw new ConsoleError(409, 'signed-in', 'You are signed in already.');
  await checkPasskey(request, parts, request.body.response);
  await parts.audit.note('sign-in', user.id, actorOf(request), { by: 'passkey' });
  return renew(request, parts);
}

async function addPasskey(request: RequestTo<'POST /api/security/passkeys'>, parts: ConsoleParts) {
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
