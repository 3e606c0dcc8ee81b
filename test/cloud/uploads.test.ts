import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { authorizationOf, type DriveRequest, TestServer } from '../support/make-server.js';
import { askFor, parseMultistatus, textIn } from '../support/multistatus.js';
import { checkSameBytes } from '../support/trees.js';

const USER = 'alice@example.org';
const FILES = `/dav/123456/remote.php/dav/files/${USER}`;
const UPLOADS = `/dav/123456/remote.php/dav/uploads/${USER}`;
/** Three parts that become blobs and a last one that lives in the database. */
const PARTS = [randomBytes(70_000), randomBytes(70_000), randomBytes(30_000), randomBytes(500)];
const WHOLE = Buffer.concat(PARTS);

let server: TestServer;
let alice: DriveRequest;
beforeAll(async () => {
  server = await TestServer.start();
  alice = server.as('alice');
});
afterAll(() => server.stop());

interface Options {
  readonly headers?: Record<string, string>;
  readonly body?: string | Uint8Array | Iterable<Uint8Array>;
  readonly as?: string;
}
const send = (method: string, target: string, options: Options = {}) =>
  server.send(method, target, {
    headers: { Authorization: options.as ?? authorizationOf('alice'), ...options.headers },
    ...(options.body === undefined ? {} : { body: options.body }),
  });
const hex = (algorithm: string, bytes: Uint8Array) => createHash(algorithm).update(bytes).digest('hex');
const mkcol = async (name: string, headers = {}) => (await send('MKCOL', `${UPLOADS}/${name}`, { headers })).status;
const put = async (name: string, part: string, body: Uint8Array, headers = {}) =>
  (await send('PUT', `${UPLOADS}/${name}/${part}`, { body, headers })).status;
const move = (name: string, target: string, headers: Record<string, string> = {}) =>
  send('MOVE', `${UPLOADS}/${name}/.file`, { headers: { Destination: `${FILES}/${target}`, ...headers } });

async function begin(name: string, names: readonly string[], parts: readonly Uint8Array[] = PARTS): Promise<void> {
  expect(await mkcol(name)).toBe(201);
  for (const [index, part] of parts.entries()) expect(await put(name, names[index]!, part)).toBe(201);
}
async function expectFile(target: string, content: Uint8Array | null): Promise<void> {
  const { status, bytes } = await send('GET', `${FILES}/${target}`);
  if (content === null) expect(status).toBe(404);
  else checkSameBytes(bytes, content);
}
const incoming = () => server.unfinished();
const offsets = PARTS.map((_, index) => PARTS.slice(0, index).reduce((sum, part) => sum + part.length, 0));
const padded = (value: number, length: number) => String(value).padStart(length, '0');
const INDEX = ['0', '1', '2', '3'];

