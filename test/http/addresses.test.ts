import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { authorizationOf, type DriveRequest, TestServer } from '../support/make-server.js';
import { askFor, hrefsOf, parseMultistatus, textIn } from '../support/multistatus.js';

const HOST = '123456.connect.example.org';
let server: TestServer;
let alice: DriveRequest;

beforeAll(async () => {
  server = await TestServer.start();
  await server.addMember('bob');
  await server.addUser('carol');
  await server.addDrive({ id: 1234567, name: 'Hers', owner: 'carol' });
  alice = server.as('alice');
});
afterAll(() => server.stop());

const atHost = (method: string, path: string, options: { host?: string; headers?: object; body?: string } = {}) =>
  server.send(method, path, {
    user: 'alice',
    headers: { Host: options.host ?? HOST, ...options.headers },
    ...(options.body === undefined ? {} : { body: options.body }),
  });

describe('PRODUCT A1 — a drive at its own host, and by path on every other', () => {
  test('both mounts show the same content, and hrefs keep the form of the request', async () => {
    expect((await alice('MKCOL', '/both')).status).toBe(201);
    expect((await atHost('PUT', '/both/a.txt', { body: 'one' })).status).toBe(201);
    expect((await alice('GET', '/both/a.txt')).text).toBe('one');
    const byPath = await alice('PROPFIND', '/both', { headers: { Depth: '1' } });
    const byHost = await atHost('PROPFIND', '/both', { headers: { Depth: '1' } });
    expect(hrefsOf(byPath.text)).toEqual(['/dav/123456/both/', '/dav/123456/both/a.txt']);
    expect(hrefsOf(byHost.text)).toEqual(['/both/', '/both/a.txt']);
    expect(hrefsOf((await atHost('PROPFIND', '/', { headers: { Depth: '1' } })).text)).toEqual([
      '/',
      '/Drive/',
      '/Trash/',
    ]);
  });

  test.each([
    HOST,
    `${HOST}:8443`,
    '123456.CONNECT.Example.ORG',
    '123456.connect.firn.test',
    '123456.connect.localhost:8080',
    `${HOST}.`,
  ])('the host %s is the drive', async (host) => {
    expect((await atHost('PROPFIND', '/Drive', { host, headers: { Depth: '0' } })).status).toBe(207);
  });

  test.each(['x123456.connect.example.org', '12345.connect.example.org', 'connect.example.org', '123456.example.org'])(
    'the host %s is no drive',
    async (host) => {
      // A drive would ask for credentials first.
      expect((await server.send('PROPFIND', '/Drive', { headers: { Host: host } })).status).toBe(404);
    },
  );

  test.each(['/dav/12345/', '/dav/123456x/', '/dav/0x123456/', '/dav/-123456/', '/dav/1e6/', '/DAV/123456/'])(
    'the path %s is no drive',
    async (path) => {
      expect((await server.send('PROPFIND', path)).status).toBe(404);
    },
  );

  test('at the drive host, /dav/123456 is an ordinary personal path', async () => {
    expect((await atHost('GET', '/dav/123456/both/a.txt')).status).toBe(404);
    expect((await atHost('MKCOL', '/dav')).status).toBe(201);
    expect(await server.idOf('alice', '/dav')).toBeGreaterThan(0);
    expect((await atHost('DELETE', '/dav')).status).toBe(204);
  });

  test('the mount answers with and without its slash, and never redirects', async () => {
    for (const path of ['', '/', '//', '/both', '/both/', '//both//']) {
      expect((await alice('PROPFIND', path, { headers: { Depth: '0' } })).status).toBe(207);
    }
  });
});

describe('PRODUCT A2 — a deeper address mounts a folder', () => {
  test('Common documents/folder-name and a personal folder are mount points', async () => {
    await alice('MKCOL', '/joplin');
    await alice('MKCOL', '/Common%20documents/folder-name');
    for (const path of ['/joplin', '/Common%20documents/folder-name']) {
      expect((await alice('PROPFIND', path, { headers: { Depth: '1' } })).status).toBe(207);
      expect((await atHost('PUT', `${path}/new.txt`, { body: 'x' })).status).toBe(201);
      expect((await alice('OPTIONS', path)).headers.dav).toBe('1, 2, 3');
    }
  });
});

