import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { expireTrash } from '../../src/drive/trash.js';
import { type DriveRequest, TestServer } from '../support/make-server.js';
import { askFor, change, hrefsOf, parseMultistatus, textIn } from '../support/multistatus.js';

const NC = '{http://nextcloud.org/ns}';
let server: TestServer;
let alice: DriveRequest;
let bob: DriveRequest;

beforeAll(async () => {
  server = await TestServer.start();
  await server.addMember('bob');
  alice = server.as('alice');
  bob = server.as('bob');
});
afterEach(emptyTrash);
afterAll(() => server.stop());

async function trashNames(request: DriveRequest, path = '/Trash'): Promise<string[]> {
  const { text } = await request('PROPFIND', path, { headers: { Depth: '1' }, body: askFor('displayname') });
  const [own, ...members] = hrefsOf(text);
  return members.map((href) => href.slice(own!.length).replace(/\/$/, ''));
}

async function emptyTrash(): Promise<void> {
  for (const request of [alice, bob]) {
    for (const name of await trashNames(request)) await request('DELETE', `/Trash/${encodeURIComponent(name)}`);
  }
}

const move = (request: DriveRequest, from: string, to: string, headers = {}) =>
  request('MOVE', from, { headers: { Destination: server.urlOf(to), ...headers } });
const copy = (request: DriveRequest, from: string, to: string, headers = {}) =>
  request('COPY', from, { headers: { Destination: server.urlOf(to), ...headers } });
const read = async (request: DriveRequest, path: string) => {
  const { status, text } = await request('GET', path);
  return status === 200 ? text : status;
};

describe('PRODUCT D4 — DELETE moves into the trash', () => {
  test('a file is gone from its place and readable in the trash', async () => {
    await alice('PUT', '/a.txt', { body: 'a' });
    expect((await alice('DELETE', '/a.txt')).status).toBe(204);
    expect(await read(alice, '/a.txt')).toBe(404);
    expect(await read(alice, '/Trash/a.txt')).toBe('a');
    expect((await alice('DELETE', '/a.txt')).status).toBe(404);
  });

  test('a tree moves with all that is in it, and is browsable there', async () => {
    await alice('MKCOL', '/tree');
    await alice('MKCOL', '/tree/inner');
    await alice('PUT', '/tree/inner/f.txt', { body: 'deep' });
    expect((await alice('DELETE', '/tree/')).status).toBe(204);
    expect(await trashNames(alice, '/Trash/tree/inner')).toEqual(['f.txt']);
    expect(await read(alice, '/Trash/tree/inner/f.txt')).toBe('deep');
  });

  test('names that are taken are made unique', async () => {
    for (const [path, body] of [
      ['/n/x.tar.gz', '1'],
      ['/x.tar.gz', '2'],
      ['/Drive/n/x.tar.gz', '3'],
    ] as const) {
      await alice('MKCOL', '/n');
      await alice('PUT', path, { body });
      await alice('DELETE', path);
    }
    expect((await trashNames(alice)).filter((name) => name.startsWith('x.'))).toEqual([
      'x.tar (2).gz',
      'x.tar (3).gz',
      'x.tar.gz',
    ]);
    expect(await read(alice, '/Trash/x.tar%20(3).gz')).toBe('3');
  });

  test('1,000 deletions of the same name are all kept, each with what it had', async () => {
    for (let number = 0; number < 1000; number++) {
      await alice('PUT', '/often.txt', { body: `${number}` });
      const { status } = await alice('DELETE', '/often.txt');
      if (status !== 204) throw new Error(`deletion ${number} was answered ${status}`);
    }
    const names = (await trashNames(alice)).filter((name) => name.startsWith('often'));
    expect(new Set(names).size).toBe(1000);
    const texts = await Promise.all(names.map((name) => read(alice, `/Trash/${encodeURIComponent(name)}`)));
    expect(new Set(texts).size).toBe(1000);
    expect(names.every((name) => name.endsWith('.txt'))).toBe(true);
  });

  test('a name of 255 bytes is kept and stays within 255 when it is numbered', async () => {
    const name = `${'ü'.repeat(125)}.txt`;
    for (const body of ['1', '2']) {
      await alice('PUT', `/${encodeURIComponent(name)}`, { body });
      expect((await alice('DELETE', `/${encodeURIComponent(name)}`)).status).toBe(204);
    }
    const names = await trashNames(alice);
    expect(names).toHaveLength(2);
    for (const one of names) expect(Buffer.byteLength(one)).toBeLessThanOrEqual(255);
  });

  test('it tells the original path, whatever alias was used, and when it was deleted', async () => {
    await alice('MKCOL', '/orig');
    await alice('PUT', '/orig/%C3%A4.txt', { body: 'x' });
    await alice('PUT', '/Common%20documents/c.txt', { body: 'x' });
    const before = Math.floor(Date.now() / 1000);
    await alice('DELETE', '/Drive/orig/%C3%A4.txt');
    await bob('DELETE', '/Common%20documents/c.txt');
    const ask = askFor(`${NC}trashbin-filename`, `${NC}trashbin-original-location`, `${NC}trashbin-deletion-time`);
    const { text } = await alice('PROPFIND', '/Trash', { headers: { Depth: '1' }, body: ask });
    const facts = parseMultistatus(text)
      .slice(1)
      .map(({ props }) => [...props.values()].map(textIn));
    expect(facts.map(([name, place]) => [name, place])).toEqual([
      ['c.txt', 'Common documents/c.txt'],
      ['ä.txt', 'orig/ä.txt'],
    ]);
    for (const [, , seconds] of facts) expect(Number(seconds)).toBeGreaterThanOrEqual(before);
  });
});

