import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { Contents } from '../../src/drive/contents.js';
import { Uploads } from '../../src/drive/uploads/uploads.js';
import { collectGarbage } from '../../src/jobs/gc.js';
import type { UploadKey, UploadRow } from '../../src/stores/uploads.js';
import type { DriveId, UserId } from '../../src/stores/values.js';
import { authorizationOf, TestServer } from '../support/make-server.js';
import { checkSameBytes } from '../support/trees.js';
import { testOnOneServer } from '../support/tried.js';

const MB = 1_000_000;
const CAP = 5 * MB;
const HOUR = 3_600_000;
const PART = randomBytes(MB);
let server: TestServer;
let userId: UserId;
beforeAll(async () => {
  server = await TestServer.start({ uploadMaxBytes: CAP });
  await server.addDrive({ id: 200_000, name: 'Small', quotaBytes: 4 * MB });
  await server.addMember('bob', { driveId: 200_000 });
  userId = (await server.stores.accounts.findUser('alice@example.org'))!.id;
});
afterAll(() => server.stop());

const base = (drive: number, tree: string, user = 'alice') =>
  `/dav/${drive}/remote.php/dav/${tree}/${user}@example.org`;
const send = (method: string, target: string, headers = {}, body?: Uint8Array | Uint8Array[], user = 'alice') =>
  server.send(method, target, { user, headers, ...(body ? { body } : {}) });
const mkcol = async (name: string, drive = 123456, headers = {}) =>
  (await send('MKCOL', `${base(drive, 'uploads')}/${name}`, headers)).status;
const put = async (name: string, part: number | string, body: Uint8Array | Uint8Array[] = PART, drive = 123456) =>
  (await send('PUT', `${base(drive, 'uploads')}/${name}/${part}`, {}, body)).status;
const move = (name: string, target: string, drive = 123456) =>
  send('MOVE', `${base(drive, 'uploads')}/${name}/.file`, { Destination: `${base(drive, 'files')}/${target}` });
const keyOf = (name: string, drive = 123456): UploadKey => ({
  driveId: drive as DriveId,
  userId,
  scopeId: null,
  name,
});
const find = async (name: string): Promise<UploadRow | null> =>
  server.engines.metadata.read([], (view) => view.uploads.find(keyOf(name)));
const collect = () => {
  const { blobs, blobIndex } = server.engines;
  return collectGarbage({ blobs, blobIndex, now: Date.now, graceSeconds: 0 });
};
/** What the server's own job does, at another time. */
const expire = async (hoursFromNow: number) => {
  const { metadata, blobs } = server.engines;
  const contents = new Contents(blobs, { inlineMaxBytes: 16_384 });
  const uploads = new Uploads({ metadata, contents, expiryHours: 24, now: () => Date.now() + hoursFromNow * HOUR });
  await uploads.removeExpired();
  await uploads.stop();
};
const incoming = () => server.unfinished();

/** What comes back on a raw connection when only the head of a request is sent. */
async function sendHead(method: string, target: string, ...lines: string[]): Promise<number> {
  const connection = await server.connect();
  const authorization = `Authorization: ${authorizationOf('alice')}`;
  connection.writeHead(`${method} ${target} HTTP/1.1`, 'Host: x', authorization, ...lines);
  const { status } = await connection.readAnswer();
  connection.close();
  return status;
}

describe('PRODUCT U2 — the largest file, in parts', () => {
  test('413 where the whole is announced, and before the part that goes beyond', async () => {
    expect(await mkcol('cap', 123456, { 'OC-Total-Length': String(CAP + 1) })).toBe(413);
    await mkcol('cap');
    for (let part = 0; part < 4; part++) expect(await put('cap', part)).toBe(201);
    const expectHeader = ['Expect: 100-continue', `Content-Length: ${MB + 1}`];
    expect(await sendHead('PUT', `${base(123456, 'uploads')}/cap/4`, ...expectHeader)).toBe(413);
    expect(await put('cap', 4, [PART, Buffer.from('x')])).toBe(413);
    expect(await put('cap', 4, [PART])).toBe(201);
    expect(await put('cap', 4, PART)).toBe(204);
    expect(await put('cap', 5, Buffer.from('x'))).toBe(413);
    expect((await move('cap', 'cap.bin')).status).toBe(201);
    expect((await send('HEAD', `${base(123456, 'files')}/cap.bin`)).headers['content-length']).toBe(String(CAP));
  });

  test('TUS: 413 at the POST', async () => {
    const headers = { 'Tus-Resumable': '1.0.0', 'Upload-Metadata': 'filename eA==', 'Upload-Length': String(CAP + 1) };
    expect((await send('POST', base(123456, 'files'), headers)).status).toBe(413);
  });
});

