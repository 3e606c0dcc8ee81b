import type { IncomingMessage } from 'node:http';
import { HttpError } from '../http-error.js';

const ABSOLUTE_FORM = /^https?:\/\/([^/?#]*)(.*)$/is;
const AUTHORITY = /^(?:\[[0-9a-f:.]+\]|[^\s@:[\]\\/?#"<>]*)(?::\d{0,5})?$/i;

/** Whether a text can be a host with a port or without one; the empty one can (RFC 9112 §3.2). */
export function isAuthority(text: string): boolean {
  return AUTHORITY.test(text);
}

/**
 * Brings the target of a request into the form that begins with a slash, or is `*`. Programs that think they talk to a
 * proxy send a whole address (RFC 9112 §3.2.2): its path then is the target, and its authority replaces `Host`, for
 * whatever reads either of them later. Throws `HttpError` 400; the message never repeats the target, which may hold a
 * password.
 */
export function readTarget(request: IncomingMessage): void {
  const target = request.url ?? '';
  if (target.startsWith('/') || target === '*') return;
  const [, authority, rest = ''] = ABSOLUTE_FORM.exec(target) ?? [];
  if (authority === undefined) {
    throw new HttpError(400, 'The request target must be a path, or a whole address with http or https.');
  }
  if (authority.includes('@')) {
    throw new HttpError(400, 'The request target must not hold a user or a password: they belong in Authorization.');
  }
  if (authority === '' || authority.startsWith(':') || !isAuthority(authority)) {
    throw new HttpError(400, 'The request target names no valid host.');
  }
  request.url = rest.startsWith('/') ? rest : `/${rest}`;
  request.headers.host = authority;
}
