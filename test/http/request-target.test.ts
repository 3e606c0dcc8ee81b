import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { authorizationOf, DRIVE_ID, TestServer } from '../support/make-server.js';
import { hrefsOf } from '../support/multistatus.js';

const HOST = `${DRIVE_ID}.connect.example.org`;
const BROWSER = { Accept: 'text/html' };
let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start();
  await server.as('alice')('MKCOL', '/d');
  await server.as('alice')('PUT', '/d/f', { body: 'f' });
});
afterAll(() => server.stop());

const send = (method: string, target: string, options: { headers?: Record<string, string>; body?: string } = {}) =>
  server.send(method, target, { user: 'alice', ...options });

const rawStatus = (...lines: string[]) => server.rawStatus(...lines);

describe('client A — RFC 9112 §3.2.2: the target may be a whole address', () => {
  test.each(['http://files.example', 'HTTP://files.example:8080', 'https://files.example', 'Http://[::1]:1'])(
    '%s before every mount',
    async (origin) => {
      const seen = [];
      for (const [method, target] of [
        ['OPTIONS', ''],
        ['OPTIONS', '/'],
        ['GET', ''],
        ['GET', '?a=b'],
        ['GET', '/healthz'],
        ['GET', '/console/'],
        ['GET', '/status.php'],
        ['GET', '/api/session'],
        ['GET', '/dav/123456/d/f'],
        ['GET', '/dav/123456/d/f?x=/'],
        ['GET', '/remote.php/webdav/'],
        ['GET', `/api/drives/${DRIVE_ID}/changes?limit=1`],
        ['PROPFIND', ''],
        ['PROPFIND', '/dav/123456/d'],
        ['DELETE', '/dav/123456/absent/x'],
        ['PUT', '/dav/123456/absent/x'],
      ]) {
        const headers = { Depth: '0' };
        const whole = await send(method!, `${origin}${target}`, { headers });
        const plain = await send(method!, target!.startsWith('/') ? target! : `/${target}`, { headers });
        seen.push([method, target, whole.status === plain.status, whole.status === 400]);
      }
      expect(seen.filter(([, , isSame, isRefused]) => !isSame || isRefused)).toEqual([]);
    },
  );

  test('every method works by it, and the hrefs are paths', async () => {
    const at = `http://any.example:81/dav/${DRIVE_ID}`;
    expect((await send('MKCOL', `${at}/whole`)).status).toBe(201);
    expect((await send('PUT', `${at}/whole/a%20b`, { body: 'one' })).status).toBe(201);
    expect((await send('GET', `${at}/whole/a%20b`)).text).toBe('one');
    const listing = await send('PROPFIND', `${at}/whole`, { headers: { Depth: '1' } });
    expect(hrefsOf(listing.text)).toEqual(['/dav/123456/whole/', '/dav/123456/whole/a b']);
    expect((await send('MOVE', `${at}/whole/a%20b`, { headers: { Destination: `${at}/whole/c` } })).status).toBe(201);
    expect((await send('COPY', `${at}/whole/c`, { headers: { Destination: 'd' } })).status).toBe(201);
    expect((await send('DELETE', `${at}/whole`)).status).toBe(204);
  });

  test('its authority replaces Host: for the drive, for a Destination, for addresses in answers', async () => {
    const byTarget = await send('PROPFIND', `http://${HOST}/d`, { headers: { Host: 'other.example', Depth: '0' } });
    expect(hrefsOf(byTarget.text)).toEqual(['/d/']);
    const asPath = await send('PROPFIND', 'http://other.example/d', { headers: { Host: HOST, Depth: '0' } });
    expect(asPath.status).toBe(404);
    const Destination = `http://${HOST}/d/copy`;
    const moved = await send('COPY', `http://${HOST}/d/f`, { headers: { Host: 'other.example', Destination } });
    expect(moved.status).toBe(201);
    const flow = await send('POST', 'http://files.example/index.php/login/v2', { headers: { Host: 'other.example' } });
    expect(JSON.parse(flow.text).login).toMatch(/^http:\/\/files\.example\/index\.php\//);
  });

  test('no credentials: a challenge as ever', async () => {
    const { status, headers } = await server.send('PROPFIND', 'http://files.example/dav/123456/');
    expect([status, headers['www-authenticate']]).toEqual([401, expect.stringMatching(/^Basic /)]);
  });

  test.each([
    'ftp://files.example/dav/123456/',
    'file:///etc/passwd',
    'http:///dav/123456/',
    'http://:80/dav/123456/',
    'http://alice:secret@files.example/dav/123456/',
    'http://@files.example/dav/123456/',
    'files.example:80',
    'dav/123456',
  ])('%s is refused, and not repeated', async (target) => {
    const connection = await server.connect();
    connection.writeHead(`GET ${target} HTTP/1.1`, 'Host: x', `Authorization: ${authorizationOf('alice')}`);
    const { status, body } = await connection.readAnswer();
    connection.close();
    expect([status, body.includes('secret')]).toEqual([400, false]);
  });

  test('Host is still wanted, and has to be one', async () => {
    const target = 'GET http://files.example/healthz HTTP/1.1';
    expect(await rawStatus(target)).toBe(400);
    expect(await rawStatus(target, 'Host: x')).toBe(200);
    for (const host of ['a b', 'a/b', 'user@x', '[::1', 'x:port', 'a"b']) {
      expect([host, await rawStatus(target, `Host: ${host}`)]).toEqual([host, 400]);
    }
  });

  test('CONNECT is no way to anywhere', async () => {
    expect(await rawStatus('CONNECT files.example:80 HTTP/1.1', 'Host: files.example:80')).toBe(0);
  });
});

describe('client B — several slashes count as one, before a mount and inside its own path', () => {
  test.each([
    ['//dav/123456/d/f', '/dav/123456/d/f'],
    ['/dav//123456/d/f', '/dav/123456/d/f'],
    ['///dav///123456///d///f', '/dav/123456/d/f'],
    ['/dav//123456', '/dav/123456'],
    ['//dav', '/dav/'],
    ['/dav//', '/dav/'],
    ['//', '/'],
    ['//remote.php//webdav//d//f', '/remote.php/webdav/d/f'],
    ['//remote.php//dav//files//alice@example.org//d', '/remote.php/dav/files/alice@example.org/d'],
    ['/dav//123456//remote.php//webdav/d', '/dav/123456/remote.php/webdav/d'],
    ['//status.php', '/status.php'],
    ['//ocs//v1.php//cloud//user?format=json', '/ocs/v1.php/cloud/user?format=json'],
    ['//api//drives//123456//changes?limit=1', '/api/drives/123456/changes?limit=1'],
    ['//api//session', '/api/session'],
    ['//console', '/console'],
    ['//console//files', '/console/files'],
    ['//healthz', '/healthz'],
    ['//metrics', '/metrics'],
  ])('GET and PROPFIND of %s are as of %s, with credentials and without', async (target, plain) => {
    for (const method of ['GET', 'PROPFIND']) {
      for (const user of ['alice', undefined]) {
        const headers = { Depth: '0', 'OCS-APIRequest': 'true' };
        const [one, other] = await Promise.all(
          [target, plain].map((path) => server.send(method, path, { headers, ...(user ? { user } : {}) })),
        );
        expect(one!.status).toBe(other!.status);
        expect(one!.status).not.toBe(400);
        expect(one!.headers['www-authenticate']).toBe(other!.headers['www-authenticate']);
        if (one!.status === 207) expect(hrefsOf(one!.text)).toEqual(hrefsOf(other!.text));
      }
    }
  });

  test('without credentials there is a challenge, so that clients send their password', async () => {
    for (const target of ['//dav/123456/', '/dav//123456/d', '//remote.php/webdav/']) {
      const { status, headers } = await server.send('PROPFIND', target);
      expect([status, headers['www-authenticate']]).toEqual([401, expect.stringMatching(/^Basic /)]);
    }
  });

  test("at a drive's own host", async () => {
    for (const target of ['//d/f', '///d//f']) {
      expect((await send('GET', target, { headers: { Host: HOST } })).text).toBe('f');
    }
  });

  test('writing goes there too', async () => {
    expect((await send('PUT', '//dav/123456/d/g', { body: 'g' })).status).toBe(201);
    expect((await send('MKCOL', '/dav//123456/d/h')).status).toBe(201);
    expect((await send('GET', '/dav/123456/d/g')).text).toBe('g');
    expect((await send('DELETE', '//dav//123456//d/h')).status).toBe(204);
  });

  test.each(['//dav/123456', '/dav//123456', 'http://any.example//dav//123456', '//remote.php//webdav'])(
    'in Destination and in a tagged If: %s',
    async (base) => {
      await send('PUT', '/dav/123456/d/from', { body: 'x' });
      const etag = (await send('HEAD', '/dav/123456/d/from')).headers.etag;
      const Destination = `${base}/d/to`;
      const tagged = `${base}/d/from`;
      const wrong = await send('MOVE', '/dav/123456/d/from', {
        headers: { Destination, If: `<${tagged}> (["no such tag"])` },
      });
      expect(wrong.status).toBe(412);
      const right = await send('MOVE', '/dav/123456/d/from', {
        headers: { Destination, If: `<${tagged}> ([${etag}])` },
      });
      expect(right.status).toBe(201);
      expect((await send('DELETE', '/dav/123456/d/to')).status).toBe(204);
    },
  );

  test('two slashes at the start are no host, and nothing leads to one', async () => {
    for (const target of ['//evil.example', '//evil.example/console', '//console//evil.example', '//', '///console']) {
      const { headers } = await server.send('GET', target, { headers: BROWSER });
      expect([target, headers.location ?? '/console/']).toEqual([target, '/console/']);
    }
    const Destination = '//evil.example/dav/123456/d/to';
    expect((await send('MOVE', '/dav/123456/d/f', { headers: { Destination } })).status).toBe(502);
    const parent = await send('PROPFIND', '//remote.php//dav', { headers: { Depth: '0' } });
    expect(hrefsOf(parent.text)).toEqual(['/remote.php/dav']);
  });
});
