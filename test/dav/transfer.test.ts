import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type DriveRequest, TestServer } from '../support/make-server.js';
import { askFor, change, hrefsOf, parseMultistatus, textIn } from '../support/multistatus.js';

const OTHER = 222222;
let server: TestServer;
let alice: DriveRequest;
/** Alice on her second drive, where bob is no member. */
let other: DriveRequest;
let D = '';
let number = 0;

beforeAll(async () => {
  server = await TestServer.start();
  await server.addMember('bob');
  await server.addDrive({ id: OTHER, name: 'Other' });
  alice = server.as('alice');
  other = server.as('alice', OTHER);
});
beforeEach(async () => {
  D = `/t${++number}`;
  await alice('MKCOL', D);
});
afterAll(() => server.stop());

const send = (method: string, from: string, to: string, headers = {}) =>
  alice(method, from, { headers: { Destination: server.urlOf(to), ...headers } });
const read = async (request: DriveRequest, path: string) => {
  const { status, text } = await request('GET', path);
  return status === 200 ? text : status;
};
async function makeTree(path: string, text = 'leaf'): Promise<void> {
  await alice('MKCOL', path);
  await alice('MKCOL', `${path}/sub`);
  await alice('PUT', `${path}/sub/leaf`, { body: text });
  await alice('PUT', `${path}/big`, { body: text.repeat(10_000) });
  await alice('PROPPATCH', `${path}/sub`, { body: change({ '{urn:x}a': text }) });
}
const property = async (request: DriveRequest, path: string, name: string) => {
  const { text } = await request('PROPFIND', path, { headers: { Depth: '0' }, body: askFor(name) });
  return textIn([...(parseMultistatus(text)[0]?.props.values() ?? [])][0]);
};
const list = async (request: DriveRequest, path: string) =>
  hrefsOf((await request('PROPFIND', path, { headers: { Depth: 'infinity' } })).text).map((href) =>
    href.slice(href.indexOf(path)),
  );

