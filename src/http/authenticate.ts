import type Koa from 'koa';
import type { Authenticator } from '../accounts/authenticator.js';
import { parseBasic } from '../accounts/basic.js';
import { DavError } from '../dav/dav-error.js';
import type { FirnState } from './context.js';

/** Longest User-Agent kept as an app password's last client. */
const CLIENT_LENGTH_MAX = 200;

/** Lets in who has credentials for the drive (PRODUCT S1, A3). The realm is one and the same everywhere (CLIENTS R2). */
export function authenticate(authenticator: Authenticator, realm: string): Koa.Middleware<FirnState> {
  const challenge = { 'WWW-Authenticate': `Basic realm="${realm.replace(/["\\]/g, '')}", charset="UTF-8"` };
  return async (context, next) => {
    const { mount, remoteAddress } = context.state;
    if (mount.kind !== 'drive') return next();
    const credentials = parseBasic(context.req.headers.authorization);
    if (!credentials)
      throw new DavError(401, 'Sign in with your e-mail address and an app password.', { headers: challenge });
    const client = (context.req.headers['user-agent'] ?? '').slice(0, CLIENT_LENGTH_MAX);
    const result = await authenticator.authenticate(credentials, mount.driveId, remoteAddress, client);
    switch (result.kind) {
      case 'granted':
        context.state.credential = result.credential;
        context.state.membership = result.membership;
        return next();
      case 'no-drive':
        throw new DavError(404, 'There is no such drive.');
      case 'refused':
        context.state.log.info({ reason: result.reason, remoteAddress }, 'credentials refused');
        throw new DavError(401, result.message, { headers: challenge });
      case 'throttled':
        context.state.log.warn({ remoteAddress }, 'sign-ins throttled');
        throw new DavError(429, 'Too many wrong passwords from here. Wait a little.', {
          headers: { 'Retry-After': String(result.retryAfterSeconds) },
        });
    }
  };
}
