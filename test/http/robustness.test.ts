import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LOCK_BODY_BYTES_MAX } from '../../src/dav/xml/lockinfo.js';
import type { Connection } from '../support/http-client.js';
import { authorizationOf, type DriveRequest, TestServer } from '../support/make-server.js';
import { allOf, askFor, change, parseAnswer, textIn } from '../support/multistatus.js';

let server: TestServer;
let alice: DriveRequest;
let authorization = '';

beforeAll(async () => {
  server = await TestServer.start();
  alice = server.as('alice');
  authorization = `Authorization: ${authorizationOf('alice')}`;
  await alice('MKCOL', '/d');
  await alice('PUT', '/d/f', { body: 'f' });
});
afterAll(() => server.stop());

const isAlive = async () => expect((await alice('GET', '/d/f')).text).toBe('f');
const rawStatus = (...lines: string[]) => server.rawStatus(...lines);

describe('PITFALLS — paths', () => {
  const BAD = [
    '%',
    '%f',
    '%zz',
    '%ff',
    '%c0%af',
    '%c0%80',
    '%ed%a0%80',
    '%f8%88%80%80%80',
    '%00',
    'a%00b',
    'a%2Fb',
    '%2F',
    '.',
    '..',
    '%2e',
    '%2e%2e',
    '%2E%2e',
    '.%2e',
    'd/../../f',
    'd/%2e%2e/d/f',
    '\xff',
  ];
  test.each(BAD)('%j is 400 for every method, and as Destination', async (path) => {
    for (const method of ['GET', 'PUT', 'PROPFIND', 'DELETE', 'MKCOL', 'LOCK', 'PROPPATCH']) {
      expect((await alice(method, `/${path}`, { body: method === 'PUT' ? 'x' : '' })).status).toBe(400);
    }
    for (const method of ['COPY', 'MOVE']) {
      const headers = { Destination: server.urlOf(`/${path}`) };
      expect((await alice(method, '/d/f', { headers })).status).toBe(400);
    }
    await isAlive();
  });

  test.each([
    '/%ff',
    '/dav/123456/%ff',
    '/dav/%ff',
    '/%',
    '//',
    '/dav//123456',
    '/..',
    '/dav/123456/../../etc/passwd',
    '/\\',
    '/?%ff',
    '/dav/123456/?a=/../..',
  ])('GET %s without credentials ends no process (webdav-server did)', async (target) => {
    expect((await server.send('GET', target)).status).toBeLessThan(500);
    await isAlive();
  });

  test('a path of 64 KiB is 414, one of 300 segments too', async () => {
    expect((await alice('GET', `/${'a'.repeat(65_536)}`)).status).toBe(414);
    expect((await alice('GET', '/a'.repeat(300))).status).toBe(414);
    expect((await alice('GET', `/${'a/'.repeat(200)}`)).status).toBe(404);
    expect(await rawStatus(`GET /dav/123456/${'a'.repeat(200_000)} HTTP/1.1`, 'Host: x', authorization)).toBe(431);
  });

  test.each(['GET', 'dav/123456', 'file:///etc/passwd'])('the target %s is no path: 400', async (target) => {
    expect(await rawStatus(`GET ${target} HTTP/1.1`, 'Host: x', authorization)).toBe(400);
  });
});

