import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { contentRange, parseRange, RANGES_MAX, type RangeRequest } from '../../../src/dav/headers/range.js';

const ranges = (...pairs: [number, number][]) => ({
  kind: 'ranges' as const,
  ranges: pairs.map(([start, end]) => ({ start, end })),
});
const ALL = { kind: 'all' as const };
const UNSATISFIABLE = { kind: 'unsatisfiable' as const };

describe('RFC 9110 §14.1.2, §14.2 — Range on 100 bytes', () => {
  test.each([
    ['bytes=0-0', ranges([0, 0])],
    ['bytes=10-19', ranges([10, 19])],
    ['bytes=90-', ranges([90, 99])],
    ['bytes=0-', ranges([0, 99])],
    ['bytes=0-99', ranges([0, 99])],
    ['bytes=50-1000', ranges([50, 99])],
    ['bytes=-10', ranges([90, 99])],
    ['bytes=-1000', ranges([0, 99])],
    ['bytes=0-99999999999999999999999', ranges([0, 99])],
    ['bytes=-99999999999999999999999', ranges([0, 99])],
    ['Bytes=1-2', ranges([1, 2])],
    ['bytes= 1-2 ,\t4-5', ranges([1, 2], [4, 5])],
    ['bytes=,1-2,,4-5,', ranges([1, 2], [4, 5])],
    ['bytes=4-5,1-2', ranges([4, 5], [1, 2])],
    ['bytes=0-10,5-20', ranges([0, 20])],
    ['bytes=0-9,10-19', ranges([0, 19])],
    ['bytes=50-59,0-9,55-70', ranges([50, 70], [0, 9])],
    ['bytes=0-,-1', ranges([0, 99])],
    ['bytes=1-2,200-', ranges([1, 2])],
    ['bytes=100-', UNSATISFIABLE],
    ['bytes=100-200,300-', UNSATISFIABLE],
    ['bytes=99999999999999999999999-', UNSATISFIABLE],
    ['bytes=-0', UNSATISFIABLE],
    [undefined, ALL],
    ['', ALL],
    ['bytes', ALL],
    ['bytes=', ALL],
    ['bytes=,', ALL],
    ['bytes=-', ALL],
    ['bytes=5-2', ALL],
    ['bytes=1-2,5-3', ALL],
    ['bytes=a-b', ALL],
    ['bytes=1-2x', ALL],
    ['bytes=--5', ALL],
    ['bytes=+1-2', ALL],
    ['bytes=0x1-0x2', ALL],
    ['bytes=1.5-2', ALL],
    ['bytes 0-1', ALL],
    ['items=0-1', ALL],
    ['bytes=1-2;4-5', ALL],
  ])('%j', (value, expected) => {
    expect(parseRange(value, 100)).toEqual(expected);
  });

  test('sizes beyond 2^32 keep every digit', () => {
    expect(parseRange('bytes=49999999990-', 50e9)).toEqual(ranges([49999999990, 49999999999]));
  });

  test('golang/go#47021 — an empty content ignores every range', () => {
    expect(parseRange('bytes=0-', 0)).toEqual(ALL);
    expect(parseRange('bytes=-5', 0)).toEqual(ALL);
  });

  test('RFC 9110 §17.15 — silly numbers of parts are ignored', () => {
    const parts = (count: number) => `bytes=${Array.from({ length: count }, (_, part) => `${part * 2}-${part * 2}`)}`;
    expect(parseRange(parts(RANGES_MAX), 1000)).toMatchObject({ kind: 'ranges' });
    expect(parseRange(parts(RANGES_MAX + 1), 1000)).toEqual(ALL);
    expect(parseRange(`bytes=${'0-,'.repeat(100)}`, 1000)).toEqual(ranges([0, 999]));
    expect(parseRange(`bytes=${'0-,'.repeat(1000)}`, 1000)).toEqual(ALL);
    expect(parseRange(`bytes=${'0-,'.repeat(100_000)}`, 1000)).toEqual(ALL);
  });

  test('RFC 9110 §14.4 — Content-Range', () => {
    expect(contentRange({ start: 0, end: 9 }, 100)).toBe('bytes 0-9/100');
    expect(contentRange(null, 100)).toBe('bytes */100');
  });
});

describe('properties', () => {
  const spec = fc.oneof(
    fc.tuple(fc.nat(60), fc.nat(60)).map(([first, last]) => `${first}-${last}`),
    fc.nat(60).map((first) => `${first}-`),
    fc.nat(60).map((length) => `-${length}`),
  );

  test('ranges lie within the content, are disjoint, and cover exactly what was asked for', () => {
    fc.assert(
      fc.property(fc.array(spec, { minLength: 1, maxLength: 12 }), fc.integer({ min: 1, max: 50 }), (specs, size) => {
        const result = parseRange(`bytes=${specs.join(',')}`, size);
        const asked = specs.map((text) => askedBytes(text, size));
        const wanted = [...new Set(asked.flatMap((bytes) => bytes ?? []))].sort((a, b) => a - b);
        if (asked.includes(null)) expect(result).toEqual(ALL);
        else if (wanted.length === 0) expect(result).toEqual(UNSATISFIABLE);
        else expect(givenBytes(result)).toEqual(wanted);
      }),
      { numRuns: 1000 },
    );
  });

  test('any text and size give a result', () => {
    fc.assert(
      fc.property(
        fc.string().map((text) => `bytes=${text}`),
        fc.nat(),
        (value, size) => {
          const result = parseRange(value, size);
          if (result.kind !== 'ranges') return;
          for (const { start, end } of result.ranges) expect(0 <= start && start <= end && end < size).toBe(true);
        },
      ),
    );
  });

  /** Every byte of every part: a byte that comes twice shows that the parts overlap. */
  function givenBytes(result: RangeRequest): number[] {
    const parts = result.kind === 'ranges' ? result.ranges : [];
    return parts.flatMap(({ start, end }) => bytesFrom(start, end)).sort((a, b) => a - b);
  }

  function bytesFrom(start: number, end: number): number[] {
    return Array.from({ length: Math.max(0, end - start + 1) }, (_, index) => start + index);
  }

  /** The bytes a spec means, in the plainest words; null for an invalid one. */
  function askedBytes(text: string, size: number): number[] | null {
    const [first = '', last = ''] = text.split('-');
    if (first === '') return bytesFrom(Math.max(0, size - Number(last)), size - 1);
    if (last !== '' && Number(last) < Number(first)) return null;
    return bytesFrom(Number(first), last === '' ? size - 1 : Math.min(Number(last), size - 1));
  }
});
