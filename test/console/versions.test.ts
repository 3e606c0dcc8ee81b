import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FileEntry } from '../../src/console/contract/files.js';
import type { VersionsAnswer } from '../../src/console/contract/versions.js';
import { ConsoleClient } from '../support/console-client.js';
import { DRIVE_ID, PASSWORD, TestServer } from '../support/make-server.js';

const API = `/api/drives/${DRIVE_ID}`;
const COMMON = '/Drive/Common documents';
const SCRIPT = '<script>document.title = "run"</script>';
/** States that a page of versions looks at. */
const PAGE = 200;

let server: TestServer;
let alice: ConsoleClient;
let bob: ConsoleClient;
let vera: ConsoleClient;
let mallory: ConsoleClient;
beforeAll(async () => {
  server = await TestServer.start();
  await server.addMember('bob');
  await server.addMember('vera', { role: 'viewer' });
  await server.addUser('mallory');
  alice = await ConsoleClient.signedIn(server, 'alice', PASSWORD);
  bob = await ConsoleClient.signedIn(server, 'bob', PASSWORD);
  vera = await ConsoleClient.signedIn(server, 'vera', PASSWORD);
  mallory = await ConsoleClient.signedIn(server, 'mallory', PASSWORD);
});
afterAll(() => server.stop());

async function put(path: string, body: string, who = 'alice'): Promise<void> {
  const { status } = await server.as(who)('PUT', encodeURI(path), { body });
  expect(status).toBeLessThan(300);
}
const textOf = async (path: string) => (await server.as('alice')('GET', encodeURI(path))).text;
const listAt = (path: string, more = '') => `${API}/files/versions?path=${encodeURIComponent(path)}${more}`;
const list = (path: string, client = alice) => client.get<VersionsAnswer>(listAt(path));
const contentAt = (path: string, version: number | string) =>
  `${API}/files/versions/content?path=${encodeURIComponent(path)}&version=${version}`;
const RESTORE = `${API}/restore-version`;

/** The number of the version before the present one. */
async function former(path: string): Promise<number> {
  return (await list(path)).versions[1]!.version!;
}

