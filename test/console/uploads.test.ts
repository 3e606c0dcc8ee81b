import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { DriveId } from '../../src/stores/values.js';
import { ConsoleClient } from '../support/console-client.js';
import type { Answer } from '../support/http-client.js';
import { DRIVE_ID, PASSWORD, TestServer } from '../support/make-server.js';
import { BYTES, metadata, TUS } from '../support/tus-client.js';

const API = `/api/drives/${DRIVE_ID}/uploads`;
const CONTENT = randomBytes(8_000_000);

let server: TestServer;
let alice: ConsoleClient;
beforeAll(async () => {
  server = await TestServer.start();
  alice = await ConsoleClient.signedIn(server, 'alice', PASSWORD);
});
afterAll(() => server.stop());

interface Begin {
  readonly size?: number;
  readonly headers?: Record<string, string>;
  readonly client?: ConsoleClient;
}

function create(values: Record<string, string>, { size = CONTENT.length, headers, client = alice }: Begin = {}) {
  return client.sendBytes('POST', API, {
    headers: { ...TUS, 'Upload-Length': String(size), 'Upload-Metadata': metadata(values), ...headers },
  });
}
async function begin(values: Record<string, string>, options: Begin = {}): Promise<string> {
  const { status, headers, text } = await create(values, options);
  expect([status, text]).toEqual([201, '']);
  return new URL(headers.location!).pathname;
}
const patch = (at: string, offset: number, body: Uint8Array, client = alice) =>
  client.sendBytes('PATCH', at, { headers: { ...BYTES, 'Upload-Offset': String(offset) }, body });
const head = (at: string, client = alice) => client.sendBytes('HEAD', at, { headers: TUS });
const offsetOf = async (at: string) => Number((await head(at)).headers['upload-offset']);
const read = (target: string) => server.as('alice')('GET', target);
const kindOf = ({ text }: Answer) => (JSON.parse(text) as { error: { kind: string } }).error.kind;

describe('resumable uploads of the pages', () => {
  test('an upload that breaks off goes on where it was, and then is the file, with its time', async () => {
    const at = await begin({ path: '/Drive', filename: 'film.mp4', mtime: '1577934245' });
    expect(at).toMatch(new RegExp(`^${API}/[0-9a-f]{32}$`));
    const connection = await server.connect();
    connection.writeHead(
      `PATCH ${at} HTTP/1.1`,
      'Host: 127.0.0.1',
      `Cookie: ${alice.cookie}`,
      `X-CSRF-Token: ${alice.csrfToken}`,
      'Tus-Resumable: 1.0.0',
      'Upload-Offset: 0',
      'Content-Type: application/offset+octet-stream',
      `Content-Length: ${CONTENT.length}`,
    );
    connection.write(CONTENT.subarray(0, 3_000_000));
    await new Promise<void>((resolve) => connection.socket.write('', () => resolve()));
    connection.close();
    // Anyone who asks too early is told that the broken request isn't done yet.
    const offset = await vi.waitFor(async () => {
      const now = await offsetOf(at);
      expect(now).toBeGreaterThan(0);
      return now;
    });
    expect(offset).toBeLessThanOrEqual(3_000_000);
    expect((await read('/film.mp4')).status).toBe(404);
    await server.restart();
    const wrong = await patch(at, offset + 1, CONTENT.subarray(offset));
    expect(wrong.status).toBe(409);
    const last = await patch(at, offset, CONTENT.subarray(offset));
    expect([last.status, last.headers['upload-offset']]).toEqual([204, String(CONTENT.length)]);
    const file = await read('/film.mp4');
    expect(file.bytes.equals(CONTENT)).toBe(true);
    expect(file.headers['last-modified']).toBe('Thu, 02 Jan 2020 03:04:05 GMT');
    expect(last.headers.etag).toBe(file.headers.etag);
  });

  test('a folder that is dropped makes the folders in it, as the names say', async () => {
    for (const filename of ['tree/one.txt', 'tree/in/two.txt', 'tree/in/three.txt']) {
      const at = await begin({ path: '/Common documents', filename }, { size: 5 });
      expect((await patch(at, 0, Buffer.from('hello'))).status).toBe(204);
      expect((await read(`/Common%20documents/${filename}`)).text).toBe('hello');
    }
  });

  test('names with every hard character, in either normalization', async () => {
    for (const filename of ['e\u0301 "a" <b>.txt', 'C:\\x', '%2F..%2F', '\u202Egpj.exe', ' ', '😀']) {
      const at = await begin({ path: '/', filename }, { size: 1 });
      expect((await patch(at, 0, Buffer.from('x'))).status).toBe(204);
      expect((await read(`/${encodeURIComponent(filename.normalize('NFC'))}`)).text).toBe('x');
    }
  });

  test.each([
    [{ path: '/' }, 400],
    [{ path: '/', filename: '../x' }, 400],
    [{ path: '/../x', filename: 'x' }, 400],
    [{ path: '/', filename: 'a/./b' }, 400],
    [{ path: '/nowhere', filename: 'x' }, 409],
    [{ path: '/Trash', filename: 'x' }, 403],
    [{ path: '/', filename: 'Common documents' }, 403],
    [{ path: '/', filename: 'n'.repeat(256) }, 414],
  ])('a place that can not be (%j) is refused with %s, before any byte', async (values, status) => {
    expect((await create(values)).status).toBe(status);
  });

  test('an empty file is made at once; an upload that is given up is gone', async () => {
    await begin({ path: '/', filename: 'empty' }, { size: 0 });
    expect([(await read('/empty')).status, (await read('/empty')).bytes.length]).toEqual([200, 0]);
    const at = await begin({ path: '/', filename: 'given up' });
    await patch(at, 0, CONTENT.subarray(0, 1000));
    expect((await alice.sendBytes('DELETE', at, { headers: TUS })).status).toBe(204);
    expect((await head(at)).status).toBe(404);
    expect((await alice.sendBytes('DELETE', at, { headers: TUS })).status).toBe(404);
    expect((await read('/given%20up')).status).toBe(404);
  });

  test('If-None-Match: * keeps what is there; without it the file gets other content', async () => {
    await server.as('alice')('PUT', '/taken', { body: 'old' });
    const kept = await create({ path: '/', filename: 'taken' }, { size: 3, headers: { 'If-None-Match': '*' } });
    expect([kept.status, kindOf(kept)]).toEqual([412, 'changed']);
    const at = await begin({ path: '/', filename: 'taken' }, { size: 3 });
    await patch(at, 0, Buffer.from('new'));
    expect((await read('/taken')).text).toBe('new');
  });

  test('mayRename gives another name where it is taken, which HEAD tells; who takes that meanwhile keeps it', async () => {
    await server.as('alice')('PUT', '/both.txt', { body: 'old' });
    const values = { path: '/Drive', filename: 'both.txt', mayRename: '1' };
    const at = await begin(values, { size: 3 });
    expect((await head(at)).headers['upload-metadata']).toContain(metadata({ filename: 'both (2).txt' }));
    expect((await patch(at, 0, Buffer.from('new'))).status).toBe(204);
    expect([(await read('/both.txt')).text, (await read('/both%20(2).txt')).text]).toEqual(['old', 'new']);
    const late = await begin(values, { size: 3 });
    await server.as('alice')('PUT', '/both%20(3).txt', { body: 'first' });
    expect((await patch(late, 0, Buffer.from('new'))).status).toBe(412);
    expect((await read('/both%20(3).txt')).text).toBe('first');
    const free = await begin({ path: '/', filename: 'sub/é free.txt', mayRename: '' }, { size: 1 });
    expect((await patch(free, 0, Buffer.from('x'))).status).toBe(204);
    expect((await read('/sub/%C3%A9%20free.txt')).text).toBe('x');
  });

  test('another protocol version, and none, are refused as TUS says', async () => {
    const other = await create({ path: '/', filename: 'x' }, { headers: { 'Tus-Resumable': '0.2.2' } });
    expect([other.status, other.headers['tus-version']]).toEqual([412, '1.0.0']);
  });
});

