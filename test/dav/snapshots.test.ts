import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { momentName } from '../../src/drive/past/moment-names.js';
import { DRIVE_NAME, type DriveRequest, TestServer } from '../support/make-server.js';
import { askFor, change, hrefsOf, parseMultistatus, textIn } from '../support/multistatus.js';

let server: TestServer;
let alice: DriveRequest;
let bob: DriveRequest;
/** The address of a moment when the folder `then` was as it is no more. */
let T = '';
let moment = 0;

/** So that what comes next is of a later millisecond. */
const tick = () => new Promise((resolve) => setTimeout(resolve, 5));

beforeAll(async () => {
  server = await TestServer.start();
  await server.addMember('bob');
  alice = server.as('alice');
  bob = server.as('bob');
  await alice('MKCOL', '/then');
  await alice('MKCOL', '/then/sub');
  await alice('PUT', '/then/a%20%C3%BC.txt', { body: 'first', headers: { 'X-OC-Mtime': '1000000000' } });
  await alice('PUT', '/then/sub/large', { body: 'L'.repeat(50_000) });
  await alice('PROPPATCH', '/then/a%20%C3%BC.txt', { body: change({ '{urn:x}a': 'of then' }) });
  await tick();
  moment = Date.now();
  T = `/.snapshots/${momentName(moment)}`;
  await tick();
  await alice('PUT', '/then/a%20%C3%BC.txt', { body: 'second one' });
  await alice('PROPPATCH', '/then/a%20%C3%BC.txt', { body: change({ '{urn:x}a': 'of now' }) });
  await alice('DELETE', '/then/sub');
  await alice('PUT', '/later', { body: 'later' });
});
afterAll(() => server.stop());

const read = async (path: string, request = alice) => {
  const { status, text } = await request('GET', path);
  return status === 200 ? text : status;
};
const list = async (path: string, depth: string, request = alice) => {
  const { status, text } = await request('PROPFIND', path, { headers: { Depth: depth } });
  return status === 207 ? hrefsOf(text) : status;
};
const copy = (from: string, to: string, headers = {}, request = alice) =>
  request('COPY', from, { headers: { Destination: server.urlOf(to), ...headers } });
const property = async (path: string, name: string) => {
  const { text } = await alice('PROPFIND', path, { headers: { Depth: '0' }, body: askFor(name) });
  return textIn([...(parseMultistatus(text)[0]?.props.values() ?? [])][0]);
};