describe('PRODUCT V4 — the versions of a file in the console', () => {
  test('PRODUCT V4 — each is listed with when, by whom, with which app password, and its size', async () => {
    const start = Date.now();
    const path = `${COMMON}/plan.txt`;
    const { authorization } = await server.addAppPassword('bob');
    await put(path, 'one');
    await put(path, 'three', authorization);
    await put(path, 'now it is');
    const { versions, next } = await list(path, vera);
    expect(next).toBeNull();
    expect(versions.map(({ size, by, appPassword }) => [size, by, appPassword])).toEqual([
      [9, 'alice', null],
      [5, 'bob', 'a device'],
      [3, 'alice', null],
    ]);
    expect(versions.map(({ version }) => version === null)).toEqual([true, false, false]);
    expect(versions.map(({ until }) => until)).toEqual([null, versions[0]!.from, versions[1]!.from]);
    expect(Date.parse(versions[2]!.from!)).toBeGreaterThanOrEqual(start - 1);
    expect(new Set(versions.map(({ etag }) => etag)).size).toBe(3);
  });

  test('PRODUCT V4 — a long history comes in pages, each version once', async () => {
    for (let at = 0; at < PAGE + 2; at++) await put('/long.txt', `${at}`);
    const sizes: number[] = [];
    const numbers: (number | null)[] = [];
    let pages = 0;
    for (let more: number | null = null, isFirst = true; isFirst || more !== null; isFirst = false, pages++) {
      const page: VersionsAnswer = await alice.get(listAt('/long.txt', more === null ? '' : `&before=${more}`));
      numbers.push(...page.versions.map(({ version }) => version));
      sizes.push(page.versions.length);
      more = page.next;
    }
    expect([pages, numbers.length, new Set(numbers).size]).toEqual([2, PAGE + 2, PAGE + 2]);
    expect(Math.max(...sizes)).toBe(PAGE);
  });

  test('PRODUCT V4 — its bytes are saved, never shown, and never run with the console’s rights', async () => {
    await put('/page.html', SCRIPT);
    await put('/page.html', 'harmless');
    const { status, text, headers } = await alice.send('GET', contentAt('/page.html', await former('/page.html')));
    expect([status, text]).toEqual([200, SCRIPT]);
    expect(headers).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-length': String(SCRIPT.length),
      'x-content-type-options': 'nosniff',
      'cross-origin-resource-policy': 'same-origin',
      'cache-control': 'private, no-cache',
    });
    expect(headers['content-disposition']).toMatch(/^attachment; filename="page.html"/);
    expect(headers['content-security-policy']).toMatch(/^sandbox; default-src 'none'/);
    expect(headers.etag).toBe((await list('/page.html')).versions[1]!.etag);
  });

  test('PRODUCT V4 — an empty version is saved and restored as well', async () => {
    await put('/empty.txt', '');
    await put('/empty.txt', 'full');
    const version = await former('/empty.txt');
    const { status, bytes } = await alice.send('GET', contentAt('/empty.txt', version));
    expect([status, bytes.length]).toEqual([200, 0]);
    expect((await alice.post<FileEntry>(RESTORE, { path: '/empty.txt', version })).size).toBe(0);
    expect(await textOf('/empty.txt')).toBe('');
  });

  test('PRODUCT V4 — restoring one is a new version; the answer has the facts of now', async () => {
    await put('/f.txt', 'first');
    await put('/f.txt', 'second one');
    const before = await list('/f.txt');
    const { version, etag } = before.versions[1]!;
    const file = await alice.post<FileEntry>(RESTORE, { path: '/f.txt', version });
    expect(file).toMatchObject({ path: '/Drive/f.txt', name: 'f.txt', size: 5, etag, mayChange: true, trash: null });
    expect(await textOf('/f.txt')).toBe('first');
    const after = await list('/f.txt');
    expect(after.versions.map(({ size }) => size)).toEqual([5, 10, 5]);
    expect(after.versions[0]).toMatchObject({ version: null, by: 'alice', appPassword: null, etag });
  });

  test('a version that never was, of another file, of a folder or in the trash is refused in a sentence', async () => {
    await put('/g.txt', 'one');
    await put('/g.txt', 'two');
    await put('/other.txt', 'x');
    await put('/thrown.txt', 'x');
    await alice.post(`${API}/delete`, { paths: ['/thrown.txt'] });
    const version = await former('/g.txt');
    for (const [path, number, status, kind] of [
      ['/g.txt', version + 1, 404, 'not-found'],
      ['/g.txt', 0, 404, 'not-found'],
      ['/other.txt', version, 404, 'not-found'],
      ['/none.txt', version, 404, 'not-found'],
      [COMMON, version, 409, 'is-a-collection'],
      ['/Trash/thrown.txt', version, 403, 'forbidden'],
    ] as const) {
      const read = await alice.refusal('GET', contentAt(path, number));
      const restored = await alice.refusal('POST', RESTORE, { path, version: number });
      for (const answer of [read, restored]) expect([path, answer.status, answer.kind]).toEqual([path, status, kind]);
      expect(read.message).toMatch(/^[A-Z].*\.$/);
    }
    for (const path of [COMMON, '/Trash/thrown.txt', '/none.txt']) {
      expect((await alice.refusal('GET', listAt(path))).message).toMatch(/^[A-Z].*\.$/);
    }
    expect(await textOf('/g.txt')).toBe('two');
  });

  test.each([
    ['GET', contentAt('/g.txt', 'x'), undefined],
    ['GET', contentAt('/g.txt', '-1'), undefined],
    ['GET', `${API}/files/versions/content?path=/g.txt`, undefined],
    ['GET', listAt('/g.txt', '&before=1e3'), undefined],
    ['GET', listAt('/../g.txt'), undefined],
    ['GET', `${API}/files/versions`, undefined],
    ['POST', RESTORE, { path: '/g.txt' }],
    ['POST', RESTORE, { path: '/g.txt', version: '1' }],
    ['POST', RESTORE, { path: '/g.txt', version: 1.5 }],
    ['POST', RESTORE, { path: '/g.txt', version: -1 }],
    ['POST', RESTORE, { path: '', version: 1 }],
    ['POST', RESTORE, { path: '/g.txt', version: 1, more: 1 }],
  ])('%s %s with %j is 400', async (method, target, body) => {
    const { status, kind } = await alice.refusal(method, target, body);
    expect([status, kind]).toEqual([400, 'invalid-input']);
  });
});

