import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type ConditionalResult,
  evaluateConditional,
  ifRangeMatches,
  parseEntityTags,
} from '../../../src/dav/headers/conditional.js';

const MODIFIED = Date.UTC(2026, 0, 2, 3, 4, 5) / 1000;
const SAME = 'Fri, 02 Jan 2026 03:04:05 GMT';
const BEFORE = 'Fri, 02 Jan 2026 03:04:04 GMT';
const AFTER = 'Fri, 02 Jan 2026 03:04:06 GMT';

type Headers = Record<string, string>;
const evaluate = (method: string, headers: Headers, exists = true) =>
  evaluateConditional({ method, headers, etag: exists ? '"1"' : null, lastModifiedSeconds: exists ? MODIFIED : null });

describe('RFC 9110 §13.1.1 — lists of entity tags', () => {
  test.each([
    ['*', '*'],
    [' * ', '*'],
    ['"a"', [{ weak: false, tag: '"a"' }]],
    ['W/"a"', [{ weak: true, tag: '"a"' }]],
    [
      '"a", W/"b" ,"c,d"',
      [
        { weak: false, tag: '"a"' },
        { weak: true, tag: '"b"' },
        { weak: false, tag: '"c,d"' },
      ],
    ],
    [',"a",,', [{ weak: false, tag: '"a"' }]],
    ['""', [{ weak: false, tag: '""' }]],
    ['JoplinIgnore-1234', null],
    ['', null],
    [',', null],
    ['*, "a"', null],
    ['"a" "b"', null],
    ['"a', null],
    ['w/"a"', null],
    ['W/', null],
    ['"a", b', null],
  ])('%j', (value, expected) => {
    expect(parseEntityTags(value)).toEqual(expected);
  });
});

describe('RFC 9110 §13.2.2 — precedence', () => {
  test.each<[string, string, Headers, ConditionalResult]>([
    ['nothing asked', 'GET', {}, 'proceed'],
    ['step 1: true', 'PUT', { 'if-match': '"1"' }, 'proceed'],
    ['step 1: one of many', 'PUT', { 'if-match': '"0", "1"' }, 'proceed'],
    ['step 1: false', 'PUT', { 'if-match': '"2"' }, 'precondition-failed'],
    ['step 1: false on GET', 'GET', { 'if-match': '"2"' }, 'precondition-failed'],
    ['step 1: star', 'PUT', { 'if-match': '*' }, 'proceed'],
    ['step 1: weak never matches (§13.1.1)', 'PUT', { 'if-match': 'W/"1"' }, 'precondition-failed'],
    ['step 1 wins over step 2', 'PUT', { 'if-match': '"1"', 'if-unmodified-since': BEFORE }, 'proceed'],
    ['step 1 true, step 3 false', 'GET', { 'if-match': '"1"', 'if-none-match': '"1"' }, 'not-modified'],
    ['step 1 false before step 3', 'GET', { 'if-match': '"2"', 'if-none-match': '"1"' }, 'precondition-failed'],
    ['step 2: same', 'PUT', { 'if-unmodified-since': SAME }, 'proceed'],
    ['step 2: after', 'PUT', { 'if-unmodified-since': AFTER }, 'proceed'],
    ['step 2: before', 'DELETE', { 'if-unmodified-since': BEFORE }, 'precondition-failed'],
    ['step 2: invalid date (§13.1.4)', 'DELETE', { 'if-unmodified-since': 'soon' }, 'proceed'],
    ['step 3: GET', 'GET', { 'if-none-match': '"1"' }, 'not-modified'],
    ['step 3: HEAD', 'HEAD', { 'if-none-match': '"1"' }, 'not-modified'],
    ['step 3: weakly (§13.1.2)', 'GET', { 'if-none-match': 'W/"1"' }, 'not-modified'],
    ['step 3: star', 'GET', { 'if-none-match': '*' }, 'not-modified'],
    ['step 3: other', 'GET', { 'if-none-match': '"2"' }, 'proceed'],
    ['step 3: PUT', 'PUT', { 'if-none-match': '*' }, 'precondition-failed'],
    ['step 3: PUT with tag', 'PUT', { 'if-none-match': '"1"' }, 'precondition-failed'],
    ['step 3: DELETE', 'DELETE', { 'if-none-match': '"1"' }, 'precondition-failed'],
    ['step 3 wins over step 4 (R29)', 'GET', { 'if-none-match': '"2"', 'if-modified-since': SAME }, 'proceed'],
    ['step 3 and 4 (davfs2)', 'GET', { 'if-none-match': '"1"', 'if-modified-since': BEFORE }, 'not-modified'],
    ['step 4: same', 'GET', { 'if-modified-since': SAME }, 'not-modified'],
    [
      'faults E4 — step 4: after, as the copy of a file whose date went back',
      'HEAD',
      { 'if-modified-since': AFTER },
      'proceed',
    ],
    ['step 4: before', 'GET', { 'if-modified-since': BEFORE }, 'proceed'],
    ['step 4: not for PUT', 'PUT', { 'if-modified-since': SAME }, 'proceed'],
    ['step 4: invalid date', 'GET', { 'if-modified-since': 'yesterday' }, 'proceed'],
    ['§13.2.1 OPTIONS', 'OPTIONS', { 'if-match': '"2"', 'if-none-match': '*' }, 'proceed'],
  ])('%s (%s)', (_rule, method, headers, expected) => {
    expect(evaluate(method, headers)).toBe(expected);
  });

  test.each<[string, string, Headers, ConditionalResult]>([
    ['If-Match: *', 'PUT', { 'if-match': '*' }, 'precondition-failed'],
    ['If-Match', 'PUT', { 'if-match': '"1"' }, 'precondition-failed'],
    ['If-None-Match: *', 'PUT', { 'if-none-match': '*' }, 'proceed'],
    ['If-None-Match', 'PUT', { 'if-none-match': '"1"' }, 'proceed'],
    ['If-Unmodified-Since', 'PUT', { 'if-unmodified-since': BEFORE }, 'proceed'],
  ])('a resource that does not exist: %s', (_rule, method, headers, expected) => {
    expect(evaluate(method, headers, false)).toBe(expected);
  });

  test('client-requirements R27 — Joplin’s If-None-Match is ignored with every method', () => {
    for (const method of ['GET', 'PUT', 'DELETE', 'MKCOL', 'PROPFIND', 'MOVE']) {
      expect(evaluate(method, { 'if-none-match': 'JoplinIgnore-17' })).toBe('proceed');
    }
  });

  test('client-requirements R27 — If-None-Match on PROPFIND and MKCOL is ignored', () => {
    for (const method of ['PROPFIND', 'MKCOL', 'REPORT']) {
      expect(evaluate(method, { 'if-none-match': '"1"' })).toBe('proceed');
      expect(evaluate(method, { 'if-none-match': '*' })).toBe('proceed');
    }
  });

  test('an invalid If-Match fails a change, which asked for a guard, and is ignored on a read', () => {
    for (const method of ['PUT', 'DELETE', 'MOVE', 'PROPPATCH', 'LOCK']) {
      expect(evaluate(method, { 'if-match': 'unquoted' })).toBe('precondition-failed');
    }
    for (const method of ['GET', 'HEAD', 'PROPFIND'])
      expect(evaluate(method, { 'if-match': 'unquoted' })).toBe('proceed');
  });

  test('a resource without a date ignores conditions on dates', () => {
    const request = { method: 'GET', etag: '"1"', lastModifiedSeconds: null };
    expect(evaluateConditional({ ...request, headers: { 'if-modified-since': AFTER } })).toBe('proceed');
    expect(evaluateConditional({ ...request, headers: { 'if-unmodified-since': BEFORE } })).toBe('proceed');
  });
});

