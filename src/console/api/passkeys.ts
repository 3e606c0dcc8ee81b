import { ConsoleError, inField } from '../console-error.js';
import { actorOf, type ConsoleParts } from '../console-parts.js';
import { type PasskeyMade, passkeyContract } from '../contract/passkeys.js';
import { checkPasskey, visitorOf } from '../passkey-proof.js';
import { bind, done, made, ok, type RequestTo } from '../route.js';
import { isoTime } from '../times.js';
import { checkFresh } from './security.js';
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
  'DELETE /api/security/passkeys/:id': async (request, { passkeys }) => {
    checkFresh(request);
    await passkeys.remove(request.session!.user.id, request.parameters.id, actorOf(request));
    return done();
  },
});

async function signInByPasskey(request: RequestTo<'POST /api/session/passkey'>, parts: ConsoleParts) {
  const { session } = request.session!;
  if (session.stage === 'full') throw new ConsoleError(409, 'signed-in', 'You are signed in already.');
  await checkPasskey(request, parts, request.body.response);
  return renew(request, parts, { signIn: 'passkey' });
}

async function addPasskey(request: RequestTo<'POST /api/security/passkeys'>, parts: ConsoleParts) {
  // Anyone who only has found the browser open adds no way in for themselves, and locks nobody out by a first one.
  checkFresh(request);
  const { name, response } = request.body;
  const { recoveryCodes, createdAt, ...kept } = await inField(
    { 'invalid-name': 'name', 'wrong-code': 'response' },
    () => parts.passkeys.add(visitorOf(request), name, response, actorOf(request)),
  );
  const passkey = { ...kept, createdAt: isoTime(createdAt), lastUsedAt: null };
  return made({ passkey, recoveryCodes } satisfies PasskeyMade);
}
