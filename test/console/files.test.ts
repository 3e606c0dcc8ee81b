import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DrivesAnswer } from '../../src/console/contract/drives.js';
import type { FilesAnswer, PathsAnswer } from '../../src/console/contract/files.js';
import type { DriveId } from '../../src/stores/values.js';
import { ConsoleClient } from '../support/console-client.js';
import { DRIVE_ID, PASSWORD, TestServer } from '../support/make-server.js';

const API = `/api/drives/${DRIVE_ID}`;
const FOREIGN = 654_321;
/** As JSON has them; each is a name that some program, shell or page would trip over. */
const HARD_NAMES = [
  'a b+c%20.txt',
  '<img src=x onerror=alert(1)>',
  `"quotes" & 'more'`,
  'C:\\back\\slash',
  'line\nbreak',
  ' lead and trail ',
  '...',
  'CON',
  '日本語 😀',
  '#?&=;',
  '\u202Egpj.exe',
  '%00',
];

let server: TestServer;
let alice: ConsoleClient;
let bob: ConsoleClient;
let vera: ConsoleClient;
beforeAll(async () => {
  server = await TestServer.start();
  await server.addMember('bob');
  await server.addMember('vera', { role: 'viewer' });
  await server.addUser('mallory');
  await server.addDrive({ id: FOREIGN, name: 'Other', owner: 'mallory' });
  alice = await ConsoleClient.signedIn(server, 'alice', PASSWORD);
  bob = await ConsoleClient.signedIn(server, 'bob', PASSWORD);
  vera = await ConsoleClient.signedIn(server, 'vera', PASSWORD);
});
afterAll(() => server.stop());

const put = (who: string, target: string, body = 'x') => server.as(who)('PUT', target, { body });
const list = (client: ConsoleClient, path: string, more = '') =>
  client.get<FilesAnswer>(`${API}/files?path=${encodeURIComponent(path)}${more}`);
const pathsOf = ({ members }: FilesAnswer) => members.map(({ path }) => path);
const makeFolder = (client: ConsoleClient, path: string) => client.post<PathsAnswer>(`${API}/folders`, { path });

describe('drives', () => {
  test('GET /api/drives — one’s own, with role, addresses and room', async () => {
    await server.stores.accounts.updateDrive(DRIVE_ID as DriveId, { quotaBytes: 1_000_000 });
    await put('alice', '/counted', 'x'.repeat(1000));
    const { drives } = await vera.get<DrivesAnswer>('/api/drives');
    expect(drives).toEqual([
      {
        id: DRIVE_ID,
        name: 'Drive',
        role: 'viewer',
        addresses: [`http://127.0.0.1:${server.port}/dav/${DRIVE_ID}/`],
        usedBytes: 1000,
        availableBytes: 999_000,
        uploadMaxBytes: server.config.uploadMaxBytes,
      },
    ]);
    await server.stores.accounts.updateDrive(DRIVE_ID as DriveId, { quotaBytes: null });
    const [drive] = (await alice.get<DrivesAnswer>('/api/drives')).drives;
    expect([drive!.role, drive!.availableBytes]).toEqual(['manager', null]);
  });

  test.each([FOREIGN, 999_999, '1', '0x1e240', `${DRIVE_ID}%2F`, '123456789012345678'])(
    'PRODUCT A3 — drive %s answers 404 on every route, as one that is not there',
    async (id) => {
      for (const [method, path, body] of [
        ['GET', 'files', undefined],
        ['GET', 'search?name=a', undefined],
        ['GET', 'content?path=/x', undefined],
        ['GET', 'zip?path=/x', undefined],
        ['GET', 'files/versions?path=/x', undefined],
        ['GET', 'files/versions/content?path=/x&version=1', undefined],
        ['POST', 'restore-version', { path: '/x', version: 1 }],
        ['POST', 'put-back', { path: '/x', at: '2027-01-31T00:00:00Z' }],
        ['POST', 'undo-changes', { path: '/x', since: '2027-01-31T00:00:00Z', appPasswordId: null }],
        ['POST', 'folders', { path: '/x' }],
        ['POST', 'move', { from: '/x', to: '/y' }],
        ['POST', 'copy', { from: '/x', to: '/y' }],
        ['POST', 'delete', { paths: ['/x'] }],
        ['POST', 'trash/restore', { paths: ['/Trash/x'] }],
        ['POST', 'uploads', undefined],
        ['DELETE', 'uploads/x', undefined],
        ['DELETE', 'trash', undefined],
      ] as const) {
        const answer = await alice.refusal(method, `/api/drives/${id}/${path}`, body);
        expect([path, answer.status, answer.kind]).toEqual([path, 404, 'no-such-drive']);
      }
    },
  );

  test('without a session every route is 401, before anything else is looked at', async () => {
    const nobody = new ConsoleClient(server);
    for (const [method, path] of [
      ['GET', '/api/drives'],
      ['GET', `${API}/files`],
      ['GET', `${API}/content?path=/counted`],
      ['GET', `${API}/zip?path=/counted`],
      ['POST', `${API}/uploads`],
      ['DELETE', `${API}/trash`],
    ] as const) {
      expect([path, (await nobody.refusal(method, path)).status]).toEqual([path, 401]);
    }
    const { authorization } = await server.addAppPassword('alice');
    const basic = await server.send('GET', `${API}/files`, { headers: { Authorization: authorization } });
    expect(basic.status).toBe(401);
  });

  test('a membership that ends closes the drive to the session at once', async () => {
    await server.addMember('carol');
    const carol = await ConsoleClient.signedIn(server, 'carol', PASSWORD);
    await list(carol, '/');
    await server.accounts.removeMember(DRIVE_ID, 'carol@example.org');
    expect((await carol.refusal('GET', `${API}/files`)).status).toBe(404);
    expect((await carol.get<DrivesAnswer>('/api/drives')).drives).toEqual([]);
  });
});

