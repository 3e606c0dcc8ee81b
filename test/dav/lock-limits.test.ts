import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { LOCKS_A_DRIVE_MAX, LOCKS_A_USER_MAX, SHARED_LOCKS_MAX } from '../../src/drive/locks/locks.js';
import type { LockRow } from '../../src/stores/metadata-store.js';
import type { LockToken, NodeId, UserId } from '../../src/stores/values.js';
import { DRIVE_ID, type DriveRequest, emailOf, TestServer } from '../support/make-server.js';
import { allOf, askFor, parseAnswer, parseMultistatus, textIn } from '../support/multistatus.js';

let server: TestServer;
let alice: DriveRequest;
let bob: DriveRequest;

beforeAll(async () => {
  server = await TestServer.start();
  await server.addMember('bob');
  alice = server.as('alice');
  bob = server.as('bob');
});
afterAll(() => server.stop());
afterEach(async () => {
  vi.restoreAllMocks();
  await freeAllLocks();
});

function lockBody(scope: 'exclusive' | 'shared', owner = 'me'): string {
  return `<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:${scope}/></D:lockscope><D:locktype><D:write/></D:locktype><D:owner>${owner}</D:owner></D:lockinfo>`;
}
const lock = (
  who: DriveRequest,
  path: string,
  scope: 'exclusive' | 'shared' = 'exclusive',
  depth = '0',
  owner = 'me',
) => who('LOCK', path, { headers: { Depth: depth }, body: lockBody(scope, owner) });
const tokenOf = ({ headers }: { headers: Record<string, unknown> }) => String(headers['lock-token']);

/** Locks that are there already, as many LOCKs would have made them. */
async function putLocks(user: string, nodes: readonly NodeId[], change: Partial<LockRow> = {}): Promise<void> {
  const { id } = (await server.stores.accounts.findUser(emailOf(user)))!;
  await server.engines.metadata.write([], async (transaction) => {
    for (const nodeId of nodes) {
      await transaction.insertLock({
        token: `opaquelocktoken:${crypto.randomUUID()}` as LockToken,
        driveId: DRIVE_ID as LockRow['driveId'],
        nodeId,
        userId: id as UserId,
        scope: 'exclusive',
        isDeep: false,
        ownerXml: null,
        timeoutSeconds: 3600,
        expiresAt: Date.now() + 3_600_000,
        ...change,
      });
    }
  });
}

/** The tests share a drive. */
async function freeAllLocks(): Promise<void> {
  await alice('PUT', '/any', { body: 'x' });
  const any = await server.idOf('alice', '/any');
  await server.engines.metadata.write([], async (transaction) => {
    await transaction.removeLocksIn((await transaction.ancestors(any)).at(-1)!);
  });
}

