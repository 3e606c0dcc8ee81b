import type { Authenticator } from '../accounts/authenticator.js';
import { parseBasic } from '../accounts/basic.js';
import { clientName } from '../accounts/client-name.js';
import type { AccessThen } from '../accounts/known-access.js';
import { HttpError } from '../http-error.js';
import type { CredentialRef, Membership } from '../stores/account-store.js';
import type { DriveId } from '../stores/values.js';
import type { Context } from './context.js';

const NO_DRIVE_YET = 'You are a member of no drive yet. Ask the administrator to add you to one.';
/** One sentence for both, so that IDs can't be probed (PRODUCT A3). */
const NO_SUCH_DRIVE = 'There is no such drive, or you are no member of it.';

/** Who asks, and what they may do on the drive. */
export interface SignedIn {
  readonly credential: CredentialRef;
  readonly membership: Membership;
  /** Of which that is a part. */
  readonly access: AccessThen;
}

/** Finds out who a request comes from. `driveId` null: their own drive. Rejects with `HttpError` 401, 404 and 429. */
export type SignIn = (context: Context, driveId: DriveId | null) => Promise<SignedIn>;

/** Makes the sign-in by Basic (PRODUCT S1, A3). The realm is one and the same everywhere (client-requirements R2). */
export function makeSignIn(authenticator: Authenticator, realm: string): SignIn {
  const challenge = { 'WWW-Authenticate': `Basic realm="${realm.replace(/["\\]/g, '')}", charset="UTF-8"` };
  return async (context, driveId) => {
    const { remoteAddress } = context.state;
    context.state.challenge = challenge;
    const credentials = parseBasic(context.req.headers.authorization);
    if (!credentials)
      throw new HttpError(401, 'Sign in with your e-mail address and an app password.', { headers: challenge });
    const client = clientName(context.req.headers['user-agent']);
    const result = await authenticator.authenticate(credentials, driveId, remoteAddress, client);
    switch (result.kind) {
      case 'granted':
        return result;
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

function secondsText(seconds: number): string {
  if (seconds >= 120) return `${Math.ceil(seconds / 60)} minutes`;
  return seconds === 1 ? 'a second' : `${seconds} seconds`;
}
