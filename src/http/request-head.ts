import type { IncomingMessage } from 'node:http';
import type Koa from 'koa';
import { HttpError } from '../http-error.js';
import type { Context } from './context.js';

/** Of one request, and of the trailers of its body; browsers behind several proxies send some fifty. */
export const HEADERS_MAX = 200;

/** As Node reads it. */
const CONTINUE = /(?:^|\W)100-continue(?:$|\W)/i;

/**
 * Headers that Firn reads and that have one value. Of two different ones Node takes the first or joins them, and a
 * proxy before Firn may take the other.
 */
const SINGLE: ReadonlySet<string> = new Set([
  'authorization',
  'content-length',
  'content-range',
  'content-type',
  'depth',
  'destination',
  'if-modified-since',
  'if-range',
  'if-unmodified-since',
  'lock-token',
  'oc-checksum',
  'oc-chunked',
  'oc-total-length',
  'origin',
  'overwrite',
  'range',
  'sec-fetch-site',
  'tus-resumable',
  'upload-checksum',
  'upload-concat',
  'upload-defer-length',
  'upload-length',
  'upload-metadata',
  'upload-offset',
  'x-csrf-token',
  'x-expected-entity-length',
  'x-http-method-override',
  'x-oc-ctime',
  'x-oc-mtime',
]);

/**
 * Refuses the heads that Node lets pass and that can be read in two ways, or would be refused by it without a body that
 * says why, and brings the target into the form that the rest knows.
 */
export function checkHead({ req }: Context, next: Koa.Next): Promise<void> {
  checkCount(req.rawHeaders, 'headers');
  const { expect, host } = req.headers;
  if (expect !== undefined && !CONTINUE.test(expect)) {
    throw new HttpError(417, 'Of the Expect header nothing but 100-continue is known here.');
  }
  // Node takes lines that say 0.9 and 2.0, and goes on as with 1.1.
  if (req.httpVersion !== '1.1' && req.httpVersion !== '1.0') {
    throw new HttpError(505, 'Only HTTP/1.1 and HTTP/1.0 are known here.', { headers: { Connection: 'close' } });
  }
  // RFC 9112 §3.2; HTTP/1.0 has no such header.
  if (host === undefined && req.httpVersion === '1.1') throw new HttpError(400, 'The Host header is missing.');
  if (host !== undefined && !isAuthority(host)) throw new HttpError(400, 'The Host header names no valid host.');
  checkRepeated(req);
  checkTransferCoding(req);
  readTarget(req);
  return next();
}

/** Throws `HttpError` 431. `raw` has names and values by turns, all of them or more than the limit (`maxHeadersCount`). */
export function checkCount(raw: readonly string[], what: 'headers' | 'trailers'): void {
  if (raw.length <= 2 * HEADERS_MAX) return;
  throw new HttpError(431, `This request has too many ${what} (${HEADERS_MAX} are the most).`, {
    headers: { Connection: 'close' },
  });
}

/** Throws `HttpError` 400 where a header that has one value has two, and for a second `Host` (RFC 9112 §3.2). */
function checkRepeated({ headers, rawHeaders }: IncomingMessage): void {
  if (2 * Object.keys(headers).length === rawHeaders.length) return;
  const seen = new Map<string, string>();
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!.toLowerCase();
    const value = rawHeaders[index + 1]!;
    const earlier = seen.get(name);
    const isRefused = name === 'host' || (SINGLE.has(name) && earlier !== value);
    if (earlier !== undefined && isRefused) throw new HttpError(400, `The header ${name} comes twice.`);
    seen.set(name, value);
  }
}

/** Throws `HttpError` 400 and 501: a body whose end or bytes we would take for others than they are (RFC 9112 §6.1). */
function checkTransferCoding({ headers, httpVersion }: IncomingMessage): void {
  const coding = headers['transfer-encoding'];
  if (coding === undefined) return;
  if (httpVersion !== '1.1') throw new HttpError(400, 'HTTP/1.0 has no Transfer-Encoding.');
  if (coding.toLowerCase() !== 'chunked') {
    throw new HttpError(501, 'Of the transfer codings only chunked is known here.');
  }
}

const ABSOLUTE_FORM = /^https?:\/\/([^/?#]*)(.*)$/is;
const AUTHORITY = /^(?:\[[0-9a-f:.]+\]|[^\s@:[\]\\/?#"<>]*)(?::\d{0,5})?$/i;

/** Whether a text can be a host with a port or without one; the empty one can (RFC 9112 §3.2). */
function isAuthority(text: string): boolean {
  return AUTHORITY.test(text);
}

/**
 * Brings the target of a request into the form that begins with a slash, or is `*`. Programs that think they talk to a
 * proxy send a whole address (RFC 9112 §3.2.2): its path then is the target, and its authority replaces `Host`, for
 * whatever reads either of them later. Throws `HttpError` 400; the message never repeats the target, which may hold a
 * password.
 */
function readTarget(request: IncomingMessage): void {
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
