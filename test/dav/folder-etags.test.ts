import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DriveRequest, TestServer } from '../support/make-server.js';
import { askFor, change, parseMultistatus, textIn } from '../support/multistatus.js';

let server: TestServer;
let alice: DriveRequest;

beforeAll(async () => {
  server = await TestServer.start();
  await server.addMember('bob');
  alice = server.as('alice');
});
afterAll(() => server.stop());

const to = (path: string, headers = {}) => ({ headers: { Destination: server.urlOf(path), ...headers } });

describe('client-requirements R25 — ETags of folders', () => {
  /** ETags of all that alice sees, by path. */
  async function etags(): Promise<Map<string, string>> {
    const { text } = await alice('PROPFIND', '/', { headers: { Depth: 'infinity' }, body: askFor('getetag') });
    return new Map(
      parseMultistatus(text).map(({ href, props }) => [
        decodeURIComponent(href).slice('/dav/123456'.length),
        textIn(props.get('{DAV:}getetag')),
      ]),
    );
  }
  async function changedBy(work: () => Promise<unknown>): Promise<string[]> {
    const before = await etags();
    await work();
    const after = await etags();
    return [...after]
      .filter(([path, etag]) => before.has(path) && before.get(path) !== etag)
      .map(([path]) => path)
      .sort();
  }

  beforeAll(async () => {
    for (const path of ['/e', '/e/a', '/e/a/b', '/e/c', '/Common%20documents/k', '/Common%20documents/l'])
      await alice('MKCOL', path);
    await alice('PUT', '/e/a/b/f', { body: 'f' });
    await alice('PUT', '/e/a/g', { body: 'g' });
    await alice('PUT', '/Common%20documents/k/h', { body: 'h' });
  });

  const UP = ['/', '/Drive/', '/Drive/e/'];
  const AB = [...UP, '/Drive/e/a/', '/Drive/e/a/b/'];
  test.each<[string, () => Promise<unknown>, string[]]>([
    ['a PUT of a new file', () => alice('PUT', '/e/a/b/new', { body: 'n' }), AB],
    ['an overwrite', () => alice('PUT', '/Drive/e/a/b/f', { body: 'f2' }), [...AB, '/Drive/e/a/b/f']],
    ['a PROPPATCH of a file', () => alice('PROPPATCH', '/e/a/b/f', { body: change({ '{urn:x}a': 'b' }) }), AB],
    ['a PROPPATCH of a date', () => alice('PROPPATCH', '/e/a/b/f', { body: change({ lastmodified: '1' }) }), AB],
    [
      'a PROPPATCH of a folder',
      () => alice('PROPPATCH', '/e/a', { body: change({ '{urn:x}a': 'b' }) }),
      [...UP, '/Drive/e/a/'],
    ],
    ['MKCOL', () => alice('MKCOL', '/e/c/new'), [...UP, '/Drive/e/c/']],
    ['MOVE', () => alice('MOVE', '/e/a/b/new', to('/e/c/moved')), [...AB, '/Drive/e/c/']],
    ['COPY', () => alice('COPY', '/e/a/b', to('/e/c/copy')), [...UP, '/Drive/e/c/']],
    ['DELETE', () => alice('DELETE', '/e/c/copy'), [...UP, '/Drive/e/c/', '/Trash/']],
    ['a final DELETE', () => alice('DELETE', '/Trash/copy'), ['/', '/Trash/']],
    ['a LOCK of a new name', () => alice('LOCK', '/e/c/locked', { body: LOCK }), [...UP, '/Drive/e/c/']],
    [
      "another member's change of a common file",
      () => server.as('bob')('PUT', '/Common%20documents/k/h', { body: 'x' }),
      ['/', '/Drive/', '/Drive/Common documents/', '/Drive/Common documents/k/', '/Drive/Common documents/k/h'],
    ],
    ["another member's personal change", () => server.as('bob')('PUT', '/hidden', { body: 'x' }), []],
    ["another member's personal deletion", () => server.as('bob')('DELETE', '/hidden'), []],
    ['GET', () => alice('GET', '/e/a/b/f'), []],
    ['a LOCK of a file', () => alice('LOCK', '/e/a/g', { body: LOCK }), []],
    ['a refused PUT', () => alice('PUT', '/e/a/b/f', { body: 'x', headers: { 'If-Match': '"no"' } }), []],
    ['a refused PROPPATCH', () => alice('PROPPATCH', '/e/a', { body: change({ '{urn:x}z': 'b', getetag: 'x' }) }), []],
    ['a refused MOVE', () => alice('MOVE', '/e/a', to('/e/c', { Overwrite: 'F' })), []],
  ])('%s changes those above it and no others', async (_title, work, paths) => {
    expect(await changedBy(work)).toEqual([...paths].sort());
  });

  const LOCK =
    '<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>';

  test('a folder never has the same ETag twice', async () => {
    const seen = new Set<string>();
    for (let round = 0; round < 20; round++) {
      await alice('PUT', '/e/c/again', { body: 'same' });
      if (round % 2) await alice('DELETE', '/e/c/again');
      seen.add((await etags()).get('/Drive/e/c/')!);
    }
    expect(seen.size).toBe(20);
  });

  test('the ETag in the answer of MKCOL is the one that PROPFIND shows, with properties too', async () => {
    const body =
      '<D:mkcol xmlns:D="DAV:"><D:set><D:prop><D:resourcetype><D:collection/></D:resourcetype><x:c xmlns:x="urn:x">1</x:c></D:prop></D:set></D:mkcol>';
    for (const [path, options] of [
      ['/e/m1', {}],
      ['/e/m2', { body }],
    ] as const) {
      const { headers } = await alice('MKCOL', path, options);
      expect((await etags()).get(`/Drive${path}/`)).toBe(headers.etag);
    }
  });

  test('file ids are stable over rename, move, overwrite, deletion and restoring; a copy has its own', async () => {
    await alice('MKCOL', '/i');
    await alice('MKCOL', '/i/a');
    await alice('PUT', '/e/id', { body: 'a' });
    const id = await server.idOf('alice', '/e/id');
    await alice('PUT', '/e/id', { body: 'b' });
    await alice('MOVE', '/e/id', to('/i/a/id2'));
    await alice('MOVE', '/i', to('/e/j'));
    expect(await server.idOf('alice', '/e/j/a/id2')).toBe(id);
    await alice('DELETE', '/e/j/a/id2');
    expect(await server.idOf('alice', '/Trash/id2')).toBe(id);
    await alice('MOVE', '/Trash/id2', to('/Common%20documents/id3'));
    expect(await server.idOf('bob', '/Common%20documents/id3')).toBe(id);
    await alice('COPY', '/Common%20documents/id3', to('/e/id4'));
    expect(await server.idOf('alice', '/e/id4')).not.toBe(id);
  });
});