describe('client-requirements R34 — all namings of parts', () => {
  const NAMINGS: Record<string, string[]> = {
    'Nextcloud desktop 3.7, from 0': INDEX.map((index) => padded(Number(index), 16)),
    'Nextcloud Android and v2, from 1': INDEX.map((index) => padded(Number(index) + 1, 6)),
    'v2 without zeros': INDEX.map((index) => String(Number(index) + 1)),
    'ownCloud desktop 2.11, offsets': offsets.map((offset) => padded(offset, 16)),
    'rclone, ranges with the last byte': offsets.map(
      (offset, index) => `${padded(offset, 15)}-${padded(offset + PARTS[index]!.length - 1, 15)}`,
    ),
    'ranges with the byte after': offsets.map(
      (offset, index) => `${padded(offset, 15)}-${padded(offset + PARTS[index]!.length, 15)}`,
    ),
  };

  test.each(Object.entries(NAMINGS))('%s', async (naming, names) => {
    const [name, target] = [naming.replaceAll(' ', '-'), `${hex('md5', Buffer.from(naming))}.bin`];
    await begin(name, names);
    const made = await move(name, target);
    expect(made.status).toBe(201);
    await expectFile(target, WHOLE);
    const head = await send('HEAD', `${FILES}/${target}`);
    expect(made.headers.etag).toBe(head.headers.etag);
    expect(made.headers['oc-etag']).toBe(head.headers.etag);
    expect(made.headers['oc-fileid']).toMatch(/^\d{8,}\w+$/);
    expect((await send('PROPFIND', `${UPLOADS}/${name}`, { headers: { Depth: '1' } })).status).toBe(404);
    expect((await move(name, target)).status).toBe(404);
  });

  test.each(Object.entries(NAMINGS))('%s, all at once and out of order', async (naming, names) => {
    const name = `mixed-${naming.replaceAll(' ', '-')}`;
    await mkcol(name);
    const order = [2, 0, 3, 1];
    const statuses = await Promise.all(order.map((index) => put(name, names[index]!, PARTS[index]!)));
    expect(statuses).toEqual([201, 201, 201, 201]);
    expect((await move(name, 'mixed.bin')).status).toBeLessThan(205);
    await expectFile('mixed.bin', WHOLE);
  });

  test('v2 — Destination and OC-Total-Length with every request', async () => {
    const headers = { Destination: `${server.urlOf('')}${FILES}/v2.bin`, 'OC-Total-Length': String(WHOLE.length) };
    expect(await mkcol('v2', headers)).toBe(201);
    for (const [index, part] of PARTS.entries()) expect(await put('v2', padded(index + 1, 5), part, headers)).toBe(201);
    expect((await move('v2', 'v2.bin', { 'OC-Total-Length': String(WHOLE.length) })).status).toBe(201);
    await expectFile('v2.bin', WHOLE);
  });

  test('other names of parts are 400', async () => {
    await mkcol('names');
    for (const part of ['a', '-1', '1.5', '0x1', '2-1', '.file', '99999999999999999']) {
      expect([part, await put('names', part, PARTS[0]!)]).toEqual([part, 400]);
    }
  });
});

