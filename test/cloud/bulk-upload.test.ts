import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { authorizationOf, type DriveRequest, TestServer } from '../support/make-server.js';
import { askFor, parseMultistatus, textIn } from '../support/multistatus.js';
import { checkSameBytes } from '../support/trees.js';

/** As Qt makes them: with characters that need quotes in a header. */
const BOUNDARY = 'boundary_.oOo._WgjNqziM8/n9h+MJ1oxF2TyMBp3V3GZh';
const TYPE = `multipart/related; boundary="${BOUNDARY}"`;
const BULK = '/remote.php/dav/bulk';
const MIB = 1024 * 1024;
let server: TestServer;
let alice: DriveRequest;

beforeAll(async () => {
  server = await TestServer.start();
  alice = server.as('alice');
});
afterAll(() => server.stop());

interface File {
  readonly path: string;
  readonly content: string | Uint8Array;
  /** Over those of Nextcloud desktop 3.7; `undefined` leaves one out. */
  readonly headers?: Record<string, string | undefined>;
}
const md5 = (content: string | Uint8Array) => createHash('md5').update(content).digest('hex');

function partOf({ path: name, content, headers = {} }: File): Buffer {
  const all = {
    'Content-Length': String(Buffer.byteLength(content)),
    'Content-Type': 'application/octet-stream',
    'X-File-MD5': md5(content),
    'X-File-Mtime': '1718942721',
    'X-File-Path': name,
    ...headers,
  };
  const lines = Object.entries(all).flatMap(([key, value]) => (value === undefined ? [] : [`${key}: ${value}\r\n`]));
  return Buffer.concat([
    Buffer.from(`--${BOUNDARY}\r\n${lines.join('')}\r\n`),
    Buffer.from(content),
    Buffer.from('\r\n'),
  ]);
}
const END = Buffer.from(`--${BOUNDARY}--\r\n`);
const bodyOf = (...files: File[]) => Buffer.concat([...files.map(partOf), END]);

interface Options {
  readonly as?: string;
  readonly target?: string;
  readonly type?: string;
}
function post(body: Uint8Array | Iterable<Uint8Array>, { as, target = BULK, type = TYPE }: Options = {}) {
  const headers = { Authorization: as ?? authorizationOf('alice'), 'Content-Type': type };
  return server.send('POST', target, { headers, body });
}
/** Results by path. */
async function upload(files: File[], options: Options = {}) {
  const { status, headers, text } = await post(bodyOf(...files), options);
  expect(status).toBe(200);
  expect(headers['content-type']).toBe('application/json; charset=utf-8');
  return JSON.parse(text);
}
const incoming = () => server.unfinished();

