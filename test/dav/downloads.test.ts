import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { authorizationOf, type DriveRequest, TestServer } from '../support/make-server.js';

let server: TestServer;
let alice: DriveRequest;

beforeAll(async () => {
  server = await TestServer.start();
  alice = server.as('alice');
});
afterAll(() => server.stop());

/** Contents in the database and in the blob store. */
describe.each([
  ['inline', randomBytes(5000)],
  ['blob', randomBytes(700_000)],
])('PRODUCT U6 — GET of a file: %s', (title, content) => {
  const path = `/${title}.bin`;
  const size = content.length;
  let etag = '';
  let date = '';
  const get = (headers = {}) => alice('GET', path, { headers });

  beforeAll(async () => {
    await alice('PUT', path, { body: content, headers: { 'X-OC-Mtime': '1577872800' } });
    const { headers } = await alice('HEAD', path);
    [etag, date] = [headers.etag!, headers['last-modified']!];
  });

  test('200 with length, type, strong ETag, Last-Modified, Accept-Ranges', async () => {
    const { status, headers, bytes } = await get();
    expect([status, bytes.equals(content)]).toEqual([200, true]);
    expect(headers).toMatchObject({
      'content-length': String(size),
      'content-type': 'application/octet-stream',
      'accept-ranges': 'bytes',
      'last-modified': 'Wed, 01 Jan 2020 10:00:00 GMT',
      etag: expect.stringMatching(/^"[^"]{16,}"$/),
    });
    expect(headers['content-encoding']).toBeUndefined();
  });

  test('HEAD says the same without a body', async () => {
    const [head, whole] = [await alice('HEAD', path), await get()];
    for (const name of ['content-length', 'content-type', 'etag', 'last-modified', 'accept-ranges']) {
      expect(head.headers[name]).toBe(whole.headers[name]);
    }
    expect([head.status, head.bytes.length]).toEqual([200, 0]);
  });

  test.each([
    ['bytes=0-99', 0, 99],
    ['bytes=100-', 100, size - 1],
    ['bytes=-10', size - 10, size - 1],
    ['bytes=-99999999', 0, size - 1],
    ['bytes=0-99999999999', 0, size - 1],
    [`bytes=${size - 1}-`, size - 1, size - 1],
    ['bytes= 5 - 9'.replaceAll(' ', ''), 5, 9],
    ['bytes=0-9,5-20', 0, 20],
    ['bytes=0-9,99999999-', 0, 9],
  ])('%s is 206 with exactly these bytes', async (Range, start, end) => {
    const { status, headers, bytes } = await get({ Range });
    expect(status).toBe(206);
    expect(headers['content-range']).toBe(`bytes ${start}-${end}/${size}`);
    expect(headers['content-length']).toBe(String(end - start + 1));
    expect(bytes.equals(content.subarray(start, end + 1))).toBe(true);
  });

  test('several ranges come as multipart/byteranges, in the order of the request', async () => {
    const { status, headers, bytes } = await get({ Range: 'bytes=1000-1099,0-9,-5' });
    expect(status).toBe(206);
    expect(headers['content-length']).toBe(String(bytes.length));
    const boundary = /^multipart\/byteranges; boundary=(.+)$/.exec(headers['content-type']!)![1]!;
    const parts = bytes.toString('latin1').split(`\r\n--${boundary}`);
    expect(parts.at(-1)).toBe('--\r\n');
    const ranges = [
      [1000, 1099],
      [0, 9],
      [size - 5, size - 1],
    ] as const;
    for (const [index, [start, end]] of ranges.entries()) {
      const [head, body] = parts[index + 1]!.split('\r\n\r\n');
      expect(head).toContain(`Content-Range: bytes ${start}-${end}/${size}`);
      expect(parts[index + 1]!.slice(head!.length + 4)).toBe(content.subarray(start, end + 1).toString('latin1'));
      expect(body).toBeDefined();
    }
  });

  test.each([`bytes=${size}-`, 'bytes=9999999-9999999', 'bytes=-0'])('%s is 416 with the size', async (Range) => {
    const { status, headers } = await get({ Range });
    expect([status, headers['content-range']]).toEqual([416, `bytes */${size}`]);
  });

  test.each([
    'bytes=9-5',
    'bytes=a-b',
    'bytes',
    'items=0-5',
    'bytes=--5',
    'bytes=0-5;6-7',
    `bytes=${'0-0,'.repeat(200)}`,
  ])('%s is ignored: 200', async (Range) => {
    expect((await get({ Range })).status).toBe(200);
  });

  test('Range on HEAD and on a failed If-Range is ignored; If-Range takes the etag and the date', async () => {
    const Range = 'bytes=0-9';
    expect((await alice('HEAD', path, { headers: { Range } })).status).toBe(200);
    for (const good of [etag, date]) expect((await get({ Range, 'If-Range': good })).status).toBe(206);
    for (const bad of ['"other"', `W/${etag}`, 'Wed, 01 Jan 2020 09:59:59 GMT', 'Wed, 01 Jan 2020 10:00:01 GMT', 'x']) {
      const { status, bytes } = await get({ Range, 'If-Range': bad });
      expect([status, bytes.length]).toEqual([200, size]);
    }
  });

  test('304 by If-None-Match and If-Modified-Since; the etag wins over the date', async () => {
    const unchanged: Record<string, string>[] = [
      { 'If-None-Match': etag },
      { 'If-None-Match': `"x", W/${etag}` },
      { 'If-None-Match': '*' },
      { 'If-Modified-Since': date },
      { 'If-None-Match': etag, 'If-Modified-Since': 'Tue, 01 Jan 2019 10:00:00 GMT' },
    ];
    for (const headers of unchanged) {
      for (const method of ['GET', 'HEAD']) {
        const answer = await alice(method, path, { headers });
        expect([answer.status, answer.bytes.length, answer.headers.etag]).toEqual([304, 0, etag]);
      }
    }
    const changed: Record<string, string>[] = [
      { 'If-None-Match': '"x"' },
      { 'If-None-Match': '"x"', 'If-Modified-Since': date },
      { 'If-None-Match': 'JoplinIgnore-1' },
      { 'If-Modified-Since': 'Wed, 01 Jan 2020 09:59:59 GMT' },
      { 'If-Modified-Since': 'nonsense' },
    ];
    for (const headers of changed) expect((await get(headers)).status).toBe(200);
  });

  test('faults E4 — who has the old copy of a file whose date went back gets the new content', async () => {
    const put = (body: string, modified: number) =>
      alice('PUT', '/back.txt', { body, headers: { 'X-OC-Mtime': `${modified}` } });
    await put('of Tuesday', 1_577_872_800);
    const old = (await alice('GET', '/back.txt')).headers['last-modified']!;
    await put('of Monday', 1_577_786_400);
    const answer = await alice('GET', '/back.txt', { headers: { 'If-Modified-Since': old } });
    expect([answer.status, answer.text]).toEqual([200, 'of Monday']);
    const again = answer.headers['last-modified']!;
    expect((await alice('GET', '/back.txt', { headers: { 'If-Modified-Since': again } })).status).toBe(304);
  });

  test('412 by If-Match and If-Unmodified-Since', async () => {
    for (const headers of [
      { 'If-Match': '"x"' },
      { 'If-Match': `W/${etag}` },
      { 'If-Unmodified-Since': 'Wed, 01 Jan 2020 09:59:59 GMT' },
    ]) {
      expect((await get(headers)).status).toBe(412);
    }
    for (const headers of [{ 'If-Match': etag }, { 'If-Match': '*' }, { 'If-Unmodified-Since': date }]) {
      expect((await get(headers)).status).toBe(200);
    }
  });
});