describe('PRODUCT V3 — /.snapshots/TIME', () => {
  test('GET, HEAD and PROPFIND show what was there then, with dates and properties, at addresses of the moment', async () => {
    expect(await read(`${T}/then/a%20%C3%BC.txt`)).toBe('first');
    expect(await read(`${T}/${DRIVE_NAME}/then/sub/large`)).toBe('L'.repeat(50_000));
    expect(await read(`${T}/later`)).toBe(404);
    expect((await alice('HEAD', `${T}/then/a%20%C3%BC.txt`)).headers['content-length']).toBe('5');
    const { text } = await alice('GET', `${T}/then/sub/large`, { headers: { Range: 'bytes=0-2' } });
    expect(text).toBe('LLL');
    const base = `/dav/123456${T}`;
    expect(await list(`${T}/then/`, '1')).toEqual([`${base}/then/`, `${base}/then/a ü.txt`, `${base}/then/sub/`]);
    expect(await list(`${T}/`, 'infinity')).toEqual(
      expect.arrayContaining([`${base}/${DRIVE_NAME}/`, `${base}/${DRIVE_NAME}/then/sub/large`]),
    );
    expect(await list(`${T}/`, '1')).toEqual([`${base}/`, `${base}/${DRIVE_NAME}/`]);
    expect(await list(`${T}/Trash`, '0')).toBe(404);
    expect(await property(`${T}/then/a%20%C3%BC.txt`, '{DAV:}getlastmodified')).toBe('Sun, 09 Sep 2001 01:46:40 GMT');
    expect(await property(`${T}/then/a%20%C3%BC.txt`, '{urn:x}a')).toBe('of then');
    expect(await property(`${T}/then`, '{DAV:}sync-token')).toBeFalsy();
  });

  test('a time can be written in several ways', async () => {
    const iso = new Date(moment).toISOString();
    for (const name of [iso, iso.replaceAll(':', ''), iso.replaceAll(':', '-'), iso.replaceAll(/[-:]/g, '')]) {
      expect(await read(`/.snapshots/${encodeURIComponent(name)}/then/a%20%C3%BC.txt`)).toBe('first');
    }
    for (const name of ['yesterday', '2027-02-31T00:00:00Z', '2027-01-01', '0']) {
      expect(await read(`/.snapshots/${name}/then/a%20%C3%BC.txt`)).toBe(404);
    }
  });

  test('past E2 — a moment of which nothing is kept is 404, also for a folder that is there now', async () => {
    for (const name of ['2001-01-01T00-00-00Z', '2999-01-01T00-00-00Z', momentName(moment - 86_400_000 * 3 + 1)]) {
      expect(await list(`/.snapshots/${name}/`, '1')).toBe(404);
      expect(await list(`/.snapshots/${name}/then/`, '1')).toBe(404);
    }
  });

  test('past E3 — it is in no listing, and changes no ETag, size or quota of what is there', async () => {
    const facts = async () => [
      await property('/', '{DAV:}getetag'),
      await property('/', '{DAV:}quota-used-bytes'),
      await property(`/${DRIVE_NAME}/`, '{http://owncloud.org/ns}size'),
    ];
    const before = await facts();
    const all = (await list('/', 'infinity')) as string[];
    expect(all.filter((href) => href.includes('snapshots'))).toEqual([]);
    expect(await list('/.snapshots', '1')).toEqual(['/dav/123456/.snapshots/']);
    expect(await list('/.snapshots', 'infinity')).toBe(403);
    expect((await alice('GET', '/.snapshots/')).status).toBe(200);
    expect(await facts()).toEqual(before);
    await alice('MKCOL', `/${DRIVE_NAME}/.snapshots`);
    await alice('PUT', `/${DRIVE_NAME}/.snapshots/own`, { body: 'mine' });
    expect(await read(`/${DRIVE_NAME}/.snapshots/own`)).toBe('mine');
    expect(await read('/.snapshots/own')).toBe(404);
  });

  test.each(['PUT', 'DELETE', 'MKCOL', 'MOVE', 'PROPPATCH', 'LOCK', 'UNLOCK', 'REPORT', 'POST', 'PATCH'])(
    'it takes no %s: 403',
    async (method) => {
      for (const path of ['/.snapshots', '/.snapshots/', T, `${T}/then`, `${T}/then/a%20%C3%BC.txt`, `${T}/new`]) {
        expect((await alice(method, path, { headers: { Destination: server.urlOf('/x') } })).status).toBe(403);
      }
    },
  );

  test('nothing is copied or moved into it', async () => {
    for (const path of ['/.snapshots', '/.snapshots/x', `${T}/x`]) {
      expect((await copy('/later', path)).status).toBe(403);
      expect((await alice('MOVE', '/later', { headers: { Destination: server.urlOf(path) } })).status).toBe(403);
    }
    expect(await read('/later')).toBe('later');
  });

  test('past D3 — COPY takes a file, and a whole folder, back with dates and properties', async () => {
    expect((await copy(`${T}/then`, '/back')).status).toBe(201);
    expect(await read('/back/a%20%C3%BC.txt')).toBe('first');
    expect(await read('/back/sub/large')).toBe('L'.repeat(50_000));
    expect(await property('/back/a%20%C3%BC.txt', '{DAV:}getlastmodified')).toBe('Sun, 09 Sep 2001 01:46:40 GMT');
    expect(await property('/back/a%20%C3%BC.txt', '{urn:x}a')).toBe('of then');
    const dateOf = (path: string) => property(path, '{DAV:}getlastmodified');
    expect(await dateOf('/back/sub')).toBe(await dateOf(`${T}/then/sub`));
    expect((await copy(`${T}/then`, '/flat', { Depth: '0' })).status).toBe(201);
    expect(await list('/flat', '1')).toEqual(['/dav/123456/flat/']);
    expect((await copy(`${T}/then/a%20%C3%BC.txt`, '/back/a%20%C3%BC.txt', { Overwrite: 'F' })).status).toBe(412);
    expect((await copy(`${T}/then/none`, '/none')).status).toBe(404);
    expect((await copy(`${T}/then/a%20%C3%BC.txt`, '/missing/x')).status).toBe(409);
  });

  test('past D1 — COPY over the file itself is a write: another ETag, and a version of what was there', async () => {
    await alice('PUT', '/f', { body: 'good' });
    await tick();
    const then = `/.snapshots/${momentName(Date.now())}`;
    await tick();
    const bad = await alice('PUT', '/f', { body: 'ruined' });
    const answer = await copy(`${then}/f`, '/f');
    expect(answer.status).toBe(204);
    expect(answer.headers.etag).not.toBe(bad.headers.etag);
    expect(await read('/f')).toBe('good');
    expect(await property('/f', '{DAV:}getcontentlength')).toBe('4');
  });

  test('past D2 — a lock at the destination is in the way: 423', async () => {
    await alice('PUT', '/locked', { body: 'x' });
    const body = '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>';
    expect((await alice('LOCK', '/locked', { body })).status).toBe(200);
    expect((await copy(`${T}/then/a%20%C3%BC.txt`, '/locked')).status).toBe(423);
    expect(await read('/locked')).toBe('x');
  });

  test('past E1 — everybody sees what they may see now, and a reader copies nothing back', async () => {
    await alice('PUT', '/Common%20documents/shared', { body: 'old' });
    await tick();
    const then = `/.snapshots/${momentName(Date.now())}`;
    await tick();
    await alice('PUT', '/Common%20documents/shared', { body: 'new' });
    expect(await read(`${then}/Common%20documents/shared`, bob)).toBe('old');
    expect(await read(`${then}/then/a%20%C3%BC.txt`, bob)).toBe(404);
    await server.addMember('bob', { role: 'viewer' });
    expect(await read(`${then}/Common%20documents/shared`, bob)).toBe('old');
    const back = await copy(`${then}/Common%20documents/shared`, '/Common%20documents/shared', {}, bob);
    expect(back.status).toBe(403);
    expect(await read('/Common%20documents/shared')).toBe('new');
    expect((await server.as('nobody')('GET', `${then}/Common%20documents/shared`)).status).toBe(401);
  });
});