describe('client-requirements R14, R9, R11 — what the MOVE says and is told', () => {
  test('204 over a file; X-OC-Mtime is kept and acknowledged', async () => {
    await alice('PUT', '/over.bin', { body: 'old' });
    await begin('over', INDEX);
    const { status, headers } = await move('over', 'over.bin', { 'X-OC-Mtime': '1577934245' });
    expect([status, headers['x-oc-mtime']]).toEqual([204, 'accepted']);
    await expectFile('over.bin', WHOLE);
    expect((await send('HEAD', `${FILES}/over.bin`)).headers['last-modified']).toBe('Thu, 02 Jan 2020 03:04:05 GMT');
  });

  test('Overwrite: F over a file is 412, and the upload stays', async () => {
    await begin('keep', INDEX);
    expect((await move('keep', 'over.bin', { Overwrite: 'F' })).status).toBe(412);
    expect((await move('keep', 'kept.bin', { Overwrite: 'F' })).status).toBe(201);
  });

  test('OC-Checksum is compared with the whole; a wrong one changes nothing and the parts stay', async () => {
    await begin('sum', INDEX);
    for (const wrong of [`SHA1:${hex('sha1', PARTS[0]!)}`, `MD5:${'0'.repeat(32)}`]) {
      expect((await move('sum', 'sum.bin', { 'OC-Checksum': wrong })).status).toBe(400);
      await expectFile('sum.bin', null);
    }
    const right = `SHA1:${hex('sha1', WHOLE)}`;
    expect((await move('sum', 'sum.bin', { 'OC-Checksum': right })).status).toBe(201);
    const ask = { headers: { Depth: '0' }, body: askFor('{http://owncloud.org/ns}checksums') };
    const { text } = await send('PROPFIND', `${FILES}/sum.bin`, ask);
    expect(text).toContain(`${right} MD5:${hex('md5', WHOLE)}`);
  });

  test('the announced size, wherever it was announced, must be that of the parts', async () => {
    await begin('total', INDEX);
    for (const header of ['OC-Total-Length', 'OC-Total-File-Length']) {
      expect((await move('total', 'total.bin', { [header]: String(WHOLE.length + 1) })).status).toBe(400);
    }
    expect(await mkcol('total-mkcol', { 'OC-Total-Length': String(WHOLE.length) })).toBe(201);
    for (const [index, part] of PARTS.slice(0, 3).entries()) await put('total-mkcol', String(index), part);
    expect((await move('total-mkcol', 'total.bin')).status).toBe(400);
    await mkcol('total-put');
    await put('total-put', '0', PARTS[0]!, { 'OC-Total-Length': String(WHOLE.length) });
    expect((await move('total-put', 'total.bin')).status).toBe(400);
    expect(await put('total-put', '1', PARTS[1]!, { 'OC-Total-Length': '5' })).toBe(400);
    await expectFile('total.bin', null);
    await put('total-mkcol', '3', PARTS[3]!);
    expect((await move('total-mkcol', 'total.bin')).status).toBe(201);
  });

  test('If with the destination’s ETag: 412 when it has changed since, 204 when not', async () => {
    const first = (await send('PUT', `${FILES}/cond.bin`, { body: 'first' })).headers.etag!;
    await begin('cond', INDEX);
    await send('PUT', `${FILES}/cond.bin`, { body: 'second' });
    const second = (await send('HEAD', `${FILES}/cond.bin`)).headers.etag!;
    const given = (etag: string) => move('cond', 'cond.bin', { If: `<${FILES}/cond.bin> ([${etag}])` });
    expect((await given(first)).status).toBe(412);
    await expectFile('cond.bin', Buffer.from('second'));
    expect((await given(second)).status).toBe(204);
    await expectFile('cond.bin', WHOLE);
  });

  test('a lock is 423 without its token, and lets pass with it', async () => {
    await send('PUT', `${FILES}/locked.bin`, { body: 'x' });
    const body = '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>';
    const token = (await send('LOCK', `${FILES}/locked.bin`, { body })).headers['lock-token'];
    await begin('locked', INDEX);
    expect((await move('locked', 'locked.bin')).status).toBe(423);
    expect((await move('locked', 'locked.bin', { If: `<${FILES}/locked.bin> (${token})` })).status).toBe(204);
  });

  test('a destination without parent is 409, a folder 405, another server 502, the trash 403', async () => {
    await begin('where', INDEX);
    await alice('MKCOL', '/a-folder');
    expect((await move('where', 'none/x.bin')).status).toBe(409);
    expect((await move('where', 'a-folder')).status).toBe(405);
    expect((await move('where', '', { Destination: 'http://elsewhere.example/x' })).status).toBe(502);
    expect((await move('where', '', { Destination: '/dav/123456/Trash/x' })).status).toBe(403);
    expect((await move('where', 'where.bin')).status).toBe(201);
  });
});

describe('PRODUCT U3 — missing and broken parts', () => {
  test.each([
    ['one in the middle', ['0', '1', '3'], [0, 1, 3]],
    ['the first', ['2', '3'], [2, 3]],
    ['an offset that is not where the last part ends', ['0', '70001'], [0, 1]],
    ['a number twice', ['0', '1', '01'], [0, 1, 2]],
  ])('%s: 400, nothing changes, and the part can still come', async (title, names, indexes) => {
    const name = `gap-${title.replaceAll(' ', '-')}`;
    await begin(
      name,
      names,
      indexes.map((index) => PARTS[index]!),
    );
    expect((await move(name, 'gap.bin')).status).toBe(400);
    await expectFile('gap.bin', null);
  });

  test('no part at all is 400, unless the file is announced to be empty', async () => {
    await mkcol('nothing');
    expect((await move('nothing', 'nothing.bin')).status).toBe(400);
    expect((await move('nothing', 'nothing.bin', { 'OC-Total-Length': '0' })).status).toBe(400);
    await mkcol('empty', { 'OC-Total-Length': '0' });
    const checksum = `SHA1:${hex('sha1', Buffer.alloc(0))}`;
    expect((await move('empty', 'empty.bin', { 'OC-Checksum': checksum })).status).toBe(201);
    await expectFile('empty.bin', Buffer.alloc(0));
  });

  test('a part that is sent again takes the place of the first: 204', async () => {
    await begin('again', INDEX, [PARTS[0]!, randomBytes(1000), randomBytes(200_000), PARTS[3]!]);
    expect(await put('again', '1', PARTS[1]!)).toBe(204);
    expect(await put('again', '2', PARTS[2]!)).toBe(204);
    expect((await move('again', 'again.bin')).status).toBe(201);
    await expectFile('again.bin', WHOLE);
  });

  test('a part that breaks off leaves the one that was there, and nothing on the disk', async () => {
    await begin('broken', INDEX);
    const connection = await server.connect();
    connection.writeHead(
      `PUT ${UPLOADS}/broken/1 HTTP/1.1`,
      'Host: x',
      `Authorization: ${authorizationOf('alice')}`,
      'Content-Length: 100000',
    );
    connection.write(randomBytes(60_000));
    await server.uploadBegan();
    connection.close();
    expect((await move('broken', 'broken.bin')).status).toBe(201);
    await expectFile('broken.bin', WHOLE);
    await vi.waitFor(async () => expect(await incoming()).toEqual([]));
  });

  test('a wrong checksum of a part, or a size that its name does not allow, is 400', async () => {
    await mkcol('checked');
    expect(await put('checked', '0', PARTS[0]!, { 'OC-Checksum': `SHA1:${hex('sha1', PARTS[1]!)}` })).toBe(400);
    expect(await put('checked', '000000000000000-000000000000099', PARTS[0]!)).toBe(400);
    const chunked = { body: [PARTS[0]!] };
    const long = await send('PUT', `${UPLOADS}/checked/000000000000000-000000000000099`, chunked);
    expect(long.status).toBe(400);
    expect(await put('checked', '0', PARTS[0]!, { 'Content-Range': 'bytes 0-1/2' })).toBe(400);
    expect(await partsOf('checked')).toEqual([]);
  });
});

