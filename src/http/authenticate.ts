import type Koa from 'koa';
import type { Authenticator } from '../accounts/authenticator.js';
import { parseBasic } from '../accounts/basic.js';
import { HttpError } from '../http-error.js';
import type { DriveId } from '../stores/values.js';
import type { FirnState } from './context.js';
import { send } from './send.js';

type Context = Koa.ParameterizedContext<FirnState>;

/** Longest User-Agent kept as an app password's last client. */
const CLIENT_LENGTH_MAX = 200;

const NO_DRIVE_YET = 'You are a member of no drive yet. Ask the administrator to add you to one.';
/** One sentence for both, so that IDs can't be probed (PRODUCT A3). */
const NO_SUCH_DRIVE = 'There is no such drive, or you are no member of it.';

/** What says who a request comes from. */
export type SignIn = (context: Koa.ParameterizedContext<FirnState>, driveId: DriveId | null) => Promise<void>;

/**
 * Makes what finds out who asks and what they may do on the drive, null for their own one (PRODUCT S1, A3), and notes it
 * in the state. The realm is one and the same everywhere (client-requirements R2). It throws `HttpError` 401, 404 and
 * 429.
 */
export function makeSignIn(authenticator: Authenticator, realm: string): SignIn {
  const challenge = { 'WWW-Authenticate': `Basic realm="${realm.replace(/["\\]/g, '')}", charset="UTF-8"` };
  return async (context, driveId) => {
    const { remoteAddress } = context.state;
    context.state.challenge = challenge;
    const credentials = parseBasic(context.req.headers.authorization);
    if (!credentials)
      throw new HttpError(401, 'Sign in with your e-mail address and an app password.', { headers: challenge });
    const client = (context.req.headers['user-agent'] ?? '').slice(0, CLIENT_LENGTH_MAX);
    const result = await authenticator.authenticate(credentials, driveId, remoteAddress, client);
    switch (result.kind) {
      case 'granted':
        context.state.credential = result.credential;
        context.state.membership = result.membership;
        return;
      case 'no-drive':
        throw new HttpError(404, driveId === null ? NO_DRIVE_YET : NO_SUCH_DRIVE);
      case 'refused':
        context.state.log.info({ reason: result.reason, remoteAddress }, 'credentials refused');
        throw new HttpError(401, result.message, { headers: challenge });
      case 'throttled':
        context.state.log.warn({ remoteAddress }, 'sign-ins throttled');
        throw new HttpError(
          429,
          `Too many wrong passwords from here. Try again in ${secondsText(result.retryAfterSeconds)}.`,
          {
            headers: { 'Retry-After': String(result.retryAfterSeconds) },
          },
        );
    }
  };
}

/** Lets in who has credentials for the drive. */
export function authenticate(signIn: SignIn): Koa.Middleware<FirnState> {
  return async (context, next) => {
    const { mount } = context.state;
    if (isLookingForTheWayIn(context)) {
      const headers = { 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store', Vary: 'User-Agent' };
      return send(context, { status: 200, headers, body: WAY_IN });
    }
    if (mount.kind === 'drive' || mount.kind === 'api') await signIn(context, mount.driveId);
    return next();
  };
}

const WAY_IN = 'This is a drive of a Firn server. Sign in by the page in your browser.\n';

/**
 * Nextcloud desktop (3.7 to 3.16), before anybody signs in: where the bare GET of the address that it was given is a 401
 * with Basic, it asks for user and password itself; else it opens its login flow's page in the browser. ownCloud's program,
 * of the same descent, has no such flow.
 */
function isLookingForTheWayIn({ method, req: { headers }, state: { mount } }: Context): boolean {
  if (method !== 'GET' || mount.kind !== 'drive' || mount.path !== '/' || headers.authorization !== undefined)
    return false;
  return /\bmirall\/\d(?!.*\bownCloud\b)/i.test(headers['user-agent'] ?? '');
}

function secondsText(seconds: number): string {
  if (seconds >= 120) return `${Math.ceil(seconds / 60)} minutes`;
  return seconds === 1 ? 'a second' : `${seconds} seconds`;
}
