import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DEPTH_MAX } from '../../src/drive/names.js';
import type { NodeId } from '../../src/stores/values.js';
import { type DriveRequest, TestServer } from '../support/make-server.js';
import { askFor, hrefsOf } from '../support/multistatus.js';

let server: TestServer;
let alice: DriveRequest;
beforeAll(async () => {
  server = await TestServer.start();
  alice = server.as('alice');
});
afterAll(() => server.stop());

const send = (method: string, from: string, path: string) =>
  alice(method, from, { headers: { Destination: server.urlOf(path) } });

/** Folders one in the other, by no request. Returns the path of the last one. */
async function nest(path: string, levels: number): Promise<string> {
  await alice('MKCOL', path);
  let parentId = (await server.idOf('alice', path)) as NodeId;
  await server.engines.metadata.write([], async (transaction) => {
    const [top] = await transaction.findNodes([parentId]);
    const { driveId } = top!;
    for (let level = 1; level < levels; level++) {
      const place = { driveId, parentId, name: 'd', content: null, modified: 1, created: 1 };
      parentId = (await transaction.insertNode(place, 1)).id;
    }
  });
  return `${path}${'/d'.repeat(levels - 1)}`;
}

describe('security 12 — no tree becomes deeper than addresses', () => {
  test.each(['MOVE', 'COPY'])('%s of a tree to a place where its end would be too deep is 409', async (method) => {
    const end = await nest(`/x${method}`, 200);
    await nest(`/y${method}`, 100);
    expect((await send(method, `/y${method}`, `${end}/y`)).status).toBe(409);
    expect((await send(method, `/y${method}`, `/x${method}${'/d'.repeat(100)}/y`)).status).toBe(201);
  });

  test('as deep as addresses go is fine, also the long one; one more is not', async () => {
    await nest('/top', 100);
    // The drive's own folder counts: /Drive/place/…
    const end = await nest('/place', DEPTH_MAX - 1 - 100);
    expect((await send('COPY', '/top', `${end}/fits`)).status).toBe(201);
    const deepest = `/Drive${end}/fits${'/d'.repeat(99)}`;
    expect((await alice('PROPFIND', deepest, { headers: { Depth: '0' } })).status).toBe(207);
    expect((await send('MOVE', '/place', '/top/place')).status).toBe(409);
    expect((await send('MOVE', '/place', '/renamed')).status).toBe(201);
  });

  test('out of the trash, too; into it always', async () => {
    await nest('/deep', 200);
    expect((await alice('DELETE', '/deep')).status).toBe(204);
    const end = await nest('/lower', 100);
    expect((await send('MOVE', '/Trash/deep', `${end}/deep`)).status).toBe(409);
    expect((await send('MOVE', '/Trash/deep', '/deep')).status).toBe(201);
  });

  test('a tree that is too deep already is listed as deep as addresses go', async () => {
    await nest('/old', 600);
    const { text } = await alice('PROPFIND', '/old', { headers: { Depth: 'infinity' }, body: askFor('getetag') });
    const hrefs = hrefsOf(text);
    expect(Math.max(...hrefs.map((href) => href.split('/').filter((name) => name !== '').length))).toBe(DEPTH_MAX + 2);
    const report = await alice('REPORT', '/old', {
      body: '<sync-collection xmlns="DAV:"><sync-token/><sync-level>infinite</sync-level><prop><getetag/></prop></sync-collection>',
    });
    expect(hrefsOf(report.text).length).toBeLessThanOrEqual(DEPTH_MAX);
    expect((await send('MOVE', '/old/d/d', '/rescued')).status).toBe(201);
  });
});