describe('security 3 — locks have a number', () => {
  test(`a user holds ${LOCKS_A_USER_MAX} on a drive; one more is 429, with a sentence, and makes no file`, async () => {
    await bob('PUT', '/held', { body: 'x' });
    const held = await server.idOf('bob', '/held');
    await putLocks('bob', Array<NodeId>(LOCKS_A_USER_MAX - 1).fill(held), { scope: 'shared' });
    const last = await lock(bob, '/last');
    expect(last.status).toBe(201);
    const refused = await lock(bob, '/one-more');
    expect(refused.status).toBe(429);
    expect(refused.text).toContain(`You hold ${LOCKS_A_USER_MAX} locks`);
    expect((await bob('HEAD', '/one-more')).status).toBe(404);
    // Neither others nor a refresh are in its way, and what ends makes room.
    expect((await lock(alice, '/of-alice')).status).toBe(201);
    const refreshed = await bob('LOCK', '/last', { headers: { If: `(${tokenOf(last)})` } });
    expect(refreshed.status).toBe(200);
    expect((await bob('UNLOCK', '/last', { headers: { 'Lock-Token': tokenOf(last) } })).status).toBe(204);
    expect((await lock(bob, '/one-more')).status).toBe(201);
  });

  test('expired ones count no more', async () => {
    await bob('PUT', '/old', { body: 'x' });
    const node = await server.idOf('bob', '/old');
    await putLocks('bob', Array<NodeId>(LOCKS_A_USER_MAX).fill(node), { expiresAt: Date.now() - 1 });
    const made = await lock(bob, '/young');
    expect(made.status).toBe(201);
  });

  test('locks that go with their files and are taken up again make no way around it', async () => {
    await bob('PUT', '/held', { body: 'x' });
    const held = await server.idOf('bob', '/held');
    const token = tokenOf(await lock(bob, '/moved'));
    await bob('MOVE', '/moved', { headers: { Destination: server.urlOf('/moved-away'), If: `(${token})` } });
    await putLocks('bob', Array<NodeId>(LOCKS_A_USER_MAX).fill(held), { scope: 'shared' });
    expect((await bob('PUT', '/moved', { body: 'y', headers: { If: `(${token})` } })).status).toBe(201);
    const { text } = await bob('PROPFIND', '/moved', { headers: { Depth: '0' }, body: askFor('lockdiscovery') });
    expect(allOf(parseAnswer(text), '{DAV:}activelock')).toHaveLength(0);
  });

  test(`a drive has ${LOCKS_A_DRIVE_MAX}, anyone who holds them`, async () => {
    await bob('PUT', '/held', { body: 'x' });
    const held = await server.idOf('bob', '/held');
    await putLocks('bob', Array<NodeId>(LOCKS_A_DRIVE_MAX).fill(held), { scope: 'shared' });
    const refused = await lock(alice, '/not-any-more');
    expect(refused.status).toBe(429);
    expect(refused.text).toContain(`This drive has ${LOCKS_A_DRIVE_MAX} locks`);
    expect((await alice('HEAD', '/not-any-more')).status).toBe(404);
  });

  test(`nothing is under more than ${SHARED_LOCKS_MAX} shared locks, wherever above or below they begin`, async () => {
    for (const path of ['/a', '/a/b']) await bob('MKCOL', path);
    await bob('PUT', '/a/b/f', { body: 'x' });
    for (const path of ['/a/b/f', '/a/b/', '/a/']) {
      for (let count = 0; count < SHARED_LOCKS_MAX; count++) await lock(bob, path, 'shared', 'infinity');
    }
    const { text } = await bob('PROPFIND', '/a/', { headers: { Depth: 'infinity' }, body: askFor('lockdiscovery') });
    const numbers = parseMultistatus(text).map(
      ({ props }) => allOf(props.get('{DAV:}lockdiscovery')!, '{DAV:}activelock').length,
    );
    expect(numbers).toEqual([0, 0, SHARED_LOCKS_MAX]);
    const refused = await lock(bob, '/a/b/f', 'shared');
    expect(refused.status).toBe(429);
    expect(refused.text).toContain(`${SHARED_LOCKS_MAX} locks already`);
  });
});

describe('security 3 — what locks cost', () => {
  test('a long owner is shown at the root of its lock and not for all that is below', async () => {
    await bob('MKCOL', '/owned');
    for (let index = 0; index < 20; index++) await bob('PUT', `/owned/${index}`, { body: 'x' });
    const owner = 'o'.repeat(2000);
    const long = await lock(bob, '/owned/', 'shared', 'infinity', owner);
    expect(long.status).toBe(200);
    await lock(bob, '/owned/', 'shared', 'infinity', 'Bob');
    const { text } = await bob('PROPFIND', '/owned/', { headers: { Depth: '1' }, body: askFor('lockdiscovery') });
    const [top, ...members] = parseMultistatus(text);
    const ownersOf = ({ props }: { props: ReadonlyMap<string, Parameters<typeof allOf>[0]> }) =>
      allOf(props.get('{DAV:}lockdiscovery')!, '{DAV:}owner').map(textIn).sort();
    expect(ownersOf(top!)).toEqual(['Bob', owner]);
    expect(members).toHaveLength(20);
    for (const member of members) {
      expect(ownersOf(member)).toEqual(['Bob']);
      expect(allOf(member.props.get('{DAV:}lockdiscovery')!, '{DAV:}activelock')).toHaveLength(2);
    }
  });

  test('a listing looks at the locks of each member alone: members times locks is nowhere', async () => {
    await bob('MKCOL', '/each');
    const nodes: NodeId[] = [];
    for (let index = 0; index < 60; index++) {
      await bob('PUT', `/each/${index}`, { body: 'x' });
      nodes.push(await server.idOf('bob', `/each/${index}`));
    }
    await putLocks('bob', nodes);
    const every = vi.spyOn(Array.prototype, 'every');
    const { text } = await bob('PROPFIND', '/each/', { headers: { Depth: '1' }, body: askFor('lockdiscovery') });
    const calls = every.mock.calls.length;
    expect(allOf(parseAnswer(text), '{DAV:}activelock')).toHaveLength(60);
    expect(calls).toBeLessThan(600);
  });

  test('an owner of more than 2 KiB is 400, a body of more than 16 KiB 413', async () => {
    expect((await lock(bob, '/o', 'exclusive', '0', 'o'.repeat(2049))).status).toBe(400);
    expect((await lock(bob, '/o', 'exclusive', '0', 'o'.repeat(16 * 1024))).status).toBe(413);
    expect((await bob('HEAD', '/o')).status).toBe(404);
  });
});