describe('who may upload', () => {
  test('without the token against forgery nothing begins, goes on or ends', async () => {
    const at = await begin({ path: '/', filename: 'forged' });
    const headers = { ...TUS, Cookie: alice.cookie! };
    const start = { 'Upload-Length': '1', 'Upload-Metadata': metadata({ filename: 'x' }) };
    const next = { ...BYTES, 'Upload-Offset': '0' };
    expect((await server.send('POST', API, { headers: { ...headers, ...start } })).status).toBe(403);
    const bytes = await server.send('PATCH', at, { headers: { ...headers, ...next }, body: Buffer.from('x') });
    expect(bytes.status).toBe(403);
    expect((await server.send('DELETE', at, { headers })).status).toBe(403);
    expect(await offsetOf(at)).toBe(0);
  });

  test('another member neither sees nor changes an upload; a viewer begins none', async () => {
    await server.addMember('bob');
    await server.addMember('vera', { role: 'viewer' });
    const bob = await ConsoleClient.signedIn(server, 'bob', PASSWORD);
    const vera = await ConsoleClient.signedIn(server, 'vera', PASSWORD);
    const at = await begin({ path: '/Common documents', filename: 'mine' });
    expect((await head(at, bob)).status).toBe(404);
    expect((await patch(at, 0, Buffer.from('x'), bob)).status).toBe(404);
    expect((await bob.sendBytes('DELETE', at, { headers: TUS })).status).toBe(404);
    for (const filename of ['x', 'new folder/x']) {
      const refused = await create({ path: '/Common documents', filename }, { client: vera });
      expect([refused.status, kindOf(refused)]).toEqual([403, 'forbidden']);
    }
    expect((await read('/Common%20documents/new%20folder')).status).toBe(404);
  });

  test('who has become a viewer meanwhile does not finish', async () => {
    await server.addMember('dora');
    const dora = await ConsoleClient.signedIn(server, 'dora', PASSWORD);
    const at = await begin({ path: '/', filename: 'late' }, { size: 2, client: dora });
    await server.addMember('dora', { role: 'viewer' });
    expect((await patch(at, 0, Buffer.from('ab'), dora)).status).toBe(403);
  });

  test('PRODUCT D5, U2 — what does not fit is 507, what is too large 413, before any byte', async () => {
    await server.stores.accounts.updateDrive(DRIVE_ID as DriveId, { quotaBytes: 20_000_000 });
    const full = await create({ path: '/', filename: 'full' }, { size: 30_000_000 });
    expect([full.status, kindOf(full), full.headers['tus-resumable']]).toEqual([507, 'drive-full', '1.0.0']);
    await server.stores.accounts.updateDrive(DRIVE_ID as DriveId, { quotaBytes: null });
    const large = await create({ path: '/', filename: 'large' }, { size: 60e9 });
    expect([large.status, kindOf(large)]).toEqual([413, 'too-large']);
  });

  test('a lock of somebody is 423 with their name', async () => {
    await server.as('alice')('PUT', '/Common%20documents/held.txt', { body: 'held' });
    const body = '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>';
    await server.as('bob')('LOCK', '/Common%20documents/held.txt', { body });
    const refused = await create({ path: '/Common documents', filename: 'held.txt' }, { size: 1 });
    expect([refused.status, kindOf(refused)]).toEqual([423, 'locked']);
    expect(refused.text).toContain('bob');
  });
});