describe('PRODUCT A3 — drive IDs cannot be probed', () => {
  test.each(['GET', 'PROPFIND', 'PUT', 'DELETE', 'MKCOL', 'LOCK', 'REPORT'])(
    '%s: an unknown drive and a foreign one give the same 404 after authentication, and 401 without',
    async (method) => {
      const answers = [];
      for (const id of ['1234567', '7654321']) {
        const target = `/dav/${id}/x`;
        const answer = await server.send(method, target, { user: 'alice' });
        const nobody = await server.send(method, target);
        expect([answer.status, nobody.status]).toEqual([404, 401]);
        answers.push(
          [answer, nobody].map(({ text, headers }) => [
            stripId(text),
            Object.keys(headers),
            headers['www-authenticate'],
          ]),
        );
      }
      expect(answers[0]).toEqual(answers[1]);
    },
  );

  test('a foreign drive as Destination is as unknown as one that is not there', async () => {
    await alice('PUT', '/probe.txt', { body: 'x' });
    const answers = [];
    for (const id of [1234567, 7654321]) {
      const headers = { Destination: server.urlOf('/probe.txt', id) };
      const { status, text } = await alice('COPY', '/probe.txt', { headers });
      expect(status).toBe(409);
      answers.push(stripId(text));
    }
    expect(answers[0]).toBe(answers[1]);
  });

  test('a Destination whose drive ID only begins with ours is another drive', async () => {
    await alice('PUT', '/prefix.txt', { body: 'x' });
    const headers = { Destination: `http://127.0.0.1:${server.port}/dav/1234567/prefix2.txt` };
    expect((await alice('MOVE', '/prefix.txt', { headers })).status).toBe(409);
    expect((await alice('GET', '/prefix.txt')).status).toBe(200);
  });

  function stripId(text: string): string {
    return text
      .replace(/<F:request-id>.*?</g, '')
      .replaceAll('1234567', 'ID')
      .replaceAll('7654321', 'ID');
  }
});

describe('PRODUCT A4 — OPTIONS everywhere, and parents that answer', () => {
  test.each([
    '/',
    '*',
    '/dav',
    '/dav/',
    '/dav/123456',
    '/dav/123456/',
    '/dav/123456/x/y',
    '/dav/999999/',
    '/anything',
    '/dav/123456/%ff',
  ])('OPTIONS %s answers 200 without credentials', async (target) => {
    for (const user of [undefined, 'alice']) {
      const { status, headers, text } = await server.send('OPTIONS', target, user ? { user } : {});
      expect(status).toBe(200);
      expect(headers.dav).toBe('1, 2, 3');
      expect(headers['ms-author-via']).toBe('DAV');
      expect(headers.allow).toMatch(/PROPFIND.*LOCK/);
      expect(text).toBe('');
    }
  });

  test('OPTIONS announces neither partial PUT nor partial PATCH (client-requirements 2.9)', async () => {
    const { headers } = await server.send('OPTIONS', '/dav/123456/');
    expect(`${headers.dav} ${headers.server ?? ''} ${headers.allow}`).not.toMatch(/apache|sabredav|\bPATCH/i);
  });

  test.each(['/', '/dav', '/dav/'])(
    '%s answers PROPFIND as a collection, depth 0 and 1, with and without body',
    async (path) => {
      for (const user of [undefined, 'alice']) {
        for (const Depth of ['0', '1']) {
          for (const body of [undefined, '', askFor('resourcetype', 'getcontentlength')]) {
            const options = { headers: { Depth }, ...(user ? { user } : {}), ...(body === undefined ? {} : { body }) };
            const { status, text } = await server.send('PROPFIND', path, options);
            expect(status).toBe(207);
            const [own] = parseMultistatus(text);
            expect(own?.href).toBe(path === '/' ? '/' : '/dav/');
            expect(own?.props.get('{DAV:}resourcetype')?.children).toHaveLength(1);
          }
        }
      }
    },
  );

  test('the way down from / to /dav/ is shown with depth 1', async () => {
    const at = async (Depth: string) => hrefsOf((await server.send('PROPFIND', '/', { headers: { Depth } })).text);
    expect([await at('0'), await at('1')]).toEqual([['/'], ['/', '/dav/']]);
  });

  test('parents list no drives', async () => {
    const { text } = await server.send('PROPFIND', '/dav/', { user: 'alice', headers: { Depth: '1' } });
    expect(hrefsOf(text)).toEqual(['/dav/']);
  });

  test.each(['PUT', 'DELETE', 'MKCOL', 'MOVE', 'LOCK', 'PROPPATCH'])('%s on a parent is 405', async (method) => {
    for (const path of ['/', '/dav/']) {
      expect((await server.send(method, path, { user: 'alice' })).status).toBe(405);
    }
  });
});

