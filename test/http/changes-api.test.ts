import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { WAITING_MAX } from '../../src/http/changes-api.js';
import { type DriveRequest, TestServer } from '../support/make-server.js';
import { testOnOneServer } from '../support/tried.js';
import { countTurns } from '../support/turn-probe.js';

interface Changed {
  readonly path: string;
  readonly isFolder: boolean;
  readonly [name: string]: unknown;
}
interface Changes {
  readonly cursor: string;
  readonly more: boolean;
  readonly removed: readonly Changed[];
  readonly changed: readonly Changed[];
}

let server: TestServer;
let alice: DriveRequest;
beforeAll(async () => {
  server = await TestServer.start({ idleTimeoutSeconds: 2 });
  await server.addMember('bob');
  alice = server.as('alice');
});
afterAll(() => server.stop());

const ask = (query: Record<string, string>, user = 'alice', drive = 123456) =>
  server.send('GET', `/api/drives/${drive}/changes?${new URLSearchParams(query)}`, { user });

async function changes(query: Record<string, string> = {}, user = 'alice'): Promise<Changes> {
  const { status, text, headers } = await ask(query, user);
  expect([status, headers['content-type']]).toEqual([200, 'application/json; charset=utf-8']);
  return JSON.parse(text) as Changes;
}
const pathsOf = ({ changed }: Changes) => changed.map(({ path }) => path).sort();

describe('GET /api/drives/ID/changes', () => {
  test('without a cursor everything comes, then what changed since', async () => {
    await alice('MKCOL', '/a%20b');
    await alice('PUT', '/a%20b/1+1.txt', { body: 'one', headers: { 'X-OC-Mtime': '1577959200' } });
    const first = await changes();
    expect(pathsOf(first)).toEqual(['/Drive', '/Drive/Common documents', '/Drive/a b', '/Drive/a b/1+1.txt', '/Trash']);
    expect(first).toMatchObject({ more: false, removed: [] });
    const file = first.changed.find(({ path }) => path === '/Drive/a b/1+1.txt')!;
    expect(file).toEqual({
      path: '/Drive/a b/1+1.txt',
      href: '/dav/123456/Drive/a%20b/1%2B1.txt',
      isFolder: false,
      id: expect.any(Number),
      etag: expect.stringMatching(/^"[0-9a-f]{32}"$/),
      size: 3,
      modified: '2020-01-02T10:00:00.000Z',
      created: expect.stringMatching(/Z$/),
      sha256: '7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed',
    });
    const { bytes, headers } = await server.send('GET', String(file.href), { user: 'alice' });
    expect([bytes.toString(), headers.etag]).toEqual(['one', file.etag]);
    expect(await changes({ since: first.cursor })).toEqual({
      cursor: first.cursor,
      more: false,
      removed: [],
      changed: [],
    });
    await alice('DELETE', '/a%20b/1+1.txt');
    const second = await changes({ since: first.cursor });
    expect(second.removed).toEqual([{ path: '/Drive/a b/1+1.txt', isFolder: false }]);
    expect(pathsOf(second)).toEqual(['/Trash/1+1.txt']);
  });

  test('of one folder, its members alone, page by page', async () => {
    await alice('MKCOL', '/pages');
    await alice('MKCOL', '/pages/sub');
    await alice('PUT', '/pages/sub/deep', { body: 'x' });
    for (let number = 0; number < 5; number++) await alice('PUT', `/pages/${number}`, { body: 'x' });
    const members = await changes({ path: '/pages/', depth: '1' });
    expect(pathsOf(members)).toEqual(['/pages/0', '/pages/1', '/pages/2', '/pages/3', '/pages/4', '/pages/sub']);
    const seen: string[] = [];
    let page = await changes({ path: 'pages', limit: '3' });
    for (; page.more; page = await changes({ path: 'pages', limit: '3', since: page.cursor }))
      seen.push(...pathsOf(page));
    seen.push(...pathsOf(page));
    expect(seen.sort()).toEqual([...pathsOf(members), '/pages/sub/deep']);
    expect((await changes({ path: '/pages', since: page.cursor })).changed).toEqual([]);
  });

  test('a cursor and a sync-token are one thing', async () => {
    const { cursor } = await changes({ path: '/pages' });
    const body =
      `<D:sync-collection xmlns:D="DAV:"><D:sync-token>${cursor}</D:sync-token>` +
      '<D:sync-level>infinite</D:sync-level><D:prop/></D:sync-collection>';
    const { status, text } = await alice('REPORT', '/pages', { body });
    expect(status).toBe(207);
    expect(text).toContain(`<D:sync-token>${cursor}</D:sync-token>`);
    expect(text).not.toContain('<D:response>');
  });

  test('with a timeout it waits until something changes, longer than idle connections may last', async () => {
    const { cursor } = await changes();
    const startedAt = performance.now();
    const waiting = changes({ since: cursor, timeout: '30' });
    // Another member's own files are none of the change that is waited for.
    await server.as('bob')('PUT', '/his.txt', { body: 'his' });
    await new Promise((resolve) => setTimeout(resolve, 3000));
    await alice('PUT', '/awaited.txt', { body: 'here' });
    expect(pathsOf(await waiting)).toEqual(['/Drive/awaited.txt']);
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });

  test('where nothing changes the answer is empty after the timeout, and the cursor as before', async () => {
    const { cursor } = await changes();
    const startedAt = performance.now();
    expect(await changes({ since: cursor, timeout: '1' })).toEqual({ cursor, more: false, removed: [], changed: [] });
    expect(performance.now() - startedAt).toBeGreaterThan(900);
  });

  test('anyone who waits is answered when the server stops', async () => {
    const { cursor } = await changes();
    const waiting = changes({ since: cursor, timeout: '50' });
    await server.as('bob')('GET', '/his.txt');
    const startedAt = performance.now();
    await server.restart();
    expect(await waiting).toMatchObject({ cursor, changed: [] });
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    expect(pathsOf(await changes({ since: cursor }))).toEqual([]);
  });

  test('anyone who goes away while waiting leaves nothing behind', async () => {
    const { cursor } = await changes();
    const connection = await server.connect();
    const { authorization } = await server.addAppPassword('alice');
    connection.writeHead(
      `GET /api/drives/123456/changes?timeout=50&since=${encodeURIComponent(cursor)} HTTP/1.1`,
      'Host: x',
      `Authorization: ${authorization}`,
    );
    await changes();
    connection.close();
    await alice('PUT', '/unseen.txt', { body: 'x' });
    expect(pathsOf(await changes({ since: cursor }))).toEqual(['/Drive/unseen.txt']);
  });

  test('what is refused says why, as JSON', async () => {
    const own = await changes({ path: '/pages' });
    const refusals: [Record<string, string>, number][] = [
      [{ since: 'garbage' }, 410],
      [{ since: own.cursor }, 410],
      [{ path: '/nowhere' }, 404],
      [{ path: '/pages/0' }, 404],
      [{ path: '/pages/../pages' }, 404],
      [{ limit: '0' }, 400],
      [{ limit: '-1' }, 400],
      [{ timeout: '1.5' }, 400],
      [{ depth: '0' }, 400],
    ];
    for (const [query, expected] of refusals) {
      const { status, text, headers } = await ask(query);
      expect([query, status, headers['content-type']]).toEqual([query, expected, 'application/json; charset=utf-8']);
      expect(JSON.parse(text)).toEqual({ error: expect.stringMatching(/^.+\.$/), requestId: headers['x-request-id'] });
    }
    expect((await server.send('GET', '/api/drives/123456/changes')).status).toBe(401);
    expect((await ask({}, 'alice', 999_999)).status).toBe(404);
    expect((await server.send('POST', '/api/drives/123456/changes', { user: 'alice' })).status).toBe(405);
    expect((await server.send('GET', '/api/drives/123456/other', { user: 'alice' })).status).toBe(404);
  });

  test('PRODUCT D2 — a member sees their own files and the common ones', async () => {
    await alice('PUT', '/Common%20documents/ours.txt', { body: 'x' });
    const bobs = pathsOf(await changes({}, 'bob'));
    expect(bobs).toContain('/Drive/Common documents/ours.txt');
    expect(bobs).toContain('/Drive/his.txt');
    expect(bobs).not.toContain('/Drive/awaited.txt');
  });
});

