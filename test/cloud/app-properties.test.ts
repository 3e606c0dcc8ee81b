import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DRIVE_ID, DRIVE_NAME, type DriveRequest, emailOf, TestServer } from '../support/make-server.js';
import { askFor, change, hrefsOf, parseMultistatus, type ResponsePart, textIn } from '../support/multistatus.js';
import { isOnCluster } from '../support/tried.js';

const OC = '{http://owncloud.org/ns}';
const NC = '{http://nextcloud.org/ns}';
const USER = encodeURIComponent(emailOf('alice'));
const FILES = `/remote.php/dav/files/${USER}`;
let server: TestServer;
let alice: DriveRequest;

beforeAll(async () => {
  server = await TestServer.start();
  await server.addMember('bob');
  alice = server.as('alice');
});
afterAll(() => server.stop());

describe('client I — what lies inside a deleted folder tells where it was', () => {
  const PLACE = ['trashbin-original-location', 'trashbin-filename', 'trashbin-deletion-time'].map((name) => NC + name);
  const placeOf = ({ props }: ResponsePart) => PLACE.slice(0, 2).map((name) => textIn(props.get(name)));

  test('at every depth, by Depth 0, 1 and infinity, in the bin and in the drive’s own trash', async () => {
    await alice('MKCOL', '/outer');
    await alice('MKCOL', '/outer/gone');
    await alice('MKCOL', '/outer/gone/sub');
    await alice('PUT', '/outer/gone/sub/%C3%BC%20&%20b.txt', { body: 'x' });
    await alice('DELETE', '/outer/gone');
    const inside = [
      ['outer/gone', 'gone'],
      ['outer/gone/sub', 'sub'],
      ['outer/gone/sub/ü & b.txt', 'ü & b.txt'],
    ];
    for (const bin of [`/remote.php/dav/trashbin/${USER}/trash`, '/Trash']) {
      const list = async (path: string, depth: string) => {
        const answer = await alice('PROPFIND', bin + path, { headers: { Depth: depth }, body: askFor(...PLACE) });
        return parseMultistatus(answer.text);
      };
      expect((await list('/', 'infinity')).slice(1).map(placeOf)).toEqual(inside);
      expect((await list('/gone', '1')).map(placeOf)).toEqual(inside.slice(0, 2));
      expect((await list('/gone/sub/', '1')).map(placeOf)).toEqual(inside.slice(1));
      const [file] = await list('/gone/sub/%C3%BC%20%26%20b.txt', '0');
      const [top] = await list('/gone', '0');
      expect(placeOf(file!)).toEqual(inside[2]);
      const time = textIn(top!.props.get(PLACE[2]!));
      expect(Number(time)).toBeGreaterThan(0);
      expect(textIn(file!.props.get(PLACE[2]!))).toBe(time);
    }
  });

  test('a part of a deleted tree still can not be restored by itself', async () => {
    const { status } = await alice('MOVE', `/remote.php/dav/trashbin/${USER}/trash/gone/sub`, {
      headers: { Destination: server.urlOf(`/remote.php/dav/trashbin/${USER}/restore/sub`) },
    });
    expect(status).toBe(403);
  });
});

describe('client J — allprop tells the quota in the cloud’s trees, and not at the drive’s own address', () => {
  const QUOTA = ['{DAV:}quota-available-bytes', '{DAV:}quota-used-bytes'];

  test.each([
    ['no body', undefined],
    ['allprop', '<D:propfind xmlns:D="DAV:"><D:allprop/></D:propfind>'],
  ])('%s', async (_what, body) => {
    await alice('MKCOL', '/q');
    await alice('PUT', '/q/f', { body: 'x' });
    for (const [path, isTold] of [
      [`${FILES}/q`, true],
      ['/remote.php/webdav/q', true],
      ['/q', false],
      [`/${DRIVE_NAME}/q`, false],
    ] as const) {
      const { text } = await alice('PROPFIND', path, {
        headers: { Depth: '1' },
        ...(body === undefined ? {} : { body }),
      });
      const [folder, file] = parseMultistatus(text);
      // How much room an object storage has nobody knows.
      expect(QUOTA.map((name) => folder!.props.has(name))).toEqual([isTold && !isOnCluster, isTold]);
      expect(QUOTA.map((name) => file!.props.has(name))).toEqual([false, false]);
      expect(folder!.propstats).toHaveLength(1);
    }
  });
});

