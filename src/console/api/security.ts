import { z } from 'zod';
import { AccountError } from '../../accounts/account-error.js';
import type { AppPasswordRow, UserRow } from '../../stores/account-store.js';
import { auditPage } from '../audit-page.js';
import { ConsoleError, inField } from '../console-error.js';
import { actorOf, type ConsoleParts } from '../console-parts.js';
import type {
  PasskeyEntry,
  PasswordBody,
  RecoveryCodesAnswer,
  RecoveryCodesBody,
  SecurityAnswer,
  SessionEntry,
  StaleDevice,
  TotpAnswer,
  TotpConfirmBody,
} from '../contract.js';
import { type ConsoleRequest, done, ok, type Route, route } from '../route.js';
import { isoTime, isoTimeOrNull } from '../times.js';
import { checkCode, checkPassword, checkProof, PASSWORD_LENGTH_MAX, proofBody, renew, text } from './session.js';

/** A device that was silent for so long was put right, or away. */
const STALE_DAYS = 30;
const DAY_MS = 86_400_000;

const passwordBody: z.ZodType<PasswordBody> = z.strictObject({
  current: text(PASSWORD_LENGTH_MAX),
  next: text(PASSWORD_LENGTH_MAX),
});
const confirmBody: z.ZodType<TotpConfirmBody> = z.strictObject({ code: text(100) });
const recoveryCodesBody: z.ZodType<RecoveryCodesBody> = z.strictObject({ code: text(100).optional() });

export const securityRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/security',
    access: 'set-up',
    summary: 'Second factors, sessions, and devices that still try a password that is not valid any more.',
    run: async (request, parts) => ok(await describe(request, parts)),
  }),
  route({
    method: 'POST',
    path: '/api/security/password',
    access: 'set-up',
    summary: 'Changes the account password, and ends all other sessions.',
    body: passwordBody,
    run: changePassword,
  }),
  route({
    method: 'POST',
    path: '/api/security/totp',
    access: 'set-up',
    summary: 'A secret for an authenticator, which counts once a code confirms it.',
    run: beginTotp,
  }),
  route({
    method: 'POST',
    path: '/api/security/totp/confirm',
    access: 'set-up',
    summary: 'Switches two-factor authentication on, gives recovery codes, and ends all other sessions.',
    body: confirmBody,
    run: confirmTotp,
  }),
  route({
    method: 'DELETE',
    path: '/api/security/second-factor',
    access: 'user',
    summary: 'Switches two-factor authentication off: authenticator, passkeys and recovery codes.',
    body: proofBody,
    run: async (request, parts) => {
      const { user } = request.session!;
      if (!user.hasSecondFactor)
        throw new AccountError('second-factor-off', 'Two-factor authentication is off already.');
      await checkProof(request, parts, request.body);
      await parts.secondFactors.remove(user.id);
      await parts.audit.note('second-factor-off', user.id, actorOf(request));
      return done();
    },
  }),
  route({
    method: 'POST',
    path: '/api/security/recovery-codes',
    access: 'user',
    summary: 'New recovery codes in the place of all others.',
    body: recoveryCodesBody,
    run: renewRecoveryCodes,
  }),
  route({
    method: 'DELETE',
    path: '/api/security/sessions/:id',
    access: 'user',
    summary: 'Ends one session.',
    run: endSession,
  }),
  route({
    method: 'DELETE',
    path: '/api/security/sessions',
    access: 'user',
    summary: 'Ends all sessions but this one.',
    run: async (request, parts) => {
      await endOthers(request, parts);
      return done();
    },
  }),
  route({
    method: 'GET',
    path: '/api/security/audit',
    access: 'user',
    summary: 'What happened to your own account, the latest first.',
    query: { before: 'the `next` of the page before', kind: 'only these' },
    run: async ({ query, session }, { audit }) => ok(await auditPage(audit, query, { userId: session!.user.id })),
  }),
];

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
async function staleDevices(email: string, { accounts, authenticator }: ConsoleParts): Promise<StaleDevice[]> {
  await authenticator.flush();
  const user: UserRow = await accounts.readUser(email);
  const appPasswords: readonly AppPasswordRow[] = await accounts.appPasswords(email);
  const since = Date.now() - STALE_DAYS * DAY_MS;
  return [{ ...user, name: null }, ...appPasswords]
    .filter(({ refusedAt }) => refusedAt !== null && refusedAt > since)
    .sort((one, other) => other.refusedAt! - one.refusedAt!)
    .map(({ name, refusedAt, refusedClient }) => ({
      appPassword: name,
      client: refusedClient ?? '',
      at: isoTime(refusedAt!),
    }));
}

