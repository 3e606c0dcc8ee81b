import { HttpError } from '../../http-error.js';

/** More than Node's own 16 KiB for all headers, for hosts that raise it. */
const IF_LENGTH_MAX = 64 * 1024;
/** A client that holds this many locks at once and sends them all is none we know; each is a look-up. */
export const IF_CONDITIONS_MAX = 500;

export interface IfCondition {
  readonly not: boolean;
  readonly kind: 'token' | 'etag';
  /** A state token without its angle brackets, or an entity tag with its quotes and `W/`. */
  readonly value: string;
}

/** One parenthesis of the header: all its conditions must hold. */
export interface IfList {
  /** The resource tag as written, an absolute URL or a path; null for the resource of the request. */
  readonly resource: string | null;
  readonly conditions: readonly IfCondition[];
}

/** What a resource shows to the conditions of `If`. */
export interface IfState {
  /** The `ETag` header's value; null when the resource does not exist. */
  readonly etag: string | null;
  /** Of every lock whose scope the resource is in, inherited ones too, and the sync token of a folder. */
  readonly stateTokens: readonly string[];
}

/** A token that no resource is ever locked with, so that `(Not <DAV:no-lock>)` is always true (RFC 4918 §10.4.8). */
const NO_LOCK = 'DAV:no-lock';

/** White space, and the comma with which Node joins repeated header lines. */
const GAP = /[\s,]*/y;
const SPACE = /[ \t]*/y;
const NOT = /not(?=[\s<[])/iy;
const CODED_URL = /<([^<>\s]+)>/y;
const ENTITY_TAG = /\[[ \t]*((?:W\/)?"[^"\0-\x08\x0a-\x1f\x7f]*")[ \t]*\]/y;

/**
 * Reads `If` (RFC 4918 §10.4) into its lists. A tag counts for every list up to the next tag. Throws HttpError 400 for
 * anything outside the grammar, for tagged and untagged lists in one header, and for a header over the limits.
 */
export function parseIf(value: string): IfList[] {
  if (value.length > IF_LENGTH_MAX) throw new HttpError(400, 'The If header is too long.');
  const scanner = new Scanner(value);
  const lists: IfList[] = [];
  let resource: string | null = null;
  let isTagWithoutList = false;
  let conditions = 0;
  scanner.take(GAP);
  while (!scanner.isAtEnd()) {
    const tag: string | null = isTagWithoutList ? null : scanner.take(CODED_URL);
    if (tag !== null) {
      if (resource === null && lists.length > 0) throw malformed('mixes lists with and without a resource tag');
      resource = tag;
    } else {
      const list = parseList(scanner);
      conditions += list.length;
      if (conditions > IF_CONDITIONS_MAX) throw malformed(`holds more than ${IF_CONDITIONS_MAX} conditions`);
      lists.push({ resource, conditions: list });
    }
    isTagWithoutList = tag !== null;
    scanner.take(GAP);
  }
  if (isTagWithoutList || lists.length === 0) throw malformed('lacks a list of conditions');
  return lists;
}

function parseList(scanner: Scanner): IfCondition[] {
  const conditions: IfCondition[] = [];
  if (!scanner.takeCharacter('(')) throw malformed('is not a series of lists in parentheses');
  scanner.take(SPACE);
  while (!scanner.takeCharacter(')')) {
    const not = scanner.take(NOT) !== null;
    scanner.take(SPACE);
    const token = scanner.take(CODED_URL);
    const etag = token === null ? scanner.take(ENTITY_TAG) : null;
    if (token !== null) conditions.push({ not, kind: 'token', value: token });
    else if (etag !== null) conditions.push({ not, kind: 'etag', value: etag });
    else throw malformed('holds something that is neither a <state token> nor an ["entity tag"]');
    scanner.take(SPACE);
  }
  if (conditions.length === 0) throw malformed('holds an empty list');
  return conditions;
}

/**
 * Whether the header holds: at least one list is true for its resource, and a list is true when all its conditions are
 * (RFC 4918 §10.4.3). A resource for which `lookup` answers null does not exist or lies elsewhere: nothing matches it.
 * Entity tags are compared weakly, which RFC 4918 §10.4.4 leaves open: a compressing proxy weakens our tags, and the
 * opaque part alone names the content.
 */
export function evaluateIf(lists: readonly IfList[], lookup: (resource: string | null) => IfState | null): boolean {
  return lists.some(({ resource, conditions }) => {
    const state = lookup(resource);
    return conditions.every((condition) => isMatch(condition, state) !== condition.not);
  });
}

function isMatch({ kind, value }: IfCondition, state: IfState | null): boolean {
  if (state === null) return false;
  if (kind === 'token') return value !== NO_LOCK && state.stateTokens.includes(value);
  return state.etag !== null && opaquePart(state.etag) === opaquePart(value);
}

function opaquePart(etag: string): string {
  return etag.startsWith('W/') ? etag.slice(2) : etag;
}

/** The resources that `evaluateIf` will ask for, each once, null being the resource of the request. */
export function resourcesOf(lists: readonly IfList[]): (string | null)[] {
  return [...new Set(lists.map(({ resource }) => resource))];
}

/**
 * The state tokens that the header submits, each once (RFC 4918 §10.4.1): all that are not behind `Not`, whether their
 * list is true or false.
 */
export function tokensOf(lists: readonly IfList[]): string[] {
  const tokens = new Set<string>();
  for (const { conditions } of lists) {
    for (const { not, kind, value } of conditions) {
      if (kind === 'token' && !not && value !== NO_LOCK) tokens.add(value);
    }
  }
  return [...tokens];
}

function malformed(what: string): HttpError {
  return new HttpError(400, `The If header ${what}.`);
}

/** Goes through a text once, by sticky patterns, so that its time is linear in the text. */
class Scanner {
  private position = 0;

  constructor(private readonly text: string) {}

  isAtEnd(): boolean {
    return this.position >= this.text.length;
  }

  takeCharacter(character: string): boolean {
    if (this.text[this.position] !== character) return false;
    this.position++;
    return true;
  }

  /** Takes what the sticky pattern matches here: its first group, or all of it where it has none; null for no match. */
  take(pattern: RegExp): string | null {
    pattern.lastIndex = this.position;
    const match = pattern.exec(this.text);
    if (match === null) return null;
    this.position = pattern.lastIndex;
    return match[1] ?? match[0];
  }
}
