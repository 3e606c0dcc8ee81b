import { expect } from 'vitest';
import type { Answer } from '../../support/http-client.js';
import { allOf, parseAnswer, parseMultistatus, type ResponsePart, textIn } from '../../support/multistatus.js';
import { checkSameBytes } from '../../support/trees.js';

/** An answer, and what its checks may need to know beside it. */
export interface Seen {
  readonly answer: Answer;
  /** From the request to the end of the answer. */
  readonly ms: number;
  /** Puts values in place of their names in braces. */
  readonly fill: (text: string) => string;
  /** The server's switch that leaves quota out of answers to Finder is on (client-requirements R30). */
  readonly hidesQuota: boolean;
}

/** Fails the test where an answer isn't what the client needs. */
export type Check = (seen: Seen) => void;

/** A value as it has to be: a text (filled), a pattern, another text than this one, or null: it must not be there. */
export type Expected = string | RegExp | { readonly not: string } | null;

export const RFC1123 =
  /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d:\d\d GMT$/;
export const ISO_UTC = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
export const STRONG_ETAG = /^"[^"]+"$/;
export const BYTES = /^\d+$/;

function checkValue(what: string, value: string | undefined, expected: Expected, { fill }: Seen): void {
  if (expected === null) expect(value, what).toBeUndefined();
  else if (typeof expected === 'string') expect(value, what).toBe(fill(expected));
  else if (expected instanceof RegExp) expect(value ?? '(nothing)', what).toMatch(expected);
  else {
    expect(value, what).toBeDefined();
    expect(value, what).not.toBe(fill(expected.not));
  }
}

export function header(name: string, expected: Expected): Check {
  return (seen) => checkValue(`header ${name}`, seen.answer.headers[name.toLowerCase()]?.toString(), expected, seen);
}

/** The whole body. */
export function body(expected: Expected | Uint8Array): Check {
  return (seen) => {
    if (expected instanceof Uint8Array) checkSameBytes(seen.answer.bytes, expected);
    else checkValue('body', seen.answer.text, expected, seen);
  };
}

/** A value of a JSON body, by the names that lead to it. */
export function json(path: readonly string[], expected: Expected): Check {
  return (seen) => checkValue(`JSON ${path.join('.')}`, jsonAt(seen.answer, path), expected, seen);
}

export function jsonAt(answer: Answer, path: readonly string[]): string | undefined {
  let value: unknown = JSON.parse(answer.text);
  for (const name of path) value = (value as Record<string, unknown> | undefined)?.[name];
  return value === undefined ? undefined : String(value);
}

/** The answer comes within this time: clients send many of these. */
export function quick(ms = 5000): Check {
  return (seen) => expect(seen.ms, 'milliseconds').toBeLessThan(ms);
}

export function smallerThan(bytes: number): Check {
  return ({ answer }) => expect(answer.bytes.length, 'bytes of the answer').toBeLessThan(bytes);
}

/** The client waited for `100 Continue`, and it came. */
export const continued: Check = ({ answer }) => expect(answer.isContinued, '100 Continue').toBe(true);

// Multistatus.

/** `getetag` is short for `{DAV:}getetag`. */
const fullName = (name: string) => (name.startsWith('{') ? name : `{DAV:}${name}`);
const leafOf = (href: string) => decodeURIComponent(href.replace(/\/$/, '').split('/').at(-1) ?? '');
const parts = ({ answer }: Seen) => parseMultistatus(answer.text);

function partOf(seen: Seen, leaf: string | undefined): ResponsePart {
  const found = parts(seen);
  const part = leaf === undefined ? found[0] : found.find(({ href }) => leafOf(href) === leaf);
  if (!part) throw new Error(`${leaf} is not in the answer`);
  return part;
}

/** Properties with status 200 of the first response, or of the one with this name. */
export function props(expected: Readonly<Record<string, Expected>>, leaf?: string): Check {
  return (seen) => {
    const part = partOf(seen, leaf);
    for (const [name, value] of Object.entries(expected)) {
      const element = part.props.get(fullName(name));
      checkValue(`${name} of ${part.href}`, element && textIn(element), value, seen);
    }
  };
}

/** Statuses of properties of the first response. */
export function statuses(expected: Readonly<Record<string, number>>): Check {
  return (seen) => {
    const { propstats } = partOf(seen, undefined);
    for (const [name, status] of Object.entries(expected)) {
      expect(propstats.find(({ props }) => props.has(fullName(name)))?.status, name).toBe(status);
    }
  };
}

