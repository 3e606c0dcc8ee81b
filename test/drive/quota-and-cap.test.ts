import { readdirSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { authorizationOf, type DriveRequest, TestServer } from '../support/make-server.js';
import { allOf, askFor, parseAnswer, parseMultistatus, textIn } from '../support/multistatus.js';

const MB = 1_000_000;
/** The cap of the tests' drives in bytes; MetadataStore and BlobStore see no other than the 50 GB of real ones. */
const CAP = 5 * MB;
let server: TestServer;
let alice: DriveRequest;
/** The drive of a quota of 20 MB, and one without. */
let small: DriveRequest;

beforeAll(async () => {
  server = await TestServer.start({ uploadMaxBytes: CAP });
  await server.addMember('bob');
  await server.addDrive({ id: 200_000, name: 'Small', quotaBytes: 20 * MB });
  alice = server.as('alice');
  small = server.as('alice', 200_000);
});
afterAll(() => server.stop());

const incoming = () => readdirSync(path.join(server.config.storage, 'incoming'));
const blobCount = () =>
  readdirSync(path.join(server.config.storage, 'blobs'), { recursive: true, withFileTypes: true }).filter((file) =>
    file.isFile(),
  ).length;
const status = async (request: DriveRequest, target: string) => (await request('GET', target)).status;

/** Yields chunks, and tells how many were taken. */
function source(chunks: number, chunkBytes = 64 * 1024): { body: AsyncIterable<Uint8Array>; taken: () => number } {
  let taken = 0;
  async function* body() {
    for (; taken < chunks; taken++) yield Buffer.alloc(chunkBytes, taken);
  }
  return { body: body(), taken: () => taken };
}

async function quota(request: DriveRequest, target = '/'): Promise<{ available: number; used: number }> {
  const body = askFor('quota-available-bytes', 'quota-used-bytes');
  const { text } = await request('PROPFIND', target, { headers: { Depth: '0' }, body });
  const [available, used] = [...parseMultistatus(text)[0]!.props.values()].map((prop) => Number(textIn(prop)));
  return { available: available!, used: used! };
}

/** What comes back on a raw connection when only the head of an upload is sent. */
async function sendHead(target: string, ...lines: string[]) {
  const connection = await server.connect();
  connection.writeHead(`PUT ${target} HTTP/1.1`, 'Host: x', `Authorization: ${authorizationOf('alice')}`, ...lines);
  const answer = await connection.readAnswer();
  connection.close();
  return answer;
}

describe('PRODUCT U2 — the largest file', () => {
  test.each([
    ['with Expect', ['Expect: 100-continue']],
    ['without Expect', []],
  ])(
    'a Content-Length above it is 413 before any byte of the body, and before 100 Continue: %s',
    async (_title, lines) => {
      await alice('PUT', '/kept', { body: 'old' });
      for (const size of [CAP + 1, 50e9 + 1, 2 ** 53 - 1]) {
        const answer = await sendHead('/dav/123456/kept', `Content-Length: ${size}`, ...lines);
        expect(answer.status).toBe(413);
        expect(answer.headers.connection).toBe('close');
      }
      expect((await alice('GET', '/kept')).text).toBe('old');
      expect(incoming()).toEqual([]);
    },
  );

  test.each(['X-Expected-Entity-Length', 'OC-Total-Length'])('%s announces it as well', async (name) => {
    const answer = await sendHead('/dav/123456/new', 'Transfer-Encoding: chunked', `${name}: ${CAP + 1}`);
    expect(answer.status).toBe(413);
    expect(await status(alice, '/new')).toBe(404);
  });

  test('by default it is 50 GB: one byte more is refused, 50 GB are asked for', async () => {
    const real = await TestServer.start();
    try {
      const connection = await real.connect();
      const head = [
        'PUT /dav/123456/f HTTP/1.1',
        'Host: x',
        `Authorization: ${authorizationOf('alice')}`,
        'Expect: 100-continue',
      ];
      connection.writeHead(...head, 'Content-Length: 50000000001');
      expect((await connection.readAnswer()).status).toBe(413);
      connection.close();
      const other = await real.connect();
      other.writeHead(...head, 'Content-Length: 50000000000');
      // 507 on a disk that has less; what the cap says comes first.
      expect([100, 507]).toContain((await other.readAnswer()).status);
      other.close();
      await real.accounts.changeDrive(123456, { uploadMaxBytes: 100e9 });
      const extended = await real.connect();
      extended.writeHead(...head, 'Content-Length: 100000000001');
      expect((await extended.readAnswer()).status).toBe(413);
      extended.close();
    } finally {
      await real.stop();
    }
  });

  test('an upload without length is stopped with 413 as soon as it passes it; the old version is untouched', async () => {
    await alice('PUT', '/chunked', { body: 'old' });
    const blobs = blobCount();
    const { body, taken } = source(2000);
    const answer = await alice('PUT', '/chunked', { body });
    expect(answer.status).toBe(413);
    expect(taken() * 64 * 1024).toBeLessThan(6 * CAP);
    expect((await alice('GET', '/chunked')).text).toBe('old');
    expect(incoming()).toEqual([]);
    expect(blobCount()).toBe(blobs);
  });

  test('exactly the largest size is taken, with length and without', async () => {
    expect((await alice('PUT', '/exact', { body: Buffer.alloc(CAP) })).status).toBe(201);
    const chunks = [Buffer.alloc(CAP - 1, 1), Buffer.alloc(1, 1)];
    expect((await alice('PUT', '/exact2', { body: chunks })).status).toBe(201);
    expect((await alice('PUT', '/exact3', { body: [...chunks, Buffer.alloc(1)] })).status).toBe(413);
    expect(await status(alice, '/exact3')).toBe(404);
  });
});

describe('PRODUCT D5 — quota of the drive', () => {
  test('507 before the body where the length is known; no 100 Continue; the old version stays', async () => {
    await small('PUT', '/old', { body: 'old' });
    await fill(17);
    for (const lines of [[], ['Expect: 100-continue']]) {
      const answer = await sendHead('/dav/200000/old', `Content-Length: ${4 * MB}`, ...lines);
      expect(answer.status).toBe(507);
      expect(allOf(parseAnswer(answer.body), '{DAV:}quota-not-exceeded')).toHaveLength(1);
    }
    expect((await small('GET', '/old')).text).toBe('old');
  });

  test('507 in flight where it is not; nothing stays', async () => {
    await fill(17);
    const { body } = source(75);
    expect((await small('PUT', '/flight', { body })).status).toBe(507);
    expect(await status(small, '/flight')).toBe(404);
    expect(incoming()).toEqual([]);
  });

  test('at the commit: of two uploads at once that fit alone, one gets 507', async () => {
    await fill(14);
    const upload = (name: string) => small('PUT', name, { body: Buffer.alloc(4 * MB, name) });
    const chunked = (name: string) =>
      small('PUT', name, { body: [Buffer.alloc(2 * MB, name), Buffer.alloc(2 * MB, 0)] });
    for (const send of [upload, chunked]) {
      const answers = await Promise.all([send('/one'), send('/two')]);
      expect(answers.map((answer) => answer.status).sort()).toEqual([201, 507]);
      await destroy('/one');
      await destroy('/two');
    }
    const tiny = Array.from({ length: 20 }, (_, index) =>
      small('PUT', `/tiny${index}`, { body: Buffer.alloc(16_000) }),
    );
    expect((await Promise.all(tiny)).every((answer) => answer.status === 201)).toBe(true);
    for (let index = 0; index < 20; index++) await destroy(`/tiny${index}`);
  });

  test('small uploads meet it too, to the byte', async () => {
    await fill(19);
    const { available } = await quota(small);
    await small('PUT', '/pad', { body: Buffer.alloc(available - 10) });
    expect((await small('PUT', '/eleven', { body: 'x'.repeat(11) })).status).toBe(507);
    expect((await small('PUT', '/ten', { body: 'x'.repeat(10) })).status).toBe(201);
    expect((await small('PUT', '/ten', { body: 'y'.repeat(10) })).status).toBe(204);
    expect((await small('PUT', '/ten', { body: 'y'.repeat(11) })).status).toBe(507);
    expect((await small('PUT', '/none', { body: '' })).status).toBe(201);
    expect((await small('MKCOL', '/folder')).status).toBe(201);
    expect((await quota(small)).available).toBe(0);
    for (const name of ['/pad', '/ten', '/none', '/folder']) await destroy(name);
  });

  test('an overwrite counts what it replaces, and COPY counts, MOVE on the drive does not', async () => {
    await fill(16);
    await small('PUT', '/mine', { body: Buffer.alloc(3 * MB, 1) });
    expect((await small('PUT', '/mine', { body: Buffer.alloc(4 * MB - 10, 2) })).status).toBe(204);
    const to = (name: string) => ({ headers: { Destination: server.urlOf(name, 200_000) } });
    expect((await small('COPY', '/mine', to('/copy'))).status).toBe(507);
    expect((await small('MOVE', '/mine', to('/Common%20documents/mine'))).status).toBe(201);
    expect((await small('COPY', '/Common%20documents/mine', to('/copy'))).status).toBe(507);
    await destroy('/Common%20documents/mine');
  });

  test('the trash counts until it is emptied', async () => {
    await fill(16);
    const before = await quota(small);
    await small('DELETE', '/fill0');
    expect(await quota(small)).toEqual(before);
    await small('DELETE', '/Trash/fill0');
    expect(await quota(small)).toEqual({ available: before.available + MB, used: before.used - MB });
  });

  test('MOVE and COPY from another drive meet it', async () => {
    await fill(18);
    await alice('PUT', '/large', { body: Buffer.alloc(4 * MB, 3) });
    const to = { headers: { Destination: server.urlOf('/large', 200_000) } };
    expect((await alice('MOVE', '/large', to)).status).toBe(507);
    expect((await alice('COPY', '/large', to)).status).toBe(507);
    expect(await status(alice, '/large')).toBe(200);
  });

  test('the properties say used and available everywhere, and add up to the quota', async () => {
    for (const target of ['/', '/Small', '/Trash', '/Common%20documents']) {
      const { available, used } = await quota(small, target);
      expect(available + used).toBe(20 * MB);
    }
  });

  /** Fills the drive with files of 1 MB until it holds that many. */
  async function fill(count: number): Promise<void> {
    for (let index = 0; index < count; index++) await small('PUT', `/fill${index}`, { body: Buffer.alloc(MB, index) });
    for (let index = count; index < 20; index++) await destroy(`/fill${index}`);
  }
  async function destroy(name: string): Promise<void> {
    if ((await small('DELETE', name)).status === 204) await small('DELETE', `/Trash/${name.split('/').at(-1)}`);
  }
});

describe("PRODUCT D5 — a member's own quota", () => {
  test('counts personal files and trash, and leaves common ones and other members alone', async () => {
    await server.addMember('bob', { quotaBytes: 2 * MB });
    const bob = server.as('bob');
    expect((await bob('PUT', '/b1', { body: Buffer.alloc(MB, 1) })).status).toBe(201);
    expect((await bob('PUT', '/b2', { body: Buffer.alloc(MB + 1, 2) })).status).toBe(507);
    expect((await bob('PUT', '/b2', { body: [Buffer.alloc(MB, 2), Buffer.alloc(1)] })).status).toBe(507);
    expect((await bob('PUT', '/Common%20documents/b', { body: Buffer.alloc(3 * MB, 3) })).status).toBe(201);
    const here = { headers: { Destination: server.urlOf('/b3') } };
    expect((await bob('MOVE', '/Common%20documents/b', here)).status).toBe(507);
    expect((await bob('COPY', '/Common%20documents/b', here)).status).toBe(507);
    expect((await alice('PUT', '/a1', { body: Buffer.alloc(3 * MB, 4) })).status).toBe(201);
    await bob('DELETE', '/b1');
    expect((await bob('PUT', '/b2', { body: Buffer.alloc(MB + 1, 2) })).status).toBe(507);
    await bob('DELETE', '/Trash/b1');
    expect((await bob('PUT', '/b2', { body: Buffer.alloc(MB + 1, 2) })).status).toBe(201);
  });

  test('shows as available in personal folders; Common documents shows what the drive has', async () => {
    const bob = server.as('bob');
    expect((await quota(bob, '/Drive')).available).toBe(2 * MB - (MB + 1));
    expect((await quota(bob, '/Common%20documents')).available).toBeGreaterThan(2 * MB);
  });
});
