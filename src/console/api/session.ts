import type { SignInResult } from '../../accounts/authenticator.js';
import { FIRST_EMAIL } from '../../accounts/first-account.js';
import type { OpenSession } from '../../accounts/sessions.js';
import { ConsoleError } from '../console-error.js';
import { actorOf, type ConsoleParts } from '../console-parts.js';
import { type ProofBody, type SessionAnswer, type SessionUser, sessionContract } from '../contract/session.js';
import { checkPasskey } from '../passkey-proof.js';
import type { RefusalKind } from '../refusal-kind.js';
import { bind, type ConsoleRequest, done, made, ok, type RequestTo } from '../route.js';

export const sessionRoutes = bind(sessionContract, {
  'GET /api/session': async (request, parts) => ok(await describe(request.session, parts)),
  'POST /api/session': signIn,
  'POST /api/session/second-step': secondStep,
  'POST /api/session/proof': prove,
  'DELETE /api/session': async (request, { sessions }) => {
    await sessions.signOut(request.session!.session, actorOf(request));
    return done({ sessionToken: null });
  },
});

const SIGN_IN_REFUSALS = {
  wrong: 'wrong-credentials',
  former: 'former-password',
  disabled: 'account-disabled',
  'app-password': 'app-password',
  revoked: 'app-password',
  expired: 'app-password',
  // Its password is right: it is no refusal here.
  'second-factor': 'second-step',
  'second-factor-required': 'second-factor-required',
} as const satisfies Record<Extract<SignInResult, { kind: 'refused' }>['reason'], RefusalKind>;

async function signIn(request: RequestTo<'POST /api/session'>, parts: ConsoleParts) {
  const { email, password } = request.body;
  const { remoteAddress, client } = request;
  const result = await parts.authenticator.signIn({ userName: email, password }, remoteAddress, client);
  if (result.kind === 'throttled') throw throttled('passwords', result.retryAfterSeconds);
  if (result.kind === 'refused') throw new ConsoleError(401, SIGN_IN_REFUSALS[result.reason], result.message);
  const { user } = result;
  // One that somebody else had put into this browser must not become the user's.
  const former = request.session?.session ?? null;
  const token = await parts.sessions.begin(user, former, actorOf(request, user.email));
  return made(await describe(await parts.sessions.find(token, remoteAddress), parts), { sessionToken: token });
}

async function secondStep(request: RequestTo<'POST /api/session/second-step'>, parts: ConsoleParts) {
  const { session } = request.session!;
  if (session.stage === 'full') throw new ConsoleError(409, 'signed-in', 'You are signed in already.');
  const by = await checkCode(request, parts, request.body.code);
  return renew(request, parts, { signIn: by });
}

/** Throws `ConsoleError` for a code that is wrong. */
export async function checkCode(request: ConsoleRequest, parts: ConsoleParts, code: string): Promise<string> {
  const { user } = request.session!;
  const verdict = await parts.secondFactors.verify(user.id, code, actorOf(request));
  if (verdict.kind === 'throttled') throw throttled('codes', verdict.retryAfterSeconds);
  if (verdict.kind === 'wrong') throw wrongCode();
  return verdict.by;
}

/** Throws `ConsoleError` unless the password, and with a second factor on its proof, are those of who is signed in. */
export async function checkProof(request: ConsoleRequest, parts: ConsoleParts, proof: ProofBody): Promise<void> {
  await checkPassword(request, parts, proof.password);
  if (!request.session!.user.hasSecondFactor) return;
  if (proof.passkey !== undefined) return checkPasskey(request, parts, proof.passkey);
  if (proof.code === undefined) throw new ConsoleError(403, 'code-wanted', 'A code is wanted, too.', { field: 'code' });
  await checkCode(request, parts, proof.code);
}

/** Throws `ConsoleError`, which names the `field`, unless it is the account password of who is signed in. */
export async function checkPassword(
  request: ConsoleRequest,
  parts: ConsoleParts,
  password: string,
  field = 'password',
): Promise<void> {
  const credentials = { userName: request.session!.user.email, password };
  const result = await parts.authenticator.signIn(credentials, request.remoteAddress, request.client);
  if (result.kind === 'throttled') throw throttled('passwords', result.retryAfterSeconds);
  if (result.kind === 'refused') throw new ConsoleError(403, 'wrong-password', 'The password is wrong.', { field });
}

async function prove(request: RequestTo<'POST /api/session/proof'>, parts: ConsoleParts) {
  await checkProof(request, parts, request.body);
  return renew(request, parts);
}

/** The same session with another token: who has proved who they are gets one that nobody else can know. */
export async function renew(
  request: ConsoleRequest,
  parts: ConsoleParts,
  how: {
    readonly passwordVersion?: number;
    readonly isWhole?: boolean;
    /** This was the second step of a sign-in, by this. */
    readonly signIn?: string;
  } = {},
) {
  const { session, user } = request.session!;
  const { passwordVersion = user.passwordVersion, isWhole = true, signIn } = how;
  const actor = actorOf(request);
  const token = await parts.sessions.renew(session, {
    passwordVersion,
    isWhole,
    ...(signIn === undefined ? {} : { signIn: { actor, by: signIn } }),
  });
  const open = token && (await parts.sessions.find(token, request.remoteAddress));
  if (!token || !open) throw new ConsoleError(401, 'not-signed-in', 'Your session has ended. Sign in again.');
  return ok(await describe(open, parts), { sessionToken: token });
}

async function describe(open: OpenSession | null, parts: ConsoleParts): Promise<SessionAnswer> {
  if (!open) return { stage: 'signed-out', csrfToken: null, user: null, secondStep: null };
  const { session, user, csrfToken, isFresh } = open;
  if (session.stage === 'second-step') {
    const { isTotpOn, passkeys, recoveryCodes } = await parts.secondFactors.state(user.id);
    const secondStep = { code: isTotpOn || recoveryCodes > 0, passkey: passkeys.length > 0 };
    return { stage: 'second-step', csrfToken, user: null, secondStep };
  }
  return { stage: 'full', csrfToken, user: describeUser(user, isFresh), secondStep: null };
}

function describeUser(user: OpenSession['user'], isFresh: boolean): SessionUser {
  const { email, name, isAdmin, hasSecondFactor, alertedAt, isSecondFactorRequired, passwordVersion } = user;
  return {
    email,
    name,
    isAdmin,
    hasSecondFactor,
    mustSetUpSecondFactor: isSecondFactorRequired && !hasSecondFactor,
    isAlerted: alertedAt !== null && !hasSecondFactor,
    isFresh,
    isFirstStart: isAdmin && email === FIRST_EMAIL && passwordVersion === 1,
  };
}

function throttled(what: string, seconds: number): ConsoleError {
  return new ConsoleError(
    429,
    'throttled',
    `Too many wrong ${what}. Try again in ${Math.ceil(seconds / 60)} minutes.`,
    {
      headers: { 'Retry-After': String(seconds) },
    },
  );
}

function wrongCode(): ConsoleError {
  const message = 'This code is wrong or was used already. Wait for the next one.';
  return new ConsoleError(403, 'wrong-code', message, { field: 'code' });
}
