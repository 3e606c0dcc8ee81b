import { expect } from 'vitest';
import type { Answer } from '../../support/http-client.js';
import { allOf, parseMultistatus, type ResponsePart } from '../../support/multistatus.js';
import { STRONG_ETAG } from './checks.js';

/**
 * What Firn spells by itself: RFC 3986 without the `+`, which some programs take for a space, and percent-encoding in upper
 * case (client-requirements R18).
 */
const SPELT = /^(?:[A-Za-z0-9\-._~!$&'()*,;=:@/]|%[0-9A-F]{2})*$/;

export interface SentRequest {
  readonly method: string;
  readonly path: string;
  readonly body: string | Uint8Array | readonly Uint8Array[] | undefined;
}

/** What holds for all answers to all clients. */
export function checkConventions(request: SentRequest, answer: Answer): void {
  const { status, headers } = answer;
  expect([304, 200], 'no redirect').toContain(status >= 300 && status < 400 ? status : 200);
  expect(headers.date, 'Date').toBeDefined();
  // RFC 9110 §8.8.3: Apache's W/ makes davfs2 and Nextcloud see changes where there are none (client-requirements R40).
  if (headers.etag !== undefined) expect(headers.etag).toMatch(STRONG_ETAG);
  expect(headers['content-encoding'], 'Content-Encoding').toBeUndefined();
  if (status === 207) checkMultistatus(request, answer);
}

/** client-requirements R2: Basic alone, one realm, UTF-8, and nothing that was promised with `100 Continue`. */
export function checkChallenge(answer: Answer): void {
  expect(answer.status, 'without credentials').toBe(401);
  expect(answer.headers['www-authenticate']).toBe('Basic realm="Firn", charset="UTF-8"');
  expect(answer.isContinued, '100 Continue before a 401').toBe(false);
}

/** client-requirements R18–R20. */
function checkMultistatus(request: SentRequest, { headers, text }: Answer): void {
  expect(headers['content-type']).toBe('application/xml; charset=utf-8');
  // Windows wants the prefix, declared on the root and nowhere else.
  expect(text).toMatch(/^<\?xml version="1\.0" encoding="utf-8"\?>\s*<D:multistatus xmlns:D="DAV:"/);
  expect(text.match(/xmlns(?::\w+)?="DAV:"/g)).toHaveLength(1);
  const parts = parseMultistatus(text);
  if (!isSearch(request.body)) expect(pathOf(parts[0]!.href), 'self comes first').toBe(pathOf(request.path));
  for (const part of parts) checkResponse(request, part);
  expect(new Set(parts.map(({ href }) => href)).size, 'each href once').toBe(parts.length);
  if (request.method === 'PROPFIND' && wantsAll(request.body)) {
    const odd = parts.filter(({ propstats }) => propstats.length !== 1 || propstats[0]!.status !== 200);
    expect(
      odd.map(({ href }) => href),
      'allprop has 200 propstats alone',
    ).toEqual([]);
  }
}

function checkResponse({ path }: SentRequest, { href, status, propstats }: ResponsePart): void {
  // RFC 4918 §8.3: an address begins as the request's did, however that was spelt; what lies below is Firn's to spell.
  const own = path.replace(/[?].*$/, '').replace(/\/$/, '');
  expect(href).toMatch(/^\//);
  expect(href.startsWith(own) ? href.slice(own.length) : href).toMatch(SPELT);
  expect(status, 'a response has propstats').toBeNull();
  const found = propstats.map((propstat) => propstat.status);
  expect(found.filter((one) => one === 200).length).toBeLessThanOrEqual(1);
  if (found.includes(200)) expect(found[0], '200 comes first').toBe(200);
  expect(new Set(found).size, 'one propstat a status').toBe(found.length);
  const type = propstats.flatMap(({ props }) => props.get('{DAV:}resourcetype') ?? []);
  const isFolder = type.some((element) => allOf(element, '{DAV:}collection').length > 0);
  if (type.length > 0 && propstats[0]!.status === 200) expect(href.endsWith('/'), href).toBe(isFolder);
}

/** A report that lists what it finds, not the folder it looks in. */
function isSearch(body: SentRequest['body']): boolean {
  return typeof body === 'string' && body.includes('filter-files');
}

function wantsAll(body: SentRequest['body']): boolean {
  return body === undefined || (typeof body === 'string' && (body === '' || /<(\w+:)?allprop\s*\/?>/.test(body)));
}

/** As the client compares it: decoded, without the slash at the end; names come in the form that is stored. */
function pathOf(target: string): string {
  return decodeURIComponent(target)
    .normalize('NFC')
    .replace(/\/{2,}/g, '/')
    .replace(/(?<=.)\/$/, '');
}
