import type { IncomingHttpHeaders } from 'node:http';
import { parseHttpDate } from './http-date.js';

export interface EntityTag {
  readonly weak: boolean;
  /** With its quotes, without `W/`. */
  readonly tag: string;
}

export interface ConditionalRequest {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  /** The value of `ETag` that the resource has now; null when it does not exist. */
  readonly etag: string | null;
  /** Seconds since 1970, as `Last-Modified` shows them; null when the resource does not exist or has no date. */
  readonly lastModifiedSeconds: number | null;
}

export type ConditionalResult = 'proceed' | 'not-modified' | 'precondition-failed';

/** RFC 9110 §13.2.1: methods that select no representation take no notice of conditions. */
const UNCONDITIONAL: ReadonlySet<string> = new Set(['OPTIONS', 'TRACE', 'CONNECT']);
/** Reads for which a 304 would mean nothing. */
const OTHER_READS: ReadonlySet<string> = new Set(['PROPFIND', 'REPORT', 'SEARCH']);

const ENTITY_TAG = /[ \t]*(?:(W\/)?("[^"\0-\x08\x0a-\x1f\x7f]*")[ \t]*)?(?:,|$)/y;

/**
 * Reads the value of `If-Match` or `If-None-Match` (RFC 9110 §13.1.1): `*`, or the list of entity tags. Null for a value that
 * is neither, such as Joplin's `JoplinIgnore-1` (client-requirements R27).
 */
export function parseEntityTags(value: string): '*' | EntityTag[] | null {
  if (value.trim() === '*') return '*';
  const tags: EntityTag[] = [];
  ENTITY_TAG.lastIndex = 0;
  while (ENTITY_TAG.lastIndex < value.length) {
    const match = ENTITY_TAG.exec(value);
    if (match === null) return null;
    const [, weak, tag] = match;
    // RFC 9110 §5.6.1.2: a list may have empty elements.
    if (tag !== undefined) tags.push({ weak: weak !== undefined, tag });
  }
  return tags.length === 0 ? null : tags;
}

/**
 * Evaluates the conditional headers in the order of RFC 9110 §13.2.2. To be called when the request would otherwise
 * succeed, and once more in the transaction that carries it out.
 * `If-None-Match` counts for GET and HEAD (304) and for changes (412), not for PROPFIND and MKCOL (client-requirements
 * R27). An invalid `If-None-Match` or date is ignored; an invalid `If-Match` fails a change, because the client asked
 * for a guard against overwriting that can't be given, and is ignored on a read, which can lose nothing.
 * `If-Modified-Since` counts only as exactly the date that the resource has: an older one may belong to newer content
 * (docs/decisions/0013).
 */
export function evaluateConditional(request: ConditionalRequest): ConditionalResult {
  const method = request.method.toUpperCase();
  if (UNCONDITIONAL.has(method)) return 'proceed';
  const isGet = method === 'GET' || method === 'HEAD';
  const isChange = !isGet && !OTHER_READS.has(method);
  if (!isUnchanged(request, isChange)) return 'precondition-failed';
  const ifNoneMatch = request.headers['if-none-match'];
  if (ifNoneMatch !== undefined) {
    const counts = isGet || (isChange && method !== 'MKCOL');
    if (!counts || !isListed(ifNoneMatch, request.etag)) return 'proceed';
    return isGet ? 'not-modified' : 'precondition-failed';
  }
  const { lastModifiedSeconds } = request;
  const since = dateSeconds(request.headers['if-modified-since']);
  if (isGet && since !== null && lastModifiedSeconds === since) return 'not-modified';
  return 'proceed';
}

/** Steps 1 and 2: `If-Match`, and only without it `If-Unmodified-Since`. */
function isUnchanged({ headers, etag, lastModifiedSeconds }: ConditionalRequest, isChange: boolean): boolean {
  const ifMatch = headers['if-match'];
  if (ifMatch !== undefined) {
    const tags = parseEntityTags(ifMatch);
    if (tags === null) return !isChange;
    if (tags === '*') return etag !== null;
    return tags.some(({ weak, tag }) => !weak && tag === etag);
  }
  const since = dateSeconds(headers['if-unmodified-since']);
  return since === null || lastModifiedSeconds === null || lastModifiedSeconds <= since;
}

function isListed(ifNoneMatch: string, etag: string | null): boolean {
  const tags = parseEntityTags(ifNoneMatch);
  if (tags === null || etag === null) return false;
  const opaque = etag.startsWith('W/') ? etag.slice(2) : etag;
  return tags === '*' || tags.some(({ tag }) => tag === opaque);
}

/**
 * Whether `If-Range` holds (RFC 9110 §13.1.5), so that `Range` counts: the same strong entity tag, or exactly the date
 * of `Last-Modified`, which Finder sends back. Never throws; what can't be read doesn't match.
 */
export function ifRangeMatches(value: string, etag: string | null, lastModifiedSeconds: number | null): boolean {
  const text = value.trim();
  if (text.startsWith('"') || /^W\//i.test(text)) return text === etag && text.startsWith('"');
  const date = dateSeconds(text);
  return date !== null && date === lastModifiedSeconds;
}

function dateSeconds(text: string | undefined): number | null {
  const ms = text === undefined ? null : parseHttpDate(text);
  return ms === null ? null : ms / 1000;
}