/** The whole PROPPATCH has been carried out: this many properties, each with 200. */
export function allSet(count: number): Check {
  return (seen) => {
    const [part, ...others] = parts(seen);
    expect(others, 'further responses').toEqual([]);
    expect(part!.propstats.map(({ status, props }) => [status, props.size])).toEqual([[200, count]]);
  };
}

export function isCollection(expected: boolean, leaf?: string): Check {
  return (seen) => {
    const type = partOf(seen, leaf).props.get('{DAV:}resourcetype');
    expect(type, 'resourcetype').toBeDefined();
    expect(allOf(type!, '{DAV:}collection'), 'collection').toHaveLength(expected ? 1 : 0);
  };
}

/** The names below the collection itself, in any order: these, each once, and no others. */
export function lists(...names: readonly string[]): Check {
  return (seen) =>
    expect(
      parts(seen)
        .slice(1)
        .map(({ href }) => leafOf(href))
        .sort(),
    ).toEqual([...names].sort());
}

export function responses(count: number): Check {
  return (seen) => expect(parts(seen), 'responses').toHaveLength(count);
}

/** The href of the first response, or of the one with this name, as it stands in the answer. */
export function href(expected: Expected, leaf?: string): Check {
  return (seen) => checkValue('href', partOf(seen, leaf).href, expected, seen);
}

/**
 * No href but those of the responses: Finder takes every one that it meets for a new entry (client-requirements R21).
 */
export const noOtherHrefs: Check = (seen) =>
  expect(allOf(parseAnswer(seen.answer.text), '{DAV:}href'), 'hrefs').toHaveLength(parts(seen).length);

/** Properties that are missing come as empty elements. */
export const missingAreEmpty: Check = (seen) => {
  for (const { propstats } of parts(seen)) {
    const missing = propstats.filter(({ status }) => status === 404).flatMap(({ props }) => [...props.values()]);
    for (const { name, children } of missing) expect(children, name).toEqual([]);
  }
};

/** What allprop gives of each entry: names, both dates, ETag, a length for files, no length and no type for collections. */
export const completeEntries: Check = (seen) => {
  for (const part of parts(seen)) {
    const value = (name: string) => {
      const element = part.props.get(`{DAV:}${name}`);
      return element && textIn(element);
    };
    const type = part.props.get('{DAV:}resourcetype');
    expect(type, `resourcetype of ${part.href}`).toBeDefined();
    const isFolder = allOf(type!, '{DAV:}collection').length > 0;
    const leaf = leafOf(part.href);
    // The root of a drive has the drive's name, whatever its address.
    if (/^\d*$/.test(leaf)) expect(value('displayname')).not.toBe('');
    else expect(value('displayname')).toBe(leaf);
    expect(value('creationdate'), part.href).toMatch(ISO_UTC);
    expect(value('getlastmodified'), part.href).toMatch(RFC1123);
    expect(value('getetag'), part.href).toMatch(STRONG_ETAG);
    if (isFolder)
      expect([value('getcontentlength'), value('getcontenttype')], part.href).toEqual([undefined, undefined]);
    else expect(value('getcontentlength'), part.href).toMatch(BYTES);
  }
};

/** RFC 4331 of the first response. `isFinder`: may be switched off. */
export function quota(options: { readonly isFinder?: boolean } = {}): Check {
  return (seen) => {
    const isHidden = options.isFinder === true && seen.hidesQuota;
    const expected = isHidden ? null : BYTES;
    props({ 'quota-available-bytes': expected, 'quota-used-bytes': expected })(seen);
  };
}

/** LOCK: the token of the header is that of the body, which says for how long and for whom. */
export function locked(expected: {
  readonly owner: string;
  readonly secondsMax: number;
  /** The lock's token, where it is known: a refresh keeps it. */
  readonly token?: string;
}): Check {
  return (seen) => {
    const active = allOf(parseAnswer(seen.answer.text), '{DAV:}activelock');
    expect(active, 'activelock').toHaveLength(1);
    const text = (name: string) => textIn(allOf(active[0]!, `{DAV:}${name}`)[0]);
    const token = seen.answer.headers['lock-token'];
    if (token !== undefined) expect(`<${text('locktoken')}>`).toBe(token);
    expect(text('locktoken')).toMatch(/^opaquelocktoken:[0-9a-f-]{36}$/);
    if (expected.token !== undefined) expect(text('locktoken')).toBe(seen.fill(expected.token));
    const seconds = Number(/^Second-(\d+)$/.exec(text('timeout'))?.[1]);
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThanOrEqual(expected.secondsMax);
    expect(text('owner')).toBe(expected.owner);
  };
}