describe('PITFALLS — headers', () => {
  const head = ['PUT /dav/123456/smuggled HTTP/1.1', 'Host: x'];
  test.each([
    ['both Content-Length and Transfer-Encoding', ['Content-Length: 5', 'Transfer-Encoding: chunked']],
    ['two lengths', ['Content-Length: 5', 'Content-Length: 6']],
    ['a length that is none', ['Content-Length: five']],
    ['a negative length', ['Content-Length: -5']],
    ['another coding', ['Transfer-Encoding: gzip']],
    ['a space before the colon', ['Content-Length : 5']],
  ])('%s is 400 and nothing is stored', async (_title, lines) => {
    expect(await rawStatus(...head, authorization, ...lines, '', 'hello')).toBe(400);
    expect((await alice('GET', '/smuggled')).status).toBe(404);
  });

  test.each([
    ['Range', 'bytes=-99999999999999999999'],
    ['Range', 'bytes=99999999999999999999-'],
    ['Range', `bytes=${'0-1,'.repeat(5000)}`],
    ['Timeout', 'Second--1'],
    ['Timeout', 'Second-99999999999999999999'],
    ['If-Modified-Since', '9'.repeat(1000)],
    ['Accept', 'x'.repeat(10_000)],
    ['If-None-Match', '"'.repeat(5000)],
    ['Expect', 'a-miracle'],
    ['Authorization', 'Basic'],
    ['Authorization', 'Basic !!!'],
    ['Authorization', `Basic ${'A'.repeat(20_000)}`],
    ['Authorization', 'Bearer'],
    ['Authorization', 'Digest username="alice"'],
    ['Host', '[::1'],
    ['Host', 'a b'],
    ['Host', ''],
    ['X-Forwarded-For', ','.repeat(1000)],
  ])('%s: %s is no defect', async (name, value) => {
    for (const method of ['GET', 'LOCK', 'PROPFIND']) {
      const answer = await alice(method, '/d/f', { headers: { [name]: value.slice(0, 60_000) } });
      expect(answer.status).toBeLessThan(500);
    }
    await isAlive();
  });

  test.each(['2', 'infinit', '-1', '1;', '\xb9'])('Depth %j is 400 on PROPFIND', async (Depth) => {
    const { status } = await alice('PROPFIND', '/d', { headers: { Depth } });
    expect(status).toBe(400);
  });

  test('a huge If header is 400, quickly; one over all limits 431', async () => {
    const token = '(<opaquelocktoken:00000000-0000-0000-0000-000000000000>)';
    expect((await alice('PUT', '/d/if', { body: 'x', headers: { If: token.repeat(1100) } })).status).toBe(400);
    const tags = Array.from({ length: 200 }, (_, index) => `</dav/123456/${index}> (["x"])`).join(' ');
    expect((await alice('PUT', '/d/if', { body: 'x', headers: { If: tags } })).status).toBe(400);
    expect((await alice('PUT', '/d/if', { body: 'x', headers: { If: token.repeat(3000) } })).status).toBe(431);
    expect((await alice('GET', '/d/if')).status).toBe(404);
  });

  test('RFC 9110 §9.1 — a method that is not for files is 405 with Allow, one that is not known 501', async () => {
    for (const method of ['POST', 'PATCH']) {
      const { status, headers } = await alice(method, '/d/f');
      expect([status, headers.allow]).toEqual([405, expect.stringContaining('PROPFIND')]);
    }
    for (const method of ['SEARCH', 'ACL', 'TRACE', 'BIND']) {
      expect((await alice(method, '/d/f')).status).toBe(501);
    }
  });
});