/** Names and sizes, as a program that goes on with an upload asks for them. */
async function partsOf(name: string): Promise<[string, number][]> {
  const ask = {
    headers: { Depth: '1' },
    body: askFor('resourcetype', 'getcontentlength', 'getetag', 'getlastmodified'),
  };
  const { status, text } = await send('PROPFIND', `${UPLOADS}/${name}`, ask);
  expect(status).toBe(207);
  const [self, ...parts] = parseMultistatus(text);
  expect(decodeURIComponent(self!.href)).toBe(`${UPLOADS}/${name}/`);
  expect(self!.props.get('{DAV:}resourcetype')!.children).toHaveLength(1);
  return parts.map(({ href, props }) => [
    href.slice(href.lastIndexOf('/') + 1),
    Number(textIn(props.get('{DAV:}getcontentlength'))),
  ]);
}

describe('client-requirements 2.10 — going on with an upload', () => {
  test('PROPFIND lists the parts with their sizes, DELETE removes one', async () => {
    await begin('resume', ['0', '1', '00000002'], [PARTS[0]!, PARTS[1]!, PARTS[0]!]);
    expect(await partsOf('resume')).toEqual([
      ['0', 70_000],
      ['1', 70_000],
      ['00000002', 70_000],
    ]);
    expect((await send('DELETE', `${UPLOADS}/resume/00000002`)).status).toBe(204);
    expect((await send('DELETE', `${UPLOADS}/resume/00000002`)).status).toBe(404);
    expect(await put('resume', '2', PARTS[2]!)).toBe(201);
    expect(await put('resume', '3', PARTS[3]!)).toBe(201);
    expect((await move('resume', 'resume.bin')).status).toBe(201);
    await expectFile('resume.bin', WHOLE);
  });

  test('MKCOL of one that is there is 405; DELETE is 204, then 404; PUT without MKCOL is 404', async () => {
    expect(await mkcol('twice')).toBe(201);
    expect(await mkcol('twice')).toBe(405);
    expect((await send('DELETE', `${UPLOADS}/twice/`)).status).toBe(204);
    expect((await send('DELETE', `${UPLOADS}/twice/`)).status).toBe(404);
    expect(await put('twice', '0', PARTS[0]!)).toBe(404);
    expect(await mkcol('twice')).toBe(201);
  });

  test('the top lists itself alone; what is no upload is 404 or 405', async () => {
    const { status, text } = await send('PROPFIND', `${UPLOADS}/`, { headers: { Depth: '1' } });
    expect([status, parseMultistatus(text).length]).toEqual([207, 1]);
    expect((await send('GET', `${UPLOADS}/twice`)).status).toBe(405);
    expect((await send('PUT', `${UPLOADS}/twice`, { body: 'x' })).status).toBe(405);
    expect((await send('DELETE', `${UPLOADS}/`)).status).toBe(405);
    expect((await send('PUT', `${UPLOADS}/a/b/c`, { body: 'x' })).status).toBe(404);
    expect((await send('MOVE', `${UPLOADS}/twice/0`, { headers: { Destination: `${FILES}/x` } })).status).toBe(404);
  });

  test('parts survive a restart', async () => {
    await begin('restart', INDEX.slice(0, 3), PARTS.slice(0, 3));
    await server.restart();
    expect(await incoming()).toEqual([]);
    expect((await partsOf('restart')).length).toBe(3);
    expect(await put('restart', '3', PARTS[3]!)).toBe(201);
    await server.restart();
    const right = { 'OC-Checksum': `SHA1:${hex('sha1', WHOLE)}` };
    expect((await move('restart', 'restart.bin', right)).status).toBe(201);
    await expectFile('restart.bin', WHOLE);
  });
});

