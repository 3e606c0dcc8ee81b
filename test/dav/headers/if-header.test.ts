import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  evaluateIf,
  IF_CONDITIONS_MAX,
  type IfList,
  type IfState,
  parseIf,
  resourcesOf,
  tokensOf,
} from '../../../src/dav/headers/if-header.js';
import { refusal, resultOrRefusal } from '../refusal.js';

const token = (value: string, not = false) => ({ not, kind: 'token' as const, value });
const etag = (value: string, not = false) => ({ not, kind: 'etag' as const, value });

describe('RFC 4918 §10.4.2 — the grammar', () => {
  test.each<[string, string, IfList[]]>([
    [
      '§10.4.6 untagged',
      '(<urn:a> ["x"])(["y"])',
      [
        { resource: null, conditions: [token('urn:a'), etag('"x"')] },
        { resource: null, conditions: [etag('"y"')] },
      ],
    ],
    ['§10.4.7 Not', '(Not <urn:a> <urn:b>)', [{ resource: null, conditions: [token('urn:a', true), token('urn:b')] }]],
    [
      '§10.4.8 no-lock',
      '(<urn:a>) (Not <DAV:no-lock>)',
      [
        { resource: null, conditions: [token('urn:a')] },
        { resource: null, conditions: [token('DAV:no-lock', true)] },
      ],
    ],
    [
      '§10.4.9 tagged',
      '</r1> (<urn:a> [W/"x"]) (["strong"])',
      [
        { resource: '/r1', conditions: [token('urn:a'), etag('W/"x"')] },
        { resource: '/r1', conditions: [etag('"strong"')] },
      ],
    ],
    [
      '§10.4.10 two tags',
      '<http://h/a> (<urn:a>) <http://h/b> (<urn:b>)',
      [
        { resource: 'http://h/a', conditions: [token('urn:a')] },
        { resource: 'http://h/b', conditions: [token('urn:b')] },
      ],
    ],
    ['no white space', '</a>(Not<urn:a>["x"])', [{ resource: '/a', conditions: [token('urn:a', true), etag('"x"')] }]],
    [
      'much white space',
      ' \t( \t not \t <urn:a>\t [ "x y" ] ) ',
      [{ resource: null, conditions: [token('urn:a', true), etag('"x y"')] }],
    ],
    ['brackets inside a tag', '(["a)]>("])', [{ resource: null, conditions: [etag('"a)]>("')] }]],
    ['empty entity tag', '([""])', [{ resource: null, conditions: [etag('""')] }]],
    [
      'header lines joined by Node',
      '(<urn:a>), (<urn:b>)',
      [
        { resource: null, conditions: [token('urn:a')] },
        { resource: null, conditions: [token('urn:b')] },
      ],
    ],
    [
      'client-requirements 2.10 Nextcloud',
      '</remote.php/dav/files/a/f> (["5f"])',
      [{ resource: '/remote.php/dav/files/a/f', conditions: [etag('"5f"')] }],
    ],
    ['rclone serve tokens', '(<1795377150>)', [{ resource: null, conditions: [token('1795377150')] }]],
  ])('%s: %s', (_rule, value, lists) => {
    expect(parseIf(value)).toEqual(lists);
  });

  test.each([
    '',
    '  ',
    '()',
    '( )',
    '(<urn:a>',
    '<urn:a>)',
    '(<urn:a',
    '(urn:a)',
    '(<>)',
    '(<a b>)',
    '([x])',
    '(["x)',
    '(["x"y"])',
    '([w/"x"])',
    '(Not)',
    '(Not Not <urn:a>)',
    '(Notx <urn:a>)',
    '(<urn:a>) x',
    '</a>',
    '</a> </b> (<urn:a>)',
    '</a> (<urn:a>) </b>',
    '((<urn:a>))',
    '(<urn:a> (<urn:b>))',
    '(<urn:a>, <urn:b>)',
    '(["a\u0000"])',
  ])('outside the grammar is 400: %j', (value) => {
    expect(refusal(() => parseIf(value)).status).toBe(400);
  });

  test('§10.4.2 — tagged and untagged lists do not mix', () => {
    expect(refusal(() => parseIf('(<urn:a>) </b> (<urn:b>)')).status).toBe(400);
  });

  test('PITFALLS — huge If lists are refused', () => {
    expect(parseIf('(<urn:a>)'.repeat(IF_CONDITIONS_MAX))).toHaveLength(IF_CONDITIONS_MAX);
    expect(refusal(() => parseIf('(<urn:a>)'.repeat(IF_CONDITIONS_MAX + 1))).status).toBe(400);
    expect(refusal(() => parseIf(`(${'<urn:a>'.repeat(IF_CONDITIONS_MAX + 1)})`)).status).toBe(400);
    expect(refusal(() => parseIf(`(<urn:${'a'.repeat(70_000)}>)`)).status).toBe(400);
  });
});