describe('security Low — long polls of one password', () => {
  const waiting = async () => {
    const { text } = await server.send('GET', '/metrics');
    return Number(/^firn_change_feed_waiting (\d+)$/m.exec(text)?.[1]);
  };

  testOnOneServer('have a number; one change wakes them all, a few in a turn of the loop', async () => {
    const { cursor } = await changes();
    const query = { since: cursor, timeout: '50' };
    const polls = Array.from({ length: WAITING_MAX }, () => ask(query));
    await vi.waitUntil(async () => (await waiting()) === WAITING_MAX, { timeout: 30_000 });
    const refused = await ask(query);
    expect([refused.status, refused.headers['retry-after']]).toEqual([429, '60']);
    const since = (await changes({}, 'bob')).cursor;
    const others = ask({ since, timeout: '50' }, 'bob');
    await vi.waitUntil(async () => (await waiting()) === WAITING_MAX + 1, { timeout: 30_000 });
    const counts = await countTurns(server.engines.metadata, async () => {
      await alice('PUT', '/Common%20documents/woken.txt', { body: 'x' });
      for (const { status, text } of await Promise.all([...polls, others])) {
        expect([status, text.includes('woken.txt')]).toEqual([200, true]);
      }
    });
    expect(counts.transactionsATurn).toBeLessThanOrEqual(10);
    expect(await waiting()).toBe(0);
    expect((await ask({ since: cursor, timeout: '0' })).status).toBe(200);
  });
});
