import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { COPY_NODES_MAX, COPY_TOGETHER_MAX, isLargeCopy } from '../../src/drive/copy-tree.js';
import { collectGarbage } from '../../src/jobs/gc.js';
import type { DriveId } from '../../src/stores/values.js';
import { authorizationOf, type DriveRequest, TestServer } from '../support/make-server.js';
import { insertEmptyFiles } from '../support/many-files.js';
import { askFor, change, hrefsOf, parseMultistatus, textIn } from '../support/multistatus.js';
import { countTurns } from '../support/turn-probe.js';

/** Files in each of two folders: more than one transaction copies, together. */
const FILES = 700;

let server: TestServer;
let alice: DriveRequest;
beforeAll(async () => {
  server = await TestServer.start();
  alice = server.as('alice');
  await alice('MKCOL', '/tree');
  await alice('MKCOL', '/tree/empty');
  await alice('PUT', '/tree/read.me', { body: 'text' });
  for (const name of ['a', 'b']) {
    await alice('MKCOL', `/tree/${name}`);
    await insertEmptyFiles(server.engines.metadata, await server.idOf('alice', `/tree/${name}`), FILES);
  }
  for (const path of ['/tree', '/tree/a', '/tree/b/file%207']) {
    await alice('PROPPATCH', path, { body: change({ '{urn:x}p': path }) });
  }
});
afterAll(() => server.stop());
afterEach(() => vi.restoreAllMocks());

const to = (path: string, headers = {}) => ({ headers: { Destination: server.urlOf(path), ...headers } });
const copy = (path: string, headers = {}) => alice('COPY', '/tree', to(path, headers));
const namesIn = async (path: string) => {
  const { text } = await alice('PROPFIND', path, { headers: { Depth: 'infinity' }, body: askFor('getetag') });
  return hrefsOf(text).map((href) => href.slice(`/dav/123456${path}`.length));
};
const property = async (path: string, name: string) => {
  const { text } = await alice('PROPFIND', path, { headers: { Depth: '0' }, body: askFor(name) });
  return textIn([...(parseMultistatus(text)[0]?.props.values() ?? [])][0]);
};
const used = () => property('/', 'quota-used-bytes').then(Number);
const statusOf = async (path: string) => (await alice('PROPFIND', path, { headers: { Depth: '0' } })).status;

/** Does something when the server begins its write transaction of that number from now. */
function atWrite(number: number, work: () => Promise<unknown>): Promise<unknown> {
  const { metadata } = server.engines;
  const write = metadata.write.bind(metadata);
  let count = 0;
  return new Promise((resolve, reject) => {
    vi.spyOn(metadata, 'write').mockImplementation(async (drives, writing, options) => {
      if (++count === number) await work().then(resolve, reject);
      return write(drives, writing, options);
    });
  });
}

