import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatHttpDate, formatIsoDate, parseHttpDate } from '../../../src/dav/headers/http-date.js';

const NOW = Date.UTC(2026, 10, 22);
const MOMENT = Date.UTC(1994, 10, 6, 8, 49, 37);

describe('client-requirements R22 — dates written', () => {
  test('getlastmodified', () => {
    expect(formatHttpDate(Date.UTC(2026, 10, 22, 19, 14, 25, 999))).toBe('Sun, 22 Nov 2026 19:14:25 GMT');
    expect(formatHttpDate(Date.UTC(2020, 0, 1, 1, 2, 3))).toBe('Wed, 01 Jan 2020 01:02:03 GMT');
  });

  test('creationdate', () => {
    expect(formatIsoDate(Date.UTC(2026, 10, 22, 19, 14, 25, 999))).toBe('2026-11-22T19:14:25Z');
  });

  test('times before 1970 are rounded down', () => {
    expect(formatIsoDate(-1)).toBe('1969-12-31T23:59:59Z');
    expect(formatHttpDate(-1)).toBe('Wed, 31 Dec 1969 23:59:59 GMT');
  });

  test('what no header can hold never fails a listing', () => {
    for (const ms of [
      Number.NaN,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      1e300,
      -1e300,
      8.64e15,
      -8.64e15,
    ]) {
      expect(formatHttpDate(ms)).toMatch(/^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/);
      expect(formatIsoDate(ms)).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    }
  });

  test('the cache forgets, and stays right', () => {
    for (let second = 0; second < 10_000; second++) formatHttpDate(second * 1000);
    expect(formatHttpDate(5000)).toBe('Thu, 01 Jan 1970 00:00:05 GMT');
  });
});

describe('RFC 9110 §5.6.7 — dates read', () => {
  test.each([
    ['IMF-fixdate', 'Sun, 06 Nov 1994 08:49:37 GMT'],
    ['RFC 850', 'Sunday, 06-Nov-94 08:49:37 GMT'],
    ['asctime', 'Sun Nov  6 08:49:37 1994'],
    ['wrong weekday', 'Mon, 06 Nov 1994 08:49:37 GMT'],
    ['no weekday', '06 Nov 1994 08:49:37 GMT'],
    ['one digit', 'Sun, 6 Nov 1994 8:49:37 GMT'],
    ['any case', 'SUN, 06 nov 1994 08:49:37 gmt'],
    ['RFC 1123 zone', 'Sun, 06 Nov 1994 08:49:37 +0000'],
    ['other zone', 'Sun, 06 Nov 1994 09:49:37 +0100'],
    ['western zone', 'Sun, 06 Nov 1994 03:19:37 -0530'],
    ['UTC', 'Sun, 06 Nov 1994 08:49:37 UTC'],
    ['spaces', '  Sun,  06 Nov 1994  08:49:37 GMT '],
  ])('%s: %s', (_form, text) => {
    expect(parseHttpDate(text, NOW)).toBe(MOMENT);
  });

  test('a year of two digits lies at most 50 years ahead', () => {
    expect(parseHttpDate('Friday, 01-Jan-76 00:00:00 GMT', NOW)).toBe(Date.UTC(2076, 0, 1));
    expect(parseHttpDate('Saturday, 01-Jan-77 00:00:00 GMT', NOW)).toBe(Date.UTC(1977, 0, 1));
  });

  test.each([
    '',
    '0',
    'now',
    '1994-11-06T08:49:37Z',
    'Sun, 06 Nov 1994 08:49:37',
    'Sun, 31 Feb 1994 08:49:37 GMT',
    'Sun, 00 Nov 1994 08:49:37 GMT',
    'Sun, 06 Foo 1994 08:49:37 GMT',
    'Sun, 06 Nov 1994 24:49:37 GMT',
    'Sun, 06 Nov 1994 08:60:37 GMT',
    'Sun, 06 Nov 1994 08:49:61 GMT',
    'Sun, 06 Nov 1994 08:49:37 PST',
    'Sun, 06 Nov 19945 08:49:37 GMT',
    `Sun, 06 Nov 1994 08:49:37 GMT${' '.repeat(50)}x`,
    'a'.repeat(100_000),
  ])('%j is no date', (text) => {
    expect(parseHttpDate(text, NOW)).toBeNull();
  });

  test('parse ∘ format is the identity on seconds', () => {
    const seconds = fc.integer({ min: -62_167_219_200, max: 253_402_300_799 });
    fc.assert(
      fc.property(seconds, (second) => {
        expect(parseHttpDate(formatHttpDate(second * 1000))).toBe(second * 1000);
        expect(Date.parse(formatIsoDate(second * 1000))).toBe(second * 1000);
      }),
    );
  });

  test('any text gives a finite time or null', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const ms = parseHttpDate(text);
        expect(ms === null || Number.isFinite(ms)).toBe(true);
      }),
    );
  });
});
