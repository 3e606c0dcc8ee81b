import type { IncomingHttpHeaders } from 'node:http';
import { headerValue } from './header-value.js';

/**
 * Whether the client asks for a short answer: `Prefer: return=minimal` (RFC 7240 §4.2, RFC 8144 §2; ownCloud's desktop client)
 * or Microsoft's `Brief: t` (Office). PROPFIND then leaves out the 404 propstats.
 */
export function prefersMinimal(headers: IncomingHttpHeaders): boolean {
  if (/^\s*t\s*$/i.test(headerValue(headers, 'brief') ?? '')) return true;
  return preferences(headers).some((preference) => /^return\s*=\s*"?minimal"?$/i.test(preference));
}

/** Whether PROPFIND is to leave out the collection itself: `Prefer: depth-noroot` (RFC 8144 §4). */
export function wantsDepthNoroot(headers: IncomingHttpHeaders): boolean {
  return preferences(headers).some((preference) => preference.toLowerCase() === 'depth-noroot');
}

/** The preferences without their parameters. */
function preferences(headers: IncomingHttpHeaders): string[] {
  return (headerValue(headers, 'prefer') ?? '').split(',').map((preference) => (preference.split(';')[0] ?? '').trim());
}
