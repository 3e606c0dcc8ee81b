import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DriveError } from '../../src/drive/drive-error.js';
import { orderParts, readPartName } from '../../src/drive/uploads/part-order.js';

describe('client-requirements R34 — the names of parts', () => {
  test.each([
    ['0', 0, null],
    ['0000000000000000', 0, null],
    ['00001', 1, null],
    ['10000', 10_000, null],
    ['0000000010000000', 10_000_000, null],
    ['000000000000000-000000010485759', 0, [10_485_759, 10_485_760]],
    ['000000010485760-000000010485760', 10_485_760, [0, 1]],
  ])('%s', (name, number, sizes) => {
    expect(readPartName(name)).toEqual({ number, sizes });
  });

  test.each(['', 'a', '1a', ' 1', '1 ', '+1', '-1', '1-', '1.0', '0x1', '5-4', '.file', '12345678901234567', '９'])(
    '%j is none',
    (name) => {
      expect(readPartName(name)).toBe(null);
    },
  );

  test('a number that a double can’t hold is none', () => {
    expect(readPartName('9999999999999999')).toBe(null);
  });
});

const part = (number: number, size = 10) => ({ number, size });
const numbers = (...parts: { number: number; size: number }[]) => orderParts(parts).map(({ number }) => number);

describe('PRODUCT U3 — the order of parts', () => {
  test.each([
    ['from 0', [2, 0, 1], 10],
    ['from 1', [3, 1, 2], 10],
    ['offsets', [20, 0, 10], 10],
    ['one, numbered 1', [1], 10],
    ['none', [], 10],
    ['more than nine, by number and not by name', [10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0], 7],
  ])('%s', (_title, given, size) => {
    const expected = [...given].sort((one, other) => one - other);
    expect(numbers(...given.map((number) => part(number, size)))).toEqual(expected);
  });

  test.each([
    ['a gap', [0, 1, 3]],
    ['from 2', [2, 3]],
    ['an offset too far', [0, 11]],
    ['an offset too near', [0, 9]],
    ['the same twice', [0, 1, 1]],
    ['the first offset missing', [10, 20]],
  ])('%s is incomplete', (_title, given) => {
    expect(() => numbers(...given.map((number) => part(number)))).toThrow(DriveError);
  });

  test('an empty part may stand where another begins', () => {
    expect(numbers(part(0, 10), part(10, 5), part(10, 0))).toEqual([0, 10, 10]);
  });

  test('leaving any part out of offsets but the last is seen', () => {
    const sizes = fc.array(fc.integer({ min: 2, max: 1000 }), { minLength: 2, maxLength: 20 });
    fc.assert(
      fc.property(sizes, fc.nat(), (lengths, chosen) => {
        const before = (index: number) => lengths.slice(0, index).reduce((sum, size) => sum + size, 0);
        const parts = lengths.map((size, index) => part(before(index), size));
        expect(orderParts([...parts].reverse())).toEqual(parts);
        const missing = chosen % (parts.length - 1);
        expect(() => orderParts(parts.filter((_, index) => index !== missing))).toThrow(DriveError);
      }),
    );
  });
});
