import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FilesAnswer, PathsAnswer, TrashEmptiedAnswer } from '../../src/console/contract/files.js';
import type { AuditRow } from '../../src/stores/security-store.js';
import type { DriveId } from '../../src/stores/values.js';
import { ConsoleClient } from '../support/console-client.js';
import { DRIVE_ID, PASSWORD, TestServer } from '../support/make-server.js';

const API = `/api/drives/${DRIVE_ID}`;

let server: TestServer;
let alice: ConsoleClient;
let bob: ConsoleClient;
let vera: ConsoleClient;
beforeAll(async () => {
  server = await TestServer.start();
  await server.addMember('bob');
  await server.addMember('vera', { role: 'viewer' });
  alice = await ConsoleClient.signedIn(server, 'alice', PASSWORD);
  bob = await ConsoleClient.signedIn(server, 'bob', PASSWORD);
  vera = await ConsoleClient.signedIn(server, 'vera', PASSWORD);
});
afterAll(() => server.stop());

const put = (target: string, body = 'x', who = 'alice') => server.as(who)('PUT', target, { body });
const textOf = async (target: string) => {
  const { status, text } = await server.as('alice')('GET', target);
  return status === 200 ? text : null;
};
const move = (from: string, to: string, mayRename = false) =>
  alice.post<PathsAnswer>(`${API}/move`, { from, to, mayRename });
const copy = (from: string, to: string, mayRename = false) =>
  alice.post<PathsAnswer>(`${API}/copy`, { from, to, mayRename });
const trash = (...paths: string[]) => alice.post<PathsAnswer>(`${API}/delete`, { paths });
const restore = (paths: readonly string[]) => alice.post<PathsAnswer>(`${API}/trash/restore`, { paths });
const namesIn = async (path: string, client = alice) => {
  const { members } = await client.get<FilesAnswer>(`${API}/files?path=${encodeURIComponent(path)}`);
  return members.map(({ name }) => name);
};

/** Locks a path as bob's editor does; gives what unlocks it. */
async function lockedByBob(target: string): Promise<() => Promise<unknown>> {
  const body = '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>';
  const { headers } = await server.as('bob')('LOCK', target, { body, headers: { Timeout: 'Second-600' } });
  return () => server.as('bob')('UNLOCK', target, { headers: { 'Lock-Token': headers['lock-token'] as string } });
}

