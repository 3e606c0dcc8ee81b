import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DriveRequest, TestServer } from '../support/make-server.js';
import { BYTES, base64, metadata, TUS, TusClient } from '../support/tus-client.js';

const CONTENT = randomBytes(300_000);
const MIDDLE = 120_000;

let server: TestServer;
let alice: DriveRequest;
let tus: TusClient;
beforeAll(async () => {
  server = await TestServer.start();
  alice = server.as('alice');
  tus = new TusClient(server, CONTENT.length);
  await alice('MKCOL', '/dir');
});
afterAll(() => server.stop());

const hash = (algorithm: string, bytes: Uint8Array) => createHash(algorithm).update(bytes).digest();

describe('TUS 1.0: creation, PATCH, HEAD', () => {
  test('OPTIONS tells of it anywhere, without credentials', async () => {
    const { headers } = await server.send('OPTIONS', '/dav/123456/dir');
    expect(headers).toMatchObject({
      'tus-resumable': '1.0.0',
      'tus-version': '1.0.0',
      'tus-extension': 'creation,creation-with-upload,checksum,expiration,termination',
      'tus-checksum-algorithm': 'sha1,md5,sha256',
    });
  });

  test('POST, PATCH, HEAD, PATCH: the last byte makes the file, with its time and ownCloud’s headers', async () => {
    const made = await tus.create('a ü+.bin', { values: { mtime: '1577934245', filetype: 'x/y' } });
    expect([made.status, made.headers['tus-resumable']]).toEqual([201, '1.0.0']);
    expect(made.headers.location).toMatch(
      /^http:\/\/127\.0\.0\.1:\d+\/dav\/123456\/remote\.php\/dav\/uploads\/alice%40example\.org\/[0-9a-f]{32}$/,
    );
    const at = new URL(made.headers.location!).pathname;
    expect(Date.parse(made.headers['upload-expires'] as string)).toBeGreaterThan(Date.now() + 86_000_000);
    expect(await tus.offsetOf(at)).toBe(0);
    const first = await tus.patch(at, 0, CONTENT.subarray(0, MIDDLE));
    expect([first.status, first.headers['upload-offset']]).toEqual([204, String(MIDDLE)]);
    const head = await tus.send('HEAD', at);
    expect([head.status, head.headers['upload-offset'], head.headers['upload-length']]).toEqual([
      200,
      String(MIDDLE),
      String(CONTENT.length),
    ]);
    expect(head.headers['cache-control']).toBe('no-store');
    expect(head.headers['upload-metadata']).toContain(base64('a ü+.bin'));
    await tus.expectFile('/dir/a%20%C3%BC+.bin', null);
    const last = await tus.patch(at, MIDDLE, CONTENT.subarray(MIDDLE));
    expect([last.status, last.headers['upload-offset']]).toEqual([204, String(CONTENT.length)]);
    await tus.expectFile('/dir/a%20%C3%BC+.bin', CONTENT);
    const file = await alice('HEAD', '/dir/a%20%C3%BC+.bin');
    expect([last.headers.etag, last.headers['oc-etag']]).toEqual([file.headers.etag, file.headers.etag]);
    expect(last.headers['oc-fileid']).toMatch(/^\d+/);
    expect(file.headers['last-modified']).toBe('Thu, 02 Jan 2020 03:04:05 GMT');
    expect(await tus.offsetOf(at)).toBe(CONTENT.length);
    expect((await tus.patch(at, CONTENT.length, new Uint8Array())).status).toBe(204);
    expect((await tus.patch(at, 0, CONTENT)).status).toBe(409);
    expect((await tus.patch(at, CONTENT.length, CONTENT)).status).toBe(413);
  });

  test('creation-with-upload: some of it, all of it, nothing of an empty file', async () => {
    const some = await tus.create('some', { body: CONTENT.subarray(0, MIDDLE), headers: { 'Upload-Offset': '0' } });
    expect([some.status, some.headers['upload-offset']]).toEqual([201, String(MIDDLE)]);
    const at = new URL(some.headers.location!).pathname;
    expect((await tus.patch(at, MIDDLE, CONTENT.subarray(MIDDLE))).status).toBe(204);
    await tus.expectFile('/dir/some', CONTENT);
    const all = await tus.create('all', { body: CONTENT });
    expect([all.status, all.headers['upload-offset']]).toEqual([201, String(CONTENT.length)]);
    await tus.expectFile('/dir/all', CONTENT);
    expect(all.headers.etag).toBe((await alice('HEAD', '/dir/all')).headers.etag);
    const small = await tus.create('small', { size: 5, body: Buffer.from('small') });
    expect([small.status, small.headers['upload-offset']]).toEqual([201, '5']);
    const empty = await tus.create('empty', { size: 0 });
    expect([empty.status, empty.headers['upload-offset']]).toEqual([201, '0']);
    await tus.expectFile('/dir/empty', Buffer.alloc(0));
    expect(await tus.offsetOf(new URL(empty.headers.location!).pathname)).toBe(0);
  });

  test('bodies without a length, and many small ones', async () => {
    const at = await tus.begin('pieces');
    for (let offset = 0; offset < CONTENT.length; offset += 37_000) {
      const piece = CONTENT.subarray(offset, offset + 37_000);
      expect((await tus.patch(at, offset, [piece.subarray(0, 1), piece.subarray(1)])).status).toBe(204);
    }
    await tus.expectFile('/dir/pieces', CONTENT);
  });

  test('a POST with X-HTTP-Method-Override: PATCH is a PATCH', async () => {
    const at = await tus.begin('override');
    const headers = { ...BYTES, 'Upload-Offset': '0', 'X-HTTP-Method-Override': 'PATCH' };
    expect((await tus.send('POST', at, headers, CONTENT)).status).toBe(204);
    await tus.expectFile('/dir/override', CONTENT);
  });

  test('a filename may be a path (ownCloud desktop 3), below the folder that the POST is for', async () => {
    const at = await tus.begin('/dir/deep.bin', { folder: '/' });
    await tus.patch(at, 0, CONTENT);
    await tus.expectFile('/dir/deep.bin', CONTENT);
  });

  test('rclone’s infinitescale vendor sends the replaced file’s checksum and time in headers: they don’t count', async () => {
    await alice('PUT', '/dir/replaced', { body: 'old' });
    const old = { 'OC-Checksum': `SHA1:${hash('sha1', Buffer.from('old')).toString('hex')}`, 'X-OC-Mtime': '5' };
    const at = await tus.begin('replaced', { headers: old, values: { mtime: '1577934245' } });
    expect((await tus.patch(at, 0, CONTENT)).status).toBe(204);
    await tus.expectFile('/dir/replaced', CONTENT);
    expect((await alice('HEAD', '/dir/replaced')).headers['last-modified']).toBe('Thu, 02 Jan 2020 03:04:05 GMT');
  });

  test('behind a proxy the Location has its scheme and host', async () => {
    const { headers } = await tus.create('proxied', {
      headers: { 'X-Forwarded-Proto': 'https', Host: 'files.example.org' },
    });
    expect(headers.location).toMatch(/^https:\/\/files\.example\.org\/dav\/123456\/remote\.php\//);
  });
});

describe('TUS 1.0 — what is refused', () => {
  test('another version is 412 with Tus-Version; a POST without TUS is 405', async () => {
    const wrong = await tus.create('v', { headers: { 'Tus-Resumable': '0.2.2' } });
    expect([wrong.status, wrong.headers['tus-version'], wrong.headers['tus-resumable']]).toEqual([
      412,
      '1.0.0',
      '1.0.0',
    ]);
    expect((await alice('POST', '/dir', { body: 'x' })).status).toBe(405);
    const at = await tus.begin('v');
    expect((await tus.patch(at, 0, CONTENT, { 'Tus-Resumable': '2' })).status).toBe(412);
  });

  test('headers that are missing or can’t be read are 400', async () => {
    const malformed: Record<string, string>[] = [
      { 'Upload-Length': '' },
      { 'Upload-Length': '-1' },
      { 'Upload-Length': '1e3' },
      { 'Upload-Defer-Length': '1' },
      { 'Upload-Metadata': '' },
      { 'Upload-Metadata': 'filename' },
      { 'Upload-Metadata': 'filename !!' },
      { 'Upload-Metadata': `filename ${base64(Buffer.from([0xff]))}` },
      { 'Upload-Metadata': `filename ${base64('a')},filename ${base64('b')}` },
      { 'Upload-Metadata': metadata({ filename: 'x', mtime: 'yesterday' }) },
      { 'Upload-Metadata': metadata({ filename: 'x', checksum: 'SHA1 abc' }) },
      { 'Upload-Metadata': metadata({ filename: '.' }) },
    ];
    for (const headers of malformed) {
      expect([headers, (await tus.create('x', { headers })).status]).toEqual([headers, 400]);
    }
  });

  test('a body of another type is 415; a wrong offset 409, one that is no number 400', async () => {
    const at = await tus.begin('types');
    expect((await tus.patch(at, 0, CONTENT, { 'Content-Type': 'application/octet-stream' })).status).toBe(415);
    expect((await tus.create('x', { body: CONTENT, headers: { 'Content-Type': 'text/plain' } })).status).toBe(415);
    expect((await tus.patch(at, 1, CONTENT)).status).toBe(409);
    expect((await tus.send('PATCH', at, BYTES, CONTENT)).status).toBe(400);
    expect(await tus.offsetOf(at)).toBe(0);
  });

  test('more bytes than announced are 413, with a length and without; nothing of them is kept', async () => {
    const at = await tus.begin('more', { size: MIDDLE });
    expect((await tus.patch(at, 0, CONTENT)).status).toBe(413);
    expect((await tus.patch(at, 0, [CONTENT])).status).toBe(413);
    expect(await tus.offsetOf(at)).toBe(0);
    await tus.expectFile('/dir/more', null);
    expect((await tus.patch(at, 0, CONTENT.subarray(0, MIDDLE))).status).toBe(204);
  });

  test('a folder that isn’t there, a file as folder, a folder as file, the trash: at once', async () => {
    await alice('PUT', '/a-file', { body: 'x' });
    expect((await tus.create('x', { folder: '/none' })).status).toBe(409);
    expect((await tus.create('x', { folder: '/a-file' })).status).toBe(409);
    expect((await tus.create('dir', { folder: '/' })).status).toBe(405);
    expect((await tus.create('x', { folder: '/Trash' })).status).toBe(403);
    expect((await tus.create('x', { size: 60e9 })).status).toBe(413);
  });

  test('client-requirements R28 — a PATCH of an ordinary file is refused, whatever its type, and the file stays', async () => {
    await alice('PUT', '/whole', { body: 'whole' });
    for (const headers of [
      { 'Content-Type': 'application/x-sabredav-partialupdate', 'X-Update-Range': 'append' },
      { ...BYTES, 'Upload-Offset': '0' },
    ]) {
      const { status, text } = await alice('PATCH', '/whole', { headers, body: 'more' });
      expect(status).toBe(405);
      expect(text).toContain('PATCH is not something that can be done here.');
    }
    await tus.expectFile('/whole', Buffer.from('whole'));
  });

  test('what is no upload is 404; DELETE ends one', async () => {
    const at = await tus.begin('gone');
    expect((await tus.send('DELETE', at)).status).toBe(204);
    expect((await tus.send('DELETE', at)).status).toBe(404);
    expect(await tus.offsetOf(at)).toBe(null);
    expect((await tus.patch(at, 0, CONTENT)).status).toBe(404);
    const uploads = at.slice(0, at.lastIndexOf('/'));
    await server.send('MKCOL', `${uploads}/parts`, { user: 'alice' });
    expect(await tus.offsetOf(`${uploads}/parts`)).toBe(null);
    expect((await tus.patch(`${uploads}/parts`, 0, CONTENT)).status).toBe(404);
    const other = await tus.begin('other');
    expect((await server.send('PUT', `${other}/0`, { user: 'alice', body: 'x' })).status).toBe(404);
  });
});

describe('TUS 1.0, checksum', () => {
  test.each(['sha1', 'md5', 'sha256'])('%s of a body: 460 when it is wrong, and nothing is kept', async (algorithm) => {
    const at = await tus.begin(`sum-${algorithm}`);
    const of = (bytes: Uint8Array) => ({ 'Upload-Checksum': `${algorithm} ${base64(hash(algorithm, bytes))}` });
    const first = CONTENT.subarray(0, MIDDLE);
    expect((await tus.patch(at, 0, first, of(CONTENT))).status).toBe(460);
    expect(await tus.offsetOf(at)).toBe(0);
    expect((await tus.patch(at, 0, first, of(first))).status).toBe(204);
    const last = CONTENT.subarray(MIDDLE);
    expect((await tus.patch(at, MIDDLE, last, of(first))).status).toBe(460);
    expect((await tus.patch(at, MIDDLE, last, of(last))).status).toBe(204);
    await tus.expectFile(`/dir/sum-${algorithm}`, CONTENT);
  });

  test('an algorithm that isn’t known is 400; a POST with a wrong one leaves no upload', async () => {
    const at = await tus.begin('crc');
    expect((await tus.patch(at, 0, CONTENT, { 'Upload-Checksum': 'crc32 AAAAAA==' })).status).toBe(400);
    expect((await tus.patch(at, 0, CONTENT, { 'Upload-Checksum': 'sha1 AAAA' })).status).toBe(400);
    const wrong = { 'Upload-Checksum': `sha1 ${base64(hash('sha1', Buffer.from('x')))}` };
    expect((await tus.create('crc', { body: CONTENT, headers: wrong })).status).toBe(460);
    await tus.expectFile('/dir/crc', null);
  });

  test.each(['SHA1 ', 'sha1:', 'SHA256:', 'md5 '])('the checksum of the whole in the metadata, %s', async (prefix) => {
    const algorithm = /\w+/.exec(prefix)![0].toLowerCase();
    const of = (bytes: Uint8Array) => ({ checksum: prefix + hash(algorithm, bytes).toString('hex') });
    const name = `whole-${algorithm}-${prefix.length}`;
    const right = await tus.begin(name, { values: of(CONTENT) });
    await tus.patch(right, 0, CONTENT.subarray(0, MIDDLE));
    expect((await tus.patch(right, MIDDLE, CONTENT.subarray(MIDDLE))).status).toBe(204);
    await tus.expectFile(`/dir/${name}`, CONTENT);
    const wrong = await tus.begin(`wrong-${name}`, { values: of(Buffer.from('x')) });
    await tus.patch(wrong, 0, CONTENT.subarray(0, MIDDLE));
    expect((await tus.patch(wrong, MIDDLE, CONTENT.subarray(MIDDLE))).status).toBe(400);
    await tus.expectFile(`/dir/wrong-${name}`, null);
    expect(await tus.offsetOf(wrong)).toBe(null);
  });
});

describe('PRODUCT U4 — conditions hold when the file is made', () => {
  test('If-Match and If-None-Match of the POST are checked at once, and again with the last byte', async () => {
    const etag = (await alice('PUT', '/dir/match', { body: 'one' })).headers.etag!;
    expect((await tus.create('match', { headers: { 'If-Match': '"other"' } })).status).toBe(412);
    expect((await tus.create('match', { headers: { 'If-None-Match': '*' } })).status).toBe(412);
    const at = await tus.begin('match', { headers: { 'If-Match': etag } });
    await tus.patch(at, 0, CONTENT.subarray(0, MIDDLE));
    await alice('PUT', '/dir/match', { body: 'two' });
    const last = await tus.patch(at, MIDDLE, CONTENT.subarray(MIDDLE));
    expect(last.status).toBe(412);
    await tus.expectFile('/dir/match', Buffer.from('two'));
    expect(await tus.offsetOf(at)).toBe(MIDDLE);
    await alice('PUT', '/dir/match', { body: 'one' });
    expect((await tus.patch(at, MIDDLE, CONTENT.subarray(MIDDLE), { 'If-Match': etag })).status).toBe(204);
    await tus.expectFile('/dir/match', CONTENT);
    const fresh = await tus.begin('fresh', { headers: { 'If-None-Match': '*' } });
    await alice('PUT', '/dir/fresh', { body: 'first' });
    expect((await tus.patch(fresh, 0, [CONTENT])).status).toBe(412);
    expect(await tus.offsetOf(fresh)).toBe(0);
    await tus.expectFile('/dir/fresh', Buffer.from('first'));
  });

  test('a lock is 423 without its token, which may come with the POST', async () => {
    await alice('PUT', '/dir/locked', { body: 'x' });
    const before = await tus.begin('locked');
    const body = '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>';
    const token = (await alice('LOCK', '/dir/locked', { body })).headers['lock-token'] as string;
    expect((await tus.create('locked')).status).toBe(423);
    expect((await tus.patch(before, 0, CONTENT)).status).toBe(423);
    expect(await tus.offsetOf(before)).toBe(0);
    const at = await tus.begin('locked', { headers: { 'Lock-Token': token } });
    expect((await tus.patch(at, 0, CONTENT)).status).toBe(204);
    await tus.expectFile('/dir/locked', CONTENT);
  });

  test('PRODUCT D7, S2 — who may not add begins nothing; add-only makes new files alone', async () => {
    await server.addMember('vera', { role: 'viewer' });
    const headers = { ...TUS, 'Upload-Length': '5', 'Upload-Metadata': metadata({ filename: 'x' }) };
    expect((await server.as('vera')('POST', '/dir', { headers })).status).toBe(403);
    const addOnly = server.as((await server.addAppPassword('alice', { allowance: 'add-only' })).authorization);
    expect((await addOnly('POST', '/dir', { headers })).status).toBe(201);
    const over = { ...headers, 'Upload-Metadata': metadata({ filename: 'all' }) };
    expect((await addOnly('POST', '/dir', { headers: over })).status).toBe(403);
  });
});