describe('PITFALLS — XML', () => {
  const wrap = (prolog: string, content = '') =>
    `<?xml version="1.0"?>${prolog}<D:propfind xmlns:D="DAV:"><D:prop><D:getetag/>${content}</D:prop></D:propfind>`;
  test.each([
    [
      'a billion laughs',
      wrap('<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>', '<x>&c;</x>'),
    ],
    ['an external entity', wrap('<!DOCTYPE l [<!ENTITY x SYSTEM "file:///etc/passwd">]>', '<x>&x;</x>')],
    ['an external DTD', wrap('<!DOCTYPE l SYSTEM "http://127.0.0.1:1/x.dtd">')],
    ['an unknown entity', wrap('', '<x>&nbsp;</x>')],
    ['deep nesting', wrap('', '<x>'.repeat(10_000) + '</x>'.repeat(10_000))],
    ['many attributes', wrap('', `<x ${Array.from({ length: 5000 }, (_, index) => `a${index}=""`).join(' ')}/>`)],
    ['many properties', wrap('', Array.from({ length: 5000 }, (_, index) => `<x${index}/>`).join(''))],
    ['many elements', wrap('', '<x/>'.repeat(100_000))],
    ['long namespaces', wrap('', `<x:x xmlns:x="${'u'.repeat(50_000)}"/>`)],
    ['NUL', wrap('', '\0')],
    ['not UTF-8', Buffer.from([0x3c, 0xff, 0xfe, 0x3e])],
    ['half of a surrogate pair in UTF-16', Buffer.from([0xff, 0xfe, 0x3c, 0, 0, 0xd8, 0x3e, 0])],
  ])('%s is 400, quickly', async (_title, body) => {
    const startedAt = performance.now();
    for (const method of ['PROPFIND', 'PROPPATCH', 'LOCK']) {
      const isTooLarge = method === 'LOCK' && body.length > LOCK_BODY_BYTES_MAX;
      expect((await alice(method, '/d/f', { body })).status).toBe(isTooLarge ? 413 : 400);
    }
    expect(performance.now() - startedAt).toBeLessThan(3000);
    await isAlive();
  });

  test.each(['PROPFIND', 'PROPPATCH', 'LOCK', 'MKCOL'])(
    'a %s body of 100 MB is 413, announced or not, long before it has come',
    async (method) => {
      expect(
        await rawStatus(`${method} /dav/123456/d/x HTTP/1.1`, 'Host: x', authorization, 'Content-Length: 100000000'),
      ).toBe(413);
      let taken = 0;
      async function* body() {
        for (; taken < 1600; taken++) yield Buffer.alloc(65_536, ' ');
      }
      expect((await alice(method, '/d/x', { body: body() })).status).toBe(413);
      expect(taken).toBeLessThan(400);
    },
  );

  test('markup in names, properties and owners comes back as text', async () => {
    const evil = '><D:href>x<D:href>&"\'';
    await alice('MKCOL', `/d/${encodeURIComponent(evil)}`);
    await alice('PROPPATCH', '/d/f', { body: change({ '{urn:x}evil': `<![CDATA[${evil}]]>` }) });
    const { text } = await alice('PROPFIND', '/d', { headers: { Depth: '1' } });
    expect(allOf(parseAnswer(text), '{DAV:}href')).toHaveLength(allOf(parseAnswer(text), '{DAV:}response').length);
    expect(allOf(parseAnswer(text), '{urn:x}evil').map(textIn)).toEqual([evil]);
  });
});

