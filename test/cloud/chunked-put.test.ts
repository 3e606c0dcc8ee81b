import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { authorizationOf, DRIVE_ID, TestServer } from '../support/make-server.js';
import { checkSameBytes } from '../support/trees.js';

const PARTS = [randomBytes(70_000), randomBytes(70_000), randomBytes(500)];
const WHOLE = Buffer.concat(PARTS);
const MTIME = '1500000000';
/** Where pyocclient, ownCloud's old Android app and others have their files. */
const FORMS = ['/remote.php/webdav', `/dav/${DRIVE_ID}/remote.php/webdav`, `/dav/${DRIVE_ID}`];

let server: TestServer;
let authorization: string;
beforeAll(async () => {
  server = await TestServer.start();
  authorization = authorizationOf('alice');
});
afterAll(() => server.stop());

interface Sent {
  readonly headers?: Record<string, string>;
  readonly body?: Uint8Array | string;
  readonly as?: string;
}
const send = (method: string, target: string, { headers, body, as = authorization }: Sent = {}) =>
  server.send(method, target, { headers: { Authorization: as, ...headers }, ...(body === undefined ? {} : { body }) });
const get = (target: string) => send('GET', target);
const chunk = (file: string, transfer: string, index: number, headers: Record<string, string> = {}, as?: string) =>
  send('PUT', `${file}-chunking-${transfer}-${PARTS.length}-${index}`, {
    body: PARTS[index]!,
    headers: { 'OC-Chunked': '1', 'OC-Total-Length': String(WHOLE.length), ...headers },
    ...(as === undefined ? {} : { as }),
  });
const sha1 = createHash('sha1').update(WHOLE).digest('hex');

