import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readParts } from '../../src/cloud/multipart.js';
import { authorizationOf, type DriveRequest, TestServer } from '../support/make-server.js';
import { waitUntil } from '../support/run-program.js';

const TYPE = 'multipart/related; boundary=b';
const BULK = '/remote.php/dav/bulk';
const MIB = 1024 * 1024;
let server: TestServer;
let alice: DriveRequest;

beforeAll(async () => {
  server = await TestServer.start();
  alice = server.as('alice');
});
afterAll(() => server.stop());

const send = (body: string | Uint8Array, type: string | null = TYPE, method = 'POST') =>
  server.send(method, BULK, { user: 'alice', headers: type === null ? {} : { 'Content-Type': type }, body });
const part = (name: string, content: string, length = Buffer.byteLength(content), more = '') =>
  `--b\r\nX-File-Path: ${name}\r\nContent-Length: ${length}\r\n${more}\r\n${content}\r\n`;
const md5Line = (content: string) => `X-File-MD5: ${createHash('md5').update(content).digest('hex')}\r\n`;
const incoming = () => server.unfinished();
const statusOf = async (target: string) => (await alice('GET', target)).status;

describe('client-requirements R34, PRODUCT U3 — a bulk upload that can’t be read is 400, and no torn file is stored', () => {
  test.each([
    ['no last boundary', part('/t.txt', 'whole').trimEnd()],
    ['fewer bytes than the part says', part('/t.txt', 'torn', 400)],
    ['the rest of the body counted as the part', `${part('/t.txt', 'torn', 4 + 7)}--b--\r\n`],
    ['more bytes than the part says', `${part('/t.txt', 'torn off', 4)}--b--\r\n`],
    ['one line end more than the part says', `${part('/t.txt', 'torn\r\n', 4)}--b--\r\n`],
    ['one byte more, which is a line end', `${part('/t.txt', 'torn\n', 4)}--b--\r\n`],
    ['a length of nothing, and bytes', `${part('/t.txt', 'torn', 0)}--b--\r\n`],
    ['another boundary', `${part('/t.txt', 'torn')}--c--\r\n`],
  ])('%s', async (_, body) => {
    expect((await send(body)).status).toBe(400);
    expect(await statusOf('/t.txt')).toBe(404);
    expect(await incoming()).toEqual([]);
  });

  test.each([
    ['more', 5 * MIB - 3],
    ['fewer', 5 * MIB + 3],
  ])('%s bytes than the part says, in one that streams', async (_, length) => {
    const content = randomBytes(5 * MIB);
    const head = `--b\r\nX-File-Path: /large.bin\r\nContent-Length: ${length}\r\n\r\n`;
    const { status } = await send(Buffer.concat([Buffer.from(head), content, Buffer.from('\r\n--b--\r\n')]));
    expect(status).toBe(400);
    expect(await statusOf('/large.bin')).toBe(404);
    expect(await incoming()).toEqual([]);
  });

  test.each([
    ['nothing', ''],
    ['no boundary', 'hello'],
    ['no Content-Length', '--b\r\nX-File-Path: /t.txt\r\n\r\nx\r\n--b--\r\n'],
    ['a negative Content-Length', part('/t.txt', 'x', -1)],
    ['a Content-Length beyond all numbers', part('/t.txt', 'x', 1e21)],
    ['no X-File-Path', '--b\r\nContent-Length: 1\r\n\r\nx\r\n--b--\r\n'],
    ['an empty X-File-Path', `${part('', 'x')}--b--\r\n`],
    ['a header without a colon', part('/t.txt', 'x', 1, 'nonsense\r\n')],
    ['headers without an end', `--b\r\n${'X-A: b\r\n'.repeat(10_000)}`],
    ['a line without an end', `--b\r\nX-File-Path: ${'x'.repeat(100_000)}`],
    ['the same file twice', `${part('/t.txt', 'x')}${part('/t.txt', 'y')}--b--\r\n`],
  ])('%s', async (_, body) => {
    const { status, text } = await send(body);
    expect(status).toBe(400);
    expect(text).toContain('BadRequest');
  });

  test('a name that isn’t UTF-8, which would be stored as another', async () => {
    expect((await send(Buffer.from(`${part('/caf\xe9.txt', 'x')}--b--\r\n`, 'latin1'))).status).toBe(400);
  });

  test('another type is 415, another method 405, no credentials 401', async () => {
    for (const type of [null, 'multipart/form-data; boundary=b', 'multipart/related', 'application/json']) {
      expect((await send('--b--\r\n', type)).status).toBe(415);
    }
    for (const method of ['PUT', 'GET', 'PROPFIND', 'DELETE']) {
      const answer = await send('', TYPE, method);
      expect([answer.status, answer.headers.allow]).toEqual([405, 'POST']);
    }
    expect((await server.send('POST', BULK, { headers: { 'Content-Type': TYPE }, body: '--b--\r\n' })).status).toBe(
      401,
    );
  });

  test('what came whole before the fault is stored, and nothing of the request goes on after the answer', async () => {
    expect((await send(`${part('/whole.txt', 'whole', 5, md5Line('whole'))}nonsense`)).status).toBe(400);
    expect((await alice('GET', '/whole.txt')).status).toBe(404);
    expect((await send(`${part('/whole.txt', 'whole')}${part('', 'x')}--b--\r\n`)).status).toBe(400);
    expect((await alice('GET', '/whole.txt')).text).toBe('whole');
  });

  test('more than 1000 files are 413', async () => {
    const files = Array.from({ length: 1001 }, (_, index) => part(`/nowhere/${index}`, ''));
    expect((await send(`${files.join('')}--b--\r\n`)).status).toBe(413);
  });

  test('a client that goes away in the middle of a file leaves nothing', async () => {
    const connection = await server.connect();
    const head = [`POST ${BULK} HTTP/1.1`, 'Host: x', `Authorization: ${authorizationOf('alice')}`];
    connection.writeHead(...head, `Content-Type: ${TYPE}`, 'Content-Length: 9000000');
    connection.write(part('/gone.bin', 'x'.repeat(MIB), 8 * MIB));
    await server.uploadBegan();
    connection.close();
    await waitUntil('they are given up', async () => (await incoming()).length === 0);
    expect(await statusOf('/gone.bin')).toBe(404);
  });
});

