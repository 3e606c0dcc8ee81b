import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HEADERS_MAX } from '../../src/http/request-head.js';
import type { RawAnswer } from '../support/http-client.js';
import { authorizationOf, type DriveRequest, TestServer } from '../support/make-server.js';

let server: TestServer;
let alice: DriveRequest;
let authorization = '';

beforeAll(async () => {
  server = await TestServer.start();
  alice = server.as('alice');
  authorization = `Authorization: ${authorizationOf('alice')}`;
  await alice('PUT', '/kept', { body: 'as it was' });
});
afterAll(() => server.stop());

/** The first answer, and whether the connection ended after it. */
async function raw(head: readonly string[], body = ''): Promise<RawAnswer & { isClosed: boolean }> {
  const connection = await server.connect();
  connection.writeHead(...head);
  connection.write(body);
  try {
    const answer = await connection.readAnswer();
    if (answer.headers.connection === 'close') await connection.until(() => false);
    return { ...answer, isClosed: connection.isEnded };
  } finally {
    connection.close();
  }
}

const junk = (count: number) => Array.from({ length: count }, (_, index) => `A${index}: a`);
const PUT = (target: string) => [`PUT /dav/123456${target} HTTP/1.1`, 'Host: x', authorization];

describe('security 8 — no header is dropped without a word', () => {
  test.each([HEADERS_MAX, 1000, 10_000])(
    '%d before the one that matters: 431, and the connection ends',
    async (count) => {
      const { status, body, isClosed } = await raw([
        'GET /metrics HTTP/1.1',
        'Host: x',
        ...Array.from({ length: count }, () => 'A: a'),
        'X-Forwarded-For: 192.0.2.1',
      ]);
      expect([status, isClosed]).toEqual([431, true]);
      expect(body).toContain(`${HEADERS_MAX} are the most`);
    },
  );

  test('a condition behind a thousand others overwrites nothing, also where 100 Continue is waited for', async () => {
    for (const expectation of [[], ['Expect: 100-continue']]) {
      const head = [...PUT('/kept'), 'Content-Length: 1', ...expectation, ...junk(1000), 'If-None-Match: *'];
      expect((await raw(head, expectation.length > 0 ? '' : 'x')).status).toBe(431);
    }
    expect((await alice('GET', '/kept')).text).toBe('as it was');
  });

  test('as many as are allowed all count, to the last', async () => {
    const head = [...PUT('/kept'), 'Content-Length: 0'];
    const last = ['If-None-Match: *'];
    const whole = [...head, ...junk(HEADERS_MAX - head.length + 1 - last.length), ...last];
    expect(whole.length - 1).toBe(HEADERS_MAX);
    expect((await raw(whole)).status).toBe(412);
    expect((await raw([...whole, 'B: b'])).status).toBe(431);
  });

  test('trailers the same: what they follow is not stored', async () => {
    const body = (count: number) => `4\r\nbody\r\n0\r\n${junk(count).join('\r\n')}\r\n\r\n`;
    for (const method of ['PUT', 'PROPPATCH']) {
      const head = [`${method} /dav/123456/trailers HTTP/1.1`, 'Host: x', authorization, 'Transfer-Encoding: chunked'];
      expect((await raw(head, body(HEADERS_MAX + 1))).status).toBe(431);
      expect((await alice('GET', '/trailers')).status).toBe(404);
    }
    expect((await raw([...PUT('/trailers'), 'Transfer-Encoding: chunked'], body(HEADERS_MAX))).status).toBe(201);
  });
});