describe('client G — ownCloud’s chunking, version 1', () => {
  test.each(FORMS)(
    'client G — the file appears at %s with its last part, in whatever order they come',
    async (base) => {
      for (const [round, order] of [
        [0, 1, 2],
        [2, 0, 1],
      ].entries()) {
        const file = `${base}/big%20${FORMS.indexOf(base)}-${round}.bin`;
        const headers = { 'X-OC-Mtime': MTIME, 'OC-Checksum': `SHA1:${sha1}` };
        for (const index of order.slice(0, -1)) {
          const answer = await chunk(file, `4${round}`, index, headers);
          expect([answer.status, answer.headers.etag, answer.headers['oc-etag']]).toEqual([201, undefined, undefined]);
          expect((await get(file)).status).toBe(404);
        }
        const last = await chunk(file, `4${round}`, order.at(-1)!, headers);
        expect(last.status).toBe(201);
        const { status, bytes, headers: found } = await get(file);
        expect(status).toBe(200);
        checkSameBytes(bytes, WHOLE);
        expect(last.headers.etag).toBe(found.etag);
        expect(last.headers['x-oc-mtime']).toBe('accepted');
        expect(new Date(found['last-modified']!).getTime()).toBe(Number(MTIME) * 1000);
      }
      const listed = await send('PROPFIND', `${base}/${base.endsWith('webdav') ? '' : 'Drive/'}`, {
        headers: { Depth: '1' },
      });
      expect(listed.text).not.toContain('-chunking-');
      expect(listed.text).toContain('.bin');
    },
  );

  test('client G — a file that is there is replaced, by one transfer only when the other is whole', async () => {
    const file = '/remote.php/webdav/twice.bin';
    await send('PUT', file, { body: 'old' });
    expect((await chunk(file, '1', 0)).status).toBe(201);
    expect((await chunk(file, '2', 1)).status).toBe(201);
    expect((await get(file)).text).toBe('old');
    expect((await chunk(file, '1', 1)).status).toBe(201);
    expect((await chunk(file, '1', 2)).status).toBe(204);
    checkSameBytes((await get(file)).bytes, WHOLE);
  });

  test('client G — conditions, locks, checksums and the announced length speak of the whole file', async () => {
    const file = '/remote.php/webdav/guarded.bin';
    expect((await send('PUT', file, { body: 'there' })).status).toBe(201);
    expect((await chunk(file, '1', 0, { 'If-Match': '"other"' })).status).toBe(412);
    expect((await chunk(file, '1', 0, { 'If-None-Match': '*' })).status).toBe(412);
    const wrong = { 'OC-Checksum': `SHA1:${'0'.repeat(40)}` };
    for (const index of [0, 1]) expect((await chunk(file, '2', index, wrong)).status).toBe(201);
    expect((await chunk(file, '2', 2, wrong)).status).toBe(400);
    expect((await get(file)).text).toBe('there');
    const right = { 'OC-Checksum': `SHA1:${sha1}` };
    expect((await chunk(file, '2', 2, right)).status, 'the parts are still there').toBe(204);
    const short = { 'OC-Total-Length': String(WHOLE.length + 1) };
    for (const index of [0, 1]) expect((await chunk(file, '3', index, short)).status).toBe(201);
    expect((await chunk(file, '3', 2, short)).status).toBe(400);
    expect((await chunk('/remote.php/webdav/no/such/folder.bin', '1', 0)).status).toBe(409);
    const lock = await send('LOCK', file, {
      body: '<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>',
    });
    expect(lock.status).toBe(200);
    expect((await chunk(file, '5', 0)).status).toBe(423);
    const token = { If: `(${lock.headers['lock-token']})` };
    for (const index of [0, 1, 2]) expect((await chunk(file, '5', index, token)).status).toBe(index < 2 ? 201 : 204);
  });

  test.each([
    ['f.bin', 'a name without a place'],
    ['f.bin-chunking-1-0-0', 'no parts'],
    ['f.bin-chunking-1-3-3', 'an index beyond the count'],
    ['f.bin-chunking-1-10001-0', 'more parts than an upload has'],
    ['f.bin-chunking-99999999999999999999999999-3-0', 'a number that no program gives'],
    ['-chunking-1-3-0', 'no name'],
  ])('client G — %s with OC-Chunked: %s is 400, and nothing is stored', async (name) => {
    const { status, text } = await send('PUT', `/remote.php/webdav/${name}`, {
      body: 'x',
      headers: { 'OC-Chunked': '1' },
    });
    expect(status).toBe(400);
    expect(text).toMatch(/-chunking-/);
    expect((await get(`/remote.php/webdav/${name}`)).status).toBe(404);
  });

  test('client G — without OC-Chunked such a name is that of an ordinary file', async () => {
    const file = '/remote.php/webdav/f.bin-chunking-42-3-0';
    expect((await send('PUT', file, { body: 'plain' })).status).toBe(201);
    expect((await get(file)).text).toBe('plain');
  });

  test('client G — rights and quota as for any upload: a viewer, read-only, add-only, a full drive', async () => {
    const file = '/remote.php/webdav/rights.bin';
    await server.addMember('vera', { role: 'viewer' });
    expect((await chunk(file, '1', 0, {}, authorizationOf('vera'))).status).toBe(403);
    const { authorization: reader } = await server.addAppPassword('alice', { allowance: 'read-only' });
    expect((await chunk(file, '1', 0, {}, reader)).status).toBe(403);
    const { authorization: adder } = await server.addAppPassword('alice', { allowance: 'add-only' });
    for (const index of [0, 1, 2]) expect((await chunk(file, '7', index, {}, adder)).status).toBe(201);
    expect((await chunk(file, '8', 0, {}, adder)).status, 'no overwriting').toBe(403);

    await server.addUser('carl');
    await server.addDrive({ id: 234567, name: 'Small', owner: 'carl', quotaBytes: 100_000 });
    const small = `/dav/234567/remote.php/webdav/big.bin`;
    const carl = authorizationOf('carl');
    expect((await chunk(small, '1', 0, {}, carl)).status).toBe(507);
    const unannounced = (index: number) =>
      send('PUT', `${small}-chunking-2-2-${index}`, { body: PARTS[0]!, headers: { 'OC-Chunked': '1' }, as: carl });
    expect([(await unannounced(0)).status, (await unannounced(1)).status]).toEqual([201, 507]);
  });
});