describe('RFC 2046 §5.1.1 — parts of a multipart body', () => {
  async function read(body: string, type = TYPE): Promise<[string | undefined, string][]> {
    const found: [string | undefined, string][] = [];
    const source = (async function* () {
      for (const byte of Buffer.from(body)) yield Buffer.of(byte);
    })();
    for await (const { headers, read: bytes } of readParts(source, type)) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of bytes()) chunks.push(chunk);
      found.push([headers.get('x-file-path'), Buffer.concat(chunks).toString()]);
    }
    return found;
  }

  test('line ends before the first boundary and anything after the last are passed over', async () => {
    expect(await read(`\r\n\r\n${part('a', '1')}${part('b', '')}--b--\r\nepilogue --b\r\n`)).toEqual([
      ['a', '1'],
      ['b', ''],
    ]);
  });

  test('lines may end without a carriage return, the last one without any end', async () => {
    const plain = '--b\nX-File-Path: a\nContent-Length: 1\n\n1\n--b--';
    await expect(read(plain)).rejects.toThrow('it ends without its last boundary');
    expect(await read(`${plain}\n`)).toEqual([['a', '1']]);
  });

  test('the boundary may stand in quotes, among other parameters, in any case', async () => {
    for (const type of ['multipart/related; boundary="b"', 'Multipart/Related; type=x; Boundary=b; start=y']) {
      expect(await read(`${part('a', '1')}--b--\r\n`, type)).toEqual([['a', '1']]);
    }
  });

  test('parts that nobody reads are passed over', async () => {
    const source = (async function* () {
      yield Buffer.from(`${part('a', '1234567')}${part('b', '2')}--b--\r\n`);
    })();
    const names: (string | undefined)[] = [];
    for await (const { headers } of readParts(source, TYPE)) names.push(headers.get('x-file-path'));
    expect(names).toEqual(['a', 'b']);
  });
});
