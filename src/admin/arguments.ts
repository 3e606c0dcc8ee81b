import { InvalidArgumentError } from 'commander';
import { parseMoment } from '../drive/past/moment-names.js';
import { readDriveId, readWhole } from '../stores/values.js';
import { parseByteSize } from './byte-size.js';

/** Readers of arguments for commander; what they throw ends the command as wrong usage. */

export function toDriveId(text: string): number {
  const id = readDriveId(text);
  if (id === null) throw new InvalidArgumentError('A drive ID is a number of six digits or more.');
  return id;
}

export function toNumber(text: string): number {
  const number = readWhole(text);
  if (number === null) throw new InvalidArgumentError('It must be a whole number.');
  return number;
}

export function toBytes(text: string): number {
  const bytes = parseByteSize(text);
  if (bytes === null) throw new InvalidArgumentError('Give bytes as a number, or like 50GB or 50GiB.');
  return bytes;
}

/** A limit to set. Wrapped, because commander takes a null for an empty string. */
export interface Limit {
  readonly bytes: number | null;
}

/** `none` takes a limit away. */
export function toLimit(text: string): Limit {
  return { bytes: text === 'none' ? null : toBytes(text) };
}

/** Milliseconds since 1970. A day alone means its end, in UTC. */
export function toDate(text: string): number {
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(text);
  const isMoment = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}/.test(text);
  const time = isDay || isMoment ? Date.parse(isDay ? `${text}T23:59:59.999Z` : text) : Number.NaN;
  // Date.parse takes February 31 for March 3.
  const isReal = isDay ? !Number.isNaN(time) && new Date(time).toISOString().startsWith(text) : !Number.isNaN(time);
  if (!isReal) throw new InvalidArgumentError('Give a date like 2027-12-31 or 2027-12-31T18:00Z.');
  return time;
}

/** Milliseconds since 1970. */
export function toMoment(text: string): number {
  const moment = parseMoment(text);
  if (moment === null) throw new InvalidArgumentError('Give a moment of UTC like 2027-12-31T18:00Z.');
  return moment;
}

export function toRole(text: string): 'manager' | 'member' | 'viewer' {
  if (text === 'manager' || text === 'member' || text === 'viewer') return text;
  throw new InvalidArgumentError('A role is manager, member or viewer.');
}
