import { describe, expect, test } from 'vitest';
import { parseDepth } from '../../../src/dav/headers/depth.js';
import { parseLockToken } from '../../../src/dav/headers/lock-token.js';
import { parseOcMtime } from '../../../src/dav/headers/mtime.js';
import { parseOverwrite } from '../../../src/dav/headers/overwrite.js';
import { prefersMinimal, wantsDepthNoroot } from '../../../src/dav/headers/prefer.js';
import { parseTimeout } from '../../../src/dav/headers/timeout.js';
import { HttpError } from '../../../src/http-error.js';
import { refusal } from '../refusal.js';

describe('RFC 4918 §10.2 — Depth', () => {
  test.each([
    ['0', '0'],
    ['1', '1'],
    ['infinity', 'infinity'],
    ['Infinity', 'infinity'],
    [' 1 ', '1'],
    [undefined, 'infinity'],
  ] as const)('%j is %s', (value, depth) => {
    expect(parseDepth(value, 'infinity')).toBe(depth);
  });

  test.each(['2', '', '1, 1', '1,noroot', '-1', 'infinite', '01'])('PITFALLS — %j is 400', (value) => {
    expect(refusal(() => parseDepth(value, '0')).status).toBe(400);
  });
});

describe('RFC 4918 §10.7 — Timeout is a wish', () => {
  const limits = { maxSeconds: 3600, defaultSeconds: 600 };
  test.each([
    ['Second-100', 100],
    ['second-100', 100],
    ['Second-3600', 3600],
    ['Second-3601', 3600],
    ['Second-4100000000', 3600],
    ['Infinite', 3600],
    ['Infinite, Second-4100000000', 3600],
    ['Extend, Second-5', 5],
    ['Second-0, Second-7', 7],
    ['Second-4294967295', 3600],
    ['Second-4294967296', 600],
    ['Second-99999999999999999999', 600],
    ['Second--5', 600],
    ['Second-0', 600],
    ['Second-1e3', 600],
    ['', 600],
    ['nonsense', 600],
    [undefined, 600],
  ])('%j is %i seconds', (value, seconds) => {
    expect(parseTimeout(value, limits)).toBe(seconds);
  });

  test('the default is capped as well', () => {
    expect(parseTimeout(undefined, { maxSeconds: 60, defaultSeconds: 600 })).toBe(60);
  });
});

describe('RFC 4918 §10.6 — Overwrite', () => {
  test('client-requirements R16 — a missing header is T', () => {
    expect(parseOverwrite(undefined)).toBe(true);
  });

  test.each([
    ['T', true],
    ['F', false],
    ['t', true],
    [' F ', false],
  ])('%j is %s', (value, expected) => {
    expect(parseOverwrite(value)).toBe(expected);
  });

  test.each(['', 'true', 'TF', 'T, T'])('%j is 400', (value) => {
    expect(refusal(() => parseOverwrite(value)).status).toBe(400);
  });
});

describe('RFC 4918 §10.5 — Lock-Token', () => {
  test.each([
    ['<opaquelocktoken:a-b>', 'opaquelocktoken:a-b'],
    [' <urn:uuid:1> ', 'urn:uuid:1'],
  ])('%j is %s', (value, token) => {
    expect(parseLockToken(value)).toBe(token);
  });

  test('client-requirements R6 — a token without angle brackets is taken (npm webdav 5.11)', () => {
    expect(parseLockToken('opaquelocktoken:a-b')).toBe('opaquelocktoken:a-b');
  });

  test.each([
    undefined,
    '',
    '<>',
    '<a:b',
    'a:b>',
    '<a:b> <c:d>',
    'a:b c:d',
    'token',
    '<:x>',
    `<a:${'x'.repeat(2000)}>`,
  ])('%j is 400', (value) => {
    expect(refusal(() => parseLockToken(value)).status).toBe(400);
  });
});

describe('client-requirements R9 — X-OC-Mtime is Unix seconds', () => {
  test.each([
    ['1577959200', 1577959200000],
    ['1577959200.5', 1577959200500],
    ['1795374865.123', 1795374865123],
    ['1795374865.1239', 1795374865123],
    ['0', 0],
    ['-0', 0],
    ['-1', -1000],
    ['-1.5', -1500],
    ['-0.0001', -1],
    ['253402300799', 253402300799000],
    ['-62135596800', -62135596800000],
    [' 7 ', 7000],
  ])('%j is %i ms', (value, ms) => {
    expect(parseOcMtime(value)).toBe(ms);
  });

  test('a missing or empty header is no time', () => {
    expect(parseOcMtime(undefined)).toBeNull();
    expect(parseOcMtime('')).toBeNull();
  });

  test.each([
    '253402300800',
    '-62135596801',
    '1577959200000000',
    '0x5e0d',
    '1e9',
    'now',
    'NaN',
    'Infinity',
    '1.',
    '.5',
    '1,5',
    '--1',
  ])('%j is 400', (value) => {
    expect(refusal(() => parseOcMtime(value)).status).toBe(400);
  });
});

describe('RFC 8144 — Prefer', () => {
  test.each([
    [{ prefer: 'return=minimal' }, true],
    [{ prefer: 'respond-async, Return="minimal"; x=1' }, true],
    [{ brief: 't' }, true],
    [{ brief: 'T' }, true],
    [{ brief: 'f' }, false],
    [{ prefer: 'return=representation' }, false],
    [{ prefer: 'return=minimalist' }, false],
    [{}, false],
  ])('%j asks for a short answer: %s', (headers, expected) => {
    expect(prefersMinimal(headers)).toBe(expected);
  });

  test('§4 — depth-noroot leaves out the collection', () => {
    expect(wantsDepthNoroot({ prefer: 'return=minimal, depth-noroot' })).toBe(true);
    expect(wantsDepthNoroot({ prefer: 'return=minimal' })).toBe(false);
  });
});

test('STYLE — a refusal is a HttpError with a sentence', () => {
  const error = refusal(() => parseDepth('2', '0'));
  expect(error).toBeInstanceOf(HttpError);
  expect(error.message).toMatch(/^[A-Z].*\.$/);
});
