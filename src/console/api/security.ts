import { AccountError } from '../../accounts/account-error.js';
import type { AppPasswordRow, UserRow } from '../../stores/account-store.js';
import { auditPage } from '../audit-page.js';
import { ConsoleError, inField } from '../console-error.js';
import { actorOf, type ConsoleParts } from '../console-parts.js';
import type { PasskeyEntry } from '../contract/passkeys.js';
import {
  type RecoveryCodesAnswer,
  type SecurityAnswer,
  type SessionEntry,
  type StaleDevice,
  securityContract,
  type TotpAnswer,
} from '../contract/security.js';
import { bind, type ConsoleRequest, done, ok, type RequestTo } from '../route.js';
import { isoTime, isoTimeOrNull } from '../times.js';
import { checkCode, checkPassword, checkProof, renew } from './session.js';

/** A device that was silent for so long was put right, or away. */
const STALE_DAYS = 30;
const DAY_MS = 86_400_000;

export const securityRoutes = bind(securityContract, {
  'GET /api/security': async (request, parts) => ok(await describe(request, parts)),
  'POST /api/security/password': changePassword,
  'POST /api/security/totp': beginTotp,
  'POST /api/security/totp/confirm': confirmTotp,
  'DELETE /api/security/second-factor': async (request, parts) => {
    const { user } = request.session!;
    if (!user.hasSecondFactor) throw new AccountError('second-factor-off', 'Two-factor authentication is off already.');
    await checkProof(request, parts, request.body);
    await parts.secondFactors.remove(user.id, actorOf(request));
    return done();
  },
  'POST /api/security/recovery-codes': renewRecoveryCodes,
  'DELETE /api/security/sessions/:id': endSession,
  'DELETE /api/security/sessions': async (request, { sessions }) => {
    await sessions.endOthers(request.session!.session, actorOf(request));
    return done();
  },
  'GET /api/security/audit': async ({ query, session }, { audit }) =>
    ok(await auditPage(audit, query, { userId: session!.user.id })),
});

async function describe(request: ConsoleRequest, parts: ConsoleParts): Promise<SecurityAnswer> {
  const { user, session: current } = request.session!;
  const { isTotpOn, recoveryCodes, passkeys } = await parts.secondFactors.state(user.id);
  const sessions = (await parts.sessions.list(user.id)).filter(({ stage }) => stage === 'full');
  return {
    isTotpOn,
    recoveryCodes,
    passkeys: passkeys.map(
      ({ id, name, createdAt, lastUsedAt }): PasskeyEntry => ({
        id,
        name,
        createdAt: isoTime(createdAt),
        lastUsedAt: isoTimeOrNull(lastUsedAt),
      }),
    ),
    sessions: sessions.map(
      ({ id, client, address, createdAt, seenAt }): SessionEntry => ({
        id,
        isThis: id === current.id,
        client,
        address,
        createdAt: isoTime(createdAt),
        seenAt: isoTime(seenAt),
      }),
    ),
    staleDevices: await staleDevices(user.email, parts),
    isSecondFactorRequired: user.isSecondFactorRequired,
  };
}

/** PRODUCT S5: which devices still try what isn't valid any more, the latest first. */
async function staleDevices(email: string, { accounts, authenticator, now }: ConsoleParts): Promise<StaleDevice[]> {
  await authenticator.flush();
  const user: UserRow = await accounts.readUser(email);
  const appPasswords: readonly AppPasswordRow[] = await accounts.appPasswords(email);
  const since = now() - STALE_DAYS * DAY_MS;
  return [{ ...user, name: null }, ...appPasswords]
    .filter(({ refusedAt }) => refusedAt !== null && refusedAt > since)
    .sort((one, other) => other.refusedAt! - one.refusedAt!)
    .map(({ name, refusedAt, refusedClient }) => ({
      appPassword: name,
      client: refusedClient ?? '',
      at: isoTime(refusedAt!),
    }));
}

async function changePassword(request: RequestTo<'POST /api/security/password'>, parts: ConsoleParts) {
  const { user, session } = request.session!;
  const { current, next } = request.body;
  await checkPassword(request, parts, current, 'current');
  if (next === current) {
    throw new ConsoleError(400, 'weak-password', 'This is the password of before. Choose another.', { field: 'next' });
  }
  await inField({ 'weak-password': 'next' }, () =>
    parts.accounts.as(actorOf(request)).setPassword(user.email, next, session.id),
  );
  // Where somebody else has changed it again meanwhile, this session ends, too. The password alone proves too little for
  // what an administrator does where there is a second factor.
  return renew(request, parts, { passwordVersion: user.passwordVersion + 1, isWhole: !user.hasSecondFactor });
}

async function beginTotp(request: RequestTo<'POST /api/security/totp'>, { secondFactors }: ConsoleParts) {
  // Anyone who only has found the browser open would lock its owner out.
  checkFresh(request);
  const { secret, uri } = await secondFactors.begin(request.session!.user);
  // Loaded when somebody sets an authenticator up: it takes 10 MB.
  const { toString: drawQr } = await import('qrcode');
  const qrSvg = await drawQr(uri, { type: 'svg', margin: 2, errorCorrectionLevel: 'M' });
  return ok({ secret, uri, qrSvg } satisfies TotpAnswer);
}

async function confirmTotp(request: RequestTo<'POST /api/security/totp/confirm'>, parts: ConsoleParts) {
  const { user, session } = request.session!;
  const by = { actor: actorOf(request), sessionId: session.id };
  const recoveryCodes = await inField({ 'wrong-code': 'code' }, () =>
    parts.secondFactors.confirm(user, request.body.code, by),
  );
  return ok({ recoveryCodes } satisfies RecoveryCodesAnswer);
}

async function renewRecoveryCodes(request: RequestTo<'POST /api/security/recovery-codes'>, parts: ConsoleParts) {
  const { user } = request.session!;
  const { code } = request.body;
  if (code === undefined) checkFresh(request);
  else await checkCode(request, parts, code);
  const recoveryCodes = await parts.secondFactors.renewRecoveryCodes(user.id, actorOf(request));
  return ok({ recoveryCodes } satisfies RecoveryCodesAnswer);
}

async function endSession(request: RequestTo<'DELETE /api/security/sessions/:id'>, { sessions }: ConsoleParts) {
  const { user, session: current } = request.session!;
  const id = Number(request.parameters.id);
  if (!Number.isSafeInteger(id) || !(await sessions.end(user.id, id, actorOf(request)))) {
    throw new AccountError('no-such-session', 'This session has ended already.');
  }
  return id === current.id ? done({ sessionToken: null }) : done();
}

/** Throws `ConsoleError` where who is signed in has not proved who they are lately. */
export function checkFresh({ session }: ConsoleRequest): void {
  if (session!.isFresh) return;
  throw new ConsoleError(403, 'not-fresh', 'Enter your password again for this.');
}
