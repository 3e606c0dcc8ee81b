import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DriveRequest, TestServer } from '../support/make-server.js';
import { askFor, hrefsOf, parseMultistatus, type ResponsePart, textIn } from '../support/multistatus.js';

const USER = 'alice@example.org';
const OC = 'http://owncloud.org/ns';
let server: TestServer;
let alice: DriveRequest;

beforeAll(async () => {
  server = await TestServer.start();
  alice = server.as('alice');
  await server.addMember('bob');
  await alice('MKCOL', '/dir');
  await alice('PUT', '/dir/a.txt', { body: 'a' });
  await alice('PUT', '/Common%20documents/shared.txt', { body: 'shared' });
});
afterAll(() => server.stop());

const send = (method: string, target: string, options: { headers?: object; body?: string; user?: string } = {}) =>
  server.send(method, target, {
    user: options.user ?? 'alice',
    headers: { ...options.headers },
    ...(options.body === undefined ? {} : { body: options.body }),
  });

const textOf = (part: ResponsePart, name: string) => textIn(part.props.get(name));

/** Where the tree of files begins: the own drive, the drive by its ID, and each with ownCloud's old address. */
const FILES = [
  `/remote.php/dav/files/${USER}`,
  '/remote.php/webdav',
  `/dav/123456/remote.php/dav/files/${USER}`,
  '/dav/123456/remote.php/webdav',
];

describe('client-requirements R34 — the trees of ownCloud and Nextcloud', () => {
  test.each(FILES)('%s is the drive folder, without the trash; hrefs keep the form of the request', async (base) => {
    const listing = await send('PROPFIND', `${base}/`, { headers: { Depth: '1' } });
    expect(listing.status).toBe(207);
    expect(hrefsOf(listing.text).sort()).toEqual([`${base}/`, `${base}/Common documents/`, `${base}/dir/`].sort());
    const deeper = await send('PROPFIND', `${base}/dir`, { headers: { Depth: '1' } });
    expect(hrefsOf(deeper.text)).toEqual([`${base}/dir/`, `${base}/dir/a.txt`]);
    expect((await send('GET', `${base}/Common%20documents/shared.txt`)).text).toBe('shared');
  });

  test('the drive’s own host has the same tree', async () => {
    const headers = { Host: '123456.connect.example.org', Depth: '1' };
    const { text } = await send('PROPFIND', `/remote.php/dav/files/${USER}/dir/`, { headers });
    expect(hrefsOf(text)).toEqual([`/remote.php/dav/files/${USER}/dir/`, `/remote.php/dav/files/${USER}/dir/a.txt`]);
  });

  test('the user’s name may be encoded and in any case; the hrefs have it as the request does', async () => {
    const base = '/remote.php/dav/files/ALICE%40example.org';
    const { text } = await send('PROPFIND', `${base}/dir/`, { headers: { Depth: '0' } });
    expect(text).toContain(`<D:href>${base}/dir/</D:href>`);
  });

  test('somebody else’s tree is 404, also for a member of the same drive', async () => {
    expect((await send('PROPFIND', `/remote.php/dav/files/${USER}/`, { user: 'bob' })).status).toBe(404);
    expect((await send('PROPFIND', '/remote.php/dav/files/%ff/')).status).toBe(404);
  });

  test('without credentials 401 with a challenge, OPTIONS 200', async () => {
    for (const base of [...FILES, '/remote.php/dav/', '/remote.php/dav/files/']) {
      const answer = await server.send('PROPFIND', `${base}/`, { headers: { Depth: '0' } });
      expect(answer.status).toBe(401);
      expect(answer.headers['www-authenticate']).toMatch(/^Basic realm=/);
      expect((await server.send('OPTIONS', `${base}/`)).status).toBe(200);
    }
  });

  test('the folders above the tree answer PROPFIND (ownCloud Android asks for dav/files/)', async () => {
    for (const path of ['/remote.php/dav/', '/remote.php/dav', '/remote.php/dav/files/']) {
      const answer = await send('PROPFIND', path, { headers: { Depth: '0' } });
      expect(answer.status).toBe(207);
      expect(hrefsOf(answer.text)).toEqual([path]);
    }
  });

  test('doubled slashes are one', async () => {
    expect((await send('GET', `/remote.php//dav/files/${USER}//dir/a.txt`)).text).toBe('a');
    expect((await send('GET', '//remote.php/webdav/dir/a.txt')).text).toBe('a');
  });

  test('“Trash” is an ordinary name in it', async () => {
    expect((await send('MKCOL', `/remote.php/dav/files/${USER}/Trash`)).status).toBe(201);
    expect((await send('PUT', `/remote.php/dav/files/${USER}/Trash/x`, { body: 'x' })).status).toBe(201);
    expect((await alice('GET', '/Drive/Trash/x')).text).toBe('x');
    expect((await send('DELETE', `/remote.php/dav/files/${USER}/Trash`)).status).toBe(204);
  });

  test('files of these names stay files in a drive', async () => {
    expect((await alice('PUT', '/remote.php', { body: 'php' })).status).toBe(201);
    expect((await alice('PUT', '/index.php', { body: 'php' })).status).toBe(201);
    expect((await alice('GET', '/remote.php')).text).toBe('php');
    expect((await alice('GET', '/index.php')).text).toBe('php');
    expect((await alice('PUT', '/status.php', { body: 'mine' })).status).toBe(201);
    expect((await alice('GET', '/status.php')).text).toBe('mine');
    expect((await alice('GET', '/Drive/status.php')).text).toBe('mine');
    for (const name of ['remote', 'index', 'status']) expect((await alice('DELETE', `/${name}.php`)).status).toBe(204);
  });
});