describe.each(['COPY', 'MOVE'])('RFC 4918 §9.8, §9.9 — %s', (method) => {
  const isMove = method === 'MOVE';

  test('201 to a new name, 204 over one (client-requirements R14); a missing Overwrite means T (R16)', async () => {
    await alice('PUT', `${D}/a`, { body: 'a' });
    expect((await send(method, `${D}/a`, `${D}/b`)).status).toBe(201);
    await alice('PUT', `${D}/a`, { body: 'a2' });
    expect((await send(method, `${D}/a`, `${D}/b`, { Overwrite: 'T' })).status).toBe(204);
    await alice('PUT', `${D}/a`, { body: 'a3' });
    expect((await send(method, `${D}/a`, `${D}/b`)).status).toBe(204);
    expect(await read(alice, `${D}/b`)).toBe('a3');
    expect(await read(alice, `${D}/a`)).toBe(isMove ? 404 : 'a3');
  });

  test('Overwrite F over anything is 412 and changes nothing', async () => {
    await alice('PUT', `${D}/a`, { body: 'a' });
    await alice('PUT', `${D}/b`, { body: 'b' });
    await alice('MKCOL', `${D}/c`);
    for (const target of ['b', 'c'])
      expect((await send(method, `${D}/a`, `${D}/${target}`, { Overwrite: 'F' })).status).toBe(412);
    expect((await send(method, `${D}/c`, `${D}/b`, { Overwrite: 'F' })).status).toBe(412);
    expect([await read(alice, `${D}/a`), await read(alice, `${D}/b`)]).toEqual(['a', 'b']);
    expect((await send(method, `${D}/a`, `${D}/b`, { Overwrite: 'x' })).status).toBe(400);
  });

  test('a tree goes with all its properties, with and without slashes', async () => {
    await makeTree(`${D}/a`);
    expect((await send(method, `${D}/a/`, `${D}/b`)).status).toBe(201);
    expect(await list(alice, `${D}/b`)).toEqual([`${D}/b/`, `${D}/b/big`, `${D}/b/sub/`, `${D}/b/sub/leaf`]);
    expect(await property(alice, `${D}/b/sub`, '{urn:x}a')).toBe('leaf');
    expect(await read(alice, `${D}/b/big`)).toBe('leaf'.repeat(10_000));
    expect((await alice('PROPFIND', `${D}/a`, { headers: { Depth: '0' } })).status).toBe(isMove ? 404 : 207);
  });

  test('over a folder it replaces it, and the replaced one is in the trash with everything', async () => {
    await makeTree(`${D}/new`, 'new');
    await makeTree(`${D}/old`, `old${number}`);
    await alice('PUT', `${D}/old/only-in-old`, { body: 'x' });
    expect((await send(method, `${D}/new`, `${D}/old`)).status).toBe(204);
    expect(await list(alice, `${D}/old`)).toEqual([`${D}/old/`, `${D}/old/big`, `${D}/old/sub/`, `${D}/old/sub/leaf`]);
    const { text } = await alice('PROPFIND', '/Trash', { headers: { Depth: '1' } });
    const thrown = hrefsOf(text)
      .map((href) => href.slice('/dav/123456'.length))
      .filter((href) => href.startsWith('/Trash/old'));
    const leaves = await Promise.all(thrown.map((href) => read(alice, `${encodeURI(href)}sub/leaf`)));
    expect(leaves).toContain(`old${number}`);
  });

  test('a file over a folder and a folder over a file', async () => {
    await makeTree(`${D}/tree`);
    await alice('PUT', `${D}/file`, { body: 'file' });
    await alice('PUT', `${D}/file2`, { body: 'file2' });
    await alice('COPY', `${D}/tree`, { headers: { Destination: server.urlOf(`${D}/tree2`) } });
    expect((await send(method, `${D}/file`, `${D}/tree`)).status).toBe(204);
    expect(await read(alice, `${D}/tree`)).toBe('file');
    expect((await send(method, `${D}/tree2`, `${D}/file2`)).status).toBe(204);
    expect(await read(alice, `${D}/file2/sub/leaf`)).toBe('leaf');
  });

  test('onto itself, by any name of it: 403', async () => {
    await alice('PUT', `${D}/a`, { body: 'a' });
    for (const to of [`${D}/a`, `/Drive${D}/a`, `${D}/a/`]) {
      for (const Overwrite of ['T', 'F']) expect((await send(method, `${D}/a`, to, { Overwrite })).status).toBe(403);
    }
    expect((await send(method, D, `/Drive${D}`)).status).toBe(403);
    expect(await read(alice, `${D}/a`)).toBe('a');
  });

  test('into itself, and over something that it lies in: 403', async () => {
    await makeTree(`${D}/a`);
    expect((await send(method, `${D}/a`, `${D}/a/inside`)).status).toBe(403);
    expect((await send(method, `${D}/a`, `/Drive${D}/a/sub/inside`)).status).toBe(403);
    expect((await send(method, `${D}/a/sub/leaf`, `${D}/a`)).status).toBe(403);
    expect((await send(method, `${D}/a/sub`, D)).status).toBe(403);
    expect(await list(alice, `${D}/a`)).toHaveLength(4);
  });

  test('404 for a missing source, 409 for a missing parent or one that is a file, 400 without Destination', async () => {
    await alice('PUT', `${D}/a`, { body: 'a' });
    expect((await send(method, `${D}/none`, `${D}/x`)).status).toBe(404);
    expect((await send(method, `${D}/a`, `${D}/no/x`)).status).toBe(409);
    expect((await send(method, `${D}/a`, `${D}/a/x`)).status).toBe(409);
    expect((await alice(method, `${D}/a`)).status).toBe(400);
    expect(await read(alice, `${D}/a`)).toBe('a');
  });

  test('Depth 1 is 400; of a MOVE, Depth 0 too', async () => {
    await makeTree(`${D}/a`);
    for (const Depth of isMove ? ['0', '1', '2'] : ['1', '2']) {
      expect((await send(method, `${D}/a`, `${D}/b`, { Depth })).status).toBe(400);
    }
  });

  test('X-OC-Mtime sets the date, and is acknowledged (client-requirements R9); without it the date stays', async () => {
    await alice('PUT', `${D}/a`, { body: 'a', headers: { 'X-OC-Mtime': '1500000000' } });
    const answer = await send(method, `${D}/a`, `${D}/b`, { 'X-OC-Mtime': '1577872800' });
    expect(answer.headers['x-oc-mtime']).toBe('accepted');
    expect(await property(alice, `${D}/b`, 'getlastmodified')).toBe('Wed, 01 Jan 2020 10:00:00 GMT');
    expect((await send(method, `${D}/b`, `${D}/c`)).headers['x-oc-mtime']).toBeUndefined();
    expect(await property(alice, `${D}/c`, 'getlastmodified')).toBe('Wed, 01 Jan 2020 10:00:00 GMT');
  });

  test('If-Match guards the source', async () => {
    await alice('PUT', `${D}/a`, { body: 'a' });
    expect((await send(method, `${D}/a`, `${D}/b`, { 'If-Match': '"no"' })).status).toBe(412);
    const { etag } = (await alice('HEAD', `${D}/a`)).headers;
    const done = await send(method, `${D}/a`, `${D}/b`, { 'If-Match': etag });
    expect([done.status, done.headers.etag]).toEqual([201, etag]);
  });

  test.each([
    ['to', true],
    ['from', false],
  ])('%s another drive, with properties and dates; hrefs and quota follow', async (_title, isOut) => {
    const [source, target, sourceId, targetId] = isOut ? [alice, other, 123456, OTHER] : [other, alice, OTHER, 123456];
    await source('MKCOL', `${D}`);
    await source('MKCOL', `${D}/x`);
    await source('PUT', `${D}/x/f`, { body: 'f'.repeat(30_000), headers: { 'X-OC-Mtime': '1577872800' } });
    await source('PROPPATCH', `${D}/x/f`, { body: change({ '{urn:x}a': 'kept' }) });
    const used = (request: DriveRequest) => property(request, '/', 'quota-used-bytes').then(Number);
    const before = [await used(source), await used(target)];
    const there = `/Common%20documents${D}-${method}`;
    const Destination = server.urlOf(there, targetId);
    expect((await source(method, `${D}/x`, { headers: { Destination } })).status).toBe(201);
    expect(await read(target, `${there}/f`)).toBe('f'.repeat(30_000));
    expect(await property(target, `${there}/f`, '{urn:x}a')).toBe('kept');
    expect(await property(target, `${there}/f`, 'getlastmodified')).toBe('Wed, 01 Jan 2020 10:00:00 GMT');
    expect(await read(source, `${D}/x/f`)).toBe(isMove ? 404 : 'f'.repeat(30_000));
    // The property counts as well: its row, its names and its text.
    const bytes = 30_000 + 100 + 'urn:x'.length + 'a'.length + '<p:a xmlns:p="urn:x">kept</p:a>'.length;
    expect([await used(source), await used(target)]).toEqual([before[0]! - (isMove ? bytes : 0), before[1]! + bytes]);
    expect((await target('DELETE', there)).status).toBe(204);
    const back = { headers: { Destination: server.urlOf(`${D}/restored`, sourceId) } };
    expect((await target('MOVE', `/Trash${D}-${method}`, back)).status).toBe(201);
    expect(await read(source, `${D}/restored/f`)).toBe('f'.repeat(30_000));
  });
});

