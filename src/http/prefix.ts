import type { IncomingMessage } from 'node:http';
import type { BlockList } from 'node:net';
import { isTrusted } from './forwarded.js';
import type { Mount } from './mounts.js';

const PREFIX_BYTES_MAX = 256;
/** Names of unreserved characters (RFC 3986 §2.3), so that it can stand in addresses and pages as it is. */
const PREFIX = /^(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._~-]+)+$/;

/** Whether Firn can be reached below the path, which has no slash at the end. */
function isPrefix(path: string): boolean {
  return path.length <= PREFIX_BYTES_MAX && PREFIX.test(path);
}

/** Of an address; empty: it has none. */
export function pathOf(url: string): string {
  return new URL(url).pathname.replace(/\/+$/, '');
}

/**
 * What a proxy has taken off the front of the path, as `/firn`: what a trusted one says in `X-Forwarded-Prefix`, else the path
 * of `publicUrl` for a request to its host; empty: nothing. What is no plain path is passed over.
 */
export function prefixOf(req: IncomingMessage, trusted: BlockList, publicUrl: string | null): string {
  const said = req.headers['x-forwarded-prefix'];
  if (said !== undefined && isTrusted(req.socket.remoteAddress ?? '', trusted)) {
    const prefix = String(said).trim().replace(/\/$/, '');
    return isPrefix(prefix) ? prefix : '';
  }
  if (publicUrl === null) return '';
  return new URL(publicUrl).host === req.headers.host?.toLowerCase() ? pathOf(publicUrl) : '';
}

/** The mount with addresses that begin as the client's do. */
export function below(prefix: string, mount: Mount): Mount {
  if (prefix === '') return mount;
  if (mount.kind === 'drive') return { ...mount, base: prefix + mount.base };
  return mount.kind === 'cloud' ? { ...mount, prefix: prefix + mount.prefix } : mount;
}

/** A path of a client's address without the prefix, which some proxies take off addresses in headers, too. */
export function withoutPrefix(prefix: string, path: string): string {
  const merged = prefix === '' ? path : path.replace(/^\/{2,}/, '/');
  return prefix !== '' && merged.startsWith(`${prefix}/`) ? merged.slice(prefix.length) : path;
}