describe('client-requirements R12, R14 — what the desktop programs read off an answer', () => {
  const base = `/remote.php/dav/files/${USER}`;

  test('PUT, MKCOL and MOVE answer OC-ETag, OC-FileId and OC-Perm, elsewhere they don’t', async () => {
    const put = await send('PUT', `${base}/new.txt`, { body: '1', headers: { 'X-OC-Mtime': '1577836800' } });
    expect(put.status).toBe(201);
    expect(put.headers['oc-etag']).toBe(put.headers.etag);
    expect(put.headers['oc-fileid']).toMatch(/^\d{8,}firn$/);
    expect(put.headers['oc-perm']).toBe('GDNVW');
    expect(put.headers['x-oc-mtime']).toBe('accepted');
    const mkcol = await send('MKCOL', `${base}/folder`);
    expect(mkcol.headers['oc-fileid']).toMatch(/^\d{8,}firn$/);
    expect(mkcol.headers['oc-perm']).toContain('CK');
    const move = await send('MOVE', `${base}/new.txt`, { headers: { Destination: `${base}/folder/moved.txt` } });
    expect(move.status).toBe(201);
    expect(move.headers['oc-fileid']).toBe(put.headers['oc-fileid']);
    const again = await send('PUT', `${base}/folder/moved.txt`, { body: '2' });
    expect([again.status, again.headers['oc-fileid']]).toEqual([204, put.headers['oc-fileid']]);
    expect((await alice('PUT', '/plain.txt', { body: '1' })).headers['oc-fileid']).toBeUndefined();
    expect((await send('DELETE', `${base}/folder`)).status).toBe(204);
  });

  test('oc:id of a PROPFIND is the OC-FileId; the root has id, permissions with CK, size', async () => {
    const body = askFor(`{${OC}}id`, `{${OC}}permissions`, `{${OC}}size`, `{${OC}}fileid`);
    const put = await send('PUT', `${base}/id.txt`, { body: '1' });
    const [file] = parseMultistatus((await send('PROPFIND', `${base}/id.txt`, { body, headers: { Depth: '0' } })).text);
    expect(textOf(file!, `{${OC}}id`)).toBe(put.headers['oc-fileid']);
    const [root] = parseMultistatus((await send('PROPFIND', `${base}/`, { body, headers: { Depth: '0' } })).text);
    expect(textOf(root!, `{${OC}}id`)).toMatch(/^\d{8,}firn$/);
    expect(textOf(root!, `{${OC}}permissions`)).toContain('CK');
    expect(Number(textOf(root!, `{${OC}}size`))).toBeGreaterThan(0);
  });
});

