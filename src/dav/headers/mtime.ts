import { HttpError } from '../../http-error.js';

/** The years 1 to 9999, which every date format of the protocol can show. Catches milliseconds sent as seconds. */
const SECONDS_MIN = -62_135_596_800;
const SECONDS_MAX = 253_402_300_799;

/**
 * Reads `X-OC-Mtime` (and `X-OC-CTime`): Unix seconds, possibly with a fraction. Returns milliseconds since 1970, rounded
 * down; null when the header is missing or empty. Throws HttpError 400 for what is no decimal number or lies outside the years 1
 * to 9999.
 */
export function parseOcMtime(value: string | undefined): number | null {
  const text = value?.trim() ?? '';
  if (text === '') return null;
  const seconds = /^-?\d{1,15}(?:\.\d{1,15})?$/.test(text) ? Number(text) : Number.NaN;
  if (!(seconds >= SECONDS_MIN && seconds < SECONDS_MAX + 1)) {
    throw new HttpError(400, 'The X-OC-Mtime and X-OC-CTime headers must hold times in Unix seconds.');
  }
  return millisecondsOf(text);
}

/** Digit by digit: 1795374865.123 × 1000 in floating point can fall a millisecond short. */
function millisecondsOf(text: string): number {
  const [whole = '0', fraction = ''] = text.split('.');
  const thousandths = Number(fraction.slice(0, 3).padEnd(3, '0'));
  const isRounded = /[1-9]/.test(fraction.slice(3));
  // Adding to 0 keeps "-0" from becoming a negative zero.
  const ms = 0 + Number(whole) * 1000;
  return text.startsWith('-') ? ms - thousandths - (isRounded ? 1 : 0) : ms + thousandths;
}
