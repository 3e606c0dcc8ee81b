import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { driveAddress } from '../../src/admin/drive-address.js';
import { readConfig } from '../../src/config.js';
import type { RequestOptions } from '../support/http-client.js';
import { authorizationOf, DRIVE_ID, emailOf, PASSWORD, TestServer } from '../support/make-server.js';
import { hrefsOf } from '../support/multistatus.js';

const HERE = { 'X-Forwarded-Prefix': '/firn', Host: 'nas.example', 'X-Forwarded-Proto': 'https' };
const DRIVE = `/dav/${DRIVE_ID}`;
const LOCK =
  '<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>';

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start({ trustedProxies: ['127.0.0.1'] });
});
afterAll(() => server.stop());

/** As a proxy sends it on that took `/firn` off the path. */
const send = (method: string, target: string, options: RequestOptions = {}, as = authorizationOf('alice')) =>
  server.send(method, target, { ...options, headers: { Authorization: as, ...HERE, ...options.headers } });

describe('client L — below a path of a trusted proxy', () => {
  test('client L — hrefs, lock roots and the folders above begin with the path', async () => {
    expect((await send('MKCOL', `${DRIVE}/photos`)).status).toBe(201);
    expect((await send('PUT', `${DRIVE}/photos/a%20%24b.txt`, { body: 'a' })).status).toBe(201);
    const listed = await send('PROPFIND', `${DRIVE}/photos`, { headers: { Depth: '1' } });
    expect(hrefsOf(listed.text)).toEqual([`/firn${DRIVE}/photos/`, `/firn${DRIVE}/photos/a $b.txt`]);
    expect(listed.text).toContain(`<D:href>/firn${DRIVE}/photos/a%20%24b.txt</D:href>`);
    const locked = await send('LOCK', `${DRIVE}/photos/a%20%24b.txt`, { body: LOCK });
    expect(locked.text).toContain(`<D:lockroot><D:href>/firn${DRIVE}/photos/a%20%24b.txt</D:href></D:lockroot>`);
    const refused = await send('DELETE', `${DRIVE}/photos/a%20%24b.txt`);
    expect([refused.status, refused.text]).toEqual([423, expect.stringContaining(`<D:href>/firn${DRIVE}/photos/`)]);
    // A tagged list speaks in the client's addresses, too.
    const unlocked = await send('DELETE', `${DRIVE}/photos/a%20%24b.txt`, {
      headers: { If: `<https://nas.example/firn${DRIVE}/photos/a%20%24b.txt> (${locked.headers['lock-token']})` },
    });
    expect(unlocked.status).toBe(204);
    const top = await send('PROPFIND', '/', { headers: { Depth: '1' } });
    expect(hrefsOf(top.text)).toEqual(['/firn/', '/firn/dav/']);
    const report = await send('REPORT', `${DRIVE}/`, {
      body: '<D:sync-collection xmlns:D="DAV:"><D:sync-token/><D:sync-level>infinite</D:sync-level><D:prop><D:getetag/></D:prop></D:sync-collection>',
    });
    expect(hrefsOf(report.text).filter((href) => !href.startsWith(`/firn${DRIVE}/`))).toEqual([]);
  });

  test.each([
    ['the client’s address', `https://nas.example/firn${DRIVE}/to`],
    ['its path alone', `/firn${DRIVE}/to`],
    ['with slashes that a join left', `https://nas.example//firn/${DRIVE}/to`],
    ['by a proxy that rewrites Destination, too', `http://127.0.0.1:8080${DRIVE}/to`],
  ])('client L — Destination as %s', async (_, destination) => {
    await send('PUT', `${DRIVE}/from`, { body: 'moved' });
    const moved = await send('MOVE', `${DRIVE}/from`, { headers: { Destination: destination } });
    expect([201, 204]).toContain(moved.status);
    expect((await server.as('alice')('GET', '/to')).text).toBe('moved');
    expect(
      (await send('COPY', `${DRIVE}/to`, { headers: { Destination: 'https://nas.example/other/to' } })).status,
    ).toBe(502);
  });

  test('client L — the trees of ownCloud and Nextcloud, the login flow, uploads in parts', async () => {
    const user = emailOf('alice');
    const files = `/remote.php/dav/files/${user}`;
    const listed = await send('PROPFIND', `${files}/`, { headers: { Depth: '1' } });
    expect(hrefsOf(listed.text).every((href) => href.startsWith(`/firn${files}/`))).toBe(true);
    const parent = await send('PROPFIND', '/remote.php/dav/', { headers: { Depth: '0' } });
    expect(hrefsOf(parent.text)).toEqual(['/firn/remote.php/dav/']);
    const upload = `/remote.php/dav/uploads/${user}/one`;
    expect((await send('MKCOL', upload)).status).toBe(201);
    expect((await send('PUT', `${upload}/1`, { body: 'whole' })).status).toBe(201);
    const made = await send('MOVE', `${upload}/.file`, {
      headers: { Destination: `https://nas.example/firn${files}/whole.txt` },
    });
    expect(made.status).toBe(201);
    for (const [base, drive] of [
      ['', ''],
      [DRIVE, DRIVE],
    ] as const) {
      const flow = JSON.parse((await server.send('POST', `${base}/index.php/login/v2`, { headers: HERE })).text);
      const at = `https://nas.example/firn${drive}/index.php/login/v2`;
      expect([flow.poll.endpoint, flow.login.startsWith(`${at}/flow/`)]).toEqual([`${at}/poll`, true]);
    }
    const tus = await send('POST', `${DRIVE}/`, {
      headers: { 'Tus-Resumable': '1.0.0', 'Upload-Length': '3', 'Upload-Metadata': `filename ${btoa('t.txt')}` },
    });
    expect(tus.headers.location).toMatch(/^https:\/\/nas\.example\/firn\/dav\/\d+\/remote\.php\/dav\/uploads\//);
    const changes = JSON.parse((await send('GET', `/api/drives/${DRIVE_ID}/changes?deep=1`)).text);
    expect(changes.changed[0].href).toMatch(new RegExp(`^/firn${DRIVE}/`));
  });

  test('client L — the console: redirect, cookie for the path alone, addresses, uploads', async () => {
    const browser = { headers: { ...HERE, Accept: 'text/html' } };
    for (const target of ['/', '/console']) {
      expect((await server.send('GET', target, browser)).headers.location).toBe('/firn/console/');
    }
    const signedIn = await server.send('POST', '/api/session', {
      headers: { ...HERE, 'Content-Type': 'application/json', Origin: 'https://nas.example' },
      body: JSON.stringify({ email: emailOf('alice'), password: PASSWORD }),
    });
    expect(signedIn.status).toBe(201);
    const [cookie = ''] = signedIn.headers['set-cookie'] ?? [];
    expect(cookie).toMatch(/^__Secure-firn-session=[^;]+; Path=\/firn\/; HttpOnly; SameSite=Strict; Secure$/);
    const own = { ...HERE, Cookie: cookie.split(';')[0]!, 'X-CSRF-Token': JSON.parse(signedIn.text).csrfToken };
    const { drives } = JSON.parse((await server.send('GET', '/api/drives', { headers: own })).text);
    expect(drives[0].addresses).toEqual([`https://nas.example/firn${DRIVE}/`]);
    const begun = await server.send('POST', `/api/drives/${DRIVE_ID}/uploads`, {
      headers: {
        ...own,
        'Tus-Resumable': '1.0.0',
        'Upload-Length': '3',
        'Upload-Metadata': `filename ${btoa('u.txt')}`,
      },
    });
    expect(begun.headers.location).toMatch(new RegExp(`^https://nas.example/firn/api/drives/${DRIVE_ID}/uploads/`));
    const bare = { ...own, 'X-Forwarded-Prefix': '' };
    expect((await server.send('GET', '/api/drives', { headers: bare })).status, 'of the other place').toBe(401);
  });

  test.each([
    'firn',
    '/firn/../x',
    '/..',
    '/./x',
    '//evil.example',
    '/a//b',
    '/a b',
    '/a"><script>',
    '/%66irn',
    '/firn?x',
    `/${'a'.repeat(300)}`,
    '/one, /two',
  ])('client L — %s is no path, and passed over', async (prefix) => {
    const headers = { ...HERE, 'X-Forwarded-Prefix': prefix };
    const listed = await send('PROPFIND', `${DRIVE}/`, { headers: { ...headers, Depth: '0' } });
    expect(hrefsOf(listed.text)).toEqual([`${DRIVE}/`]);
    const { location } = (await server.send('GET', '/console', { headers })).headers;
    expect(location).toBe('/console/');
  });

  test('client L — a slash at its end and a path of several names are fine', async () => {
    const listed = await send('PROPFIND', `${DRIVE}/`, {
      headers: { 'X-Forwarded-Prefix': '/a/b-1.~_c/', Depth: '0' },
    });
    expect(hrefsOf(listed.text)).toEqual([`/a/b-1.~_c${DRIVE}/`]);
  });

  test('client L — who is no trusted proxy says nothing by it', async () => {
    const other = await TestServer.start();
    onTestFinished(() => other.stop());
    const headers = { ...HERE, Authorization: authorizationOf('alice'), Depth: '0' };
    expect(hrefsOf((await other.send('PROPFIND', `${DRIVE}/`, { headers })).text)).toEqual([`${DRIVE}/`]);
  });

  test('client L — publicUrl with a path does for a proxy that says nothing', async () => {
    const other = await TestServer.start({ publicUrl: 'https://nas.example/firn/' });
    onTestFinished(() => other.stop());
    const headers = { Host: 'nas.example', Authorization: authorizationOf('alice'), Depth: '0' };
    expect(hrefsOf((await other.send('PROPFIND', `${DRIVE}/`, { headers })).text)).toEqual([`/firn${DRIVE}/`]);
    const direct = { ...headers, Host: '127.0.0.1' };
    expect(hrefsOf((await other.send('PROPFIND', `${DRIVE}/`, { headers: direct })).text)).toEqual([`${DRIVE}/`]);
    const flow = JSON.parse((await other.send('POST', '/index.php/login/v2', { headers: direct })).text);
    expect(flow.poll.endpoint).toBe('https://nas.example/firn/index.php/login/v2/poll');
    expect(driveAddress({ ...other.config, driveHost: '{id}.connect.*' }, DRIVE_ID).href).toBe(
      `https://nas.example/firn${DRIVE}/`,
    );
    const folder = await mkdtemp(path.join(tmpdir(), 'firn-prefix-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    for (const wrong of ['https://nas.example/a?b', 'https://nas.example/a%20b', 'https://u@nas.example/']) {
      await writeFile(path.join(folder, 'firn.config.json'), JSON.stringify({ publicUrl: wrong }));
      expect(() => readConfig({}, folder)).toThrow(/publicUrl/);
    }
  });
});