describe('client-requirements R34 — which drive, and what of it', () => {
  test('the own drive is the oldest, until the user’s setting names another', async () => {
    await server.addUser('dora');
    await server.addDrive({ id: 200001, name: 'Old', owner: 'dora' });
    await server.addDrive({ id: 200002, name: 'Young', owner: 'dora' });
    const nameOf = async () => {
      const target = '/remote.php/dav/files/dora@example.org/';
      const { text } = await send('PROPFIND', target, { user: 'dora', headers: { Depth: '0' } });
      return textOf(parseMultistatus(text)[0]!, '{DAV:}displayname');
    };
    expect(await nameOf()).toBe('Old');
    await server.accounts.setOwnDrive('dora@example.org', 200002);
    expect(await nameOf()).toBe('Young');
    await server.accounts.setOwnDrive('dora@example.org', null);
    expect(await nameOf()).toBe('Old');
    await expect(server.accounts.setOwnDrive('dora@example.org', 123456)).rejects.toThrow();
    const { authorization } = await server.addAppPassword('dora', { driveId: 200002 });
    const limited = await server.send('PROPFIND', '/remote.php/webdav/', { headers: { authorization, Depth: '0' } });
    expect(textOf(parseMultistatus(limited.text)[0]!, '{DAV:}displayname')).toBe('Young');
  });

  test('an app password limited to a folder has that folder as its tree, and no trash', async () => {
    const scopeId = await server.idOf('alice', '/dir');
    const { authorization } = await server.addAppPassword('alice', { scopeId });
    const headers = { authorization, Depth: '1' };
    const base = `/remote.php/dav/files/${USER}`;
    const { text } = await server.send('PROPFIND', `${base}/`, { headers });
    expect(hrefsOf(text)).toEqual([`${base}/`, `${base}/a.txt`]);
    expect((await server.send('PROPFIND', `/remote.php/dav/trashbin/${USER}/trash/`, { headers })).status).toBe(404);
  });

  test('who is a member of no drive gets 404, with a sentence', async () => {
    await server.addUser('nobody');
    const answer = await send('PROPFIND', '/remote.php/webdav/', { user: 'nobody' });
    expect(answer.status).toBe(404);
    expect(answer.text).toContain('You are a member of no drive yet.');
  });

  test('a Destination may be in any form of address that leads to the drive', async () => {
    const base = `/remote.php/dav/files/${USER}`;
    await send('PUT', `${base}/m0.txt`, { body: 'm' });
    const steps: [string, string, string][] = [
      [`${base}/m0.txt`, `${base}/m1.txt`, '/m1.txt'],
      [`${base}/m1.txt`, server.urlOf('/m2.txt'), '/m2.txt'],
      ['/dav/123456/m2.txt', '/remote.php/webdav/dir/m3.txt', '/dir/m3.txt'],
      [`/dav/123456${base}/dir/m3.txt`, `https://else.example.org/dav/123456${base}/m4.txt`, '/m4.txt'],
    ];
    for (const [from, to, place] of steps) {
      expect((await send('MOVE', from, { headers: { Destination: to } })).status).toBe(201);
      expect((await alice('GET', place)).text).toBe('m');
    }
    const elses = { Destination: '/remote.php/dav/files/bob@example.org/m5.txt' };
    expect((await send('MOVE', `${base}/m4.txt`, { headers: elses })).status).toBe(409);
    expect(
      (await send('MOVE', `${base}/m4.txt`, { headers: { Destination: '/remote.php/dav/avatars/x' } })).status,
    ).toBe(502);
    expect((await alice('DELETE', '/m4.txt')).status).toBe(204);
  });

  test('a lock’s address in a refusal is in the form of the request', async () => {
    const base = `/remote.php/dav/files/${USER}`;
    await alice('PUT', '/dir/locked.txt', { body: 'x' });
    const body = '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>';
    const lock = await alice('LOCK', '/dir/locked.txt', { body });
    const refused = await send('PUT', `${base}/dir/locked.txt`, { body: 'y' });
    expect(refused.status).toBe(423);
    expect(refused.text).toContain(`<D:href>${base}/dir/locked.txt</D:href>`);
    await alice('UNLOCK', '/dir/locked.txt', { headers: { 'Lock-Token': String(lock.headers['lock-token']) } });
    await alice('DELETE', '/dir/locked.txt');
  });
});

