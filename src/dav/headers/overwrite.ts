import { HttpError } from '../../http-error.js';

/**
 * Reads `Overwrite` (RFC 4918 §10.6): whether COPY and MOVE may replace what stands at the destination. A missing header
 * means yes (KeePass 2 and Finder send none). Throws HttpError 400 for anything but `T` and `F`.
 */
export function parseOverwrite(value: string | undefined): boolean {
  if (value === undefined) return true;
  const flag = value.trim().toUpperCase();
  if (flag === 'T' || flag === 'F') return flag === 'T';
  throw new HttpError(400, 'The Overwrite header must be T or F.');
}
