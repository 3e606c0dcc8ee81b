import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DEFAULT_GRID, type Grid, isInGrid, keptUntil, midnightsOf } from '../../src/drive/past/grid.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const at = (text: string) => Date.parse(text);

/** What a zone's clocks show: date and time, as a text that sorts. */
function clocks(zone: string): (moment: number) => string {
  const format = new Intl.DateTimeFormat('sv', { dateStyle: 'short', timeStyle: 'medium', timeZone: zone });
  return (moment) => format.format(moment);
}

/** Half hours of the years around the tests, with the date that a zone's clocks show, and whether that begins. */
const tables = new Map<string, { readonly moment: number; readonly date: string; readonly isMidnight: boolean }[]>();
function halfHours(zone: string) {
  const known = tables.get(zone);
  if (known) return known;
  const show = clocks(zone);
  const table: { moment: number; date: string; isMidnight: boolean }[] = [];
  let before = '';
  for (let moment = at('2024-10-01T00:00:00Z'); moment < at('2028-01-01T00:00:00Z'); moment += HOUR / 2) {
    const date = show(moment).slice(0, 10);
    table.push({ moment, date, isMidnight: before !== '' && before !== date });
    before = date;
  }
  tables.set(zone, table);
  return table;
}

/** All moments of a grid but those of the last hours, one by one, as a person would list them, the last one first. */
function listed(now: number, grid: Grid): number[] {
  const table = halfHours(grid.zone);
  const yearLater = new Map(
    table.flatMap(({ moment, date, isMidnight }) => (isMidnight ? [[date, moment] as const] : [])),
  );
  const found = table.filter(({ moment, date, isMidnight }) => {
    if (moment > now || moment < now - 420 * DAY) return false;
    const isHour = moment % HOUR === 0 && moment >= now - grid.days * DAY;
    const isDay = isMidnight && moment >= now - grid.midnights * DAY;
    const [year, month] = date.split('-').map(Number) as [number, number];
    const end = yearLater.get(new Date(Date.UTC(year, month - 1 + grid.months, 1)).toISOString().slice(0, 10));
    const isFirst = isMidnight && date.endsWith('-01') && grid.months > 0 && now <= end!;
    return isHour || isDay || isFirst;
  });
  return found.map(({ moment }) => moment).reverse();
}

const ZONES = ['UTC', 'Europe/Zurich', 'America/New_York', 'Asia/Kolkata', 'America/Asuncion', 'Africa/Cairo'];
const grids = fc.record({
  hours: fc.integer({ min: 0, max: 48 }),
  days: fc.integer({ min: 0, max: 10 }),
  midnights: fc.integer({ min: 0, max: 70 }),
  months: fc.integer({ min: 0, max: 12 }),
  zone: fc.constantFrom(...ZONES),
});

describe('PRODUCT V2 — what is kept is exact', () => {
  test('a state is kept as long as a moment of the grid shows it, and no longer', () => {
    const now = at('2026-01-01T00:00:00Z');
    fc.assert(
      fc.property(
        grids,
        fc.integer({ min: 0, max: 400 * DAY }),
        fc.integer({ min: 1, max: 90 * DAY }),
        fc.integer({ min: 0, max: 300 * DAY }),
        (grid, age, length, start) => {
          const today = now + start;
          const untilAt = today - age;
          const fromAt = untilAt - length;
          const isShown =
            untilAt > today - grid.hours * HOUR ||
            listed(today, grid).some((moment) => fromAt <= moment && moment < untilAt);
          expect(today < keptUntil({ fromAt, untilAt }, grid)).toBe(isShown);
        },
      ),
      { numRuns: 120 },
    );
  });

  test('a moment can be looked at where the grid has it, and states that it shows are kept', () => {
    const now = at('2026-11-05T07:31:00Z');
    for (const zone of ZONES) {
      const grid = { ...DEFAULT_GRID, zone };
      for (const moment of listed(now, grid)) {
        expect(isInGrid(moment, now, grid)).toBe(true);
        expect(now < keptUntil({ fromAt: moment - 5, untilAt: moment + 1 }, grid)).toBe(true);
        if (moment < now - DAY) expect(isInGrid(moment + 1, now, grid)).toBe(false);
      }
      expect(isInGrid(now + 1, now, grid)).toBe(false);
      const midnights = new Set(halfHours(zone).flatMap(({ moment, isMidnight }) => (isMidnight ? [moment] : [])));
      expect(midnightsOf(now, grid)).toEqual(listed(now, grid).filter((moment) => midnights.has(moment)));
    }
  });

  test('past B5 — the days on which clocks change have one midnight each, and all of their hours once', () => {
    const grid = { ...DEFAULT_GRID, zone: 'Europe/Zurich' };
    const spring = at('2026-03-30T12:00:00Z');
    expect(
      midnightsOf(spring, grid)
        .slice(0, 3)
        .map((moment) => new Date(moment).toISOString()),
    ).toEqual(['2026-03-29T22:00:00.000Z', '2026-03-28T23:00:00.000Z', '2026-03-27T23:00:00.000Z']);
    const autumn = at('2026-10-26T12:00:00Z');
    expect(
      midnightsOf(autumn, grid)
        .slice(0, 3)
        .map((moment) => new Date(moment).toISOString()),
    ).toEqual(['2026-10-25T23:00:00.000Z', '2026-10-24T22:00:00.000Z', '2026-10-23T22:00:00.000Z']);
    // The hour that came twice: both of it are there.
    const days = autumn + 3 * DAY;
    for (const hour of ['2026-10-25T00:00:00Z', '2026-10-25T01:00:00Z'])
      expect(isInGrid(at(hour), days, grid)).toBe(true);
  });

  test('past B5 — exactly on the edge', () => {
    const midnight = at('2026-05-02T00:00:00Z');
    const state = { fromAt: midnight, untilAt: midnight + 1 };
    const oneEarlier = { fromAt: midnight - 1_000, untilAt: midnight };
    expect(keptUntil(state, DEFAULT_GRID)).toBe(midnight + 60 * DAY + 1);
    expect(keptUntil(oneEarlier, DEFAULT_GRID)).toBe(midnight + DAY);
    expect(isInGrid(midnight, midnight + 60 * DAY, DEFAULT_GRID)).toBe(true);
    expect(isInGrid(midnight, midnight + 60 * DAY + 1, DEFAULT_GRID)).toBe(false);
    const now = midnight + 12_345;
    expect(isInGrid(now - DAY, now, DEFAULT_GRID)).toBe(true);
    expect(isInGrid(now - DAY - 1, now, DEFAULT_GRID)).toBe(false);
    expect(keptUntil({ fromAt: 5, untilAt: 5 }, DEFAULT_GRID)).toBe(5);
  });
});