describe('client-requirements R34 — the trash bin', () => {
  const files = `/remote.php/dav/files/${USER}`;
  const bin = `/remote.php/dav/trashbin/${USER}`;

  test('lists what was deleted with its name and place, restores it there, deletes for good, empties', async () => {
    await send('MKCOL', `${files}/gone`);
    await send('PUT', `${files}/gone/one.txt`, { body: 'one' });
    await send('PUT', `${files}/two.txt`, { body: 'two' });
    await send('DELETE', `${files}/gone/one.txt`);
    await send('DELETE', `${files}/gone`);
    await send('DELETE', `${files}/two.txt`);
    const NC = 'http://nextcloud.org/ns';
    const body = askFor(
      `{${NC}}trashbin-filename`,
      `{${NC}}trashbin-original-location`,
      `{${NC}}trashbin-deletion-time`,
    );
    const listing = await send('PROPFIND', `${bin}/trash/`, { body, headers: { Depth: '1' } });
    const members = parseMultistatus(listing.text).slice(1);
    const one = members.find((member) => textOf(member, `{${NC}}trashbin-original-location`) === 'gone/one.txt')!;
    expect(textOf(one, `{${NC}}trashbin-filename`)).toBe('one.txt');
    expect(one.href).toBe(`${bin}/trash/one.txt`);

    const restore = await send('MOVE', one.href, { headers: { Destination: `${bin}/restore/one.txt` } });
    expect(restore.status).toBe(201);
    expect((await send('GET', `${files}/gone/one.txt`)).text).toBe('one');
    expect((await send('DELETE', `${bin}/trash/two.txt`)).status).toBe(204);
    expect((await send('PROPFIND', `${bin}/trash/two.txt`, { headers: { Depth: '0' } })).status).toBe(404);
    expect((await send('DELETE', `${bin}/trash`)).status).toBe(204);
    const empty = await send('PROPFIND', `${bin}/trash`, { headers: { Depth: '1' } });
    expect(hrefsOf(empty.text)).toEqual([`${bin}/trash/`]);
    expect((await send('DELETE', `${files}/gone`)).status).toBe(204);
  });

  test('nothing can be restored from within a deleted folder, or into a locked one', async () => {
    await send('MKCOL', `${files}/outer`);
    await send('MKCOL', `${files}/outer/inner`);
    await send('PUT', `${files}/outer/inner/deep.txt`, { body: 'deep' });
    await send('DELETE', `${files}/outer/inner`);
    const inside = await send('MOVE', `${bin}/trash/inner/deep.txt`, {
      headers: { Destination: `${bin}/restore/deep.txt` },
    });
    expect(inside.status).toBe(403);
    const lockinfo =
      '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>';
    expect((await send('LOCK', `${files}/outer`, { body: lockinfo })).status).toBe(200);
    const locked = await send('MOVE', `${bin}/trash/inner`, { headers: { Destination: `${bin}/restore/inner` } });
    expect(locked.status).toBe(423);
  });
});
