import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DRIVE_ID, TestServer } from '../support/make-server.js';

const WEB = fileURLToPath(new URL('../../src/console/web/', import.meta.url));
const BUILT = fileURLToPath(new URL('../../dist/console/web/', import.meta.url));
const FIRST_LOAD_BYTES_MAX = 150_000;

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server.stop());

const get = (path: string, headers: Record<string, string> = {}) => server.send('GET', path, { headers });
/** As it is served where no proxy has Firn below a path. */
const shell = readFileSync(`${BUILT}index.html`, 'utf8').replaceAll('="./', '="/console/');
const assets = readdirSync(`${BUILT}assets`);

describe('the console’s pages are served', () => {
  test('the shell is there at every address of the console, and is asked for again each time', async () => {
    for (const path of ['/console/', '/console/security', '/console/files/123456/Firn/a%20b', '/console/x.js']) {
      const { status, headers, text } = await get(path);
      expect([path, status, text]).toEqual([path, 200, shell]);
      expect(headers['content-type']).toBe('text/html; charset=utf-8');
      expect(headers['cache-control']).toBe('no-cache');
    }
    const { headers } = await get('/console/');
    expect((await get('/console/', { 'If-None-Match': headers.etag! })).status).toBe(304);
    const head = await server.send('HEAD', '/console/');
    expect([head.status, head.text, head.headers['content-length']]).toEqual([
      200,
      '',
      String(Buffer.byteLength(shell)),
    ]);
  });

  test('files have the hash of their content in their names and are kept for good, each with its type', async () => {
    expect(assets.length).toBeGreaterThan(10);
    const types: Record<string, string> = {
      js: 'text/javascript; charset=utf-8',
      css: 'text/css; charset=utf-8',
      svg: 'image/svg+xml; charset=utf-8',
      woff2: 'font/woff2',
    };
    for (const name of assets) {
      expect(name).toMatch(/-[\w-]{8}\.\w+$/);
      const { status, headers } = await get(`/console/assets/${name}`);
      expect([name, status, headers['content-type']]).toEqual([name, 200, types[name.split('.').at(-1)!]]);
      expect(headers['cache-control']).toBe('public, max-age=31536000, immutable');
      expect(headers['x-content-type-options']).toBe('nosniff');
    }
  });

  test('a file of an earlier build is 404, and no shell that is taken for a script', async () => {
    const { status, text } = await get('/console/assets/index-00000000.js');
    expect([status, text.includes('<div id="firn">')]).toEqual([404, false]);
    for (const path of ['/console/assets/../../../main.js', '/console/..%2f..%2fmain.js']) {
      expect((await get(path)).text).not.toContain('import');
    }
  });

  test('text goes compressed to who takes it', async () => {
    const name = assets.find((one) => /^index-.*\.js$/.test(one))!;
    const plain = await get(`/console/assets/${name}`);
    const packed = await get(`/console/assets/${name}`, { 'Accept-Encoding': 'gzip, br' });
    expect(plain.headers['content-encoding']).toBeUndefined();
    expect(packed.headers['content-encoding']).toBe('gzip');
    expect(Number(packed.headers['content-length'])).toBeLessThan(Number(plain.headers['content-length']) / 2);
    expect([plain.headers.vary, packed.headers.vary]).toEqual(['Accept-Encoding', 'Accept-Encoding']);
    expect(packed.headers.etag).not.toBe(plain.headers.etag);
  });

  test('GET / sends browsers there, and nobody else', async () => {
    const browser = await get('/', { Accept: 'text/html,application/xhtml+xml,*/*;q=0.8' });
    expect([browser.status, browser.headers.location]).toEqual([303, '/console/']);
    expect((await get('/console')).headers.location).toBe('/console/');
    const program = await get('/', { Accept: '*/*' });
    expect([program.status, program.text]).toEqual([200, expect.stringContaining('for WebDAV programs')]);
    expect((await get('/', { Accept: 'text/html;q=0, */*' })).status).toBe(200);
    const propfind = await server.send('PROPFIND', '/', { headers: { Depth: '0', Accept: 'text/html' } });
    expect(propfind.status).toBe(207);
    const options = await server.send('OPTIONS', '/', { headers: { Accept: 'text/html' } });
    expect([options.status, options.headers.dav]).toEqual([200, '1, 2, 3']);
  });

  test('the pages are only to be read', async () => {
    const { status, headers } = await server.send('POST', '/console/', { body: 'x' });
    expect([status, headers.allow]).toEqual([405, 'OPTIONS, GET, HEAD']);
  });

  test('a drive’s own host has no console: there it is a name like any other', async () => {
    const Host = `${DRIVE_ID}.connect.example.org`;
    for (const path of ['/console/', '/console/security', `/console/assets/${assets[0]}`]) {
      expect((await get(path, { Host, Accept: 'text/html' })).status).toBe(401);
    }
    expect((await get('/', { Host, Accept: 'text/html' })).status).toBe(401);
    const byPath = await server.as('alice')('GET', '/console/');
    expect(byPath.status).toBe(404);
  });
});