describe('move and copy', () => {
  test('a file and a folder go where they are sent, and say where they are', async () => {
    await put('/a.txt', 'a');
    await server.as('alice')('MKCOL', '/dir');
    expect((await move('/a.txt', '/dir/b.txt')).paths).toEqual(['/Drive/dir/b.txt']);
    expect((await copy('/Drive/dir', '/Common documents/dir')).paths).toEqual(['/Drive/Common documents/dir']);
    expect(await textOf('/Common%20documents/dir/b.txt')).toBe('a');
    expect(await textOf('/a.txt')).toBeNull();
  });

  test('a taken name is 409 and nothing happens; with mayRename it is the next free one', async () => {
    await put('/one.txt', '1');
    await put('/two.txt', '2');
    const refused = await alice.refusal('POST', `${API}/move`, { from: '/one.txt', to: '/two.txt' });
    expect([refused.status, refused.kind]).toEqual([409, 'exists']);
    expect([await textOf('/one.txt'), await textOf('/two.txt')]).toEqual(['1', '2']);
    expect((await copy('/one.txt', '/two.txt', true)).paths).toEqual(['/Drive/two (2).txt']);
    expect((await copy('/one.txt', '/one.txt', true)).paths).toEqual(['/Drive/one (2).txt']);
    expect((await move('/one.txt', '/two.txt', true)).paths).toEqual(['/Drive/two (3).txt']);
    expect(await textOf('/two.txt')).toBe('2');
  });

  test('a name that differs in case alone is another name; the same place is refused', async () => {
    await put('/case.txt');
    expect((await move('/case.txt', '/Case.txt', true)).paths).toEqual(['/Drive/Case.txt']);
    const same = await alice.refusal('POST', `${API}/move`, {
      from: '/Case.txt',
      to: '/Drive/Case.txt',
      mayRename: true,
    });
    expect([same.status, same.kind]).toEqual([403, 'forbidden']);
  });

  test('into itself, onto and with the drive’s own folders, to where no folder is, to a name that can not be', async () => {
    await server.as('alice')('MKCOL', '/self');
    for (const [from, to, kind] of [
      ['/self', '/self/in', 'into-itself'],
      ['/Drive', '/self/x', 'forbidden'],
      ['/Common documents', '/self/x', 'forbidden'],
      ['/Trash', '/self/x', 'forbidden'],
      ['/self', '/Common documents', 'forbidden'],
      ['/self', '/nowhere/x', 'parent-missing'],
      ['/nothing', '/x', 'not-found'],
      ['/self', `/${'n'.repeat(256)}`, 'name-too-long'],
    ]) {
      const answer = await alice.refusal('POST', `${API}/move`, { from, to });
      expect([from, to, answer.kind]).toEqual([from, to, kind]);
    }
  });

  test('bodies are checked: another field, a missing one, too many paths', async () => {
    for (const [path, body] of [
      ['move', { from: '/a' }],
      ['move', { from: '/a', to: '/b', overwrite: true }],
      ['move', { from: ['/a'], to: '/b' }],
      ['delete', { paths: [] }],
      ['delete', { paths: '/a' }],
      ['delete', { paths: Array.from({ length: 1001 }, () => '/a') }],
      ['folders', {}],
    ] as const) {
      expect((await alice.refusal('POST', `${API}/${path}`, body)).kind).toBe('invalid-input');
    }
  });

  test('without the token against forgery nothing changes', async () => {
    await put('/forged');
    const { cookie } = alice;
    const send = (method: string, path: string, body: unknown) =>
      server.send(method, `${API}/${path}`, {
        headers: { Cookie: cookie!, 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
      });
    for (const [method, path, body] of [
      ['POST', 'delete', { paths: ['/forged'] }],
      ['POST', 'move', { from: '/forged', to: '/gone' }],
      ['POST', 'copy', { from: '/forged', to: '/gone' }],
      ['POST', 'folders', { path: '/gone' }],
      ['POST', 'trash/restore', { paths: ['/Trash/x'] }],
      ['DELETE', 'trash', {}],
    ] as const) {
      expect([path, (await send(method, path, body)).status]).toEqual([path, 403]);
    }
    expect([await textOf('/forged'), await textOf('/gone')]).toEqual(['x', null]);
  });
});

describe('PRODUCT D7 — a viewer reads', () => {
  test('and is refused, with a sentence, whatever changes something', async () => {
    await put('/Common%20documents/kept', 'kept');
    await put('/Common%20documents/thrown', 'x');
    await trash('/Common documents/thrown');
    for (const [method, path, body] of [
      ['POST', 'folders', { path: '/Common documents/new' }],
      ['POST', 'move', { from: '/Common documents/kept', to: '/Common documents/other' }],
      ['POST', 'copy', { from: '/Common documents/kept', to: '/Common documents/other' }],
      ['POST', 'delete', { paths: ['/Common documents/kept'] }],
      ['POST', 'trash/restore', { paths: ['/Trash/thrown'] }],
      ['DELETE', 'trash', undefined],
    ] as const) {
      const { status, message } = await vera.refusal(method, `${API}/${path}`, body);
      expect([path, status]).toEqual([path, 403]);
      expect(message).toContain('viewer');
    }
    expect(await namesIn('/Common documents', vera)).toContain('kept');
    expect(await namesIn('/Trash', vera)).toContain('thrown');
  });
});

describe('locks of others', () => {
  test('are respected by every change, which says who holds them', async () => {
    await server.as('alice')('MKCOL', '/Common%20documents/office');
    await put('/Common%20documents/office/plan.odt', 'plan');
    await put('/free.odt', 'free');
    const unlock = await lockedByBob('/Common%20documents/office/plan.odt');
    for (const [path, body] of [
      ['delete', { paths: ['/Common documents/office/plan.odt'] }],
      ['delete', { paths: ['/free.odt', '/Common documents/office'] }],
      ['move', { from: '/Common documents/office/plan.odt', to: '/x.odt' }],
      ['move', { from: '/Common documents/office', to: '/office' }],
    ] as const) {
      const { status, kind, message } = await alice.refusal('POST', `${API}/${path}`, body);
      expect([status, kind]).toEqual([423, 'locked']);
      expect(message).toMatch(/locked by bob until .* Ask them to close it/i);
    }
    expect(await textOf('/free.odt')).toBe('free');
    expect((await copy('/Common documents/office/plan.odt', '/copy.odt')).paths).toEqual(['/Drive/copy.odt']);
    await unlock();
    expect((await trash('/Common documents/office/plan.odt')).paths).toEqual(['/Trash/plan.odt']);
  });

  test('a locked folder takes nothing new: no folder, no copy, nothing restored, though folders between are missing', async () => {
    await server.as('alice')('MKCOL', '/Common%20documents/held');
    await server.as('alice')('MKCOL', '/Common%20documents/held/in');
    await put('/Common%20documents/held/in/file', 'x');
    const { paths } = await trash('/Common documents/held/in/file');
    await trash('/Common documents/held/in');
    const body = '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>';
    const { headers } = await server.as('bob')('LOCK', '/Common%20documents/held', { body, headers: { Depth: '0' } });
    for (const [path, change] of [
      ['folders', { path: '/Common documents/held/new/deeper' }],
      ['copy', { from: '/free.odt', to: '/Common documents/held/free.odt' }],
      ['trash/restore', { paths }],
    ] as const) {
      expect([path, (await alice.refusal('POST', `${API}/${path}`, change)).status]).toEqual([path, 423]);
    }
    const token = { 'Lock-Token': headers['lock-token'] as string };
    await server.as('bob')('UNLOCK', '/Common%20documents/held', { headers: token });
    expect((await restore(paths)).paths).toEqual(['/Drive/Common documents/held/in/file']);
  });
});

describe('PRODUCT D4 — the trash', () => {
  test('delete takes all or nothing, and what lies in what is deleted goes along', async () => {
    await server.as('alice')('MKCOL', '/tree');
    await put('/tree/leaf');
    await put('/leaf');
    const refused = await alice.refusal('POST', `${API}/delete`, { paths: ['/leaf', '/nothing'] });
    expect([refused.status, refused.kind]).toEqual([404, 'not-found']);
    expect(await textOf('/leaf')).toBe('x');
    const { paths } = await trash('/leaf', '/tree/leaf', '/tree', '/Drive/leaf');
    expect(paths).toEqual(['/Trash/leaf', '/Trash/tree']);
    expect((await restore(paths)).paths).toEqual(['/Drive/leaf', '/Drive/tree']);
    expect(await textOf('/tree/leaf')).toBe('x');
  });

  test('a thousand paths at once', { timeout: 300_000 }, async () => {
    await server.as('alice')('MKCOL', '/many');
    const paths = Array.from({ length: 1000 }, (_, index) => `/many/${index}`);
    for (const path of paths) await server.as('alice')('MKCOL', path);
    const trashed = await trash(...paths);
    expect(trashed.paths).toHaveLength(1000);
    expect((await restore(trashed.paths)).paths).toEqual(paths.map((path) => `/Drive${path}`));
  });

  test('restore to an occupied name takes a number; to a folder that is gone makes it again', async () => {
    await server.as('alice')('MKCOL', '/was');
    await put('/was/here.txt', 'first');
    const { paths } = await trash('/was/here.txt');
    await put('/was/here.txt', 'second');
    expect((await restore(paths)).paths).toEqual(['/Drive/was/here (2).txt']);
    expect([await textOf('/was/here.txt'), await textOf('/was/here%20(2).txt')]).toEqual(['second', 'first']);
    const again = await trash('/was/here.txt');
    await trash('/was');
    expect((await restore(again.paths)).paths).toEqual(['/Drive/was/here.txt']);
  });

  test('only what was deleted itself is restored, and only by who sees it', async () => {
    await put('/bobs', 'x', 'bob');
    await bob.post(`${API}/delete`, { paths: ['/bobs'] });
    expect((await alice.refusal('POST', `${API}/trash/restore`, { paths: ['/Trash/bobs'] })).status).toBe(404);
    await server.as('alice')('MKCOL', '/whole');
    await put('/whole/part');
    await trash('/whole');
    const part = await alice.refusal('POST', `${API}/trash/restore`, { paths: ['/Trash/whole/part'] });
    expect(part.kind).toBe('forbidden');
    const live = await alice.refusal('POST', `${API}/trash/restore`, { paths: ['/was'] });
    expect(live.kind).toBe('forbidden');
  });

  test('delete in the trash is final; emptying takes one’s own and the common one, and is in the audit log', async () => {
    await put('/gone');
    const { paths } = await trash('/gone');
    expect((await alice.post<PathsAnswer>(`${API}/delete`, { paths })).paths).toEqual([]);
    expect(await namesIn('/Trash')).not.toContain('gone');
    const count = (await namesIn('/Trash')).length;
    expect(count).toBeGreaterThan(0);
    const { text } = await alice.send('DELETE', `${API}/trash`);
    expect(JSON.parse(text) as TrashEmptiedAnswer).toEqual({ removed: count });
    expect(await namesIn('/Trash')).toEqual([]);
    expect(await namesIn('/Trash', bob)).toEqual(['bobs']);
    const [record] = (await server.stores.security.audit({ kind: 'trash-emptied' }, null, 9)) as AuditRow[];
    expect(record).toMatchObject({
      kind: 'trash-emptied',
      actor: 'alice@example.org',
      details: { drive: DRIVE_ID, removed: count },
    });
  });

  test('security Low — emptying an empty trash writes nothing into the audit log', async () => {
    await alice.send('DELETE', `${API}/trash`);
    const records = async () => (await server.stores.security.audit({ kind: 'trash-emptied' }, null, 99)).length;
    const before = await records();
    const { text } = await alice.send('DELETE', `${API}/trash`);
    expect(JSON.parse(text) as TrashEmptiedAnswer).toEqual({ removed: 0 });
    expect(await records()).toBe(before);
  });
});

describe('PRODUCT D5 — quota', () => {
  test('a copy that does not fit is 507 and makes nothing', async () => {
    await put('/large', 'x'.repeat(3000));
    await server.stores.accounts.updateDrive(DRIVE_ID as DriveId, { quotaBytes: 5000 });
    const { status, kind, message } = await alice.refusal('POST', `${API}/copy`, { from: '/large', to: '/large 2' });
    expect([status, kind]).toEqual([507, 'drive-full']);
    expect(message).toMatch(/room/);
    expect(await textOf('/large%202')).toBeNull();
    await server.stores.accounts.updateDrive(DRIVE_ID as DriveId, { quotaBytes: null });
  });
});
