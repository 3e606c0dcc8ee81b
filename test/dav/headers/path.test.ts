import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodePath, encodePath, encodeSegment, PATH_LENGTH_MAX } from '../../../src/dav/headers/path.js';
import { refusal, resultOrRefusal } from '../refusal.js';

describe('decodePath', () => {
  test.each([
    ['/', []],
    ['', []],
    ['/a', ['a']],
    ['/a/b/', ['a', 'b']],
    ['//a///b//', ['a', 'b']],
    ['/a%20b', ['a b']],
    ['/%C3%BC', ['ü']],
    ['/%c3%bc', ['ü']],
    ['/u%CC%88', ['u\u0308']],
    ['/%F0%9F%98%80', ['😀']],
    ['/a+b', ['a+b']],
    ['/a%2Bb', ['a+b']],
    ['/%25', ['%']],
    ['/%252F', ['%2F']],
    ['/...', ['...']],
    ['/.a/..b', ['.a', '..b']],
    ['/a;b=c&d', ['a;b=c&d']],
    ['/a%5Cb', ['a\\b']],
    ['/%7F', ['\x7f']],
    ['/%EF%BF%BD', ['\ufffd']],
  ])('%j is %j', (raw, segments) => {
    expect(decodePath(raw)).toEqual(segments);
  });

  test('raw UTF-8, which Node hands over as Latin-1, is taken as its bytes', () => {
    expect(decodePath(Buffer.from('/grün/a%20b').toString('latin1'))).toEqual(['grün', 'a b']);
    expect(refusal(() => decodePath('/\xfc')).status).toBe(400);
  });

  test.each([
    ['bad escape', '/%'],
    ['bad escape', '/%4'],
    ['bad escape', '/%zz'],
    ['invalid UTF-8', '/%FF'],
    ['short UTF-8', '/%C3'],
    ['overlong slash', '/%C0%AF'],
    ['overlong dot', '/%C0%AE%C0%AE'],
    ['overlong NUL', '/%C0%80'],
    ['lone surrogate', '/%ED%A0%80'],
    ['beyond Unicode', '/%F4%90%80%80'],
    ['NUL', '/a%00b'],
    ['raw NUL', '/a\0b'],
    ['slash in a segment', '/a%2Fb'],
    ['slash in a segment', '/a%2fb'],
    ['dot', '/./a'],
    ['dots', '/a/../b'],
    ['dots at the end', '/a/..'],
    ['encoded dot', '/%2e/a'],
    ['encoded dots', '/%2e%2e/a'],
    ['half encoded dots', '/.%2E/a'],
    ['no byte', '/\u0101\u002541'],
    ['no byte before digits', '/\u010141'],
    ['raw surrogate', '/\ud800'],
  ])('PITFALLS — %s is 400: %j', (_rule, raw) => {
    expect(refusal(() => decodePath(raw)).status).toBe(400);
  });

  test('too long and too deep are 414', () => {
    expect(decodePath(`/${'a'.repeat(PATH_LENGTH_MAX - 1)}`)).toHaveLength(1);
    expect(refusal(() => decodePath(`/${'a'.repeat(PATH_LENGTH_MAX)}`)).status).toBe(414);
    expect(decodePath('/a'.repeat(256))).toHaveLength(256);
    expect(refusal(() => decodePath('/a'.repeat(257))).status).toBe(414);
  });
});

describe('client-requirements R18 — hrefs', () => {
  test.each([
    ['plain-name_1.~txt', 'plain-name_1.~txt'],
    ['a b', 'a%20b'],
    ['a+b', 'a%2Bb'],
    ['(1)', '(1)'],
    ['ü', '%C3%BC'],
    ['😀', '%F0%9F%98%80'],
    ['100%', '100%25'],
    ['a&b=c;d:e@f$g,h', 'a%26b%3Dc%3Bd%3Ae%40f%24g%2Ch'],
    ['a#b?c', 'a%23b%3Fc'],
    ['<">', '%3C%22%3E'],
    ['a\\b', 'a%5Cb'],
    ['\x7f\x01', '%7F%01'],
  ])('%j is %s', (name, href) => {
    expect(encodeSegment(name)).toBe(href);
  });

  test('a name that cannot be UTF-8 does not fail the listing', () => {
    expect(encodeSegment('a\ud800b')).toBe('a%EF%BF%BDb');
    expect(encodeSegment('😀\udc00')).toBe('%F0%9F%98%80%EF%BF%BD');
  });

  test('collections end in a slash, the root is one', () => {
    expect(encodePath([], false)).toBe('/');
    expect(encodePath([], true)).toBe('/');
    expect(encodePath(['a b', 'c'], false)).toBe('/a%20b/c');
    expect(encodePath(['a b', 'c'], true)).toBe('/a%20b/c/');
  });
});

describe('properties', () => {
  const name = fc
    .string({ unit: 'binary', minLength: 1, maxLength: 20 })
    .filter((text) => !/[/\0]/.test(text) && text !== '.' && text !== '..');

  test('decode ∘ encode is the identity on names, whatever their normalization', () => {
    fc.assert(
      fc.property(fc.array(name, { maxLength: 8 }), fc.boolean(), (segments, trailingSlash) => {
        const href = encodePath(segments, trailingSlash);
        expect(href).toMatch(/^[!-~]+$/);
        expect(decodePath(href)).toEqual(segments);
        expect(decodePath(href.replace(/%../g, (hex) => hex.toLowerCase()))).toEqual(segments);
      }),
    );
  });

  test('any text gives safe segments or a HttpError', () => {
    const pieces = fc.constantFrom(
      '/',
      '%',
      '2',
      'F',
      'f',
      '.',
      '%2e',
      '%2F',
      '%00',
      '%C3',
      '%BC',
      '\xc3\xbc',
      'a',
      '\ud800',
      'ā',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.array(pieces).map((all) => all.join('')),
        ),
        (raw) => {
          const result = resultOrRefusal(() => decodePath(raw));
          if (!Array.isArray(result)) expect([400, 414]).toContain(result.status);
          for (const segment of Array.isArray(result) ? result : []) {
            expect(segment).not.toMatch(/^(|\.|\.\.)$/);
            expect(segment).not.toMatch(/[/\0]/);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});