describe('a strict policy', () => {
  test('nothing but the console’s own files runs, and nobody frames it', async () => {
    for (const path of ['/console/', `/console/assets/${assets[0]}`]) {
      const { headers } = await get(path);
      const policy = new Map(
        String(headers['content-security-policy'])
          .split('; ')
          .map((rule): [string, string] => {
            const [name, ...sources] = rule.split(' ');
            return [name!, sources.join(' ')];
          }),
      );
      expect(Object.fromEntries(policy)).toMatchObject({
        'default-src': "'none'",
        'script-src': "'self'",
        'style-src': "'self'",
        'connect-src': "'self'",
        'base-uri': "'none'",
        'form-action': "'self'",
        'frame-ancestors': "'none'",
      });
      expect(headers['content-security-policy']).not.toMatch(/unsafe|https?:|\*/);
      expect(headers['referrer-policy']).toBe('same-origin');
      expect(headers['cross-origin-opener-policy']).toBe('same-origin');
      expect(headers['x-content-type-options']).toBe('nosniff');
    }
  });

  test('the shell has no script and no style inline, and loads nothing from elsewhere', () => {
    expect(shell).not.toMatch(/<style|style=|\son\w+=|javascript:/i);
    for (const [tag] of shell.matchAll(/<script\b[^>]*>/g)) expect(tag).toMatch(/src="\/console\/assets\//);
    for (const [, url] of shell.matchAll(/(?:src|href)="([^"]*)"/g)) expect(url).toMatch(/^\/console\//);
  });
});

test(`the first load is under ${FIRST_LOAD_BYTES_MAX} bytes, compressed`, () => {
  const named = [...shell.matchAll(/(?:src|href)="\/console\/assets\/([^"]*)"/g)].map(([, name]) => name!);
  const fonts = assets.filter((name) => name.endsWith('.woff2'));
  expect(named.some((name) => name.endsWith('.js')) && named.some((name) => name.endsWith('.css'))).toBe(true);
  const sizes = [...new Set([...named, ...fonts])].map((name) => {
    const bytes = readFileSync(`${BUILT}assets/${name}`);
    return name.endsWith('.woff2') ? bytes.length : gzipSync(bytes).length;
  });
  expect(sizes.reduce((sum, size) => sum + size, gzipSync(shell).length)).toBeLessThan(FIRST_LOAD_BYTES_MAX);
});

describe('English and French', () => {
  const catalogs = readdirSync(WEB, { recursive: true, encoding: 'utf8' })
    .filter((name) => /(^|\/)en(-[\w-]+)?\.ts$/.test(name))
    .map((name) => [name, name.replace(/(^|\/)en(-[\w-]+)?\.ts$/, '$1fr$2.ts')] as const);

  test('there are catalogs', () => {
    expect(catalogs.length).toBeGreaterThan(5);
  });

  test.each(catalogs)('%s and %s have the same texts, none of them empty', async (en, fr) => {
    const load = async (name: string) => Object.values((await import(`${WEB}${name}`)) as object);
    const [english, french] = [await load(en), await load(fr)];
    expect(english.length).toBe(1);
    expect(keysOf(french[0])).toEqual(keysOf(english[0]));
  });
});

/** Names and kinds of all texts, sorted. */
function keysOf(catalog: unknown, prefix = ''): string[] {
  return Object.entries(catalog as object)
    .flatMap(([name, text]) => {
      expect(text, `${prefix}${name}`).not.toBe('');
      return typeof text === 'object' && text !== null
        ? keysOf(text, `${prefix}${name}.`)
        : [`${prefix}${name}: ${typeof text}`];
    })
    .sort();
}