describe('client E — an address of a folder ends with a slash, of a file with none', () => {
  const roots = (text: string) => allOf(parseAnswer(text), '{DAV:}lockroot').map(textIn);

  test.each(['0', 'infinity'])(
    'the lockroot of a lock of depth %s, in LOCK, refresh and lockdiscovery',
    async (depth) => {
      await bob('MKCOL', '/slash');
      await bob('PUT', '/slash/file', { body: 'x' });
      for (const [path, href] of [
        ['/slash', '/dav/123456/slash/'],
        ['/slash/file', '/dav/123456/slash/file'],
      ] as const) {
        const made = await lock(bob, path, 'exclusive', depth);
        expect(roots(made.text)).toEqual([href]);
        const again = await bob('LOCK', path, { headers: { If: `(${tokenOf(made)})` } });
        expect(roots(again.text)).toEqual([href]);
        for (const [at, depthOfSearch] of [
          [path, '0'],
          ['/', 'infinity'],
        ] as const) {
          const found = await bob('PROPFIND', at, { headers: { Depth: depthOfSearch }, body: askFor('lockdiscovery') });
          expect(new Set(roots(found.text).map((root) => root.split('/slash')[1]))).toEqual(
            new Set([href.split('/slash')[1]]),
          );
        }
        await bob('UNLOCK', path, { headers: { 'Lock-Token': tokenOf(made) } });
      }
    },
  );

  test('the hrefs of a refusal: the folder that is locked, the file in it that is', async () => {
    await bob('MKCOL', '/refused');
    await bob('PUT', '/refused/file', { body: 'x' });
    const hrefs = (text: string) => allOf(parseAnswer(text), '{DAV:}href').map(textIn);
    const whole = await lock(bob, '/refused', 'exclusive', 'infinity');
    const put = await bob('PUT', '/refused/file', { body: 'y' });
    expect([put.status, hrefs(put.text)]).toEqual([423, ['/dav/123456/refused/']]);
    const second = await lock(bob, '/refused/file');
    expect([second.status, hrefs(second.text)]).toEqual([423, ['/dav/123456/refused/']]);
    await bob('UNLOCK', '/refused', { headers: { 'Lock-Token': tokenOf(whole) } });
    await lock(bob, '/refused/file');
    const removed = await bob('DELETE', '/refused');
    expect([removed.status, hrefs(removed.text)]).toEqual([423, ['/dav/123456/refused/file']]);
  });
});

describe('security 2 — nothing dear before the rights', () => {
  test.each([
    ['LOCK', lockBody('exclusive')],
    ['PROPPATCH', '<D:propertyupdate xmlns:D="DAV:"/>'],
    ['MKCOL', '<D:mkcol xmlns:D="DAV:"/>'],
  ])('%s of a read-only password is 403 before its body is asked for', async (method, body) => {
    const { authorization } = await server.addAppPassword('bob', { driveId: DRIVE_ID, allowance: 'read-only' });
    const { status, isContinued } = await server.as(authorization)(method, '/new', {
      body: [Buffer.from(body)],
      headers: { Expect: '100-continue' },
    });
    expect([status, isContinued]).toEqual([403, false]);
  });
});
