import { describe, expect, test } from 'vitest';
import {
  clickRow,
  keepThere,
  moveByKey,
  NOTHING_SELECTED,
  type Rows,
  type Selection,
  selectAll,
  toggleRow,
} from '../../../src/console/web/files/selection.js';

const NAMES = ['/a', '/b', '/c', '/d', '/e', '/f'];
const rows: Rows = { count: NAMES.length, pathAt: (row) => NAMES[row] ?? null };
const ALONE = { shift: false, control: false };
const SHIFT = { shift: true, control: false };
const CONTROL = { shift: false, control: true };
const chosen = ({ paths }: Selection) => [...paths].sort().join('');
const move = (selection: Selection, key: string, held = ALONE) => moveByKey(selection, rows, key, held, 3)!;

describe('selecting with mouse and keyboard', () => {
  test('a click selects one, Control adds and takes away, Shift goes on to there', () => {
    const one = clickRow(NOTHING_SELECTED, rows, 1, ALONE);
    expect(chosen(one)).toBe('/b');
    const two = clickRow(one, rows, 3, CONTROL);
    expect(chosen(two)).toBe('/b/d');
    expect(chosen(clickRow(two, rows, 3, CONTROL))).toBe('/b');
    expect(chosen(clickRow(two, rows, 5, SHIFT))).toBe('/d/e/f');
    expect(chosen(clickRow(two, rows, 5, { shift: true, control: true }))).toBe('/b/d/e/f');
    expect(chosen(clickRow(one, rows, 0, SHIFT))).toBe('/a/b');
  });

  test('arrows move and select; Shift widens and narrows from where it began', () => {
    let selection = move(NOTHING_SELECTED, 'ArrowDown');
    expect(chosen(selection)).toBe('/b');
    selection = move(move(selection, 'ArrowDown', SHIFT), 'ArrowDown', SHIFT);
    expect(chosen(selection)).toBe('/b/c/d');
    selection = move(selection, 'ArrowUp', SHIFT);
    expect(chosen(selection)).toBe('/b/c');
    selection = move(move(selection, 'Home', SHIFT), 'ArrowUp', SHIFT);
    expect([chosen(selection), selection.focus]).toEqual(['/a/b', 0]);
  });

  test('with Control the keyboard only goes there, and Space selects', () => {
    const there = move(move(clickRow(NOTHING_SELECTED, rows, 0, ALONE), 'PageDown', CONTROL), 'ArrowDown', CONTROL);
    expect([chosen(there), there.focus]).toEqual(['/a', 4]);
    expect(chosen(toggleRow(there, rows, there.focus))).toBe('/a/e');
  });

  test('keys stop at both ends, and others are not for the list', () => {
    expect(move(NOTHING_SELECTED, 'End').focus).toBe(5);
    expect(move(move(NOTHING_SELECTED, 'End'), 'PageDown').focus).toBe(5);
    expect(move(NOTHING_SELECTED, 'PageUp').focus).toBe(0);
    expect(moveByKey(NOTHING_SELECTED, rows, 'x', ALONE, 3)).toBeNull();
    const empty: Rows = { count: 0, pathAt: () => null };
    expect(moveByKey(NOTHING_SELECTED, empty, 'ArrowDown', ALONE, 3)).toBe(NOTHING_SELECTED);
  });

  test('what is gone is not selected any more, and the keyboard stays in the list', () => {
    const all = selectAll({ ...NOTHING_SELECTED, focus: 5 }, rows);
    expect(chosen(all)).toBe('/a/b/c/d/e/f');
    const fewer: Rows = { count: 2, pathAt: (row) => NAMES[row] ?? null };
    const kept = keepThere(all, fewer, (path) => path === '/a' || path === '/b');
    expect([chosen(kept), kept.focus]).toEqual(['/a/b', 1]);
    expect(keepThere(kept, fewer, () => true)).toBe(kept);
  });
});