describe('client-requirements R34, §2.10 — bulk upload as Nextcloud desktop 3.7 sends it', () => {
  test('stores each file, with its time, and answers what a PUT of each would', async () => {
    await alice('MKCOL', encodeURI('/dír'));
    const files: File[] = [
      { path: '/dír/two #&+.txt', content: 'two' },
      { path: '/empty.txt', content: '' },
      { path: '/ends in line ends.txt', content: 'a\r\n\r\n' },
      {
        path: '/looks like a boundary.txt',
        content: `x\r\n--${BOUNDARY}\r\nContent-Length: 3\r\n\r\ny\r\n--${BOUNDARY}--\r\n`,
      },
      { path: '/medium.bin', content: randomBytes(200_000) },
    ];
    const results = await upload(files);
    expect(Object.keys(results)).toEqual(files.map((file) => file.path));
    for (const { path: name, content } of files) {
      const target = encodeURI(name).replaceAll('#', '%23');
      const get = await alice('GET', target);
      checkSameBytes(get.bytes, Buffer.from(content));
      expect(get.headers['last-modified']).toBe('Fri, 21 Jun 2024 04:05:21 GMT');
      expect(results[name]).toEqual({
        error: false,
        etag: String(get.headers.etag).replaceAll('"', ''),
        fileid: `${String(await server.idOf('alice', target)).padStart(8, '0')}firn`,
        permissions: 'GDNVW',
      });
    }
  });

  test('a file that is there is overwritten and keeps its id', async () => {
    const [before] = Object.values(await upload([{ path: '/again.txt', content: '1' }])) as {
      fileid: string;
      etag: string;
    }[];
    const [after] = Object.values(await upload([{ path: '/again.txt', content: '22' }])) as {
      fileid: string;
      etag: string;
    }[];
    expect(after!.fileid).toBe(before!.fileid);
    expect(after!.etag).not.toBe(before!.etag);
    expect((await alice('GET', '/again.txt')).text).toBe('22');
  });

  test('R11 — the checksum is kept, and answered with the file', async () => {
    await upload([{ path: '/sum.txt', content: 'sum' }]);
    const body = askFor('{http://owncloud.org/ns}checksums');
    const { text } = await alice('PROPFIND', '/sum.txt', { body, headers: { Depth: '0' } });
    const [part] = parseMultistatus(text);
    expect(textIn(part!.props.get('{http://owncloud.org/ns}checksums'))).toContain(`MD5:${md5('sum')}`);
  });

  test('at a path mount, at a drive’s own host, into the folder of an app password', async () => {
    await upload([{ path: '/by-path.txt', content: 'p' }], { target: `/dav/123456${BULK}` });
    expect((await alice('GET', '/by-path.txt')).text).toBe('p');
    await alice('MKCOL', '/scope');
    const scopeId = await server.idOf('alice', '/scope');
    const { authorization } = await server.addAppPassword('alice', { scopeId });
    await upload([{ path: '/in-scope.txt', content: 's' }], { as: authorization });
    expect((await alice('GET', '/scope/in-scope.txt')).text).toBe('s');
    const host = { Host: '123456.connect.example.org', 'Content-Type': TYPE };
    const body = bodyOf({ path: '/by-host.txt', content: 'h' });
    expect((await server.send('POST', BULK, { user: 'alice', headers: host, body })).status).toBe(200);
    expect((await alice('GET', '/by-host.txt')).text).toBe('h');
  });

  test('a file of more than is kept in memory streams to the disk, between small ones', async () => {
    const large = randomBytes(5 * MIB);
    const small = Array.from({ length: 30 }, (_, index) => ({
      path: `/mix-${index}.bin`,
      content: randomBytes(300_000),
    }));
    const results = await upload([...small.slice(0, 15), { path: '/large.bin', content: large }, ...small.slice(15)]);
    expect(Object.values(results).filter((result) => (result as { error: boolean }).error)).toEqual([]);
    checkSameBytes((await alice('GET', '/large.bin')).bytes, large);
    checkSameBytes((await alice('GET', '/mix-29.bin')).bytes, small[29]!.content);
    expect(await incoming()).toEqual([]);
  });

  test('bytes may arrive in any pieces, without a length for the whole', async () => {
    const body = bodyOf({ path: '/pieces.txt', content: 'pieces' }, { path: '/pieces-2.txt', content: '' });
    const { status, text } = await post(Array.from(body, (byte) => Buffer.of(byte)));
    expect([status, Object.keys(JSON.parse(text))]).toEqual([200, ['/pieces.txt', '/pieces-2.txt']]);
    expect((await alice('GET', '/pieces.txt')).text).toBe('pieces');
  });

  test('the connection goes on after it', async () => {
    const connection = await server.connect();
    const body = bodyOf({ path: '/keep.txt', content: randomBytes(5 * MIB) });
    const head = [`Host: x`, `Authorization: ${authorizationOf('alice')}`];
    connection.writeHead(`POST ${BULK} HTTP/1.1`, ...head, `Content-Type: ${TYPE}`, `Content-Length: ${body.length}`);
    connection.write(body);
    const answer = await connection.readAnswer();
    expect([answer.status, answer.headers.connection]).toEqual([200, 'keep-alive']);
    connection.writeHead('HEAD /dav/123456/keep.txt HTTP/1.1', ...head);
    await connection.until(() => connection.received.startsWith('HTTP/1.1 200 '));
    expect(connection.isEnded).toBe(false);
    connection.close();
  });

  test('no files at all are fine', async () => {
    expect(await upload([])).toEqual({});
  });
});