describe('COPY alone', () => {
  test('Depth 0 of a folder copies it without members, with its properties (§9.8.3)', async () => {
    await makeTree(`${D}/a`);
    expect((await send('COPY', `${D}/a/sub`, `${D}/b`, { Depth: '0' })).status).toBe(201);
    expect(await list(alice, `${D}/b`)).toEqual([`${D}/b/`]);
    expect(await property(alice, `${D}/b`, '{urn:x}a')).toBe('leaf');
    expect((await send('COPY', `${D}/a`, `${D}/a/sub/a`, { Depth: '0' })).status).toBe(201);
  });

  test('the copy is its own: a change to one is none to the other', async () => {
    await makeTree(`${D}/a`);
    await send('COPY', `${D}/a`, `${D}/b`);
    await alice('PUT', `${D}/a/sub/leaf`, { body: 'changed' });
    await alice('PROPPATCH', `${D}/b/sub`, { body: change({ '{urn:x}a': 'b' }) });
    expect(await read(alice, `${D}/b/sub/leaf`)).toBe('leaf');
    expect(await property(alice, `${D}/a/sub`, '{urn:x}a')).toBe('leaf');
  });

  test('dates inside a copied tree stay as they were', async () => {
    await alice('MKCOL', `${D}/a`);
    await alice('PUT', `${D}/a/f`, { body: 'f', headers: { 'X-OC-Mtime': '1577872800' } });
    await send('COPY', `${D}/a`, `${D}/b`);
    expect(await property(alice, `${D}/b/f`, 'getlastmodified')).toBe('Wed, 01 Jan 2020 10:00:00 GMT');
  });

  test('Common documents can be copied, not into itself', async () => {
    await alice('PUT', '/Common%20documents/c', { body: 'c' });
    expect((await send('COPY', '/Common%20documents', `${D}/common`)).status).toBe(201);
    expect(await read(alice, `${D}/common/c`)).toBe('c');
    expect((await send('COPY', '/Common%20documents', '/Common%20documents/in')).status).toBe(403);
  });
});

describe('who may', () => {
  test('not into a drive that one is no member of: 409, nor from it: 404', async () => {
    const bob = server.as('bob');
    await bob('PUT', '/b', { body: 'b' });
    await other('PUT', '/secret', { body: 's' });
    const headers = { Destination: server.urlOf('/b', OTHER) };
    for (const method of ['COPY', 'MOVE']) {
      expect((await bob(method, '/b', { headers })).status).toBe(409);
      const foreign = { headers: { Destination: server.urlOf('/got') } };
      expect((await server.as('bob', OTHER)(method, '/secret', foreign)).status).toBe(404);
    }
    expect(await read(bob, '/b')).toBe('b');
  });

  test('a viewer of the other drive may copy from it, not into it, and move nothing', async () => {
    await server.addMember('bob', { driveId: OTHER, role: 'viewer' });
    const [bob, bobThere] = [server.as('bob'), server.as('bob', OTHER)];
    await other('PUT', '/Common%20documents/v', { body: 'v' });
    const here = { headers: { Destination: server.urlOf('/from-other') } };
    const there = { headers: { Destination: server.urlOf('/Common%20documents/into', OTHER) } };
    expect((await bobThere('COPY', '/Common%20documents/v', here)).status).toBe(201);
    expect((await bobThere('MOVE', '/Common%20documents/v', here)).status).toBe(403);
    expect((await bob('COPY', '/from-other', there)).status).toBe(403);
    expect((await bob('MOVE', '/from-other', there)).status).toBe(403);
    expect(await read(other, '/Common%20documents/v')).toBe('v');
  });
});