describe('PRODUCT D5 — quota, in parts', () => {
  test('what open uploads hold counts: 507 before the body, in flight, and for TUS', async () => {
    const small = 200_000;
    expect(await mkcol('big', small, { 'OC-Total-Length': String(4.5 * MB) })).toBe(507);
    await mkcol('one', small);
    await mkcol('two', small);
    for (let part = 0; part < 2; part++) expect(await put('one', part, PART, small)).toBe(201);
    expect(await put('two', 0, PART, small)).toBe(201);
    const head = ['Expect: 100-continue', `Content-Length: ${MB + 1}`];
    expect(await sendHead('PUT', `${base(small, 'uploads')}/two/1`, ...head)).toBe(507);
    expect(await put('two', 1, [PART, Buffer.from('x')], small)).toBe(507);
    expect(await put('two', 0, PART, small)).toBe(204);
    const tus = { 'Tus-Resumable': '1.0.0', 'Upload-Metadata': 'filename eA==' };
    const post = (size: number) =>
      send('POST', base(small, 'files'), { ...tus, 'Upload-Length': String(size) }).then(({ status }) => status);
    expect(await post(MB + 1)).toBe(507);
    expect(await post(MB)).toBe(201);
    expect((await move('one', 'one.bin', small)).status).toBe(201);
    expect(await put('two', 1, PART, small)).toBe(201);
    expect(await put('two', 2, Buffer.from('x'), small)).toBe(507);
    expect((await send('DELETE', `${base(small, 'uploads')}/two`)).status).toBe(204);
    await mkcol('three', small);
    expect(await put('three', 0, PART, small)).toBe(201);
    expect((await move('three', 'three.bin', small)).status).toBe(201);
  });

  test('a member’s own quota counts for parts, but for those that say they go to the shared folder', async () => {
    await server.addMember('bob', { driveId: 200_000, quotaBytes: 1000 });
    const uploads = base(200_000, 'uploads', 'bob');
    const at = (target: string) => ({ Destination: `${base(200_000, 'files', 'bob')}/${target}` });
    const begin = async (name: string, headers = {}) => {
      await send('MKCOL', `${uploads}/${name}`, headers, undefined, 'bob');
      return (await send('PUT', `${uploads}/${name}/1`, headers, randomBytes(2000), 'bob')).status;
    };
    expect(await begin('v1')).toBe(507);
    expect(await begin('own', at('b.bin'))).toBe(507);
    expect(await begin('elsewhere', { Destination: 'http://elsewhere.example/x' })).toBe(507);
    expect(await begin('shared', at('Common%20documents/b.bin'))).toBe(201);
    const to = (target: string) => send('MOVE', `${uploads}/shared/.file`, at(target), undefined, 'bob');
    expect((await to('b.bin')).status).toBe(507);
    expect((await to('Common%20documents/b.bin')).status).toBe(201);
  });
});

describe('how much there may be of uploads', () => {
  test('1,000 open ones a user: 429, until one ends', async () => {
    const expiresAt = Date.now() + HOUR;
    const open = await server.engines.metadata.read([], (view) => view.uploads.countOpen(userId, Date.now()));
    await server.engines.metadata.write([], async ({ uploads }) => {
      for (let number = open; number < 1000; number++) {
        await uploads.insert({ ...keyOf(`n${number}`), size: null, target: null, expiresAt }, Date.now());
      }
    });
    expect(await mkcol('more')).toBe(429);
    const refused = await send('MKCOL', `${base(123456, 'uploads')}/more`);
    expect(refused.headers['retry-after']).toBe('3600');
    expect((await send('DELETE', `${base(123456, 'uploads')}/n999`)).status).toBe(204);
    expect(await mkcol('more')).toBe(201);
    expect(await mkcol('still-more')).toBe(429);
    await expire(2);
  });

  test('10,000 parts an upload: 413 for one more, since trying again is no use, and they still make a file', {
    timeout: 300_000,
  }, async () => {
    expect(await mkcol('many')).toBe(201);
    expect(await put('many', 0, Buffer.from('x'))).toBe(201);
    const upload = (await find('many'))!;
    await server.engines.metadata.write([], async (transaction) => {
      const { uploads } = transaction;
      const { blobId } = (await uploads.findPart(upload.id, '0'))!;
      await transaction.putContent((await uploads.findContent(upload.id, { name: '0', blobId }))!, 0);
      for (let number = 1; number < 10_000; number++) {
        const part = { name: String(number), number, size: 1, blobId, storedAt: 0 };
        await uploads.putPart(upload.id, part, { expiresAt: upload.expiresAt, expectedReceived: null });
      }
    });
    expect(await put('many', 10_000, Buffer.from('x'))).toBe(413);
    expect(await put('many', 9_999, Buffer.from('y'))).toBe(204);
    expect((await move('many', 'many.bin')).status).toBe(201);
    const { text } = await send('GET', `${base(123456, 'files')}/many.bin`);
    expect(text).toBe(`${'x'.repeat(9_999)}y`);
  });
});

