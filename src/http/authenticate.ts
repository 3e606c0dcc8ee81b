import type Koa from 'koa';
import type { Authenticator } from '../accounts/authenticator.js';
import { parseBasic } from '../accounts/basic.js';
import { DavError } from '../dav/dav-error.js';
import type { DriveId } from '../stores/values.js';
import type { FirnState } from './context.js';

/** Longest User-Agent kept as an app password's last client. */
const CLIENT_LENGTH_MAX = 200;

const NO_DRIVE_YET = 'You are a member of no drive yet. Ask the administrator to add you to one.';
/** One sentence for both, so that IDs can't be probed (PRODUCT A3). */
const NO_SUCH_DRIVE = 'There is no such drive, or you are no member of it.';

/** What says who a request comes from. */
export type SignIn = (context: Koa.ParameterizedContext<FirnState>, driveId: DriveId | null) => Promise<void>;

/**
 * Makes what finds out who asks and what they may do on the drive, null for their own one (PRODUCT S1, A3), and notes it
 * in the state. The realm is one and the same everywhere (CLIENTS R2). It throws `DavError` 401, 404 and 429.
 */
export function makeSignIn(authenticator: Authenticator, realm: string): SignIn {
  const challenge = { 'WWW-Authenticate': `Basic realm="${realm.replace(/["\\]/g, '')}", charset="UTF-8"` };
  return async (context, driveId) => {
    const { remoteAddress } = context.state;
    const credentials = parseBasic(context.req.headers.authorization);
    if (!credentials)
      throw new DavError(401, 'Sign in with your e-mail address and an app password.', { headers: challenge });
    const client = (context.req.headers['user-agent'] ?? '').slice(0, CLIENT_LENGTH_MAX);
    const result = await authenticator.authenticate(credentials, driveId, remoteAddress, client);
    switch (result.kind) {
      case 'granted':
        context.state.credential = result.credential;
        context.state.membership = result.membership;
        return;
      case 'no-drive':
        throw new DavError(404, driveId === null ? NO_DRIVE_YET : NO_SUCH_DRIVE);
      case 'refused':
        context.state.log.info({ reason: result.reason, remoteAddress }, 'credentials refused');
        throw new DavError(401, result.message, { headers: challenge });
      case 'throttled':
        context.state.log.warn({ remoteAddress }, 'sign-ins throttled');
        throw new DavError(
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
    if (mount.kind === 'drive' || mount.kind === 'api') await signIn(context, mount.driveId);
    return next();
  };
}

function secondsText(seconds: number): string {
  if (seconds >= 120) return `${Math.ceil(seconds / 60)} minutes`;
  return seconds === 1 ? 'a second' : `${seconds} seconds`;
}