describe('browsing', () => {
  test('the root, the drive’s folder and an alias show the same paths', async () => {
    await makeFolder(alice, '/photos');
    await put('alice', '/photos/sea.jpg', 'four');
    const root = await list(alice, '/');
    expect([root.folder.path, pathsOf(root), root.total]).toEqual(['/', ['/Drive', '/Trash'], 2]);
    const home = await list(alice, '/Drive');
    expect(pathsOf(home)).toEqual(['/Drive/Common documents', '/Drive/counted', '/Drive/photos']);
    const [photos, alias] = [await list(alice, '/Drive/photos'), await list(alice, '/photos')];
    expect(alias).toEqual(photos);
    expect(photos.members[0]).toEqual({
      path: '/Drive/photos/sea.jpg',
      name: 'sea.jpg',
      isFolder: false,
      size: 4,
      modifiedAt: expect.stringMatching(/^\d{4}-.*Z$/),
      etag: (await server.as('alice')('HEAD', '/photos/sea.jpg')).headers.etag,
      contentType: 'image/jpeg',
      mayChange: true,
      mayAdd: false,
      trash: null,
    });
    expect(photos.folder).toMatchObject({ path: '/Drive/photos', isFolder: true, mayChange: true, mayAdd: true });
  });

  test('what may be done: not with the drive’s own folders, and nothing by a viewer', async () => {
    const rights = (answer: FilesAnswer) =>
      answer.members.map(({ name, mayChange, mayAdd }) => [name, mayChange, mayAdd]);
    expect(rights(await list(alice, '/'))).toEqual([
      ['Drive', false, true],
      ['Trash', false, false],
    ]);
    expect(rights(await list(alice, '/Drive'))[0]).toEqual(['Common documents', false, true]);
    await put('alice', '/Common%20documents/shared', 'x');
    expect(rights(await list(vera, '/Common documents'))).toEqual([['shared', false, false]]);
    expect((await list(vera, '/Drive')).folder.mayAdd).toBe(false);
  });

  test('pages by name, at most a thousand a page; a wrong limit is refused', async () => {
    await makeFolder(alice, '/paged');
    const names = Array.from({ length: 25 }, (_, index) => `f${String(index).padStart(2, '0')}`);
    for (const name of names) await put('alice', `/paged/${name}`);
    const seen: string[] = [];
    for (let after: string | null = null, pages = 0; pages < 10; pages++) {
      const more: string = after === null ? '' : `&after=${encodeURIComponent(after)}`;
      const page: FilesAnswer = await list(alice, '/paged', `&limit=10${more}`);
      seen.push(...page.members.map(({ name }) => name));
      expect(page.total).toBeNull();
      if (page.next === null) break;
      after = page.next;
    }
    expect(seen).toEqual(names);
    expect((await list(alice, '/paged')).total).toBe(25);
    expect((await list(alice, '/paged', '&limit=999999')).members).toHaveLength(25);
    for (const limit of ['0', '-1', 'x', '1e3']) {
      expect((await alice.refusal('GET', `${API}/files?limit=${limit}`)).status).toBe(400);
    }
  });

  test.each(HARD_NAMES)('the name %j goes through folder, list, search, move, trash and back', async (name) => {
    const { paths } = await makeFolder(alice, `/hard/${name}`);
    expect(paths).toEqual([`/Drive/hard/${name}`]);
    expect(pathsOf(await list(alice, '/hard'))).toEqual(paths);
    expect((await list(alice, `/hard/${name}`)).folder.name).toBe(name);
    const found = await alice.get<FilesAnswer>(`${API}/search?name=${encodeURIComponent(name)}`);
    expect(pathsOf(found)).toEqual(paths);
    const moved = await alice.post<PathsAnswer>(`${API}/move`, { from: paths[0], to: '/hard 2' });
    expect(moved.paths).toEqual(['/Drive/hard 2']);
    await alice.post(`${API}/move`, { from: '/hard 2', to: `/hard/${name}` });
    const trashed = await alice.post<PathsAnswer>(`${API}/delete`, { paths });
    expect(trashed.paths).toEqual([`/Trash/${name}`]);
    expect((await alice.post<PathsAnswer>(`${API}/trash/restore`, trashed)).paths).toEqual(paths);
    await alice.post(`${API}/delete`, { paths });
    await alice.send('DELETE', `${API}/trash`);
  });

  test('PRODUCT D6 — a name is found in either Unicode normalization', async () => {
    await makeFolder(alice, '/e\u0301te\u0301');
    expect((await list(alice, '/\u00e9t\u00e9')).folder.name).toBe('\u00e9t\u00e9');
    expect((await list(alice, '/e\u0301te\u0301')).folder.path).toBe('/Drive/\u00e9t\u00e9');
  });

  test.each([
    ['/a/../b', 400],
    ['/./a', 400],
    ['/a\u0000b', 400],
    [`/${'n/'.repeat(300)}`, 400],
    [`/${'n'.repeat(256)}`, 400],
    ['/broken \ud800', 400],
  ])('a path that can not be (%j) is refused', async (path, status) => {
    expect((await alice.refusal('POST', `${API}/folders`, { path })).status).toBe(status);
  });

  test('what is not there is 404, a file is no folder, a taken name stays', async () => {
    expect(await alice.refusal('GET', `${API}/files?path=/nowhere`)).toMatchObject({ status: 404, kind: 'not-found' });
    expect(await alice.refusal('GET', `${API}/files?path=/counted`)).toMatchObject({ kind: 'not-a-collection' });
    expect(await alice.refusal('POST', `${API}/folders`, { path: '/photos' })).toMatchObject({ kind: 'exists' });
    expect(await alice.refusal('POST', `${API}/folders`, { path: '/counted/x' })).toMatchObject({ status: 409 });
    expect(await alice.refusal('POST', `${API}/folders`, { path: '/Trash/x' })).toMatchObject({ kind: 'forbidden' });
  });
});