describe('faults B3 — COPY of a tree too large for one transaction', () => {
  test('copies everything, with its properties, and counts it', async () => {
    const before = await used();
    const counts = await countTurns(server.engines.metadata, async () => {
      expect((await copy('/whole')).status).toBe(201);
    });
    expect(counts.turns).toBeGreaterThan(6);
    expect((await namesIn('/whole')).sort()).toEqual((await namesIn('/tree')).sort());
    expect((await alice('GET', '/whole/read.me')).text).toBe('text');
    for (const [path, value] of [
      ['', '/tree'],
      ['/a', '/tree/a'],
      ['/b/file%207', '/tree/b/file%207'],
    ] as const) {
      expect(await property(`/whole${path}`, '{urn:x}p')).toBe(value);
    }
    expect(await used()).toBeGreaterThan(before);
    expect(await server.inconsistencies()).toEqual([]);
  });

  test('until it is whole nobody sees anything of it', async () => {
    const before = await used();
    const meanwhile = atWrite(4, async () => [await statusOf('/hidden'), await used(), await server.inconsistencies()]);
    const done = copy('/hidden');
    expect(await meanwhile).toEqual([404, before, []]);
    expect((await done).status).toBe(201);
    expect(await statusOf('/hidden')).toBe(207);
  });

  test('to another drive: each of its transactions names both drives', async () => {
    await server.addDrive({ id: 300010 });
    const write = vi.spyOn(server.engines.metadata, 'write');
    const { status } = await alice('COPY', '/tree', { headers: { Destination: server.urlOf('/there', 300010) } });
    expect(status).toBe(201);
    const named = write.mock.calls.map(([drives]) => drives).filter((drives) => drives.includes(123456 as DriveId));
    expect(named.length).toBeGreaterThan(4);
    for (const drives of named) expect(drives).toEqual([123456, 300010]);
  });

  test('over a folder: the replaced one is in the trash', async () => {
    await alice('MKCOL', '/old');
    await alice('PUT', '/old/kept', { body: 'kept' });
    expect((await copy('/old', { Overwrite: 'F' })).status).toBe(412);
    expect((await copy('/old')).status).toBe(204);
    expect(await namesIn('/old')).toHaveLength(2 * FILES + 5);
    expect((await alice('GET', '/Trash/old/kept')).text).toBe('kept');
  });

  test('conditions, locks and names are looked at before and when it is bound', async () => {
    expect((await alice('COPY', '/tree', to('/no/parent'))).status).toBe(409);
    expect((await alice('COPY', '/tree', to('/tree/a/inside'))).status).toBe(403);
    const taken = atWrite(4, () => alice('PUT', '/taken', { body: 'x' }));
    const refused = copy('/taken', { Overwrite: 'F' });
    await taken;
    expect((await refused).status).toBe(412);
    expect((await alice('GET', '/taken')).text).toBe('x');
  });

  test('a source that changes meanwhile is copied again; the copy is what it was at one moment', async () => {
    const changed = atWrite(5, () => alice('PUT', '/tree/a/late', { body: 'late' }));
    const done = copy('/again');
    expect((await changed) as { status: number }).toMatchObject({ status: 201 });
    expect((await done).status).toBe(201);
    expect((await namesIn('/again')).sort()).toEqual((await namesIn('/tree')).sort());
    expect((await alice('GET', '/again/a/late')).text).toBe('late');
  });

  test('one that never rests is not copied: 409, and nothing is left', async () => {
    const { metadata } = server.engines;
    const write = metadata.write.bind(metadata);
    let count = 0;
    vi.spyOn(metadata, 'write').mockImplementation(async (drives, writing, options) => {
      if (++count % 3 === 0) {
        const node = await server.idOf('alice', '/tree/read.me');
        await write(drives, async (transaction) => {
          const [file] = await transaction.findNodes([node]);
          await transaction.setTimes(file!, { modified: count });
        });
      }
      return write(drives, writing, options);
    });
    const { status, text } = await copy('/never');
    expect([status, text.includes('changed while it was copied')]).toEqual([409, true]);
    expect(await statusOf('/never')).toBe(404);
  });

  test('a client that goes away gives it up, and what was copied is freed', async () => {
    const nodes = async () => (await server.engines.metadata.read([], (view) => view.totals())).nodes;
    const before = await nodes();
    const connection = await server.connect();
    const lost = atWrite(3, async () => {
      connection.close();
      await connection.until(() => false);
    });
    connection.writeHead(
      'COPY /dav/123456/tree HTTP/1.1',
      'Host: x',
      `Authorization: ${authorizationOf('alice')}`,
      `Destination: ${server.urlOf('/lost')}`,
    );
    await lost;
    const { blobs, blobIndex } = server.engines;
    // As an hour later: whatever is held by nobody then is freed.
    const collect = () => collectGarbage({ blobs, blobIndex, now: () => Date.now() + 3_600_000, graceSeconds: 3600 });
    await vi.waitUntil(async () => (await collect()) && !(await blobIndex.purge(1)), { timeout: 30_000 });
    expect([await statusOf('/lost'), await nodes()]).toEqual([404, before]);
    expect(await server.inconsistencies()).toEqual([]);
  });

  test('RFC 6578 — anyone who followed before gets all of it after', async () => {
    const report = (token: string) =>
      alice('REPORT', '/', {
        body: `<sync-collection xmlns="DAV:"><sync-token>${token}</sync-token><sync-level>infinite</sync-level><prop><getetag/></prop></sync-collection>`,
      });
    const tokenOf = (text: string) => /sync-token>([^<]+)</.exec(text)![1]!;
    const follow = async (token: string) => {
      const seen = new Set<string>();
      for (;;) {
        const { text } = await report(token);
        for (const href of hrefsOf(text)) seen.add(href);
        token = tokenOf(text);
        if (!text.includes('number-of-matches-within-limits')) return { seen, token };
      }
    };
    const { token } = await follow('');
    const late = atWrite(5, async () => follow(token));
    const done = copy('/followed');
    const meanwhile = (await late) as { seen: Set<string>; token: string };
    expect((await done).status).toBe(201);
    expect([...meanwhile.seen].filter((href) => href.includes('/followed'))).toEqual([]);
    const wanted = await namesIn('/followed');
    for (const from of [token, meanwhile.token]) {
      const { seen } = await follow(from);
      const found = [...seen].filter((href) => href.includes('/followed'));
      expect(found).toHaveLength(wanted.length);
    }
  });

  test('security 6 — one copy takes so many nodes and no more', async () => {
    const id = await server.idOf('alice', '/tree');
    const [row] = await server.engines.metadata.read([], (view) => view.findNodes([id]));
    expect(isLargeCopy({ ...row!, descendants: COPY_TOGETHER_MAX })).toBe(false);
    expect(isLargeCopy({ ...row!, descendants: COPY_NODES_MAX - 1 })).toBe(true);
    expect(() => isLargeCopy({ ...row!, descendants: COPY_NODES_MAX })).toThrow(/at most 1,000,000/);
  });
});
