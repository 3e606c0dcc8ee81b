/** ISO 8601 in UTC; Windows takes no colons in names, so they can be left out, or be dashes. */
const MOMENT = /^(\d{4})-?(\d\d)-?(\d\d)T(\d\d)[:-]?(\d\d)(?:[:-]?(\d\d)(?:\.(\d{1,3}))?)?Z$/;

/** Milliseconds since 1970; null for what names no moment. */
export function parseMoment(name: string): number | null {
  const match = MOMENT.exec(name);
  if (!match) return null;
  const [year, month, day, hour, minute, second, fraction] = match.slice(1) as (string | undefined)[];
  const text = `${year}-${month}-${day}T${hour}:${minute}:${second ?? '00'}.${(fraction ?? '').padEnd(3, '0')}Z`;
  const moment = Date.parse(text);
  // Date.parse takes February 31 for March 3.
  return Number.isNaN(moment) || new Date(moment).toISOString() !== text ? null : moment;
}

/** As all systems take it in a name. */
export function momentName(moment: number): string {
  const text = new Date(moment).toISOString().replaceAll(':', '-');
  return text.endsWith('.000Z') ? `${text.slice(0, -5)}Z` : text;
}
