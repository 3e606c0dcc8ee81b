import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { ConsoleClient } from '../support/console-client.js';
import { DRIVE_ID, PASSWORD, TestServer } from '../support/make-server.js';
import { runProgram } from '../support/run-program.js';
import { testOnOneServer } from '../support/tried.js';

const API = `/api/drives/${DRIVE_ID}`;
const LARGE = randomBytes(3_000_000);
const MTIME = 1_577_934_245;

let server: TestServer;
let alice: ConsoleClient;
let folder: string;
beforeAll(async () => {
  server = await TestServer.start();
  alice = await ConsoleClient.signedIn(server, 'alice', PASSWORD);
});
afterAll(() => server.stop());
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'firn-unzip-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const zipOf = (...paths: string[]) =>
  alice.send('GET', `${API}/zip?${paths.map((one) => `path=${encodeURIComponent(one)}`).join('&')}`);

async function put(target: string, body: string | Uint8Array): Promise<void> {
  const encoded = target.split('/').map(encodeURIComponent).join('/');
  const { status } = await server.as('alice')('PUT', encoded, { body, headers: { 'X-OC-Mtime': String(MTIME) } });
  expect(status).toBeLessThan(300);
}
const mkcol = (target: string) => alice.post(`${API}/folders`, { path: target });

/** Has unzip check the file and take it apart. */
async function unzip(bytes: Uint8Array): Promise<void> {
  const file = path.join(folder, 'got.zip');
  await writeFile(file, bytes);
  const environment = { TZ: 'UTC', LC_ALL: 'C.UTF-8' };
  for (const parameters of [
    ['-tqq', file],
    ['-qq', file, '-d', path.join(folder, 'out')],
  ]) {
    const { code, output, errors } = await runProgram('unzip', parameters, { environment });
    expect([code, output, errors]).toEqual([0, '', '']);
  }
}
const out = (name: string) => path.join(folder, 'out', name);

describe('a folder as a ZIP file', () => {
  test('unzip finds every file byte for byte, in its folder, with its time; empty ones too', async () => {
    await mkcol('/album/éclair 日本 😀/deep');
    await mkcol('/album/empty folder');
    const files: Record<string, Uint8Array> = {
      'album/small.txt': Buffer.from('small'),
      'album/empty.txt': Buffer.alloc(0),
      'album/éclair 日本 😀/large.bin': LARGE,
      'album/éclair 日本 😀/deep/a "b" \'c\' & <d>;$(e).txt': Buffer.from('hard'),
      'album/-rf *': Buffer.from('dash'),
    };
    for (const [name, body] of Object.entries(files)) await put(`/${name}`, body);
    const { status, headers, bytes } = await zipOf('/album');
    expect([status, headers['content-type']]).toEqual([200, 'application/zip']);
    expect(headers['content-disposition']).toBe(`attachment; filename="album.zip"; filename*=UTF-8''album.zip`);
    await unzip(bytes);
    for (const [name, body] of Object.entries(files)) {
      expect([name, (await readFile(out(name))).equals(body)]).toEqual([name, true]);
      expect([name, (await stat(out(name))).mtimeMs]).toEqual([name, MTIME * 1000]);
    }
    expect((await stat(out('album/empty folder'))).isDirectory()).toBe(true);
  });

  test('several at once, of one name from two folders: all are there', async () => {
    await mkcol('/x');
    await mkcol('/y');
    for (const where of ['x', 'y']) await put(`/${where}/same.txt`, where);
    await put('/single.txt', 'single');
    const { headers, bytes } = await zipOf('/x/same.txt', '/y/same.txt', '/single.txt', '/x');
    expect(headers['content-disposition']).toContain('filename="Drive.zip"');
    await unzip(bytes);
    expect(await readFile(out('same.txt'), 'utf8')).toBe('x');
    expect(await readFile(out('same (2).txt'), 'utf8')).toBe('y');
    expect(await readFile(out('x/same.txt'), 'utf8')).toBe('x');
    expect(await readFile(out('single.txt'), 'utf8')).toBe('single');
  });

  test('a name with backslashes leads out of no folder, on Windows either', async () => {
    await mkcol('/slip');
    await put('/slip/..\\..\\evil.txt', 'evil');
    const { bytes } = await zipOf('/slip');
    expect(bytes.includes('..\\')).toBe(false);
    await unzip(bytes);
    expect(await readFile(out('slip/..＼..＼evil.txt'), 'utf8')).toBe('evil');
  });

  test('the drive’s folder takes the shared one along, and neither the trash nor what others have', async () => {
    await server.addMember('bob');
    await server.as('bob')('PUT', '/of-bob.txt', { body: 'bob' });
    await put('/Common documents/shared.txt', 'shared');
    await put('/deleted.txt', 'deleted');
    await alice.post(`${API}/delete`, { paths: ['/deleted.txt'] });
    const { bytes } = await zipOf('/Drive');
    await unzip(bytes);
    expect(await readFile(out('Drive/Common documents/shared.txt'), 'utf8')).toBe('shared');
    expect(bytes.includes('of-bob.txt')).toBe(false);
    expect(bytes.includes('deleted.txt')).toBe(false);
  });

  test('nothing chosen is 400, what is not there 404: before a byte is sent', async () => {
    expect((await alice.refusal('GET', `${API}/zip`)).status).toBe(400);
    expect((await alice.refusal('GET', `${API}/zip?path=/album&path=/nowhere`)).status).toBe(404);
  });

  testOnOneServer('who goes away in the middle leaves no open file behind', async () => {
    await put('/huge.bin', Buffer.alloc(40_000_000, 7));
    const open = async () => {
      const names = await readdir('/proc/self/fd');
      // One may be closed before it is asked for.
      const files = await Promise.all(names.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => '')));
      return files.filter((file) => file.includes('/blobs/')).length;
    };
    const before = await open();
    const connection = await server.connect();
    connection.writeHead(`GET ${API}/zip?path=/huge.bin HTTP/1.1`, 'Host: 127.0.0.1', `Cookie: ${alice.cookie}`);
    await connection.until(() => connection.received.length > 1000);
    connection.socket.pause();
    expect(await open()).toBe(before + 1);
    connection.close();
    await vi.waitFor(async () => expect(await open()).toBe(before));
    expect((await zipOf('/single.txt')).status).toBe(200);
  });
});