describe('RFC 9110 §13.1.5 — If-Range', () => {
  test.each([
    ['"1"', '"1"', true],
    ['"2"', '"1"', false],
    ['W/"1"', '"1"', false],
    ['W/"1"', 'W/"1"', false],
    ['"1"', 'W/"1"', false],
    ['"1"', null, false],
    [SAME, '"1"', true],
    [BEFORE, '"1"', false],
    [AFTER, '"1"', false],
    ['', '"1"', false],
    ['nonsense', '"1"', false],
  ])('%j against %j is %s', (value, etag, expected) => {
    expect(ifRangeMatches(value, etag, MODIFIED)).toBe(expected);
  });

  test('a resource without a date matches no date', () => {
    expect(ifRangeMatches(SAME, '"1"', null)).toBe(false);
    expect(ifRangeMatches('nonsense', '"1"', null)).toBe(false);
  });
});

describe('properties', () => {
  const tag = fc.constantFrom('"1"', '"2"', 'W/"1"', '*', 'x', '"1", "2"', '');
  const date = fc.constantFrom(BEFORE, SAME, AFTER, 'x');
  const headers = fc.record(
    { 'if-match': tag, 'if-none-match': tag, 'if-modified-since': date, 'if-unmodified-since': date },
    { requiredKeys: [] },
  );
  const reads = fc.constantFrom('GET', 'HEAD');
  const changes = fc.constantFrom('PUT', 'DELETE', 'MOVE', 'COPY', 'PROPPATCH', 'LOCK', 'MKCOL');

  test('only GET and HEAD are ever not modified', () => {
    fc.assert(
      fc.property(changes, headers, fc.boolean(), (method, conditions, exists) => {
        expect(evaluate(method, conditions, exists)).not.toBe('not-modified');
      }),
    );
  });

  test('a change never proceeds past an If-Match that lacks the current tag', () => {
    fc.assert(
      fc.property(changes, headers, (method, conditions) => {
        const ifMatch = conditions['if-match'];
        if (ifMatch === undefined || ifMatch === '*' || /(?<!W\/)"1"/.test(ifMatch)) return;
        expect(evaluate(method, conditions)).toBe('precondition-failed');
      }),
    );
  });

  test('GET and HEAD agree', () => {
    fc.assert(
      fc.property(reads, headers, fc.boolean(), (method, conditions, exists) => {
        expect(evaluate(method, conditions, exists)).toBe(evaluate('GET', conditions, exists));
      }),
    );
  });

  test('any text never throws, and long ones take no time', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        parseEntityTags(text);
        ifRangeMatches(text, '"1"', MODIFIED);
      }),
    );
    const started = performance.now();
    parseEntityTags(`${' '.repeat(300_000)}x`);
    parseEntityTags(`"a"${' '.repeat(300_000)}x`);
    parseEntityTags('"a",'.repeat(75_000));
    // Who looks at each character from each one on takes a minute.
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});
