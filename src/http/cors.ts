import { ALLOW } from '../dav/dispatch.js';
import type { Context } from './context.js';
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
 * Makes what adds the headers of CORS to an answer, for apps in browsers and web views from the origins that the operator
 * names (client-requirements R37). `*` means any. It answers preflights itself, and returns whether it has.
 */
export function preflightAnswer(origins: readonly string[]): (context: Context) => boolean {
  return (context) => {
    const { method, req, res } = context;
    const { origin } = req.headers;
    if (origin === undefined || !(origins.includes(origin) || origins.includes('*'))) return false;
    res.setHeader('Access-Control-Allow-Origin', origin);
    res.setHeader('Access-Control-Expose-Headers', EXPOSED);
    res.setHeader('Vary', 'Origin');
    if (method !== 'OPTIONS' || req.headers['access-control-request-method'] === undefined) return false;
    const wanted = req.headers['access-control-request-headers'];
    send(context, {
      status: 204,
      headers: {
        'Access-Control-Allow-Methods': METHODS,
        ...(wanted === undefined ? {} : { 'Access-Control-Allow-Headers': String(wanted) }),
        'Access-Control-Max-Age': PREFLIGHT_SECONDS,
      },
      body: null,
    });
    return true;
  };
}
