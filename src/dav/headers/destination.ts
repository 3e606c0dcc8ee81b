import { HttpError } from '../../http-error.js';

export interface Destination {
  /** Host and port in lower case, as written; null when the header names none. */
  readonly host: string | null;
  /** Absolute and still percent-encoded: for `decodePath`. */
  readonly path: string;
}

/** KIO 5 and 6 send `webdav:` and `webdavs:`, gvfs `dav:` and `davs:`. */
const ABSOLUTE_URL = /^(?:https?|webdavs?|davs?):\/\/([^/]*)(\/.*)?$/is;
const HAS_SCHEME = /^[a-z][a-z0-9+.-]*:/i;
const HOST = /^(?:\[[0-9a-f:.]+\]|[^\s@:[\]\\"<>]+)(?::\d{0,5})?$/i;

/**
 * Reads `Destination` (RFC 4918 §10.3): an absolute URL, whose user info is dropped (KIO 5 sends it, password and all),
 * an absolute path (Nextcloud 3.7), or a path relative to that of the request (KeeWeb). `requestUrl` is the request target.
 * Two slashes at the start of a path are no host. A bare `?` or `#` is refused: it would cut a file's name short.
 * Throws HttpError 400 for everything else; the message never repeats the header, which may hold a password.
 */
export function parseDestination(value: string | undefined, requestUrl: string): Destination {
  const text = value?.trim() ?? '';
  if (text === '') throw new HttpError(400, 'The Destination header is missing.');
  if (/[?#]/.test(text)) throw new HttpError(400, 'In the Destination header, "?" and "#" must be percent-encoded.');
  if (text.startsWith('/')) return { host: null, path: text };
  const url = ABSOLUTE_URL.exec(text);
  if (url !== null) return { host: hostIn(url[1] ?? ''), path: url[2] ?? '/' };
  if (HAS_SCHEME.test(text))
    throw new HttpError(400, 'The Destination header must be an http or https URL, or a path.');
  return { host: null, path: resolve(text, pathOf(requestUrl)) };
}

function hostIn(authority: string): string {
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  if (!HOST.test(host)) throw new HttpError(400, 'The Destination header names no valid host.');
  return host.toLowerCase();
}

function pathOf(requestUrl: string): string {
  const target = requestUrl.replace(/[?#].*$/s, '');
  if (target.startsWith('/')) return target;
  return ABSOLUTE_URL.exec(target)?.[2] ?? '/';
}

/** RFC 3986 §5.2.3 and §5.2.4, but for dots that lead out of the root: those are refused. */
function resolve(relative: string, basePath: string): string {
  const segments = basePath.split('/').slice(0, -1);
  const steps = relative.split('/');
  for (const [index, step] of steps.entries()) {
    if (step === '..' && segments.length <= 1) {
      throw new HttpError(400, 'The Destination header leads out of the server.');
    }
    if (step === '..') segments.pop();
    else if (step !== '.') segments.push(step);
    if ((step === '.' || step === '..') && index === steps.length - 1) segments.push('');
  }
  return segments.join('/');
}
