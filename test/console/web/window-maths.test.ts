import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rowsInView, rowsPerPage, scrollTopShowing } from '../../../src/console/web/files/window-maths.js';

const view = (scrollTop: number, count = 100_000) => ({ scrollTop, viewHeight: 600, rowHeight: 48, count });

describe('a folder of 100,000 draws only what is seen', () => {
  test('a few rows at the top, in the middle and at the end', () => {
    expect(rowsInView(view(0), 5)).toEqual({ first: 0, end: 18, offset: 0 });
    expect(rowsInView(view(48 * 50_000), 5)).toEqual({ first: 49_995, end: 50_018, offset: 48 * 49_995 });
    expect(rowsInView(view(48 * 100_000 - 600), 5)).toEqual({ first: 99_982, end: 100_000, offset: 48 * 99_982 });
  });

  test('a list that became shorter than where it was scrolled to shows its end', () => {
    expect(rowsInView(view(48 * 90_000, 20), 5)).toEqual({ first: 2, end: 20, offset: 96 });
    expect(rowsInView(view(0, 0), 5)).toEqual({ first: 0, end: 0, offset: 0 });
  });

  test('whatever is seen is drawn, and never much more', () => {
    fc.assert(
      fc.property(
        fc.nat(5_000_000),
        fc.nat(120_000),
        fc.integer({ min: 0, max: 2000 }),
        (scrollTop, count, viewHeight) => {
          const { first, end, offset } = rowsInView({ scrollTop, viewHeight, rowHeight: 48, count }, 5);
          const top = Math.max(0, Math.min(scrollTop, count * 48 - viewHeight));
          expect(offset).toBe(first * 48);
          expect(offset).toBeLessThanOrEqual(top);
          expect(end * 48).toBeGreaterThanOrEqual(Math.min(top + viewHeight, count * 48));
          expect(end).toBeLessThanOrEqual(count);
          expect(end - first).toBeLessThanOrEqual(viewHeight / 48 + 12);
        },
      ),
    );
  });

  test('the keyboard scrolls just so far that its row is seen', () => {
    expect(scrollTopShowing(3, view(48 * 10))).toBe(48 * 3);
    expect(scrollTopShowing(12, view(48 * 10))).toBe(48 * 10);
    expect(scrollTopShowing(40, view(48 * 10))).toBe(48 * 41 - 600);
    expect(rowsPerPage({ viewHeight: 600, rowHeight: 48 })).toBe(11);
    expect(rowsPerPage({ viewHeight: 10, rowHeight: 48 })).toBe(1);
  });
});
