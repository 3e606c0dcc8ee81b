import { body } from './checks.js';
import type { Capture, Step } from './transcript.js';

/** The whole content is this. */
export function reads(path: string, content: string | Uint8Array): Step {
  return { method: 'GET', path, accept: [200], checks: [body(content)] };
}

export function isMissing(path: string): Step {
  return { method: 'PROPFIND', path, headers: { Depth: '0' }, accept: [404] };
}

export function isThere(path: string): Step {
  return { method: 'PROPFIND', path, headers: { Depth: '0' }, accept: [207] };
}

/** The lock's token, without its angle brackets. */
export const LOCK_TOKEN: Capture = { header: 'lock-token', match: /^<(.+)>$/ };

/** A body without a length, in chunks of 64 KiB. */
export function chunked(content: Uint8Array): readonly Uint8Array[] {
  const count = Math.ceil(content.length / 65_536);
  return Array.from({ length: count }, (_, index) => content.subarray(index * 65_536, (index + 1) * 65_536));
}