describe('PRODUCT D4 — MOVE out of the trash restores', () => {
  test('a restored file has its content, dead properties, dates, id and ETag', async () => {
    await alice('PUT', '/r.txt', { body: 'r', headers: { 'X-OC-Mtime': '1500000000' } });
    await alice('PROPPATCH', '/r.txt', {
      body: change({ '{urn:x}colour': 'blue', creationdate: '2001-02-03T04:05:06Z' }),
    });
    const facts = async (path: string) => {
      const body = askFor(
        '{urn:x}colour',
        'creationdate',
        'getlastmodified',
        'getetag',
        '{http://owncloud.org/ns}fileid',
      );
      const { text } = await alice('PROPFIND', path, { headers: { Depth: '0' }, body });
      return [...parseMultistatus(text)[0]!.props.values()].map(textIn);
    };
    const before = await facts('/r.txt');
    expect(before[0]).toBe('blue');
    await alice('DELETE', '/r.txt');
    expect(await facts('/Trash/r.txt')).toEqual(before);
    expect((await move(alice, '/Trash/r.txt', '/back.txt')).status).toBe(201);
    expect(await facts('/back.txt')).toEqual(before);
    expect(await trashNames(alice)).toEqual([]);
  });

  test('a folder comes back with everything, elsewhere too, also by an alias', async () => {
    await alice('MKCOL', '/f');
    await alice('MKCOL', '/f/g');
    await alice('PUT', '/f/g/h.txt', { body: 'h' });
    await alice('DELETE', '/f');
    expect((await move(alice, '/Trash/f', '/Drive/f2/', { Overwrite: 'F' })).status).toBe(201);
    expect(await read(alice, '/f2/g/h.txt')).toBe('h');
  });

  test('something inside a deleted folder can be restored alone', async () => {
    await alice('MKCOL', '/f3');
    await alice('MKCOL', '/f3/g');
    await alice('PUT', '/f3/g/h.txt', { body: 'h' });
    await alice('DELETE', '/f3');
    expect((await move(alice, '/Trash/f3/g/h.txt', '/alone.txt')).status).toBe(201);
    expect(await read(alice, '/alone.txt')).toBe('h');
    expect(await trashNames(alice, '/Trash/f3/g')).toEqual([]);
  });

  test('to an occupied name it is 412 with Overwrite F, and "name (2)" with T, which replaces nothing', async () => {
    await alice('PUT', '/occ.txt', { body: 'old' });
    await alice('DELETE', '/occ.txt');
    await alice('PUT', '/occ.txt', { body: 'new' });
    expect((await move(alice, '/Trash/occ.txt', '/occ.txt', { Overwrite: 'F' })).status).toBe(412);
    const restored = await move(alice, '/Trash/occ.txt', '/occ.txt', { Overwrite: 'T' });
    expect(restored.status).toBe(201);
    expect(restored.headers.location).toBe('/dav/123456/occ%20(2).txt');
    expect(await read(alice, '/occ.txt')).toBe('new');
    expect(await read(alice, '/occ%20(2).txt')).toBe('old');
    expect(await trashNames(alice)).toEqual([]);
  });

  test('to a folder that is not there it is 409, over a reserved folder 403, and it stays in the trash', async () => {
    await alice('PUT', '/stay.txt', { body: 's' });
    await alice('DELETE', '/stay.txt');
    expect((await move(alice, '/Trash/stay.txt', '/no/where.txt')).status).toBe(409);
    for (const path of ['/', '/Drive', '/Common%20documents', '/Trash']) {
      expect((await move(alice, '/Trash/stay.txt', path)).status).toBe(403);
    }
    expect((await move(alice, '/Trash/stay.txt', '/Trash/renamed.txt')).status).toBe(403);
    expect(await read(alice, '/Trash/stay.txt')).toBe('s');
  });

  test('COPY out of the trash leaves it there', async () => {
    await alice('PUT', '/c.txt', { body: 'c' });
    await alice('DELETE', '/c.txt');
    expect((await copy(alice, '/Trash/c.txt', '/c2.txt')).status).toBe(201);
    expect(await read(alice, '/c2.txt')).toBe('c');
    expect(await trashNames(alice)).toEqual(['c.txt']);
  });
});

