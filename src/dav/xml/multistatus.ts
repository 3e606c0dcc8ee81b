import { STATUS_CODES } from 'node:http';
import type { DavCondition } from '../../http-error.js';
import { conditionElement } from '../error-body.js';
import type { PropertyName } from './property-name.js';
import { escapeAttribute, escapeText, ROOT_PREFIXES } from './serialize-xml.js';

/**
 * The one content type that ownCloud's desktop client 2.11 takes for a 207: no quotes, no `text/xml`
 * (client-requirements R19).
 */
export const MULTISTATUS_CONTENT_TYPE = 'application/xml; charset=utf-8';

const DECLARATIONS = [...ROOT_PREFIXES].map(([namespace, prefix]) => ` xmlns:${prefix}="${namespace}"`).join('');

/**
 * Every prefix is declared here once and no default namespace ever, as Windows' redirector needs it
 * (client-requirements R19).
 */
export const MULTISTATUS_OPEN = `<?xml version="1.0" encoding="utf-8"?>\n<D:multistatus${DECLARATIONS}>`;
export const MULTISTATUS_CLOSE = '</D:multistatus>\n';

const RESPONSE_OPEN = '<D:response><D:href>';
const FOUND_OPEN = '</D:href><D:propstat><D:prop>';
const FOUND_CLOSE = '</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>';
const MISSING_OPEN = '<D:propstat><D:prop>';
const MISSING_CLOSE = '</D:prop><D:status>HTTP/1.1 404 Not Found</D:status></D:propstat>';
const RESPONSE_CLOSE = '</D:response>';

/** An XML document's opening for an answer that is a lone `prop`, as LOCK's (RFC 4918 §9.10.1). */
export const PROP_OPEN = `<?xml version="1.0" encoding="utf-8"?>\n<D:prop${DECLARATIONS}>`;
export const PROP_CLOSE = '</D:prop>\n';

/**
 * One member of a PROPFIND answer. `href` is encoded; `found` and `missing` are ready elements, joined. The 200 propstat
 * comes first and is always there, the 404 one only when something is missing (client-requirements R20).
 */
export function responseWithPropstats(href: string, found: string, missing: string): string {
  return (
    RESPONSE_OPEN +
    escapeText(href) +
    FOUND_OPEN +
    found +
    FOUND_CLOSE +
    (missing === '' ? '' : MISSING_OPEN + missing + MISSING_CLOSE) +
    RESPONSE_CLOSE
  );
}

/** One propstat of any status, as the answer to PROPPATCH needs it. `properties` are ready elements, joined. */
export function propstat(status: number, properties: string, condition: DavCondition | null = null): string {
  return `<D:propstat><D:prop>${properties}</D:prop>${statusElement(status)}${errorElement(condition, [])}</D:propstat>`;
}

/** One response around propstats that are ready, joined. `href` is encoded. */
export function responseAround(href: string, propstats: string): string {
  return `${RESPONSE_OPEN}${escapeText(href)}</D:href>${propstats}${RESPONSE_CLOSE}`;
}

/** One member that has a status as a whole (RFC 4918 §14.24), as in the failures of COPY, MOVE, DELETE and LOCK. */
export function responseWithStatus(
  href: string,
  status: number,
  condition: DavCondition | null = null,
  conditionHrefs: readonly string[] = [],
): string {
  return (
    `${RESPONSE_OPEN}${escapeText(href)}</D:href>` +
    `${statusElement(status)}${errorElement(condition, conditionHrefs)}${RESPONSE_CLOSE}`
  );
}

/** `HTTP/1.1 423 Locked`, the form that ownCloud's and GNOME's clients parse. */
export function statusLine(status: number): string {
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}`;
}

/** The empty element of a property in any namespace, for the list of the missing and for `propname`. */
export function missingProperty({ namespace, name }: PropertyName): string {
  if (namespace === '') return `<${name}/>`;
  const prefix = ROOT_PREFIXES.get(namespace);
  return prefix === undefined ? `<x:${name} xmlns:x="${escapeAttribute(namespace)}"/>` : `<${prefix}:${name}/>`;
}

function statusElement(status: number): string {
  return `<D:status>${statusLine(status)}</D:status>`;
}

function errorElement(condition: DavCondition | null, hrefs: readonly string[]): string {
  return condition === null ? '' : `<D:error>${conditionElement(condition, hrefs)}</D:error>`;
}
