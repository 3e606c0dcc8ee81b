import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DriveRequest, TestServer } from '../support/make-server.js';
import { allOf, askFor, hrefsOf, parseAnswer, parseMultistatus, textIn } from '../support/multistatus.js';

/**
 * Rows of client-requirements 5 that no other suite holds, by number, and the replays of client-requirements 4 that go through
 * many.
 */
const ORIGIN = 'app://obsidian.md';
const WIN32 = '{urn:schemas-microsoft-com:}';
let server: TestServer;
let alice: DriveRequest;

beforeAll(async () => {
  server = await TestServer.start({ corsOrigins: [ORIGIN] });
  await server.addMember('bob');
  alice = server.as('alice');
});
afterAll(() => server.stop());

const to = (path: string, headers = {}) => ({ headers: { Destination: server.urlOf(path), ...headers } });
const status = async (method: string, path: string, options = {}) => (await alice(method, path, options)).status;
const lockinfo = (owner: string) =>
  `<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype><D:owner><D:href>${owner}</D:href></D:owner></D:lockinfo>`;

describe('rows', () => {
  test('R13 — a refused PUT leaves the old version, whatever refuses it (rclone deletes the target after an error)', async () => {
    await alice('PUT', '/r13', { body: 'old' });
    for (const headers of [
      { 'If-Match': '"x"' },
      { 'X-OC-Mtime': 'x' },
      { 'OC-Checksum': 'SHA1:00' },
      { If: '(<a:b>)' },
      { 'OC-Total-Length': '1' },
    ]) {
      expect(await status('PUT', '/r13', { body: 'new', headers })).toBeGreaterThanOrEqual(400);
      expect((await alice('GET', '/r13')).text).toBe('old');
    }
  });

  test('R14, R39 — DELETE of a file, an empty folder and a tree is 204, never 207 or 200', async () => {
    await alice('PUT', '/r14', { body: 'x' });
    for (const path of ['/e', '/t', '/t/u', '/t/u/v']) await alice('MKCOL', path);
    for (const path of ['/r14', '/e', '/t']) {
      const answer = await alice('DELETE', path);
      expect([answer.status, answer.text]).toEqual([204, '']);
    }
    expect(await status('DELETE', '/t')).toBe(404);
  });

  test('DELETE of a folder with Depth 0 or 1 is 400 (RFC 4918 §9.6.1); infinity is the default', async () => {
    await alice('MKCOL', '/depth');
    for (const Depth of ['0', '1']) expect(await status('DELETE', '/depth', { headers: { Depth } })).toBe(400);
    expect(await status('DELETE', '/depth', { headers: { Depth: 'infinity' } })).toBe(204);
  });

  test('R17 — no method is ever redirected, with or without a slash', async () => {
    await alice('MKCOL', '/r17');
    await alice('PUT', '/r17/f', { body: 'x' });
    for (const method of [
      'GET',
      'HEAD',
      'PROPFIND',
      'OPTIONS',
      'PUT',
      'PROPPATCH',
      'LOCK',
      'UNLOCK',
      'COPY',
      'MKCOL',
      'POST',
      'DELETE',
    ]) {
      for (const path of ['/r17', '/r17/', '/r17/f/', '/r17/none/', '']) {
        const answer = await alice(method, path, { body: method === 'PUT' ? 'x' : '' });
        expect(Math.floor(answer.status / 100)).not.toBe(3);
        expect(answer.status).toBeLessThan(500);
      }
    }
  });

  test('R20 — an empty property list asks for nothing, and gets a 200 propstat', async () => {
    const body = '<D:propfind xmlns:D="DAV:"><D:prop/></D:propfind>';
    const { text } = await alice('PROPFIND', '/', { headers: { Depth: '0' }, body });
    expect(parseMultistatus(text)[0]!.propstats.map((propstat) => propstat.status)).toEqual([200]);
  });

  test('R26 — what is missing is a true 404, a missing parent 409, MKCOL on what exists 405 and with a foreign body 415', async () => {
    await alice('PUT', '/r26', { body: 'x' });
    await alice('MKCOL', '/r26-folder');
    for (const path of ['/r26-none', '/r26-none/', '/r26-none/below', '/r26-folder/none.md', '/r26/below']) {
      for (const method of ['GET', 'HEAD', 'PROPFIND', 'DELETE']) {
        expect(`${method} ${path} ${await status(method, path)}`).toBe(`${method} ${path} 404`);
      }
    }
    for (const parent of ['/r26-none', '/r26-folder/none', '/r26']) {
      expect(await status('PUT', `${parent}/a`, { body: 'x' })).toBe(409);
      expect(await status('MKCOL', `${parent}/a`)).toBe(409);
      expect(await status('COPY', '/r26', to(`${parent}/a`))).toBe(409);
      expect(await status('MOVE', '/r26', to(`${parent}/a`))).toBe(409);
    }
    for (const path of ['/r26', '/r26-folder', '/r26-folder/']) expect(await status('MKCOL', path)).toBe(405);
    expect(await status('MKCOL', '/r26-new', { body: 'x', headers: { 'Content-Type': 'text/plain' } })).toBe(415);
    expect(await status('PROPFIND', '/r26-new')).toBe(404);
    expect((await alice('GET', '/r26')).text).toBe('x');
  });

  test('R27 — Joplin: every request but reads carries If-None-Match: JoplinIgnore-1, and all of them work', async () => {
    const headers = { 'If-None-Match': 'JoplinIgnore-123' };
    expect(await status('MKCOL', '/joplin', { headers })).toBe(201);
    expect(await status('PUT', '/joplin/a.md', { headers, body: 'a' })).toBe(201);
    expect(await status('PUT', '/joplin/a.md', { headers, body: 'b' })).toBe(204);
    expect(await status('PROPFIND', '/joplin', { headers: { ...headers, Depth: '1' } })).toBe(207);
    expect(await status('MOVE', '/joplin/a.md', to('/joplin/b.md', headers))).toBe(201);
    expect(await status('DELETE', '/joplin/b.md', { headers })).toBe(204);
    expect(await status('PROPFIND', '/joplin', { headers: { 'If-None-Match': '*', Depth: '0' } })).toBe(207);
  });

  test.each([
    '._photo.jpg',
    '.DS_Store',
    '.hidden',
    '.Spotlight-V100',
    'Thumbs.db',
    'desktop.ini',
    '~$doc.docx',
    '.~lock.a.odt#',
    '.metadata_never_index',
  ])('R32 — the junk name %s is 404 before and a file after', async (name) => {
    const path = `/${encodeURIComponent(name)}`;
    expect(await status('PROPFIND', path, { headers: { Depth: '0' } })).toBe(404);
    expect(await status('PUT', path, { body: 'x' })).toBe(201);
    expect(await status('DELETE', path)).toBe(204);
  });

  test('R36 — connections are kept longer than 15 s, no User-Agent is asked for, parallel requests are fine', async () => {
    const { headers } = await alice('HEAD', '/', { headers: { Connection: 'keep-alive' } });
    expect(Number(/timeout=(\d+)/.exec(String(headers['keep-alive']))?.[1])).toBeGreaterThanOrEqual(15);
    const answers = await Promise.all(
      Array.from({ length: 32 }, (_, index) => status('PUT', `/r36-${index}`, { body: 'x' })),
    );
    expect(new Set(answers)).toEqual(new Set([201]));
  });

  test('R37 — CORS: the preflight needs no credentials, what apps read is exposed, other origins get nothing', async () => {
    const ask = {
      'Access-Control-Request-Method': 'MOVE',
      'Access-Control-Request-Headers': 'authorization,destination,overwrite',
    };
    const preflight = await server.send('OPTIONS', '/dav/123456/x', { headers: { Origin: ORIGIN, ...ask } });
    expect(preflight.status).toBe(204);
    expect(preflight.headers['access-control-allow-origin']).toBe(ORIGIN);
    for (const method of ['MOVE', 'REPORT', 'POST', 'PATCH']) {
      expect(preflight.headers['access-control-allow-methods']).toContain(method);
    }
    expect(preflight.headers['access-control-allow-headers']).toContain('destination');
    for (const user of [undefined, 'alice']) {
      const { headers } = await server.send('PROPFIND', '/dav/123456/', {
        headers: { Origin: ORIGIN, Depth: '0' },
        ...(user ? { user } : {}),
      });
      expect(headers['access-control-allow-origin']).toBe(ORIGIN);
      expect(headers['access-control-expose-headers']).toMatch(/ETag.*DAV.*Lock-Token.*Upload-Offset/);
    }
    const foreign = await server.send('OPTIONS', '/dav/123456/', {
      headers: { Origin: 'https://evil.example.org', ...ask },
    });
    expect(foreign.headers['access-control-allow-origin']).toBeUndefined();
  });

  test('R40 — nothing is compressed and no ETag is weak, right after a change too', async () => {
    const { etag } = (await alice('PUT', '/r40', { body: 'x'.repeat(5000) })).headers;
    const headers = { 'Accept-Encoding': 'gzip, br' };
    for (const path of ['/r40', '/']) {
      const answer = await alice('GET', path, { headers });
      expect(answer.headers['content-encoding']).toBeUndefined();
      expect(answer.headers.etag).toMatch(/^"/);
    }
    expect((await alice('GET', '/r40')).headers.etag).toBe(etag);
    expect((await alice('PROPFIND', '/', { headers })).headers['content-encoding']).toBeUndefined();
  });
});

describe('replays', () => {
  test('Windows Explorer creates, fills, renames and deletes (client-requirements 4.1)', async () => {
    const windows = (method: string, path: string, options: { headers?: object; body?: string } = {}) =>
      alice(method, path, {
        ...options,
        headers: { 'User-Agent': 'Microsoft-WebDAV-MiniRedir/10.0.22631', translate: 'f', ...options.headers },
      });
    const patch = (path: string, values: Record<string, string>, headers = {}) => {
      const props = Object.entries(values)
        .map(([name, value]) => `<Z:${name}>${value}</Z:${name}>`)
        .join('');
      const body = `<?xml version="1.0" encoding="utf-8" ?><D:propertyupdate xmlns:D="DAV:" xmlns:Z="urn:schemas-microsoft-com:"><D:set><D:prop>${props}</D:prop></D:set></D:propertyupdate>`;
      return windows('PROPPATCH', path, { body, headers: { 'Content-Type': 'text/xml; charset="utf-8"', ...headers } });
    };
    expect((await windows('MKCOL', '/New%20folder')).status).toBe(201);
    expect((await patch('/New%20folder', { Win32FileAttributes: '00000010' })).status).toBe(207);
    expect((await windows('MOVE', '/New%20folder', to('/Docs', { Overwrite: 'F' }))).status).toBe(201);
    const file = '/Docs/a%20%c3%bc.txt';
    expect((await windows('PROPFIND', file, { headers: { Depth: '0' } })).status).toBe(404);
    expect((await windows('PUT', file, { body: '' })).status).toBe(201);
    const locked = await windows('LOCK', file, { headers: { Timeout: 'Second-3600' }, body: lockinfo('PC\\alice') });
    expect(locked.status).toBe(200);
    expect(textIn(allOf(parseAnswer(locked.text), '{DAV:}owner')[0])).toBe('PC\\alice');
    const If = `(${locked.headers['lock-token']})`;
    const dates = {
      Win32CreationTime: 'Sun, 22 Nov 2026 19:14:25 GMT',
      Win32LastModifiedTime: 'Wed, 01 Jan 2020 10:00:00 GMT',
      Win32FileAttributes: '00000000',
    };
    const set = await patch(file, dates, { If });
    expect(parseMultistatus(set.text)[0]!.propstats.map((propstat) => [propstat.status, propstat.props.size])).toEqual([
      [200, 3],
    ]);
    expect((await windows('HEAD', file)).headers['content-length']).toBe('0');
    expect((await windows('PUT', file, { headers: { If }, body: 'data' })).status).toBe(204);
    expect(
      (
        await patch(
          file,
          { Win32LastModifiedTime: dates.Win32LastModifiedTime, Win32FileAttributes: '00000020' },
          { If },
        )
      ).status,
    ).toBe(207);
    expect(
      (await windows('UNLOCK', file, { headers: { 'Lock-Token': String(locked.headers['lock-token']).slice(1, -1) } }))
        .status,
    ).toBe(204);
    const { text } = await windows('PROPFIND', '/Docs', { headers: { Depth: '1' } });
    const shown = parseMultistatus(text)[1]!;
    expect(textIn(shown.props.get('{DAV:}getlastmodified'))).toBe(dates.Win32LastModifiedTime);
    expect(shown.props.has(`${WIN32}Win32FileAttributes`)).toBe(true);
    await windows('PUT', '/Docs/b.txt', { body: 'b' });
    expect((await windows('MOVE', file, to('/Docs/b.txt', { Overwrite: 'F' }))).status).toBe(412);
    expect((await windows('DELETE', file)).status).toBe(204);
    expect((await windows('DELETE', '/Docs')).status).toBe(204);
  });

  test('macOS Finder copies a file with its AppleDouble (client-requirements 4.3)', async () => {
    const finder = (method: string, path: string, options: Parameters<DriveRequest>[2] = {}) =>
      alice(method, path, {
        ...options,
        headers: { 'User-Agent': 'WebDAVFS/3.0.0 (03008000) Darwin/24.0.0 (arm64)', ...options.headers },
      });
    const ask = askFor(
      'getlastmodified',
      'getcontentlength',
      'creationdate',
      'resourcetype',
      '{http://www.apple.com/webdav_fs/props/}appledoubleheader',
    );
    await finder('MKCOL', '/finder/');
    for (const [name, size] of [
      ['u%CC%88ber.txt', 1_048_576],
      ['._u%CC%88ber.txt', 4096],
      ['leer.txt', 0],
    ] as const) {
      const path = `/finder/${name}`;
      expect((await finder('PUT', path, { body: '' })).status).toBe(201);
      const locked = await finder('LOCK', path, {
        headers: { Depth: '0', Timeout: 'Second-600' },
        body: lockinfo('http://www.apple.com/webdav_fs/'),
      });
      const If = `(${locked.headers['lock-token']})`;
      const body = size === 0 ? [] : [Buffer.alloc(size, 'x')];
      const short = await finder('PUT', path, { body, headers: { If, 'X-Expected-Entity-Length': String(size + 1) } });
      expect(short.status).toBe(400);
      const put = await finder('PUT', path, { body, headers: { If, 'X-Expected-Entity-Length': String(size) } });
      expect([put.status, put.headers.etag !== undefined]).toEqual([204, true]);
      expect((await finder('LOCK', path, { headers: { If, Timeout: 'Second-600' } })).status).toBe(200);
      expect(
        (await finder('UNLOCK', path, { headers: { 'Lock-Token': String(locked.headers['lock-token']) } })).status,
      ).toBe(204);
    }
    const { text } = await finder('PROPFIND', '/finder/', { headers: { Depth: '1' }, body: ask });
    expect(hrefsOf(text).map((href) => href.slice('/dav/123456/finder/'.length))).toEqual([
      '',
      '._über.txt',
      'leer.txt',
      'über.txt',
    ]);
    expect(parseMultistatus(text).map(({ props }) => textIn(props.get('{DAV:}getcontentlength')))).toEqual([
      '',
      '4096',
      '0',
      '1048576',
    ]);
    expect(allOf(parseAnswer(text), '{DAV:}href')).toHaveLength(4);
    expect((await finder('MOVE', '/finder/%C3%BCber.txt', to('/finder/leer.txt'))).status).toBe(204);
    expect((await finder('DELETE', '/finder/')).status).toBe(204);
  });

  test('Office saves by two renames while it holds a lock: the lock stays with the address (client-requirements 4.2)', async () => {
    await alice('PUT', '/d.docx', { body: 'v1' });
    const locked = await alice('LOCK', '/d.docx', {
      body: lockinfo('alice'),
      headers: { Timeout: 'Second-3600', Depth: '0' },
    });
    const token = String(locked.headers['lock-token']);
    const If = `<${server.urlOf('/d.docx')}> (${token})`;
    expect(await status('PUT', '/d.docx', { body: 'v2', headers: { 'Lock-Token': token } })).toBe(204);
    await alice('PUT', '/1234.tmp', { body: 'v3' });
    expect(await status('MOVE', '/1234.tmp', to('/d.docx', { If }))).toBe(204);
    expect((await alice('GET', '/d.docx')).text).toBe('v3');
    expect(await status('PUT', '/d.docx', { body: 'x' })).toBe(423);
    expect(await status('UNLOCK', '/d.docx', { headers: { 'Lock-Token': token } })).toBe(204);
  });

  test('KeePass 2 saves by PUT .tmp, DELETE, MOVE without Overwrite (client-requirements 4.8)', async () => {
    await alice('PUT', '/db.kdbx', { body: 'v1' });
    expect(await status('PUT', '/db.kdbx.tmp', { body: 'v2', headers: { Expect: '100-continue' } })).toBe(201);
    expect(await status('DELETE', '/db.kdbx')).toBe(204);
    expect(await status('MOVE', '/db.kdbx.tmp', to('/db.kdbx'))).toBe(201);
    await alice('PUT', '/db.kdbx.tmp', { body: 'v3' });
    expect(await status('MOVE', '/db.kdbx.tmp', to('/db.kdbx'))).toBe(204);
    expect((await alice('GET', '/db.kdbx')).text).toBe('v3');
  });

  test('Cyberduck keeps dates in {SAR:} properties and moves folders with slashes (client-requirements 4.6)', async () => {
    await alice('MKCOL', '/duck/');
    await alice('PUT', '/duck/f', { body: 'x', headers: { Expect: '100-continue' } });
    const body =
      '<?xml version="1.0"?><D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><S:lastmodified xmlns:S="SAR:">Wed, 01 Jan 2020 10:00:00 GMT</S:lastmodified></D:prop></D:set></D:propertyupdate>';
    expect(await status('PROPPATCH', '/duck/f', { body })).toBe(207);
    expect(await status('MOVE', '/duck/', to('/duck2/', { Overwrite: 'F' }))).toBe(201);
    const { text } = await alice('PROPFIND', '/duck2/f', { headers: { Depth: '0' } });
    expect(textIn(parseMultistatus(text)[0]!.props.get('{SAR:}lastmodified'))).toBe('Wed, 01 Jan 2020 10:00:00 GMT');
    expect(await status('DELETE', '/duck2/')).toBe(204);
  });

  test('Zotero verifies, uploads and purges (client-requirements 2.14)', async () => {
    await alice('MKCOL', '/zotero');
    expect(await status('GET', '/zotero/nonexistent.prop')).toBe(404);
    expect(await status('PUT', '/zotero/zotero-test-file.prop', { body: ' ' })).toBe(201);
    expect((await alice('GET', '/zotero/zotero-test-file.prop')).text).toBe(' ');
    expect(await status('DELETE', '/zotero/zotero-test-file.prop')).toBe(204);
    const keys = Array.from({ length: 8 }, (_, index) => `/zotero/KEY${index}.zip`);
    for (const key of keys) await alice('PUT', key, { body: 'zip' });
    expect(new Set(await Promise.all(keys.map((key) => status('DELETE', key))))).toEqual(new Set([204]));
    expect(await status('DELETE', keys[0]!)).toBe(404);
  });
});