describe('PRODUCT D4 — into the trash and inside it', () => {
  test('MOVE into Trash deletes, under the name of the destination, made unique', async () => {
    for (const expected of ['gone.txt', 'gone (2).txt']) {
      await alice('PUT', '/m.txt', { body: 'm' });
      expect((await move(alice, '/m.txt', '/Trash/gone.txt')).status).toBe(201);
      expect(await trashNames(alice)).toContain(expected);
    }
    expect(await read(alice, '/m.txt')).toBe(404);
    const { text } = await alice('PROPFIND', '/Trash/gone.txt', {
      headers: { Depth: '0' },
      body: askFor(`${NC}trashbin-original-location`),
    });
    expect(text).toContain('>m.txt<');
  });

  test('MOVE into a folder in the trash is 403', async () => {
    await alice('MKCOL', '/dir');
    await alice('DELETE', '/dir');
    await alice('PUT', '/m.txt', { body: 'm' });
    expect((await move(alice, '/m.txt', '/Trash/dir/m.txt')).status).toBe(403);
    expect(await read(alice, '/m.txt')).toBe('m');
  });

  test('PUT, MKCOL, COPY, LOCK and PROPPATCH in the trash are 403, at its top and deeper', async () => {
    const lock =
      '<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>';
    await alice('MKCOL', '/dir');
    await alice('DELETE', '/dir');
    await alice('PUT', '/gone.txt', { body: 'gone' });
    await alice('DELETE', '/gone.txt');
    await alice('PUT', '/m.txt', { body: 'm' });
    for (const path of ['/Trash/new', '/Trash/dir/new', '/Trash/gone.txt']) {
      expect((await alice('PUT', path, { body: 'x' })).status).toBe(403);
      expect((await copy(alice, '/m.txt', path)).status).toBe(403);
      expect((await alice('LOCK', path, { body: lock })).status).toBe(403);
    }
    expect((await alice('MKCOL', '/Trash/new')).status).toBe(403);
    expect((await alice('MKCOL', '/Trash/dir/new')).status).toBe(403);
    for (const path of ['/Trash/gone.txt', '/Trash/dir']) {
      expect((await alice('PROPPATCH', path, { body: change({ '{urn:x}a': 'b' }) })).status).toBe(403);
      expect(
        (await alice('PROPPATCH', path, { body: change({ getlastmodified: 'Sun, 22 Nov 2020 19:14:25 GMT' }) })).status,
      ).toBe(403);
    }
  });

  test('DELETE inside the trash is final, of a part too, and frees quota', async () => {
    const used = async () => {
      const { text } = await alice('PROPFIND', '/', { headers: { Depth: '0' }, body: askFor('quota-used-bytes') });
      return Number(textIn(parseMultistatus(text)[0]!.props.get('{DAV:}quota-used-bytes')));
    };
    const before = await used();
    await alice('MKCOL', '/big');
    await alice('PUT', '/big/a', { body: 'a'.repeat(5000) });
    await alice('PUT', '/big/b', { body: 'b'.repeat(70_000) });
    await alice('DELETE', '/big');
    expect(await used()).toBe(before + 75_000);
    expect((await alice('DELETE', '/Trash/big/b')).status).toBe(204);
    expect(await used()).toBe(before + 5000);
    expect((await alice('DELETE', '/Trash/big')).status).toBe(204);
    expect(await used()).toBe(before);
    expect(await read(alice, '/Trash/big/a')).toBe(404);
  });
});

