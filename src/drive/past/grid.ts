/** Which moments of a drive can be looked at (PRODUCT V1). Times are milliseconds since 1970. */
export interface Grid {
  /** All moments of so many hours. */
  readonly hours: number;
  /** Each full hour of so many days. Those of UTC: no change of clocks doubles or leaves out one. */
  readonly days: number;
  /** Each midnight of so many days. */
  readonly midnights: number;
  /** Each midnight that begins a month, of so many months. */
  readonly months: number;
  /** Whose midnights: a name of the IANA time zone database. */
  readonly zone: string;
}

export const DEFAULT_GRID: Grid = { hours: 24, days: 7, midnights: 60, months: 12, zone: 'UTC' };

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/**
 * A moment that was found in the grid can be looked at for so long, though it leaves the grid meanwhile: who copies a tree
 * from there gets all of it.
 */
export const IN_USE_MS = HOUR_MS;

/** Whether a moment is one of the grid as of `now`. */
export function isInGrid(moment: number, now: number, grid: Grid): boolean {
  if (!Number.isSafeInteger(moment) || moment > now) return false;
  // As long as a state that was seen then, and no longer, is kept.
  return now < keptUntil({ fromAt: moment, untilAt: moment + 1 }, grid);
}

/** When no moment of the grid shows a state any more that was there in this time, the end exclusive. */
export function keptUntil(
  { fromAt, untilAt }: { readonly fromAt: number; readonly untilAt: number },
  grid: Grid,
): number {
  const { hours, days, midnights, months, zone } = grid;
  if (fromAt >= untilAt) return untilAt;
  const last = untilAt - 1;
  const ends = hours > 0 ? [untilAt + hours * HOUR_MS] : [untilAt];
  const hour = Math.floor(last / HOUR_MS) * HOUR_MS;
  if (days > 0 && hour >= fromAt) ends.push(hour + days * DAY_MS + 1);
  const date = dateOf(last, zone);
  const midnight = startOf(date, zone);
  if (midnights > 0 && midnight >= fromAt) ends.push(midnight + midnights * DAY_MS + 1);
  const first = { ...date, day: 1 };
  if (months > 0 && startOf(first, zone) >= fromAt) ends.push(startOf(addMonths(first, months), zone) + 1);
  return Math.max(...ends);
}

/** The midnights of the grid as of `now`, the last one first. */
export function midnightsOf(now: number, grid: Grid): number[] {
  const found: number[] = [];
  let date = dateOf(now, grid.zone);
  for (;;) {
    const midnight = startOf(date, grid.zone);
    const isKept = isInGrid(midnight, now, grid);
    // Before the last of the midnights only the first ones of months are left.
    if (!isKept && midnight < now - grid.months * 31 * DAY_MS - grid.midnights * DAY_MS) return found;
    if (isKept) found.push(midnight);
    date = dateOf(midnight - 1, grid.zone);
  }
}

interface LocalDate {
  readonly year: number;
  /** From 1. */
  readonly month: number;
  readonly day: number;
}

function addMonths({ year, month, day }: LocalDate, count: number): LocalDate {
  const months = year * 12 + month - 1 + count;
  return { year: Math.floor(months / 12), month: (months % 12) + 1, day };
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** What the clocks of a zone show, as if it were UTC. */
function wallClock(at: number, zone: string): number {
  if (zone === 'UTC') return at;
  let format = formats.get(zone);
  if (!format) {
    const parts = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric' } as const;
    const options = { ...parts, second: 'numeric', hourCycle: 'h23', timeZone: zone, calendar: 'iso8601' } as const;
    format = new Intl.DateTimeFormat('en', options);
    formats.set(zone, format);
  }
  const shown = new Map(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
  const part = (type: Intl.DateTimeFormatPartTypes) => shown.get(type) ?? 0;
  const [year, month, day] = [part('year'), part('month'), part('day')];
  return Date.UTC(year, month - 1, day, part('hour'), part('minute'), part('second')) + (((at % 1000) + 1000) % 1000);
}

function dateOf(at: number, zone: string): LocalDate {
  const date = new Date(wallClock(at, zone));
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() };
}

/** When a day begins. Clocks that are put forward at midnight show a later time then. */
function startOf({ year, month, day }: LocalDate, zone: string): number {
  const midnight = Date.UTC(year, month - 1, day);
  if (zone === 'UTC') return midnight;
  const offsets = [midnight - DAY_MS, midnight + DAY_MS].map((at) => wallClock(at, zone) - at);
  const starts = offsets.map((offset) => midnight - offset).sort((one, other) => one - other);
  const isThatDay = (at: number) => {
    const date = dateOf(at, zone);
    return date.year === year && date.month === month && date.day === day;
  };
  return starts.find(isThatDay) ?? starts.at(-1)!;
}