describe('error bodies', () => {
  test.each<[number, string, string, object]>([
    [401, 'GET', '/d/f', { Authorization: '' }],
    [404, 'GET', '/none', {}],
    [405, 'MKCOL', '/d', {}],
    [409, 'PUT', '/no/x', {}],
    [412, 'DELETE', '/d/f', { 'If-Match': '"x"' }],
    [400, 'GET', '/%ff', {}],
    [403, 'DELETE', '/Trash', {}],
    [416, 'GET', '/d/f', { Range: 'bytes=9-' }],
    [502, 'COPY', '/d/f', { Destination: 'http://user:hunter2@elsewhere/x' }],
    [400, 'COPY', '/d/f', { Destination: 'ftp://user:hunter2@elsewhere/x' }],
  ])('%i is XML with a sentence and the request id, and holds no secret', async (status, method, path, headers) => {
    const answer = await alice(method, path, { headers: headers as Record<string, string> });
    expect(answer.status).toBe(status);
    expect(answer.headers['content-type']).toBe('application/xml; charset=utf-8');
    const root = parseAnswer(answer.text);
    expect(root.name).toBe('{DAV:}error');
    expect(textIn(allOf(root, '{urn:firn}message')[0])).toMatch(/^[A-Z"].*\.$|\)\.$/s);
    expect(textIn(allOf(root, '{urn:firn}request-id')[0])).toBe(answer.headers['x-request-id']);
    expect(answer.text).not.toMatch(/hunter2|at \w+ \(|node_modules|otters/);
  });
});

describe('PITFALLS — load', () => {
  test('a slow reader of a large PROPFIND holds up no writer', async () => {
    await alice('MKCOL', '/large');
    for (let start = 0; start < 3000; start += 50) {
      await Promise.all(
        Array.from({ length: 50 }, (_, index) =>
          alice('PUT', `/large/${'n'.repeat(200)}${start + index}`, { body: '' }),
        ),
      );
    }
    const slow: Connection[] = [];
    for (let number = 0; number < 5; number++) {
      const connection = await server.connect();
      slow.push(connection);
      connection.writeHead('PROPFIND /dav/123456/large HTTP/1.1', 'Host: x', authorization, 'Depth: infinity');
      await connection.until(() => connection.received.length > 0);
      connection.socket.pause();
    }
    for (let number = 0; number < 20; number++) {
      expect((await alice('PUT', `/large/written${number}`, { body: 'x' })).status).toBe(201);
    }
    expect((await alice('DELETE', '/large')).status).toBe(204);
    for (const connection of slow) {
      connection.socket.resume();
      await connection.until(() => connection.received.endsWith('\r\n0\r\n\r\n'));
      expect(connection.received).toMatch(/^HTTP\/1\.1 207 /);
      expect(connection.received).toContain('</D:multistatus>');
      connection.close();
    }
  });

  test('200 idle connections, and as many with half a head, leave the server free', async () => {
    const idle = await Promise.all(Array.from({ length: 200 }, () => server.connect()));
    const half = await Promise.all(Array.from({ length: 200 }, () => server.connect()));
    for (const connection of half) connection.write('GET /dav/123456/d/f HT');
    await isAlive();
    expect(idle.every(({ isEnded }) => !isEnded)).toBe(true);
    for (const connection of [...idle, ...half]) connection.close();
  });
});

describe('client-requirements R2, R3, R36 — bodies that nobody wants, and 100 Continue', () => {
  const PUT = (size: number, ...more: string[]) => [
    'PUT /dav/123456/d/kio HTTP/1.1',
    'Host: x',
    `Content-Length: ${size}`,
    ...more,
  ];

  test('KIO: a PUT with its body but without credentials, then again with them, on one connection', async () => {
    for (const size of [10, 20_000, 500_000]) {
      const connection = await server.connect();
      const body = 'k'.repeat(size);
      connection.write(`${PUT(size).join('\r\n')}\r\n\r\n${body}`);
      expect((await connection.readAnswer()).status).toBe(401);
      connection.write(`${PUT(size, authorization).join('\r\n')}\r\n\r\n${body}`);
      expect((await connection.readAnswer()).status).toBeLessThan(300);
      connection.close();
      expect((await alice('HEAD', '/d/kio')).headers['content-length']).toBe(String(size));
    }
  });

  test.each([
    ['401 without credentials', [], 401],
    ['404 below nothing', 'missing', 409],
    ['412 by If-Match', ['If-Match: "x"'], 412],
  ] as const)('Expect: 100-continue is answered %s, and no 100 before', async (_title, lines, status) => {
    const connection = await server.connect();
    const head =
      lines === 'missing'
        ? [PUT(5)[0]!.replace('kio', 'no/where'), ...PUT(5, authorization).slice(1)]
        : PUT(5, ...(status === 401 ? [] : [authorization]), ...lines);
    connection.writeHead(...head, 'Expect: 100-continue');
    expect((await connection.readAnswer()).status).toBe(status);
    connection.close();
  });

  test('with everything in order 100 comes first, then the answer', async () => {
    const connection = await server.connect();
    connection.writeHead(...PUT(5, authorization), 'Expect: 100-continue');
    expect((await connection.readAnswer()).status).toBe(100);
    connection.write('hello');
    expect((await connection.readAnswer()).status).toBe(204);
    connection.close();
  });

  test('requests follow each other on one connection, after errors too', async () => {
    const connection = await server.connect();
    const body = '<a/>';
    for (const [method, path, expected] of [
      ['GET', '/none', 404],
      ['PROPPATCH', '/d/f', 400],
      ['DELETE', '/none', 404],
      ['MKCOL', '/d', 415],
      ['POST', '/d', 405],
      ['GET', '/d/f', 200],
    ] as const) {
      connection.write(
        `${method} /dav/123456${path} HTTP/1.1\r\nHost: x\r\n${authorization}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      );
      expect((await connection.readAnswer()).status).toBe(expected);
    }
    connection.close();
  });
});

describe('the answers of the server itself', () => {
  test('/healthz and /readyz answer without credentials, and no drive is behind them', async () => {
    for (const path of ['/healthz', '/readyz']) expect((await server.send('GET', path)).text).toBe('ok\n');
    expect((await server.send('GET', '/healthz', { headers: { Host: '123456.connect.example.org' } })).status).toBe(
      401,
    );
  });

  test('X-Request-Id is on every answer and never the same', async () => {
    const ids = await Promise.all(
      Array.from({ length: 20 }, async () => (await alice('HEAD', '/d/f')).headers['x-request-id']),
    );
    expect(new Set(ids).size).toBe(20);
    expect((await alice('PROPFIND', '/d', { body: askFor('getetag') })).headers['x-request-id']).toBeDefined();
  });
});