async function changePassword(request: ConsoleRequest<PasswordBody>, parts: ConsoleParts) {
  const { user } = request.session!;
  const { current, next } = request.body;
  await checkPassword(request, parts, current, 'current');
  if (next === current) {
    throw new ConsoleError(400, 'weak-password', 'This is the password of before. Choose another.', { field: 'next' });
  }
  await inField({ 'weak-password': 'next' }, () => parts.accounts.as(actorOf(request)).setPassword(user.email, next));
  await parts.sessions.endOthers(user.id, request.session!.session.id);
  // Where somebody else has changed it again meanwhile, this session ends, too. The password alone proves too little for
  // what an administrator does where there is a second factor.
  return renew(request, parts, user.passwordVersion + 1, !user.hasSecondFactor);
}

async function beginTotp(request: ConsoleRequest, { secondFactors }: ConsoleParts) {
  // Whoever only has found the browser open would lock its owner out.
  checkFresh(request);
  const { secret, uri } = await secondFactors.begin(request.session!.user);
  // Loaded when somebody sets an authenticator up: it takes 10 MB.
  const { toString: drawQr } = await import('qrcode');
  const qrSvg = await drawQr(uri, { type: 'svg', margin: 2, errorCorrectionLevel: 'M' });
  return ok({ secret, uri, qrSvg } satisfies TotpAnswer);
}

async function confirmTotp(request: ConsoleRequest<TotpConfirmBody>, parts: ConsoleParts) {
  const { user } = request.session!;
  const recoveryCodes = await inField({ 'wrong-code': 'code' }, () =>
    parts.secondFactors.confirm(user, request.body.code),
  );
  await parts.audit.note('second-factor-on', user.id, actorOf(request), { by: 'totp' });
  await endOthers(request, parts);
  return ok({ recoveryCodes } satisfies RecoveryCodesAnswer);
}

async function renewRecoveryCodes(request: ConsoleRequest<RecoveryCodesBody>, parts: ConsoleParts) {
  const { user } = request.session!;
  const { code } = request.body;
  if (code === undefined) checkFresh(request);
  else await checkCode(request, parts, code);
  const recoveryCodes = await parts.secondFactors.renewRecoveryCodes(user.id, user.hasSecondFactor);
  await parts.audit.note('recovery-codes-renewed', user.id, actorOf(request));
  return ok({ recoveryCodes } satisfies RecoveryCodesAnswer);
}

async function endSession(request: ConsoleRequest, { sessions, audit }: ConsoleParts) {
  const { user, session: current } = request.session!;
  const id = Number(request.parameters.id);
  if (!Number.isSafeInteger(id) || !(await sessions.end(user.id, id))) {
    throw new AccountError('no-such-session', 'This session has ended already.');
  }
  await audit.note('session-ended', user.id, actorOf(request), { number: id });
  return id === current.id ? done({ sessionToken: null }) : done();
}

/** Whoever is signed in elsewhere has to prove who they are anew. */
export async function endOthers(request: ConsoleRequest<unknown>, { sessions, audit }: ConsoleParts): Promise<void> {
  const { user, session } = request.session!;
  const all = await sessions.endOthers(user.id, session.id);
  if (all > 0) await audit.note('session-ended', user.id, actorOf(request), { all });
}

/** Throws `ConsoleError` where who is signed in has not proved who they are lately. */
export function checkFresh({ session }: ConsoleRequest<unknown>): void {
  if (session!.isFresh) return;
  throw new ConsoleError(403, 'not-fresh', 'Enter your password again for this.');
}