describe('PRODUCT D4 — whose trash', () => {
  test("a deleted personal file is in its owner's trash only, a common one in every member's", async () => {
    await alice('PUT', '/p.txt', { body: 'personal' });
    await alice('PUT', '/Common%20documents/q.txt', { body: 'common' });
    await alice('DELETE', '/p.txt');
    await alice('DELETE', '/Drive/Common%20documents/q.txt');
    expect(await trashNames(alice)).toEqual(['p.txt', 'q.txt']);
    expect(await trashNames(bob)).toEqual(['q.txt']);
    expect(await read(bob, '/Trash/p.txt')).toBe(404);
    expect((await move(bob, '/Trash/p.txt', '/stolen.txt')).status).toBe(404);
    expect((await bob('DELETE', '/Trash/p.txt')).status).toBe(404);
    expect((await move(bob, '/Trash/q.txt', '/Common%20documents/q.txt')).status).toBe(201);
    expect(await trashNames(alice)).toEqual(['p.txt']);
  });

  test('a common deletion gets a name that is free in all the trashes that show it', async () => {
    await alice('PUT', '/t.txt', { body: 'hers' });
    await bob('PUT', '/t.txt', { body: 'his' });
    await alice('PUT', '/Common%20documents/t.txt', { body: 'common' });
    await alice('DELETE', '/t.txt');
    await bob('DELETE', '/t.txt');
    expect(await trashNames(bob)).toEqual(['t.txt']);
    await bob('DELETE', '/Common%20documents/t.txt');
    for (const [request, own] of [
      [alice, 'hers'],
      [bob, 'his'],
    ] as const) {
      expect(await trashNames(request)).toEqual(['t (2).txt', 't.txt']);
      expect(await read(request, '/Trash/t.txt')).toBe(own);
      expect(await read(request, '/Trash/t%20(2).txt')).toBe('common');
    }
  });

  test("it is free also where only another member's trash, or the common one, has the name", async () => {
    await alice('PUT', '/t.txt', { body: 'hers' });
    await alice('DELETE', '/t.txt');
    await bob('PUT', '/Common%20documents/t.txt', { body: 'common' });
    await bob('DELETE', '/Common%20documents/t.txt');
    expect(await trashNames(bob)).toEqual(['t (2).txt']);
    expect(await trashNames(alice)).toEqual(['t (2).txt', 't.txt']);
    await alice('PUT', '/Common%20documents/u.txt', { body: 'common' });
    await alice('DELETE', '/Common%20documents/u.txt');
    await bob('PUT', '/u.txt', { body: 'his' });
    await bob('DELETE', '/u.txt');
    expect(await trashNames(bob)).toEqual(['t (2).txt', 'u (2).txt', 'u.txt']);
    expect(await read(bob, '/Trash/u.txt')).toBe('common');
    expect(await trashNames(alice)).toEqual(['t (2).txt', 't.txt', 'u.txt']);
  });

  test("a folder-scoped app password's deletions land in the owner's trash, which it does not see", async () => {
    await alice('MKCOL', '/scope');
    const { authorization } = await server.addAppPassword('alice', { scopeId: await server.idOf('alice', '/scope') });
    const device = server.as(authorization);
    await device('PUT', '/note.md', { body: 'note' });
    expect((await device('DELETE', '/note.md')).status).toBe(204);
    expect(hrefsOf((await device('PROPFIND', '/', { headers: { Depth: 'infinity' } })).text)).toEqual(['/dav/123456/']);
    expect(await trashNames(alice)).toEqual(['note.md']);
    const ask = askFor(`${NC}trashbin-original-location`);
    const { text } = await alice('PROPFIND', '/Trash/note.md', { headers: { Depth: '0' }, body: ask });
    expect(text).toContain('>scope/note.md<');
  });

  test('what is older than the retention is deleted for good, and nothing younger', async () => {
    await alice('MKCOL', '/old');
    await alice('PUT', '/old/f', { body: 'x' });
    await alice('PUT', '/Common%20documents/young', { body: 'y' });
    await alice('DELETE', '/old');
    await new Promise((resolve) => setTimeout(resolve, 5));
    const moment = Date.now();
    await alice('DELETE', '/Common%20documents/young');
    expect(await expireTrash(server.engines.metadata, moment, moment)).toBe(1);
    expect(await trashNames(alice)).toEqual(['young']);
    expect(await expireTrash(server.engines.metadata, moment, moment)).toBe(0);
  });
});