describe('RFC 4918 §10.4.3, §10.4.4 — evaluation', () => {
  const states: Record<string, IfState> = {
    self: { etag: '"1"', stateTokens: ['urn:mine', 'urn:shared'] },
    '/free': { etag: '"2"', stateTokens: [] },
    '/unmapped': { etag: null, stateTokens: [] },
  };
  const evaluate = (value: string) => evaluateIf(parseIf(value), (resource) => states[resource ?? 'self'] ?? null);

  test.each([
    ['(<urn:mine>)', true],
    ['(<urn:other>)', false],
    ['(<urn:mine> <urn:shared>)', true],
    ['(<urn:mine> <urn:other>)', false],
    ['(<urn:other>) (<urn:mine>)', true],
    ['(Not <urn:other>)', true],
    ['(Not <urn:mine>)', false],
    ['(["1"])', true],
    ['(["2"])', false],
    ['(Not ["2"])', true],
    ['(["1"] <urn:other>)', false],
    ['(<DAV:no-lock>)', false],
    ['(Not <DAV:no-lock>)', true],
    ['(<urn:other>) (Not <DAV:no-lock>)', true],
    ['</free> (["2"])', true],
    ['</free> (<urn:mine>)', false],
    ['</free> (<urn:mine>) (["2"])', true],
    ['</free> (["x"]) </unmapped> (Not ["x"])', true],
    ['</unmapped> (["2"])', false],
    ['</unmapped> (Not <urn:mine>)', true],
    ['<http://elsewhere/> (<urn:mine>)', false],
    ['<http://elsewhere/> (Not <urn:mine>)', true],
  ])('%s is %s', (value, expected) => {
    expect(evaluate(value)).toBe(expected);
  });

  test('§10.4.4 — entity tags compare weakly, since a compressing proxy weakens ours', () => {
    expect(evaluate('([W/"1"])')).toBe(true);
    expect(evaluateIf(parseIf('(["1"])'), () => ({ etag: 'W/"1"', stateTokens: [] }))).toBe(true);
  });

  test('§10.4.8 — nothing is ever locked with DAV:no-lock', () => {
    expect(evaluateIf(parseIf('(<DAV:no-lock>)'), () => ({ etag: null, stateTokens: ['DAV:no-lock'] }))).toBe(false);
  });
});

describe('RFC 4918 §10.4.1 — what the header submits', () => {
  test('tokens of false lists count, negated ones and no-lock do not', () => {
    const lists = parseIf(
      '</a> (<urn:a> ["no"]) (Not <urn:b> <urn:a>) </c> (<urn:c>) (Not <DAV:no-lock>) (<DAV:no-lock>)',
    );
    expect(tokensOf(lists)).toEqual(['urn:a', 'urn:c']);
  });

  test('resources come once each', () => {
    expect(resourcesOf(parseIf('</a> (<urn:a>) (<urn:b>) </b> (<urn:b>) </a> (<urn:c>)'))).toEqual(['/a', '/b']);
    expect(resourcesOf(parseIf('(<urn:a>) (<urn:b>)'))).toEqual([null]);
  });
});

describe('properties', () => {
  const uri = fc.stringMatching(/^[a-z]{1,5}:[a-zA-Z0-9/%.-]{1,12}$/);
  const condition = fc.record({
    not: fc.boolean(),
    value: fc.oneof(
      uri.map((value) => ({ kind: 'token' as const, value })),
      fc.stringMatching(/^(W\/)?"[!#-~]{0,8}"$/).map((value) => ({ kind: 'etag' as const, value })),
    ),
  });
  const conditions = fc.array(condition, { minLength: 1, maxLength: 4 });
  const lists = fc.oneof(
    fc.array(fc.record({ resource: fc.constant(null), conditions }), { minLength: 1, maxLength: 5 }),
    fc.array(fc.record({ resource: uri, conditions }), { minLength: 1, maxLength: 5 }),
  );
  const gap = fc.constantFrom('', ' ', '\t ');

  test('whatever the grammar can write is read back', () => {
    fc.assert(
      fc.property(lists, gap, (written, space) => {
        let text = '';
        for (const { resource, conditions: all } of written) {
          if (resource !== null) text += `${space}<${resource}>`;
          text += `${space}(`;
          for (const { not, value } of all) {
            text += `${space}${not ? 'Not ' : ''}${value.kind === 'token' ? `<${value.value}>` : `[${value.value}]`}`;
          }
          text += `${space})`;
        }
        const expected = written.map(({ resource, conditions: all }) => ({
          resource,
          conditions: all.map(({ not, value }) => ({ not, ...value })),
        }));
        expect(parseIf(text)).toEqual(expected);
      }),
    );
  });

  test('any text gives lists or a HttpError 400', () => {
    const pieces = fc.constantFrom(
      '(',
      ')',
      '<',
      '>',
      '[',
      ']',
      '"',
      'W/',
      'Not',
      ' ',
      ',',
      'urn:a',
      '<urn:a>',
      '["x"]',
      '\u0000',
      'é',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(pieces).map((all) => all.join('')),
        ),
        (text) => {
          const result = resultOrRefusal(() => parseIf(text));
          if (Array.isArray(result)) expect(result.every((list) => list.conditions.length > 0)).toBe(true);
          else expect(result.status).toBe(400);
        },
      ),
      { numRuns: 1000 },
    );
  });
});