describe('leftovers expire', () => {
  testOnOneServer(
    '24 hours after the last part, with its bytes; a finished TUS upload is forgotten as well',
    async () => {
      await mkcol('old');
      const left = randomBytes(100_000);
      await put('old', 0, left);
      const tus = { 'Tus-Resumable': '1.0.0', 'Upload-Metadata': 'filename ZQ==', 'Upload-Length': '0' };
      const { headers } = await send('POST', base(123456, 'files'), tus);
      const at = new URL(headers.location!).pathname;
      const { id } = (await find('old'))!;
      const { blobId, size } = (await server.engines.metadata.read([], (view) => view.uploads.findPart(id, '0')))!;
      const blob = { id: blobId, size, place: null };
      await expire(23);
      await collect();
      expect(await find('old')).not.toBe(null);
      expect(await server.engines.blobs.stat(blob)).not.toBe(null);
      await expire(25);
      expect(await find('old')).toBe(null);
      await collect();
      expect(await server.engines.blobs.stat(blob)).toBe(null);
      expect((await send('HEAD', at, { 'Tus-Resumable': '1.0.0' })).status).toBe(404);
    },
  );

  test('one that has expired and is not removed yet is 404, and its name can be taken', async () => {
    await mkcol('late');
    await put('late', 0);
    const upload = (await find('late'))!;
    await server.engines.metadata.write([], async ({ uploads }) => {
      const part = (await uploads.findPart(upload.id, '0'))!;
      await uploads.putPart(upload.id, part, { expiresAt: Date.now() - 1, expectedReceived: null });
    });
    expect(await put('late', 1)).toBe(404);
    expect((await move('late', 'late.bin')).status).toBe(404);
    expect((await send('PROPFIND', `${base(123456, 'uploads')}/late`)).status).toBe(404);
    expect(await mkcol('late')).toBe(201);
    expect((await find('late'))!.parts).toBe(0);
  });
});

describe('an upload and the collector', () => {
  test('storage/README invariant 3 — parts are kept while the upload is open, and go when it is over', async () => {
    await mkcol('gc');
    const parts = [randomBytes(200_000), randomBytes(200_000)];
    for (const [index, part] of parts.entries()) await put('gc', index, part);
    await collect();
    await server.restart();
    await collect();
    expect((await move('gc', 'gc.bin')).status).toBe(201);
    const made = await send('GET', `${base(123456, 'files')}/gc.bin`);
    checkSameBytes(made.bytes, Buffer.concat(parts));
    expect((await collect()).deleted).toBe(2);
    checkSameBytes((await send('GET', `${base(123456, 'files')}/gc.bin`)).bytes, Buffer.concat(parts));
  });

  test('a part whose bytes are the same as another’s keeps them', async () => {
    const bytes = randomBytes(100_000);
    await mkcol('same');
    for (const index of [0, 1, 2]) await put('same', index, bytes);
    expect((await send('DELETE', `${base(123456, 'uploads')}/same/2`)).status).toBe(204);
    await collect();
    expect((await move('same', 'same.bin')).status).toBe(201);
  });
});

describe('client-requirements 2.1 — several at once', () => {
  test('of several MOVEs one makes the file, the others get 423 or, after it, 404', async () => {
    await mkcol('race');
    for (let part = 0; part < 4; part++) await put('race', part);
    const statuses = (await Promise.all([1, 2, 3].map(() => move('race', 'race.bin')))).map(({ status }) => status);
    expect(statuses.filter((status) => status === 201)).toHaveLength(1);
    expect(statuses.every((status) => [201, 404, 423].includes(status))).toBe(true);
    expect((await move('race', 'race.bin')).status).toBe(404);
  });

  test('parts that come while the file is made belong to it or to nothing', async () => {
    for (let round = 0; round < 10; round++) {
      const name = `late-${round}`;
      await mkcol(name);
      for (let part = 0; part < 3; part++) await put(name, part);
      const [moved, late] = await Promise.all([move(name, `${name}.bin`), put(name, 3)]);
      const length = (await send('HEAD', `${base(123456, 'files')}/${name}.bin`)).headers['content-length'];
      if (moved.status === 201) expect([late === 201 ? 4 * MB : 3 * MB, 3 * MB]).toContain(Number(length));
      else expect([moved.status, late]).toEqual([423, 201]);
      await send('DELETE', `${base(123456, 'uploads')}/${name}`);
    }
  });

  test('20 uploads at the same time, more than are put together at once', async () => {
    const uploads = Array.from({ length: 20 }, (_, number) => ({
      name: `par-${number}`,
      parts: Array.from({ length: 4 }, () => randomBytes(50_000)),
    }));
    await Promise.all(uploads.map(({ name }) => mkcol(name)));
    for (const index of [0, 1, 2, 3]) {
      const statuses = await Promise.all(uploads.map(({ name, parts }) => put(name, index, parts[index]!)));
      expect(new Set(statuses)).toEqual(new Set([201]));
    }
    await Promise.all(uploads.map(({ name }) => move(name, `${name}.bin`)));
    for (const { name, parts } of uploads) {
      const { bytes } = await send('GET', `${base(123456, 'files')}/${name}.bin`);
      checkSameBytes(bytes, Buffer.concat(parts));
    }
  });

  test('DELETE gives the disk back what was put together of it', async () => {
    await mkcol('dropped');
    for (const index of [0, 1]) await put('dropped', index);
    await server.uploadBegan();
    expect((await send('DELETE', `${base(123456, 'uploads')}/dropped`)).status).toBe(204);
    await vi.waitFor(async () => expect(await incoming()).toEqual([]));
  });
});