describe('rights and locks', () => {
  test('past E1 — who may not read the file sees 404 at each door', async () => {
    await put('/own.txt', 'one');
    await put('/own.txt', 'two');
    const version = await former('/own.txt');
    const doors = [
      ['GET', listAt('/own.txt'), undefined],
      ['GET', contentAt('/own.txt', version), undefined],
      ['POST', RESTORE, { path: '/own.txt', version }],
    ] as const;
    for (const [method, target, body] of doors) {
      expect(await bob.refusal(method, target, body)).toMatchObject({ status: 404, kind: 'not-found' });
      expect(await mallory.refusal(method, target, body)).toMatchObject({ status: 404, kind: 'no-such-drive' });
      expect((await new ConsoleClient(server).refusal(method, target, body)).status).toBe(401);
    }
    expect(await textOf('/own.txt')).toBe('two');
  });

  test('past E1 — what a file contained where others may not look stays private once it is shared', async () => {
    await put('/letter.txt', 'private');
    await put('/letter.txt', 'for everybody');
    const version = await former('/letter.txt');
    await alice.post(`${API}/move`, { from: '/letter.txt', to: `${COMMON}/letter.txt` });
    const shared = `${COMMON}/letter.txt`;
    expect((await list(shared, bob)).versions.map(({ size }) => size)).toEqual([13]);
    expect(await bob.refusal('GET', contentAt(shared, version))).toMatchObject({ status: 404, kind: 'not-found' });
    expect(await bob.refusal('POST', RESTORE, { path: shared, version })).toMatchObject({ status: 404 });
    expect((await alice.send('GET', contentAt(shared, version))).text).toBe('private');
  });

  test('past E1 — a reader sees and saves versions, and restores none: 403', async () => {
    const path = `${COMMON}/read.txt`;
    await put(path, 'one');
    await put(path, 'two');
    const version = await former(path);
    expect((await vera.send('GET', contentAt(path, version))).text).toBe('one');
    const refused = await vera.refusal('POST', RESTORE, { path, version });
    expect(refused).toMatchObject({ status: 403, kind: 'forbidden' });
    expect(refused.message).toMatch(/^[A-Z].*\.$/);
    expect(await textOf(path)).toBe('two');
  });

  test('past D2 — a locked file takes no version: 423, in a sentence that names who', async () => {
    const path = `${COMMON}/held.txt`;
    await put(path, 'one');
    await put(path, 'two');
    const version = await former(path);
    const body = '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>';
    const { headers } = await server.as('bob')('LOCK', encodeURI(path), { body });
    const refused = await alice.refusal('POST', RESTORE, { path, version });
    expect(refused).toMatchObject({ status: 423, kind: 'locked' });
    expect(refused.message).toMatch(/locked by bob/i);
    expect(await textOf(path)).toBe('two');
    await server.as('bob')('UNLOCK', encodeURI(path), { headers: { 'Lock-Token': headers['lock-token'] as string } });
    expect((await alice.post<FileEntry>(RESTORE, { path, version })).size).toBe(3);
  });

  test('a restore without the token against forgery is 403, and nothing happens', async () => {
    await put('/forged.txt', 'one');
    await put('/forged.txt', 'two');
    const body = { path: '/forged.txt', version: await former('/forged.txt') };
    const { status, text } = await alice.send('POST', RESTORE, body, { 'X-CSRF-Token': 'wrong' });
    expect([status, JSON.parse(text).error.kind]).toEqual([403, 'forged']);
    expect(await textOf('/forged.txt')).toBe('two');
  });
});
