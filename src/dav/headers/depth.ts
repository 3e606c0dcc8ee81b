import { HttpError } from '../../http-error.js';

export type Depth = '0' | '1' | 'infinity';

/**
 * Reads `Depth` (RFC 4918 §10.2). `fallback` is what the method takes a missing header for. Throws HttpError 400 for any
 * other value, `Depth: 2` among them.
 */
export function parseDepth(value: string | undefined, fallback: Depth): Depth {
  if (value === undefined) return fallback;
  const depth = value.trim().toLowerCase();
  if (depth === '0' || depth === '1' || depth === 'infinity') return depth;
  throw new HttpError(400, 'The Depth header must be 0, 1 or infinity.');
}