describe('PRODUCT D2, D4 — what a member sees is theirs and what all share', () => {
  test('personal files are in nobody else’s list, search, content or ZIP', async () => {
    await put('alice', '/diary%20of%20alice', 'secret');
    await put('alice', '/Common%20documents/diary%20for%20all', 'open');
    expect(pathsOf(await list(bob, '/Drive'))).toEqual(['/Drive/Common documents']);
    const found = await bob.get<FilesAnswer>(`${API}/search?name=DIARY`);
    expect(pathsOf(found)).toEqual(['/Drive/Common documents/diary for all']);
    expect((await bob.refusal('GET', `${API}/content?path=/diary%20of%20alice`)).status).toBe(404);
    expect((await bob.refusal('GET', `${API}/zip?path=/diary%20of%20alice`)).status).toBe(404);
  });

  test('the trash shows who deleted what, when and from where: own and common', async () => {
    await put('bob', '/bobs', 'x');
    await alice.post(`${API}/delete`, { paths: ['/diary of alice', '/Common documents/diary for all'] });
    await bob.post(`${API}/delete`, { paths: ['/bobs'] });
    const trash = await list(bob, '/Trash');
    expect(trash.members.map(({ name, trash }) => [name, trash!.originalPath, trash!.deletedBy])).toEqual([
      ['bobs', '/Drive/bobs', 'bob'],
      ['diary for all', '/Drive/Common documents/diary for all', 'alice'],
    ]);
    expect(Date.parse(trash.members[0]!.trash!.deletedAt)).toBeGreaterThan(Date.now() - 60_000);
    expect(trash.members[0]).toMatchObject({ mayChange: true, mayAdd: false });
  });

  test('search wants a text, and a place that it gave itself', async () => {
    for (const query of ['', '?name=', `?name=${'x'.repeat(256)}`, '?name=a&after=nonsense']) {
      expect((await alice.refusal('GET', `${API}/search${query}`)).status).toBe(400);
    }
  });
});