describe('an upload belongs to its drive, its user, and the folder of an app password', () => {
  test('nobody else finds it', async () => {
    await begin('mine', INDEX);
    await server.addMember('bob');
    const theirs = `/dav/123456/remote.php/dav/uploads/bob@example.org/mine`;
    const bob = { as: authorizationOf('bob') };
    expect((await send('PROPFIND', theirs, bob)).status).toBe(404);
    expect((await send('PROPFIND', `${UPLOADS}/mine`, bob)).status).toBe(404);
    await server.addDrive({ id: 222222, name: 'Other' });
    expect((await send('DELETE', `/dav/222222/remote.php/dav/uploads/${USER}/mine`)).status).toBe(404);
    await alice('MKCOL', '/limited');
    const scopeId = await server.idOf('alice', '/limited');
    const limited = { as: (await server.addAppPassword('alice', { scopeId })).authorization };
    expect((await send('DELETE', `${UPLOADS}/mine`, limited)).status).toBe(404);
    expect((await send('MKCOL', `${UPLOADS}/mine`, limited)).status).toBe(201);
    await send('PUT', `${UPLOADS}/mine/0`, { ...limited, body: PARTS[0]! });
    const headers = { Destination: `/dav/123456/remote.php/webdav/in.bin` };
    expect((await send('MOVE', `${UPLOADS}/mine/.file`, { ...limited, headers })).status).toBe(201);
    await expectFile('limited/in.bin', PARTS[0]!);
    expect((await partsOf('mine')).length).toBe(4);
    const elsewhere = { Destination: `/dav/222222/remote.php/webdav/x.bin` };
    expect((await move('mine', '', elsewhere)).status).toBe(409);
  });

  test('PRODUCT D7, S2 — viewers and read-only passwords begin none; add-only ones make new files alone', async () => {
    await server.addMember('vera', { role: 'viewer' });
    const viewer = { as: authorizationOf('vera') };
    const theirs = '/dav/123456/remote.php/dav/uploads/vera@example.org';
    expect((await send('MKCOL', `${theirs}/no`, viewer)).status).toBe(403);
    const readOnly = { as: (await server.addAppPassword('alice', { allowance: 'read-only' })).authorization };
    expect((await send('MKCOL', `${UPLOADS}/no`, readOnly)).status).toBe(403);
    await mkcol('no');
    expect((await send('PUT', `${UPLOADS}/no/0`, { ...readOnly, body: PARTS[0]! })).status).toBe(403);
    const addOnly = { as: (await server.addAppPassword('alice', { allowance: 'add-only' })).authorization };
    await begin('add', INDEX);
    await alice('PUT', '/full.bin', { body: 'full' });
    const to = (target: string) => ({ headers: { Destination: `${FILES}/${target}` }, ...addOnly });
    expect((await send('MOVE', `${UPLOADS}/add/.file`, to('full.bin'))).status).toBe(403);
    await expectFile('full.bin', Buffer.from('full'));
    expect((await send('MOVE', `${UPLOADS}/add/.file`, to('added.bin'))).status).toBe(201);
  });
});
