import { HttpError } from '../../http-error.js';

/** As short as any URI is long enough; keeps rubbish out of look-ups and logs. */
const LOCK_TOKEN_LENGTH_MAX = 1024;

/**
 * Reads `Lock-Token` (RFC 4918 §10.5) and returns the token without its angle brackets. npm's webdav 5.11 and Windows'
 * redirector send UNLOCK without them. Throws HttpError 400 when the header is missing or holds no single URI.
 */
export function parseLockToken(value: string | undefined): string {
  if (value === undefined) throw new HttpError(400, 'The Lock-Token header is missing.');
  const token = /^(?:<([^<>\s]+)>|([^<>\s]+))$/.exec(value.trim());
  const uri = token?.[1] ?? token?.[2];
  if (uri === undefined || uri.length > LOCK_TOKEN_LENGTH_MAX || !/^[a-z][a-z0-9+.-]*:./i.test(uri)) {
    throw new HttpError(400, 'The Lock-Token header must hold one lock token in angle brackets.');
  }
  return uri;
}