describe('client K — favourites', () => {
  const report = (path: string, who: DriveRequest = alice, value = '1', prop = '<d:getetag/><oc:favorite/>') =>
    who('REPORT', path, {
      body: `<oc:filter-files xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns"><d:prop>${prop}</d:prop><oc:filter-rules><oc:favorite>${value}</oc:favorite></oc:filter-rules></oc:filter-files>`,
    });
  const mark = (path: string, value: string | null, who: DriveRequest = alice) =>
    who('PROPPATCH', path, { body: change({ [`${OC}favorite`]: value }) });

  test('oc:favorite is 0 until it is set, and after it is removed', async () => {
    await alice('PUT', '/liked', { body: 'x' });
    const value = async () => {
      const { text } = await alice('PROPFIND', `${FILES}/liked`, {
        headers: { Depth: '0' },
        body: askFor(`${OC}favorite`),
      });
      const [part] = parseMultistatus(text);
      expect(part!.propstats).toHaveLength(1);
      return textIn(part!.props.get(`${OC}favorite`));
    };
    expect(await value()).toBe('0');
    await mark('/liked', '1');
    expect(await value()).toBe('1');
    await mark('/liked', null);
    expect(await value()).toBe('0');
    expect((await alice('PROPFIND', '/liked', { headers: { Depth: '0' } })).text).not.toContain('favorite');
  });

  test('filter-files answers with the favourites below a folder: no other’s, nothing deleted, nothing unset', async () => {
    const bob = server.as('bob');
    for (const path of ['/k', '/k/sub', '/k/sub/deep', '/k/dead']) await alice('MKCOL', path);
    for (const path of ['/k/one', '/k/sub/deep/two', '/k/plain', '/k/unset', '/k/dead/three']) {
      await alice('PUT', path, { body: 'x' });
    }
    for (const path of ['/k/one', '/k/sub', '/k/sub/deep/two', '/k/dead/three']) await mark(path, '1');
    await mark('/k/unset', '0');
    await alice('PROPPATCH', '/k/plain', { body: change({ '{urn:x}favorite': '1' }) });
    await alice('DELETE', '/k/dead');
    await bob('PUT', '/secret', { body: 'x' });
    await mark('/secret', '1', bob);
    await bob('PUT', '/Common%20documents/shared', { body: 'x' });
    await mark('/Common%20documents/shared', '1', bob);
    const ours = ['one', 'sub/', 'sub/deep/two'];
    const under = (base: string, names: string[]) => names.map((name) => `/dav/${DRIVE_ID}${base}${name}`).sort();
    const seen = async (path: string) => hrefsOf((await report(path)).text).sort();
    const base = decodeURIComponent(FILES);
    expect(await seen(`${FILES}/k`)).toEqual(under(`${base}/k/`, ours));
    expect(await seen(`${FILES}/k/sub/`)).toEqual(under(`${base}/k/sub/`, ['deep/two']));
    const all = ['k/one', 'k/sub/', 'k/sub/deep/two', 'Common documents/shared'];
    expect(await seen(`${FILES}/`)).toEqual(under(`${base}/`, all));
    expect(await seen('/')).toEqual(under(`/${DRIVE_NAME}/`, all));
    const [part] = parseMultistatus((await report('/k')).text);
    expect([...part!.props.keys()]).toEqual(['{DAV:}getetag', `${OC}favorite`]);
  });

  test('a password limited to a folder sees those of the folder', async () => {
    const scopeId = await server.idOf('alice', '/k/sub');
    const { authorization } = await server.addAppPassword('alice', { scopeId });
    const { text } = await report('/', server.as(authorization));
    expect(hrefsOf(text)).toEqual([`/dav/${DRIVE_ID}/deep/two`]);
  });

  test('other rules are 400 with a sentence, a file has no members: 403', async () => {
    expect((await report('/k', alice, '0')).status).toBe(400);
    const tags = await alice('REPORT', '/k', {
      body: '<oc:filter-files xmlns:oc="http://owncloud.org/ns"><oc:filter-rules><oc:systemtag>1</oc:systemtag></oc:filter-rules></oc:filter-files>',
    });
    expect([tags.status, tags.text.includes('oc:favorite')]).toEqual([400, true]);
    expect((await report('/k/one')).status).toBe(403);
    expect((await report('/none')).status).toBe(404);
  });

  test('what is asked for is bounded as in a listing', async () => {
    const names = Array.from({ length: 17 }, (_, index) => `<x:a${index} xmlns:x="${'n'.repeat(1000)}"/>`).join('');
    expect((await report('/k', alice, '1', names)).status).toBe(400);
  });

  test('a thousand and more with properties come in pages', async () => {
    await alice('MKCOL', '/many');
    const id = await server.idOf('alice', '/many');
    await server.engines.metadata.write([], async (transaction) => {
      const [folder] = await transaction.findNodes([id]);
      for (let index = 0; index < 1100; index++) {
        const node = await transaction.insertNode(
          { driveId: folder!.driveId, parentId: id, name: `f${index}`, content: null, modified: 0, created: 0 },
          0,
        );
        const xml = index % 100 === 99 ? '<favorite xmlns="x">1</favorite>' : '<favorite xmlns="x">0</favorite>';
        await transaction.setProperties(node, [{ namespace: 'http://owncloud.org/ns', name: 'favorite', xml }]);
      }
    });
    const answer = await report('/many');
    expect(answer.headers['transfer-encoding']).toBe('chunked');
    const expected = Array.from({ length: 11 }, (_, index) => `/dav/${DRIVE_ID}/many/f${index * 100 + 99}/`);
    expect(hrefsOf(answer.text)).toEqual(expected);
  });
});
