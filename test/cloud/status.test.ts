import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { basic, type DriveRequest, TestServer } from '../support/make-server.js';

const USER = 'alice@example.org';
const HOST = { Host: '123456.connect.example.org' };
let server: TestServer;
let alice: DriveRequest;

beforeAll(async () => {
  server = await TestServer.start();
  alice = server.as('alice');
});
afterAll(() => server.stop());

/** Each address that a program may be given for the drive, with the header that says so. */
const ADDRESSES: [string, string, Record<string, string>][] = [
  ['the bare address', '/status.php', {}],
  ['the bare address with a doubled slash', '//status.php', {}],
  ['a path mount', '/dav/123456/status.php', {}],
  ['a drive’s own host', '/status.php', HOST],
];

describe('client-requirements R34, §2.10 — status.php', () => {
  test.each(ADDRESSES)(
    '%s answers without credentials what a server in working order is',
    async (_, target, headers) => {
      const answer = await server.send('GET', target, { headers });
      expect(answer.status).toBe(200);
      expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
      expect(JSON.parse(answer.text)).toEqual({
        installed: true,
        maintenance: false,
        needsDbUpgrade: false,
        version: expect.stringMatching(/^2\d\.\d+\.\d+\.\d+$/),
        versionstring: expect.stringMatching(/^2\d\.\d+\.\d+$/),
        edition: '',
        productname: 'Firn',
        extendedSupport: false,
      });
    },
  );

  test.each(ADDRESSES)('%s answers HEAD with the same head and no body', async (_, target, headers) => {
    const answer = await server.send('HEAD', target, { headers });
    expect([answer.status, answer.text]).toEqual([200, '']);
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
  });

  test('a query changes nothing, credentials neither where no such file is', async () => {
    expect(JSON.parse((await server.send('GET', '/status.php?x=1')).text).installed).toBe(true);
    expect(JSON.parse((await server.send('GET', '/status.php', { user: 'alice' })).text).installed).toBe(true);
    expect(JSON.parse((await alice('GET', '/status.php')).text).installed).toBe(true);
    expect((await alice('HEAD', '/status.php')).status).toBe(200);
  });

  test('wrong credentials are 401 where it may be a file', async () => {
    const headers = { Authorization: basic(USER, 'not the password at all') };
    expect((await server.send('GET', '/dav/123456/status.php', { headers })).status).toBe(401);
  });

  test('at the bare address it can only be read: nothing else is answered with success', async () => {
    for (const method of ['PUT', 'DELETE', 'PROPFIND', 'MKCOL', 'MOVE', 'POST']) {
      const answer = await server.send(method, '/status.php', { user: 'alice' });
      expect([method, answer.status]).toEqual([method, 405]);
      expect(answer.headers.allow).toBe('GET, HEAD, OPTIONS');
    }
  });
});

describe('PRODUCT D3 — a file named status.php', () => {
  test('in the drive: its owner has it, programs without credentials have the status', async () => {
    expect((await server.send('PUT', '/dav/123456/status.php', { body: 'x' })).status).toBe(401);
    expect((await alice('PUT', '/status.php', { body: 'mine' })).status).toBe(201);
    expect((await alice('GET', '/status.php')).text).toBe('mine');
    expect((await server.send('GET', '/status.php', { user: 'alice', headers: HOST })).text).toBe('mine');
    expect(JSON.parse((await server.send('GET', '/dav/123456/status.php')).text).productname).toBe('Firn');
    expect(JSON.parse((await server.send('GET', '/status.php', { user: 'alice' })).text).productname).toBe('Firn');
    expect((await alice('DELETE', '/status.php')).status).toBe(204);
  });

  test.each([`/remote.php/dav/files/${USER}`, '/remote.php/webdav', `/dav/123456/remote.php/dav/files/${USER}`])(
    'in the tree %s it is a file like any other, at whatever depth',
    async (base) => {
      const send = (method: string, target: string, body?: string) =>
        server.send(method, `${base}${target}`, { user: 'alice', ...(body === undefined ? {} : { body }) });
      expect((await send('MKCOL', '/www')).status).toBe(201);
      for (const target of ['/status.php', '/www/status.php']) {
        expect((await server.send('GET', `${base}${target}`)).status).toBe(401);
        expect((await send('GET', target)).status).toBe(404);
        expect((await send('PUT', target, '<?php')).status).toBe(201);
        expect((await send('GET', target)).text).toBe('<?php');
        expect((await alice('GET', target)).text).toBe('<?php');
        expect((await send('DELETE', target)).status).toBe(204);
      }
      expect((await send('DELETE', '/www')).status).toBe(204);
    },
  );

  test('it can be uploaded in parts', async () => {
    const uploads = `/remote.php/dav/uploads/${USER}`;
    const send = (method: string, target: string, options = {}) =>
      server.send(method, target, { user: 'alice', ...options });
    expect((await send('MKCOL', `${uploads}/status.php`)).status).toBe(201);
    expect((await send('PUT', `${uploads}/status.php/1`, { body: 'parts' })).status).toBe(201);
    const Destination = `/remote.php/dav/files/${USER}/status.php`;
    expect((await send('MOVE', `${uploads}/status.php/.file`, { headers: { Destination } })).status).toBe(201);
    expect((await send('GET', Destination)).text).toBe('parts');
  });
});