describe('PRODUCT U3 — a file of a bulk upload that is refused changes nothing, and the others are stored', () => {
  const good = (name: string): File => ({ path: `/good-${name}.txt`, content: 'good' });

  test.each<[string, Partial<File> & { path: string }, RegExp]>([
    ['R11: a wrong MD5', { path: '/bad.txt', headers: { 'X-File-MD5': md5('else') } }, /md5 checksum/],
    ['an MD5 that is none', { path: '/bad.txt', headers: { 'X-File-MD5': 'zz' } }, /no valid checksum/],
    [
      'R11: a wrong OC-Checksum',
      { path: '/bad.txt', headers: { 'OC-Checksum': `SHA1:${'0'.repeat(40)}` } },
      /sha1 checksum/,
    ],
    ['a time that is none', { path: '/bad.txt', headers: { 'X-File-Mtime': 'yesterday' } }, /times in Unix seconds/],
    ['a folder that isn’t there', { path: '/nowhere/bad.txt' }, /./],
    ['a path that leads out', { path: '/../bad.txt' }, /no name may hold/],
    ['a path that leads out and in', { path: '/dír/../../../bad.txt' }, /no name may hold/],
    ['a dot', { path: '/./bad.txt' }, /no name may hold/],
    ['NUL', { path: '/bad\0.txt' }, /no name may hold/],
    ['a name that is too long', { path: `/${'b'.repeat(256)}` }, /255 bytes/],
    ['a path that is too deep', { path: '/b'.repeat(300) }, /too deep/],
    ['nothing but a slash', { path: '/' }, /./],
    ['a folder', { path: '/dír' }, /./],
    ['a reserved folder', { path: '/Common documents' }, /./],
  ])('%s', async (reason, file, message) => {
    const before = await alice('PROPFIND', '/', { headers: { Depth: 'infinity' }, body: askFor('getetag') });
    const results = await upload([{ content: 'bad', ...file }]);
    expect(results[file.path]).toEqual({ error: true, message: expect.stringMatching(message) });
    const after = await alice('PROPFIND', '/', { headers: { Depth: 'infinity' }, body: askFor('getetag') });
    expect(after.text).toBe(before.text);
    const name = md5(reason);
    const mixed = await upload([good(`${name}-1`), { content: 'bad', ...file }, good(`${name}-2`)]);
    expect(Object.values(mixed).map((result) => (result as { error: boolean }).error)).toEqual([false, true, false]);
  });

  test('R11 — a wrong MD5 of a file that streams leaves nothing on the disk', async () => {
    const content = randomBytes(5 * MIB);
    const results = await upload([
      { path: '/streams.bin', content, headers: { 'X-File-MD5': md5('else') } },
      good('s'),
    ]);
    expect([results['/streams.bin'].error, results['/good-s.txt'].error]).toEqual([true, false]);
    expect((await alice('GET', '/streams.bin')).status).toBe(404);
    expect(await incoming()).toEqual([]);
  });

  test('a locked file', async () => {
    await alice('PUT', '/locked.txt', { body: 'old' });
    const body = '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>';
    const lock = await alice('LOCK', '/locked.txt', { body });
    expect((await upload([{ path: '/locked.txt', content: 'new' }, good('l')]))['/locked.txt'].error).toBe(true);
    expect((await alice('GET', '/locked.txt')).text).toBe('old');
    await alice('UNLOCK', '/locked.txt', { headers: { 'Lock-Token': String(lock.headers['lock-token']) } });
  });

  test('D7, S2 — rights count: viewers and read-only passwords write nothing, add-only ones nothing over a file', async () => {
    await server.addMember('vera', { role: 'viewer' });
    const viewer = await upload([{ path: '/v.txt', content: 'v' }], { as: authorizationOf('vera') });
    expect(viewer['/v.txt'].error).toBe(true);
    const { authorization: readOnly } = await server.addAppPassword('alice', { allowance: 'read-only' });
    expect((await upload([{ path: '/r.txt', content: 'r' }], { as: readOnly }))['/r.txt'].error).toBe(true);
    await alice('PUT', '/there.txt', { body: 'there' });
    const { authorization: addOnly } = await server.addAppPassword('alice', { allowance: 'add-only' });
    const added = await upload(
      [
        { path: '/there.txt', content: 'x' },
        { path: '/fresh.txt', content: 'f' },
      ],
      { as: addOnly },
    );
    expect([added['/there.txt'].error, added['/fresh.txt'].error]).toEqual([true, false]);
    expect((await alice('GET', '/there.txt')).text).toBe('there');
    expect((await alice('GET', '/r.txt')).status).toBe(404);
  });

  test('D5 — the quota counts, for small files and for streamed ones', async () => {
    await server.addUser('quinn');
    await server.addDrive({ id: 600001, name: 'Tight', owner: 'quinn', quotaBytes: 100_000 });
    const as = authorizationOf('quinn');
    const results = await upload(
      [
        { path: '/either.bin', content: randomBytes(60_000) },
        { path: '/or.bin', content: randomBytes(50_000) },
        { path: '/far-too-much.bin', content: randomBytes(5 * MIB) },
        { path: '/little.bin', content: randomBytes(10) },
      ],
      { as },
    );
    // They are stored at the same time; whichever comes first has the room.
    const isRefused = (name: string): boolean => results[name].error;
    expect([isRefused('/either.bin'), isRefused('/or.bin')].sort()).toEqual([false, true]);
    expect([isRefused('/far-too-much.bin'), isRefused('/little.bin')]).toEqual([true, false]);
    expect(results['/far-too-much.bin'].message).toContain('There is room for 100 kB more here');
    expect(await incoming()).toEqual([]);
  });

  test('U2 — so does the largest size of a file', async () => {
    await server.addDrive({ id: 600002, name: 'Capped' });
    await server.accounts.changeDrive(600002, { uploadMaxBytes: 1000 });
    const files = [
      { path: '/1000.bin', content: randomBytes(1000) },
      { path: '/1001.bin', content: randomBytes(1001) },
      { path: '/5-mib.bin', content: randomBytes(5 * MIB) },
    ];
    const results = await upload(files, { target: `/dav/600002${BULK}` });
    expect(files.map((file) => results[file.path].error)).toEqual([false, true, true]);
  });

  test('a name that JavaScript has other uses for', async () => {
    const { text } = await post(bodyOf({ path: '__proto__', content: 'p' }, { path: 'constructor', content: 'c' }));
    expect(text).toMatch(/"__proto__":\{"error":false/);
    expect(text).toMatch(/"constructor":\{"error":false/);
    expect((await alice('GET', '/__proto__')).text).toBe('p');
  });
});
