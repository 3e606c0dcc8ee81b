import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { lookup } from 'mime-types';
import { HttpError } from '../http-error.js';
import type { Answer, Context } from './context.js';
import { send } from './send.js';

interface Page {
  readonly bytes: Buffer;
  /** Null where compression gains nothing. */
  readonly compressed: Buffer | null;
  readonly contentType: string;
  readonly etag: string;
}

/** Where the build puts them; the same place from `src/` and from `dist/`. */
const FOLDER = fileURLToPath(new URL('../../dist/console/web/', import.meta.url));
const PREFIX = '/console/';
const SHELL = 'index.html';

/** No inline script and no inline style: what a file name smuggles into a page can't run. */
const SECURITY_HEADERS = {
  'Content-Security-Policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data: blob:",
    "media-src 'self' blob:",
    "connect-src 'self'",
    "font-src 'self'",
    "frame-src 'self' blob:",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
} as const;

/**
 * `/console/…` on hosts that are no drive's: the files of the built pages, and for every other address the shell, which
 * finds out by itself what to show.
 */
export function pagesAnswer(folder = FOLDER): Answer<'console'> {
  let pages: Promise<ReadonlyMap<string, Page>> | null = null;
  return async (context, mount) => {
    if (context.method !== 'GET' && context.method !== 'HEAD') {
      throw new HttpError(405, 'The console is only to be read.', { headers: { Allow: 'OPTIONS, GET, HEAD' } });
    }
    if (mount.path === '/console') return sendToConsole(context);
    pages ??= readPages(folder);
    await answer(context, await pages, mount.path.slice(PREFIX.length));
  };
}

/** Sends a browser to the console's pages. */
export function sendToConsole(context: Context): void {
  const to = context.state.prefix + PREFIX;
  send(context, { status: 303, headers: { Location: to, 'Cache-Control': 'no-store', Vary: 'Accept' }, body: null });
}

async function answer(context: Context, pages: ReadonlyMap<string, Page>, name: string): Promise<void> {
  const isAsset = name.startsWith('assets/');
  // A page of an earlier build asks for files that are gone: the shell in their place would be taken for a script.
  const known = name === SHELL ? undefined : pages.get(name);
  const page = known ?? (isAsset ? undefined : await shellAt(pages.get(SHELL), context.state.prefix));
  if (!page) throw new HttpError(404, isAsset ? 'There is nothing here.' : 'The console is not built: npm run build.');
  const { headers } = context.req;
  const isCompressed = page.compressed !== null && /\bgzip\b/i.test(String(headers['accept-encoding'] ?? ''));
  const etag = isCompressed ? `"${page.etag}-gz"` : `"${page.etag}"`;
  const answerHeaders: Record<string, string> = {
    ...SECURITY_HEADERS,
    // Names of assets have a hash of what is in them.
    'Cache-Control': isAsset ? 'public, max-age=31536000, immutable' : 'no-cache',
    ETag: etag,
    ...(page.compressed === null ? {} : { Vary: 'Accept-Encoding' }),
  };
  if (headers['if-none-match']?.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag)) {
    send(context, { status: 304, headers: answerHeaders, body: null });
    return;
  }
  answerHeaders['Content-Type'] = page.contentType;
  if (isCompressed) answerHeaders['Content-Encoding'] = 'gzip';
  const body = isCompressed ? page.compressed! : page.bytes;
  answerHeaders['Content-Length'] = String(body.length);
  send(context, { status: 200, headers: answerHeaders, body });
}

/** Shells by where they are; of made-up places none is kept. */
const shells = new WeakMap<Page, Map<string, Page>>();
const SHELLS_MAX = 16;

/** The shell for pages below a path: it names its files and tells its scripts where it is, wherever it is asked for. */
async function shellAt(shell: Page | undefined, prefix: string): Promise<Page | undefined> {
  if (!shell) return undefined;
  const known = shells.get(shell) ?? new Map<string, Page>();
  shells.set(shell, known);
  const found = known.get(prefix);
  if (found) return found;
  const text = shell.bytes
    .toString('utf8')
    .replaceAll('="./', `="${prefix}${PREFIX}`)
    .replace('name="firn-base" content=""', `name="firn-base" content="${prefix}"`);
  const made = await makePage(SHELL, Buffer.from(text));
  if (known.size < SHELLS_MAX) known.set(prefix, made);
  return made;
}

/** All files, by name: some hundred kilobytes, compressed once. Empty where they aren't built. */
async function readPages(folder: string): Promise<ReadonlyMap<string, Page>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((one) => one.isFile()).map((one) => path.join(one.parentPath, one.name));
  const pages = await Promise.all(
    files.map(async (file): Promise<[string, Page]> => {
      const name = path.relative(folder, file).split(path.sep).join('/');
      return [name, await makePage(name, await readFile(file))];
    }),
  );
  return new Map(pages);
}

async function makePage(name: string, bytes: Buffer): Promise<Page> {
  const type = lookup(name) || 'application/octet-stream';
  const isText = /^text\/|javascript|json|svg/.test(type);
  return {
    bytes,
    compressed: isText ? await promisify(gzip)(bytes, { level: 9 }) : null,
    contentType: isText ? `${type}; charset=utf-8` : type,
    etag: createHash('sha256').update(bytes).digest('base64url').slice(0, 22),
  };
}
