import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConsoleClient } from '../support/console-client.js';
import { DRIVE_ID, PASSWORD, TestServer } from '../support/make-server.js';

const API = `/api/drives/${DRIVE_ID}`;
const BYTES = randomBytes(300_000);
const SCRIPT = '<script>document.title = "run"</script>';

let server: TestServer;
let alice: ConsoleClient;
let vera: ConsoleClient;
beforeAll(async () => {
  server = await TestServer.start();
  await server.addMember('vera', { role: 'viewer' });
  alice = await ConsoleClient.signedIn(server, 'alice', PASSWORD);
  vera = await ConsoleClient.signedIn(server, 'vera', PASSWORD);
  await server.as('alice')('PUT', '/large.bin', { body: BYTES });
});
afterAll(() => server.stop());

const at = (path: string, more = '') => `${API}/content?path=${encodeURIComponent(path)}${more}`;
const get = (path: string, more = '', headers: Record<string, string> = {}) =>
  alice.send('GET', at(path, more), undefined, headers);

async function upload(name: string, body: string | Uint8Array = SCRIPT): Promise<void> {
  const { status } = await server.as('alice')('PUT', `/${encodeURIComponent(name)}`, { body });
  expect(status).toBeLessThan(300);
}

describe('downloads', () => {
  test('the bytes, with what HEAD says, and 304 where the browser has them', async () => {
    const { status, headers, bytes } = await get('/large.bin');
    expect([status, bytes.equals(BYTES)]).toEqual([200, true]);
    expect(headers).toMatchObject({ 'content-length': '300000', 'accept-ranges': 'bytes' });
    expect(headers.etag).toBe((await server.as('alice')('HEAD', '/large.bin')).headers.etag);
    const head = await alice.send('HEAD', at('/large.bin'));
    expect([head.status, head.bytes.length]).toEqual([200, 0]);
    for (const name of ['content-length', 'content-type', 'content-disposition', 'content-security-policy', 'etag']) {
      expect(head.headers[name]).toBe(headers[name]);
    }
    const again = await get('/large.bin', '', { 'If-None-Match': headers.etag! });
    expect([again.status, again.bytes.length]).toEqual([304, 0]);
    expect(again.headers['cache-control']).toBe('private, no-cache');
  });

  test('RFC 9110 §14.2 — ranges: one, several, from a place on, none that is there', async () => {
    const one = await get('/large.bin', '', { Range: 'bytes=1000-1999' });
    expect([one.status, one.headers['content-range']]).toEqual([206, 'bytes 1000-1999/300000']);
    expect(one.bytes.equals(BYTES.subarray(1000, 2000))).toBe(true);
    expect((await get('/large.bin', '', { Range: 'bytes=299999-' })).bytes.equals(BYTES.subarray(299_999))).toBe(true);
    const two = await get('/large.bin', '', { Range: 'bytes=0-9,100-109' });
    expect(two.headers['content-type']).toMatch(/^multipart\/byteranges; boundary=/);
    expect(two.headers['content-security-policy']).toContain('sandbox');
    expect(two.bytes.includes(BYTES.subarray(100, 110))).toBe(true);
    const none = await get('/large.bin', '', { Range: 'bytes=300000-' });
    expect([none.status, none.headers['content-range']]).toEqual([416, 'bytes */300000']);
  });

  test('an empty file, and a viewer, who reads as everybody', async () => {
    await upload('empty.bin', '');
    expect([(await get('/empty.bin')).status, (await get('/empty.bin')).bytes.length]).toEqual([200, 0]);
    await server.as('alice')('PUT', '/Common%20documents/all.txt', { body: 'all' });
    expect((await vera.send('GET', at('/Common documents/all.txt'))).text).toBe('all');
  });

  test('a folder has no content, nothing is 404, and what lies in the trash can be looked at', async () => {
    expect(await alice.refusal('GET', at('/Drive'))).toMatchObject({ status: 409, kind: 'is-a-collection' });
    expect(await alice.refusal('GET', at('/nothing'))).toMatchObject({ status: 404, kind: 'not-found' });
    await upload('thrown.txt', 'thrown');
    await alice.post(`${API}/delete`, { paths: ['/thrown.txt'] });
    expect((await get('/Trash/thrown.txt')).text).toBe('thrown');
  });
});

describe('an uploaded file never runs with the console’s rights', () => {
  const TEXT = 'text/plain; charset=utf-8';
  test.each([
    ['page.html', TEXT, 'inline'],
    ['page.HTM', TEXT, 'inline'],
    ['page.xhtml', 'application/octet-stream', 'attachment'],
    ['feed.xml', TEXT, 'inline'],
    ['picture.svg', 'image/svg+xml', 'attachment'],
    ['script.js', TEXT, 'inline'],
    ['style.css', TEXT, 'inline'],
    ['notes.md', TEXT, 'inline'],
    ['notes.txt', TEXT, 'inline'],
    ['data.json', TEXT, 'inline'],
    ['book.mhtml', 'application/octet-stream', 'attachment'],
    ['photo.jpg', 'image/jpeg', 'inline'],
    ['song.mp3', 'audio/mpeg', 'inline'],
    ['film.mp4', 'video/mp4', 'inline'],
    ['paper.pdf', 'application/pdf', 'inline'],
    ['archive.zip', 'application/zip', 'attachment'],
    ['no extension', 'application/octet-stream', 'attachment'],
  ])('%s is shown as %s, %s', async (name, type, disposition) => {
    await upload(name);
    const { status, headers, text } = await get(`/${name}`);
    expect([status, text]).toEqual([200, SCRIPT]);
    expect(headers['content-type']).toBe(type);
    expect(headers['content-disposition']).toMatch(new RegExp(`^${disposition};`));
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['cross-origin-resource-policy']).toBe('same-origin');
    const policy = headers['content-security-policy'] as string;
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'self'");
    expect(policy).not.toMatch(/script-src|allow-/);
    expect(policy).toMatch(/^sandbox;/);
    const saved = (await get(`/${name}`, '&download=1')).headers;
    expect(saved['content-disposition']).toMatch(/^attachment;/);
    expect(saved['content-type']).not.toMatch(/html|xml|javascript/);
    expect(saved['content-security-policy']).toMatch(/^sandbox;/);
  });

  test.each([
    ['a "quoted" name.txt', 'filename="a _quoted_ name.txt"', 'a%20%22quoted%22%20name.txt'],
    ['line\r\nSet-Cookie: x=y.txt', 'filename="line__Set-Cookie: x=y.txt"', 'line%0D%0ASet-Cookie%3A%20x%3Dy.txt'],
    ['été 😀.txt', 'filename="_t_ __.txt"', '%C3%A9t%C3%A9%20%F0%9F%98%80.txt'],
    ["it's (1)*.txt", `filename="it's (1)*.txt"`, 'it%27s%20%281%29%2A.txt'],
    ['50%41.txt', 'filename="50_41.txt"', '50%2541.txt'],
    ['back\\slash;.txt', 'filename="back_slash;.txt"', 'back%5Cslash%3B.txt'],
    ['<script>alert(1)<!--.txt', 'filename="<script>alert(1)<!--.txt"', '%3Cscript%3Ealert%281%29%3C%21--.txt'],
  ])('RFC 6266 — the name %j can not leave its place in Content-Disposition', async (name, plain, encoded) => {
    await upload(name, 'x');
    const { headers } = await get(`/${name}`, '&download=1');
    expect(headers['content-disposition']).toBe(`attachment; ${plain}; filename*=UTF-8''${encoded}`);
    expect(headers['set-cookie']).toBeUndefined();
  });
});