describe('security Low — a head that can be read in two ways is refused', () => {
  test.each([
    [['Host: x', 'Host: y']],
    [['Host: x', 'Host: x']],
    [['host: x', 'HOST: x', 'Expect: 100-continue']],
    [['Host: x', 'A: a', 'A: b', '__proto__: c', 'Host:']],
  ])('RFC 9112 §3.2 — %j is 400', async (lines) => {
    for (const version of ['HTTP/1.1', 'HTTP/1.0']) {
      expect((await raw([`GET /healthz ${version}`, ...lines])).status).toBe(400);
    }
  });

  test.each([
    ['Transfer-Encoding: gzip, chunked', 501],
    ['Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked', 501],
    ['Transfer-Encoding: identity, chunked', 501],
    ['Transfer-Encoding: gzip', 400],
    ['Transfer-Encoding: chunked, gzip', 400],
    ['Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked', 400],
    ['Transfer-Encoding: chunked\r\nContent-Length: 4', 400],
  ])('RFC 9112 §6.1 — %j is refused, nothing is stored, the connection ends', async (line, status) => {
    const answer = await raw([...PUT('/coded'), line], '4\r\nbody\r\n0\r\n\r\n');
    expect([answer.status, answer.isClosed]).toEqual([status, true]);
    expect((await alice('GET', '/coded')).status).toBe(404);
  });

  test('RFC 9112 §6.1 — HTTP/1.0 has no chunks: 400', async () => {
    const head = ['PUT /dav/123456/coded HTTP/1.0', 'Host: x', authorization, 'Transfer-Encoding: chunked'];
    const answer = await raw(head, '4\r\nbody\r\n0\r\n\r\n');
    expect([answer.status, answer.isClosed]).toEqual([400, true]);
    expect((await alice('GET', '/coded')).status).toBe(404);
  });

  test('chunked in any case is still a body', async () => {
    const answer = await raw([...PUT('/chunks'), 'Transfer-Encoding: Chunked'], '4\r\nbody\r\n0\r\n\r\n');
    expect([answer.status, (await alice('GET', '/chunks')).text]).toEqual([201, 'body']);
  });

  test.each(['HTTP/0.9', 'HTTP/2.0'])('%s is no version of this connection: 505', async (version) => {
    expect((await raw([`GET /healthz ${version}`, 'Host: x'])).status).toBe(505);
  });

  test.each([
    ['Authorization', `Basic ${Buffer.from('alice@example.org:wrong').toString('base64')}`, authorizationOf('alice')],
    ['Destination', '/dav/123456/one', '/dav/123456/two'],
    ['Depth', '0', 'infinity'],
    ['Overwrite', 'F', 'T'],
    ['If-Modified-Since', 'Thu, 01 Jan 1970 00:00:00 GMT', 'Fri, 01 Jan 2100 00:00:00 GMT'],
    ['If-Unmodified-Since', 'Thu, 01 Jan 1970 00:00:00 GMT', 'Fri, 01 Jan 2100 00:00:00 GMT'],
    ['Content-Type', 'text/plain', 'text/xml'],
    ['Content-Range', 'bytes 0-1/2', 'bytes 0-0/1'],
    ['Range', 'bytes=0-1', 'bytes=2-3'],
    ['X-OC-Mtime', '1', '2'],
    ['Lock-Token', '<urn:uuid:1>', '<urn:uuid:2>'],
    ['X-CSRF-Token', 'a', 'b'],
    ['Upload-Offset', '0', '1'],
  ])('%s twice with different values is 400', async (name, one, other) => {
    const { status, body } = await raw([
      'COPY /dav/123456/kept HTTP/1.1',
      'Host: x',
      `${name}: ${one}`,
      `${name}: ${other}`,
    ]);
    expect([status, body]).toEqual([400, expect.stringContaining('comes twice')]);
  });

  test('lists may come in lines, and one value twice is one value', async () => {
    const etag = (await alice('HEAD', '/kept')).headers.etag;
    const lists = ['If-None-Match: "a"', `If-None-Match: ${etag}`, 'Accept: text/html', 'Accept: */*'];
    expect(
      (await raw(['GET /dav/123456/kept HTTP/1.1', 'Host: x', authorization, authorization, ...lists])).status,
    ).toBe(304);
  });
});
