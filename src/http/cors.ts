import type Koa from 'koa';
import { ALLOW } from '../dav/dispatch.js';
import type { FirnState } from './context.js';
import { send } from './send.js';

/** TUS has a method that only addresses of uploads take. */
const METHODS = `${ALLOW}, PATCH`;
const EXPOSED = [
  'ETag, DAV, Lock-Token, Content-Length, Content-Range, Last-Modified, Location, X-Request-Id',
  'OC-FileId, OC-ETag, OC-Checksum, X-OC-MTime',
  'Tus-Resumable, Tus-Version, Tus-Extension, Tus-Checksum-Algorithm, Upload-Offset, Upload-Length, Upload-Expires',
].join(', ');
const PREFLIGHT_SECONDS = '600';

/**
 * For apps in browsers and web views, from the origins that the operator names (client-requirements R37). `*` means
 * any.
 */
export function cors(origins: readonly string[]): Koa.Middleware<FirnState> {
  return async (context, next) => {
    const { origin } = context.req.headers;
    if (origin === undefined || !(origins.includes(origin) || origins.includes('*'))) return next();
    context.res.setHeader('Access-Control-Allow-Origin', origin);
    context.res.setHeader('Access-Control-Expose-Headers', EXPOSED);
    context.res.setHeader('Vary', 'Origin');
    const isPreflight =
      context.method === 'OPTIONS' && context.req.headers['access-control-request-method'] !== undefined;
    if (!isPreflight) return next();
    const wanted = context.req.headers['access-control-request-headers'];
    send(context, {
      status: 204,
      headers: {
        'Access-Control-Allow-Methods': METHODS,
        ...(wanted === undefined ? {} : { 'Access-Control-Allow-Headers': String(wanted) }),
        'Access-Control-Max-Age': PREFLIGHT_SECONDS,
      },
      body: null,
    });
  };
}
