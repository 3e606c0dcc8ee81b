import { language, locale } from './i18n.js';

const UNITS = { en: ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB'], fr: ['octets', 'ko', 'Mo', 'Go', 'To', 'Po'] } as const;

/** `1.4 GB`, in thousands. */
export function formatBytes(bytes: number): string {
  const units = UNITS[language.value];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  const number = value.toLocaleString(locale(), { maximumFractionDigits: digits });
  return `${number}\u00a0${units[unit]}`;
}

export function formatNumber(value: number): string {
  return value.toLocaleString(locale());
}

/** `27 Nov 2026` */
export function formatDate(time: string): string {
  return new Date(time).toLocaleDateString(locale(), { day: 'numeric', month: 'short', year: 'numeric' });
}

/** `27 Nov 2026, 10:04` */
export function formatTime(time: string): string {
  return new Date(time).toLocaleString(locale(), { dateStyle: 'medium', timeStyle: 'short' });
}

/** `27 Nov 2026, 10:04:31`, where two may be of one minute. */
export function formatMoment(time: string): string {
  return new Date(time).toLocaleString(locale(), { dateStyle: 'medium', timeStyle: 'medium' });
}

const STEPS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['week', 604_800],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
];

/** `3 days ago`; under a minute: `now`. */
export function formatAgo(time: string): string {
  const seconds = (new Date(time).getTime() - Date.now()) / 1000;
  const format = new Intl.RelativeTimeFormat(locale(), { numeric: 'auto' });
  const step = STEPS.find(([, length]) => Math.abs(seconds) >= length);
  return step ? format.format(Math.round(seconds / step[1]), step[0]) : format.format(0, 'second');
}

/** What a person types for bytes: `50 GB`, `1.5TB`, `50GiB`, `2 Go`. Null: it is none. Empty text is for the caller. */
export function parseBytes(text: string): number | null {
  const match = /^\s*(\d+(?:[.,]\d+)?)\s*([kmgtp]?)(i?)[bo]?\s*$/i.exec(text);
  if (!match) return null;
  const power = match[2] === '' ? 0 : 'kmgtp'.indexOf(match[2]!.toLowerCase()) + 1;
  return Math.round(Number(match[1]!.replace(',', '.')) * (match[3] ? 1024 : 1000) ** power);
}