describe('GET elsewhere', () => {
  test('an empty file is 200, with a Range too', async () => {
    await alice('PUT', '/empty.txt', { body: '' });
    for (const headers of [{}, { Range: 'bytes=0-' }, { Range: 'bytes=0-0' }]) {
      const answer = await alice('GET', '/empty.txt', { headers });
      expect([answer.status, answer.headers['content-length']]).toEqual([200, '0']);
    }
  });

  test('a true 404 for what is missing, on GET and HEAD (client-requirements R26)', async () => {
    for (const path of ['/missing', '/missing/', '/inline.bin/x', '/Trash/missing', '/Common%20documents/missing']) {
      expect([(await alice('GET', path)).status, (await alice('HEAD', path)).status]).toEqual([404, 404]);
    }
  });

  test('a collection answers an index with escaped names and encoded links; HEAD 200 too (client-requirements R29)', async () => {
    await alice('MKCOL', '/web');
    const name = `<script>alert("&'").html`;
    await alice('PUT', `/web/${encodeURIComponent(name)}`, { body: 'x' });
    const { status, headers, text } = await alice('GET', '/web');
    expect([status, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    expect(text).not.toContain('<script>');
    expect(text).toContain('&lt;script&gt;');
    expect(text).toContain(`href="/dav/123456/web/${encodeURIComponent(name)}"`);
    expect((await alice('HEAD', '/web/')).status).toBe(200);
    const again = await alice('GET', '/web', { headers: { 'If-None-Match': headers.etag } });
    expect(again.status).toBe(304);
  });

  test.each(['page.html', 'image.svg', 'script.js', 'plain.txt', 'doc.pdf', 'unknown.xyz', 'noextension'])(
    '%s can run nothing on this origin',
    async (name) => {
      await alice('PUT', `/web/${name}`, { body: '<script>alert(1)</script>' });
      for (const headers of [{}, { Range: 'bytes=0-5' }]) {
        const answer = await alice('GET', `/web/${name}`, { headers });
        expect(answer.headers['content-security-policy']).toMatch(/^sandbox;/);
        expect(answer.headers['content-security-policy']).not.toContain('allow-scripts');
        expect(answer.headers['x-content-type-options']).toBe('nosniff');
        expect(answer.headers['cross-origin-resource-policy']).toBe('same-origin');
      }
    },
  );

  test('nobody between may keep a copy for others', async () => {
    expect((await alice('GET', '/inline.bin')).headers['cache-control']).toContain('private');
  });

  test('slow readers and requests that wait behind each other get whole files, each its own', async () => {
    const contents = Array.from({ length: 4 }, () => randomBytes(6_000_000));
    for (const [number, body] of contents.entries()) await alice('PUT', `/slow-${number}`, { body });
    const order = [0, 1, 2, 3, 0];
    const connections = await Promise.all(order.map(() => server.connect()));
    const askFor = (number: number) =>
      [`GET /dav/123456/slow-${number} HTTP/1.1`, 'Host: x', `Authorization: ${authorizationOf('alice')}`] as const;
    for (const [index, connection] of connections.entries()) {
      // Two on each connection: the second waits behind the first.
      connection.writeHead(...askFor(order[index]!));
      connection.writeHead(...askFor((order[index]! + 1) % 4));
      connection.socket.pause();
    }
    for (const [index, connection] of connections.entries()) {
      connection.socket.resume();
      for (const expected of [contents[order[index]!]!, contents[(order[index]! + 1) % 4]!]) {
        const { body } = await connection.readAnswer();
        expect(Buffer.from(body, 'latin1').equals(expected)).toBe(true);
      }
      connection.close();
    }
  });

  test('a download goes on, whole, while the file is overwritten and deleted', async () => {
    const content = randomBytes(24_000_000);
    await alice('PUT', '/moving', { body: content });
    const connection = await server.connect();
    connection.writeHead('GET /dav/123456/moving HTTP/1.1', 'Host: x', `Authorization: ${authorizationOf('alice')}`);
    await connection.until(() => connection.received.length > 1000);
    connection.socket.pause();
    await alice('PUT', '/moving', { body: 'other' });
    await alice('DELETE', '/moving');
    await alice('DELETE', '/Trash/moving');
    connection.socket.resume();
    const { body } = await connection.readAnswer();
    expect(Buffer.from(body, 'latin1').equals(content)).toBe(true);
    connection.close();
  });
});
