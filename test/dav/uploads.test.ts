import { createHash, randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { authorizationOf, type DriveRequest, TestServer } from '../support/make-server.js';
import { parseMultistatus, textIn } from '../support/multistatus.js';

let server: TestServer;
let alice: DriveRequest;
/** One that is kept in the database, and one that becomes a blob. */
const SMALL = Buffer.from('small content');
const LARGE = randomBytes(300_000);

beforeAll(async () => {
  server = await TestServer.start();
  alice = server.as('alice');
});
afterAll(() => server.stop());
afterEach(async () => expect(await incoming()).toEqual([]));

const incoming = () => server.unfinished();
const put = async (target: string, body: string | Uint8Array | Uint8Array[], headers = {}) =>
  (await alice('PUT', target, { body, headers })).status;
async function expectContent(target: string, content: Uint8Array | null): Promise<void> {
  const { status, bytes } = await alice('GET', target);
  if (content === null) expect(status).toBe(404);
  else expect([status, bytes.equals(content)]).toEqual([200, true]);
}
async function creationdateOf(target: string): Promise<string> {
  const { text } = await alice('PROPFIND', target, { headers: { Depth: '0' } });
  return textIn(parseMultistatus(text)[0]!.props.get('{DAV:}creationdate'));
}
const hexOf = (algorithm: string, bytes: Uint8Array) => createHash(algorithm).update(bytes).digest('hex');
const base64Of = (algorithm: string, bytes: Uint8Array) => createHash(algorithm).update(bytes).digest('base64');
/** In chunks of which several are less than a buffer's, and one is more. */
const chunked = (bytes: Uint8Array) => [bytes.subarray(0, 1), bytes.subarray(1, 100), bytes.subarray(100)];

describe('PRODUCT U1 — uploads with and without length', () => {
  test.each([0, 1, 16_383, 16_384, 16_385, 65_536, 1_000_003])('%d bytes arrive as they are', async (size) => {
    const bytes = randomBytes(size);
    expect(await put(`/s${size}`, bytes)).toBe(201);
    await expectContent(`/s${size}`, bytes);
    expect(await put(`/c${size}`, size === 0 ? [] : chunked(bytes))).toBe(201);
    await expectContent(`/c${size}`, bytes);
  });

  test('201 new and 204 overwritten, with a strong ETag of the content and Last-Modified (client-requirements R12)', async () => {
    for (const body of [SMALL, LARGE, SMALL]) {
      const answer = await alice('PUT', '/etag', { body });
      expect(answer.headers.etag).toMatch(/^"[^"]+"$/);
      expect(answer.headers['last-modified']).toBeDefined();
      const { headers } = await alice('HEAD', '/etag');
      expect([headers.etag, headers['last-modified']]).toEqual([answer.headers.etag, answer.headers['last-modified']]);
    }
    const first = (await alice('PUT', '/etag2', { body: SMALL })).headers.etag;
    expect((await alice('HEAD', '/etag')).headers.etag).toBe(first);
  });

  test('an empty chunked body is an empty file, over a full one too', async () => {
    await put('/emptied', LARGE);
    expect(await put('/emptied', [])).toBe(204);
    await expectContent('/emptied', Buffer.alloc(0));
  });

  test('404, 405, 409: a folder takes no content, nor does a place without parent; a slash at the end changes nothing', async () => {
    await alice('MKCOL', '/folder');
    for (const body of [SMALL, LARGE]) {
      expect(await put('/folder', body)).toBe(405);
      expect(await put('/folder/', body)).toBe(405);
      expect(await put('/none/file', body)).toBe(409);
      expect(await put('/s1/file', body)).toBe(409);
      expect(await put('/slash/', body)).toBe(body === SMALL ? 201 : 204);
    }
    await expectContent('/slash', LARGE);
  });

  test('Content-Range is 400 and Content-Encoding 415; the old version stays (client-requirements R28)', async () => {
    await put('/part', SMALL);
    expect(await put('/part', 'xx', { 'Content-Range': 'bytes 1-2/*' })).toBe(400);
    expect(await put('/part', gzipSync('xx'), { 'Content-Encoding': 'gzip' })).toBe(415);
    expect(await put('/part', [gzipSync(LARGE)], { 'Content-Encoding': 'gzip' })).toBe(415);
    await expectContent('/part', SMALL);
    expect(await put('/part', LARGE, { 'Content-Encoding': 'identity' })).toBe(204);
  });

  test('an overwrite by any name of a file is the same file, and no version is lost in between', async () => {
    await put('/one', 'a');
    expect(await put('/Drive/one', 'b')).toBe(204);
    await expectContent('/one', Buffer.from('b'));
  });
});

describe('PRODUCT U3 — a broken or short upload changes nothing', () => {
  test.each([
    ['small', 'Content-Length: 1000', 10],
    ['large', 'Content-Length: 1000000', 200_000],
    ['chunked', 'Transfer-Encoding: chunked', 200_000],
    ['chunked and small', 'Transfer-Encoding: chunked', 10],
  ])('the client goes away in the middle: %s', async (title, header, bytes) => {
    const [fresh, old] = [`/gone-${title.replaceAll(' ', '-')}`, `/old-${title.replaceAll(' ', '-')}`];
    await put(old, LARGE);
    for (const target of [fresh, old]) {
      for (const end of ['destroy', 'end', 'resetAndDestroy'] as const) {
        const connection = await server.connect();
        connection.writeHead(
          `PUT /dav/123456${target} HTTP/1.1`,
          'Host: x',
          `Authorization: ${authorizationOf('alice')}`,
          header,
        );
        const body = Buffer.alloc(bytes, 'x');
        connection.write(
          header.startsWith('T')
            ? Buffer.concat([Buffer.from(`${bytes.toString(16)}\r\n`), body, Buffer.from('\r\n')])
            : body,
        );
        if (bytes > 100_000) await server.uploadBegan();
        connection.socket[end]();
        await connection.until(() => false);
        expect(connection.received).not.toMatch(/^HTTP\/1.1 2/);
      }
    }
    await vi.waitFor(async () => expect(await incoming()).toEqual([]), 10_000);
    await expectContent(fresh, null);
    await expectContent(old, LARGE);
  });

  test.each(['X-Expected-Entity-Length', 'OC-Total-Length'])('%s that differs from what comes is 400', async (name) => {
    await put('/len', SMALL);
    for (const body of [SMALL, LARGE, [LARGE], [SMALL]] as const) {
      const { length } = Buffer.isBuffer(body) ? body : body[0];
      for (const wrong of [length - 1, length + 1]) {
        expect(await put('/len', body as Uint8Array, { [name]: String(wrong) })).toBe(400);
        expect(await put('/len-new', body as Uint8Array, { [name]: String(wrong) })).toBe(400);
      }
      for (const nonsense of ['', '-1', 'x', '1e3', '99999999999999999999']) {
        expect(await put('/len', body as Uint8Array, { [name]: nonsense })).toBe(400);
      }
      await expectContent('/len', SMALL);
      expect(await put('/len-right', body as Uint8Array, { [name]: String(length) })).toBeLessThan(300);
    }
    await expectContent('/len-new', null);
  });

  const headersFor = (bytes: Uint8Array): [string, string][] => [
    ['OC-Checksum', `SHA1:${hexOf('sha1', bytes)}`],
    ['OC-Checksum', `MD5:${hexOf('md5', bytes).toUpperCase()}`],
    ['OC-Checksum', `SHA256:${hexOf('sha256', bytes)}`],
    ['Content-MD5', base64Of('md5', bytes)],
    ['Content-Digest', `sha-256=:${base64Of('sha256', bytes)}:`],
    ['Repr-Digest', `sha-256=:${base64Of('sha256', bytes)}:`],
    ['Digest', `SHA-256=${base64Of('sha256', bytes)}`],
  ];
  test.each(headersFor(SMALL).map(([name, value], index) => [name, value.split(/[:=]/)[0], index] as const))(
    '%s %s: right is stored, wrong is 400 and changes nothing',
    async (_name, _algorithm, index) => {
      await put('/sum', 'old');
      for (const content of [SMALL, LARGE]) {
        const [name, right] = headersFor(content)[index]!;
        const [, wrong] = headersFor(Buffer.from('something else'))[index]!;
        for (const body of [content, chunked(content)]) {
          expect(await put('/sum', body, { [name]: wrong })).toBe(400);
          expect(await put('/sum-new', body, { [name]: wrong })).toBe(400);
          expect(await put('/sum-right', body, { [name]: right })).toBeLessThan(300);
          await expectContent('/sum-right', content);
        }
      }
      await expectContent('/sum', Buffer.from('old'));
      await expectContent('/sum-new', null);
    },
  );

  test('all of several checksums must hold; one that can’t be read is 400; one that is not known is passed over', async () => {
    const good = `SHA1:${hexOf('sha1', SMALL)}`;
    expect(await put('/many', SMALL, { 'OC-Checksum': `${good} MD5:${'0'.repeat(32)}` })).toBe(400);
    expect(await put('/many', SMALL, { 'OC-Checksum': good, 'Content-MD5': base64Of('md5', LARGE) })).toBe(400);
    expect(await put('/many', SMALL, { 'OC-Checksum': 'SHA1:xyz' })).toBe(400);
    expect(await put('/many', SMALL, { 'OC-Checksum': 'ADLER32:1234abcd' })).toBe(201);
  });

  test('a checksum that a client sent comes back in oc:checksums and on GET (client-requirements R11)', async () => {
    for (const content of [SMALL, LARGE]) {
      const checksum = `SHA1:${hexOf('sha1', content)}`;
      await put('/known', content, { 'OC-Checksum': checksum });
      expect((await alice('GET', '/known')).headers['oc-checksum']).toBe(checksum);
      const body = '<propfind xmlns="DAV:"><prop><checksums xmlns="http://owncloud.org/ns"/></prop></propfind>';
      expect((await alice('PROPFIND', '/known', { headers: { Depth: '0' }, body })).text).toContain(checksum);
    }
  });
});

describe('PRODUCT U7 — modification times', () => {
  test.each([
    ['1577872800', 'Wed, 01 Jan 2020 10:00:00 GMT'],
    ['1577872800.999', 'Wed, 01 Jan 2020 10:00:00 GMT'],
    ['-1', 'Wed, 31 Dec 1969 23:59:59 GMT'],
    ['0', 'Thu, 01 Jan 1970 00:00:00 GMT'],
    ['4102444800', 'Fri, 01 Jan 2100 00:00:00 GMT'],
  ])('X-OC-Mtime %s is kept and acknowledged (client-requirements R9)', async (seconds, date) => {
    for (const body of [SMALL, LARGE, [LARGE]]) {
      const answer = await alice('PUT', '/dated', { body, headers: { 'X-OC-Mtime': seconds } });
      expect([answer.headers['x-oc-mtime'], answer.headers['last-modified']]).toEqual(['accepted', date]);
      expect((await alice('HEAD', '/dated')).headers['last-modified']).toBe(date);
    }
  });

  test('X-OC-CTime is the time of making, of a new file and of another content (client-requirements 4.13)', async () => {
    for (const [seconds, date] of [
      ['1546336800', '2019-01-01T10:00:00Z'],
      ['1577872800', '2020-01-01T10:00:00Z'],
    ] as const) {
      const answer = await alice('PUT', '/made', { body: SMALL, headers: { 'X-OC-CTime': seconds } });
      expect([answer.headers['x-oc-ctime'], answer.headers['x-oc-mtime']]).toEqual(['accepted', undefined]);
      expect(await creationdateOf('/made')).toBe(date);
      expect(await put('/made', SMALL)).toBe(204);
      expect(await creationdateOf('/made')).toBe(date);
    }
    expect(await put('/made', SMALL, { 'X-OC-CTime': 'soon' })).toBe(400);
  });

  test('nonsense is 400, none at all is now, and each overwrite changes it (Joplin’s cursor)', async () => {
    expect(await put('/dated', SMALL, { 'X-OC-Mtime': 'soon' })).toBe(400);
    expect(await put('/dated', SMALL, { 'X-OC-Mtime': '1577872800000' })).toBe(400);
    const { headers } = await alice('PUT', '/dated', { body: SMALL });
    expect(Math.abs(Date.parse(headers['last-modified']!) - Date.now())).toBeLessThan(10_000);
    expect(headers['x-oc-mtime']).toBeUndefined();
  });
});

describe('PRODUCT U4 — preconditions hold at the moment of the commit', () => {
  test.each([
    ['small', SMALL],
    ['large', LARGE],
  ])('of parallel PUTs with one If-Match exactly one wins: %s', async (title, base) => {
    const target = `/match-${title}`;
    const { etag } = (await alice('PUT', target, { body: 'start' })).headers;
    const bodies = Array.from({ length: 10 }, (_, index) => Buffer.concat([base, Buffer.from([index])]));
    const answers = await Promise.all(
      bodies.map((body) => alice('PUT', target, { body, headers: { 'If-Match': etag } })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([204, ...Array(9).fill(412)]);
    await expectContent(target, bodies[answers.findIndex(({ status }) => status === 204)]!);
  });

  test.each([
    ['small', SMALL],
    ['large', LARGE],
  ])('of parallel PUTs with If-None-Match: * exactly one creates: %s', async (title, base) => {
    const send = () => alice('PUT', `/none-${title}`, { body: base, headers: { 'If-None-Match': '*' } });
    const answers = await Promise.all(Array.from({ length: 10 }, send));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(9).fill(412)]);
  });

  test('an upload that a change overtakes is refused at its end', async () => {
    const { etag } = (await alice('PUT', '/overtaken', { body: 'one' })).headers;
    let isOvertaken = false;
    async function* slow() {
      yield LARGE;
      expect((await alice('PUT', '/overtaken', { body: 'two' })).status).toBe(204);
      isOvertaken = true;
      yield LARGE;
    }
    const answer = await alice('PUT', '/overtaken', { body: slow(), headers: { 'If-Match': etag } });
    expect([isOvertaken, answer.status]).toEqual([true, 412]);
    await expectContent('/overtaken', Buffer.from('two'));
  });

  test.each<[string, () => Promise<unknown>, number]>([
    ['its folder is deleted', () => alice('DELETE', '/during'), 409],
    ['a folder takes its name', () => alice('MKCOL', '/during/f'), 405],
    ['somebody locks it', () => alice('LOCK', '/during/f', { body: LOCK }), 423],
  ])('an upload ends in %s meanwhile', async (_title, work, status) => {
    await alice('MKCOL', '/during');
    async function* slow() {
      yield LARGE;
      await work();
      yield LARGE;
    }
    expect((await alice('PUT', '/during/f', { body: slow() })).status).toBe(status);
    await alice('DELETE', '/during');
  });
  const LOCK =
    '<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>';

  test('parallel PUTs to one path: all succeed, one of the contents stands, whole', async () => {
    const bodies = Array.from({ length: 8 }, () => randomBytes(200_000));
    const answers = await Promise.all(bodies.map((body) => alice('PUT', '/parallel', { body })));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(7).fill(204)]);
    const { bytes } = await alice('GET', '/parallel');
    expect(bodies.some((body) => body.equals(bytes))).toBe(true);
  });

  test('what was answered 2xx is there after a restart', async () => {
    await put('/durable-small', SMALL);
    await put('/durable-large', LARGE);
    await server.restart();
    await expectContent('/durable-small', SMALL);
    await expectContent('/durable-large', LARGE);
  });
});
