/** HTTP dates have years of four digits: 0000-01-01 to 9999-12-31. */
const MS_MIN = -62_167_219_200_000;
const MS_MAX = 253_402_300_799_999;

/** Files that came together share their second; the cache starts again when it holds this many. */
const CACHED_DATES_MAX = 4096;
const httpDates = new Map<number, string>();
const isoDates = new Map<number, string>();

/**
 * `Sun, 22 Nov 2026 19:14:25 GMT` (RFC 9110 §5.6.7), the one form WinSCP reads. Milliseconds since 1970 are rounded down
 * to the second; what lies outside the years 0 to 9999 is moved inside, and what is no number is 1970.
 */
export function formatHttpDate(ms: number): string {
  return cached(httpDates, ms, (date) => date.toUTCString());
}

/** `2026-11-22T19:14:25Z`, the form of `creationdate` (RFC 3339, RFC 4918 §15.1). Limits as in `formatHttpDate`. */
export function formatIsoDate(ms: number): string {
  return cached(isoDates, ms, (date) => `${date.toISOString().slice(0, 19)}Z`);
}

function cached(dates: Map<number, string>, ms: number, format: (date: Date) => string): string {
  const second = Math.floor((Number.isNaN(ms) ? 0 : Math.min(Math.max(ms, MS_MIN), MS_MAX)) / 1000);
  let text = dates.get(second);
  if (text === undefined) {
    text = format(new Date(second * 1000));
    if (dates.size >= CACHED_DATES_MAX) dates.clear();
    dates.set(second, text);
  }
  return text;
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

/** IMF-fixdate and RFC 850, and what is sent in their place: no weekday, one digit for the day, no seconds, other zones. */
const DAY_FIRST =
  /^(?:[a-z]{3,9},?\s+)?(\d{1,2})[ -]([a-z]{3})[ -](\d{4}|\d{2})\s+(\d{1,2}):(\d{2})(?::(\d{2}))?\s+(?:GMT|UTC|UT|Z|([+-])(\d{2})(\d{2}))$/i;
const ASCTIME = /^[a-z]{3}\s+([a-z]{3})\s+(\d{1,2})\s+(\d{1,2}):(\d{2}):(\d{2})\s+(\d{4})$/i;
/** The longest date with every leniency is far below; keeps the patterns from long texts. */
const DATE_LENGTH_MAX = 64;

/**
 * Reads an HTTP date in each of the three forms of RFC 9110 §5.6.7 and in the variants of RFC 1123 that clients send.
 * Returns milliseconds since 1970, or null for what is no date. A year of two digits that would lie more than 50 years after
 * `nowMs` is of the century before.
 */
export function parseHttpDate(text: string, nowMs: number = Date.now()): number | null {
  const trimmed = text.trim();
  if (trimmed.length > DATE_LENGTH_MAX) return null;
  const asctime = ASCTIME.exec(trimmed);
  if (asctime !== null) {
    const [, month = '', day, hour, minute, second, year] = asctime;
    return instant(Number(year), month, Number(day), Number(hour), Number(minute), Number(second));
  }
  const match = DAY_FIRST.exec(trimmed);
  if (match === null) return null;
  const [, day, month = '', yearText = '', hour, minute, second, sign, zoneHours, zoneMinutes] = match;
  const year = yearText.length === 2 ? fullYear(Number(yearText), nowMs) : Number(yearText);
  const local = instant(year, month, Number(day), Number(hour), Number(minute), Number(second ?? 0));
  if (local === null || sign === undefined) return local;
  const offsetMs = (Number(zoneHours) * 60 + Number(zoneMinutes)) * 60_000;
  return sign === '+' ? local - offsetMs : local + offsetMs;
}

function fullYear(twoDigits: number, nowMs: number): number {
  const thisYear = new Date(nowMs).getUTCFullYear();
  const year = thisYear - (thisYear % 100) + twoDigits;
  return year > thisYear + 50 ? year - 100 : year;
}

function instant(year: number, monthName: string, day: number, hour: number, minute: number, second: number) {
  const month = MONTHS.indexOf(monthName.toLowerCase());
  // Second 60 is a leap second, which Date counts as the next minute's first.
  if (month < 0 || hour > 23 || minute > 59 || second > 60) return null;
  const date = new Date(0);
  // Date.UTC would read a year below 100 as one of the 20th century.
  date.setUTCFullYear(year, month, day);
  if (date.getUTCMonth() !== month || date.getUTCDate() !== day) return null;
  return date.setUTCHours(hour, minute, second);
}