describe('PRODUCT A5 — Destination behind proxies', () => {
  const forms: [string, (path: string) => string][] = [
    ['the same address', (path) => `http://127.0.0.1/dav/123456${path}`],
    ['another scheme', (path) => `https://127.0.0.1/dav/123456${path}`],
    ['another port', (path) => `http://127.0.0.1:1/dav/123456${path}`],
    ['another host', (path) => `https://files.example.org/dav/123456${path}`],
    ["the drive's own host", (path) => `https://${HOST}${path}`],
    ['user info, with a password that holds an @', (path) => `http://alice:p@ss@127.0.0.1/dav/123456${path}`],
    ["KIO's webdavs scheme", (path) => `webdavs://127.0.0.1/dav/123456${path}`],
    ["KIO's webdav scheme", (path) => `webdav://127.0.0.1/dav/123456${path}`],
    ["gvfs' davs scheme", (path) => `davs://127.0.0.1/dav/123456${path}`],
    ['a path alone', (path) => `/dav/123456${path}`],
    ['a relative path', (path) => path.slice(1)],
    ['lower-case percent-encoding', (path) => `/dav/123456${path.replace('x', '%78').replace('%C3', '%c3')}`],
    ['an upper-case scheme and host', (path) => `HTTP://LOCALHOST/dav/123456${path}`],
  ];

  test.each(forms)('%s is the same drive', async (_title, form) => {
    for (const method of ['COPY', 'MOVE']) {
      await alice('PUT', '/from.txt', { body: 'x' });
      const answer = await alice(method, '/from.txt', { headers: { Destination: form('/to%20x%C3%BC.txt') } });
      expect([answer.status, answer.text]).toEqual([201, '']);
      expect((await alice('GET', '/to%20x%C3%BC.txt')).text).toBe('x');
      await alice('DELETE', '/to%20x%C3%BC.txt');
    }
  });

  test('a request at the drive host may name the destination by path mount, by its own host, or by path', async () => {
    for (const Destination of [
      server.urlOf('/h.txt'),
      `https://${HOST}/h.txt`,
      `http://${HOST}:99/h.txt`,
      '/h.txt',
      'h.txt',
    ]) {
      await alice('PUT', '/from.txt', { body: 'x' });
      expect((await atHost('MOVE', '/from.txt', { headers: { Destination } })).status).toBe(201);
      expect((await alice('DELETE', '/h.txt')).status).toBe(204);
    }
  });

  test.each([
    'http://elsewhere.example.org/x.txt',
    'https://127.0.0.1/x.txt',
    '/x.txt',
    'http://12.connect.example.org/x.txt',
  ])('%s is on another server: 502, and nothing happens', async (Destination) => {
    await alice('PUT', '/stays.txt', { body: 'x' });
    expect((await alice('MOVE', '/stays.txt', { headers: { Destination } })).status).toBe(502);
    const isPath = Destination.startsWith('/');
    if (!isPath) expect((await atHost('MOVE', '/stays.txt', { headers: { Destination } })).status).toBe(502);
    expect((await alice('GET', '/stays.txt')).status).toBe(200);
  });

  test('a password in Destination appears in no answer', async () => {
    const headers = { Destination: 'http://alice:hunter2@:x:/dav/' };
    const { status, text } = await alice('COPY', '/stays.txt', { headers });
    expect(status).toBe(400);
    expect(text).not.toContain('hunter2');
  });

  test('the 401 has one and the same realm everywhere (client-requirements R2)', async () => {
    const targets = ['/dav/123456/', '/dav/123456/a/b', '/dav/999999/'];
    const challenges = await Promise.all(
      targets.map(async (target) => (await server.send('PROPFIND', target)).headers['www-authenticate']),
    );
    expect(new Set(challenges)).toEqual(new Set(['Basic realm="Firn", charset="UTF-8"']));
    const atOwnHost = await server.send('GET', '/', { headers: { Host: HOST } });
    expect(atOwnHost.headers['www-authenticate']).toBe(challenges[0]);
  });

  test("Windows' DOMAIN\\user is the user (PRODUCT S1)", async () => {
    const [, encoded = ''] = authorizationOf('alice').split(' ');
    const Authorization = `Basic ${Buffer.from(`PC\\${Buffer.from(encoded, 'base64')}`).toString('base64')}`;
    const { status, text } = await server.send('PROPFIND', '/dav/123456/', { headers: { Authorization, Depth: '0' } });
    expect(status).toBe(207);
    expect(textIn(parseMultistatus(text)[0]?.props.get('{DAV:}displayname'))).toBe('Drive');
  });
});
