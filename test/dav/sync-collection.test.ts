import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { skipRevisions } from '../../src/engines/sql/revisions.js';
import { SqliteDatabase } from '../../src/engines/sqlite/sqlite-database.js';
import { DRIVE_ID, type DriveRequest, emailOf, TestServer } from '../support/make-server.js';
import { allOf, askFor, change, childrenOf, parseAnswer, parseMultistatus, textIn } from '../support/multistatus.js';
import { MIGRATIONS } from '../support/sqlite-file.js';
import { testOnOneServer } from '../support/tried.js';

let server: TestServer;
let alice: DriveRequest;
beforeAll(async () => {
  server = await TestServer.start();
  await server.addMember('bob');
  alice = server.as('alice');
});
afterAll(() => server.stop());

interface Sync {
  readonly level?: '1' | 'infinite';
  readonly limit?: number;
  readonly headers?: Record<string, string>;
  readonly who?: DriveRequest;
}

function reportOn(folder: string, token: string, { level = 'infinite', limit, headers = {}, who = alice }: Sync = {}) {
  const rows = limit === undefined ? '' : `<D:limit><D:nresults>${limit}</D:nresults></D:limit>`;
  const body =
    `<?xml version="1.0"?><D:sync-collection xmlns:D="DAV:"><D:sync-token>${token}</D:sync-token>` +
    `<D:sync-level>${level}</D:sync-level>${rows}<D:prop><D:getetag/></D:prop></D:sync-collection>`;
  return who('REPORT', folder, { body, headers: { Depth: '0', ...headers } });
}

/** What a report says: hrefs below the folder, `-` before those that are gone, and the token. */
async function sync(folder: string, token: string, options: Sync = {}) {
  const { status, text, headers } = await reportOn(folder, token, options);
  expect([status, text.slice(0, 200)]).toEqual([207, expect.anything()]);
  expect(headers['content-type']).toBe('application/xml; charset=utf-8');
  const own = `/dav/123456${folder}`.replace(/\/*$/, '/');
  let isWhole = true;
  const changes: string[] = [];
  for (const response of parseMultistatus(text)) {
    if (response.status === 507) {
      expect(response.href).toBe(own);
      isWhole = false;
      continue;
    }
    expect(response.href.startsWith(own)).toBe(true);
    const name = decodeURIComponent(response.href.slice(own.length));
    if (response.status === null) {
      expect(textIn(response.props.get('{DAV:}getetag'))).toMatch(/^"[^"]+"$/);
      changes.push(name);
    } else {
      expect([response.status, response.propstats]).toEqual([404, []]);
      changes.push(`-${name}`);
    }
  }
  const [tokenElement, ...more] = childrenOf(parseAnswer(text), '{DAV:}sync-token');
  expect(more).toEqual([]);
  return { changes: changes.sort(), token: textIn(tokenElement), isWhole };
}

async function tokenOf(folder: string, who = alice): Promise<string> {
  const { text } = await who('PROPFIND', folder, { body: askFor('sync-token'), headers: { Depth: '0' } });
  return textIn(parseMultistatus(text)[0]!.props.get('{DAV:}sync-token'));
}

describe('RFC 6578 — sync-collection', () => {
  test('§3.4, §3.8 — an empty token gives everything; each later report gives what changed since', async () => {
    await alice('MKCOL', '/s');
    await alice('MKCOL', '/s/in%20%C3%BC');
    await alice('PUT', '/s/in%20%C3%BC/a&b.txt', { body: 'a' });
    await alice('PUT', '/s/b.txt', { body: 'b' });
    const first = await sync('/s', '');
    expect(first).toMatchObject({ changes: ['b.txt', 'in ü/', 'in ü/a&b.txt'], isWhole: true });
    expect(await sync('/s', first.token)).toEqual({ changes: [], token: first.token, isWhole: true });
    await alice('PUT', '/s/b.txt', { body: 'changed' });
    const second = await sync('/s', first.token);
    expect(second.changes).toEqual(['b.txt']);
    await alice('DELETE', '/s/b.txt');
    await alice('MOVE', '/s/in%20%C3%BC', { headers: { Destination: server.urlOf('/s/out') } });
    await alice('PROPPATCH', '/s/out/a&b.txt', { body: change({ '{urn:x}colour': 'blue' }) });
    const third = await sync('/s', second.token);
    expect(third.changes).toEqual(['-b.txt', '-in ü/', 'out/', 'out/a&b.txt']);
    // Anyone who was away for both sees them together.
    expect((await sync('/s', first.token)).changes).toEqual(third.changes);
    expect(third.token).toBe(await tokenOf('/s'));
  });

  test('§3.3 — sync-level 1 reports members alone; a folder among them when anything below it changed', async () => {
    await alice('MKCOL', '/one');
    await alice('MKCOL', '/one/sub');
    await alice('PUT', '/one/a', { body: 'a' });
    await alice('PUT', '/one/sub/deep', { body: 'd' });
    const first = await sync('/one', '', { level: '1' });
    expect(first.changes).toEqual(['a', 'sub/']);
    await alice('PUT', '/one/sub/deep', { body: 'other' });
    expect((await sync('/one', first.token, { level: '1' })).changes).toEqual(['sub/']);
    await alice('DELETE', '/one/a');
    expect((await sync('/one', first.token, { level: '1' })).changes).toEqual(['-a', 'sub/']);
  });

  test('§3.6 — a limit cuts the answer: 507 with number-of-matches-within-limits, and the token goes on', async () => {
    await alice('MKCOL', '/cut');
    const names = Array.from({ length: 10 }, (_, index) => `f${index}`);
    for (const name of names) await alice('PUT', `/cut/${name}`, { body: name });
    const { text } = await reportOn('/cut', '', { limit: 3 });
    const [condition] = allOf(parseAnswer(text), '{DAV:}number-of-matches-within-limits');
    expect(condition).toBeDefined();
    const seen: string[] = [];
    let token = '';
    for (let rounds = 0, isWhole = false; !isWhole; rounds++) {
      expect(rounds).toBeLessThan(10);
      const page = await sync('/cut', token, { limit: 3 });
      expect(page.changes.length).toBeLessThanOrEqual(3);
      expect(page.token).not.toBe(token);
      // What changes meanwhile comes with a later page.
      if (rounds === 1) await alice('PUT', '/cut/f0', { body: 'newer' });
      seen.push(...page.changes);
      ({ token, isWhole } = page);
    }
    expect(new Set(seen)).toEqual(new Set(names));
    expect(seen.lastIndexOf('f0')).toBeGreaterThan(3);
    expect((await sync('/cut', token)).changes).toEqual([]);
  });

  test('§3.2 — a token that isn’t valid here is 403 with valid-sync-token', async () => {
    await alice('MKCOL', '/t1');
    await alice('MKCOL', '/t2');
    const other = await tokenOf('/t2');
    await server.addDrive({ id: 777_777, name: 'Second' });
    const foreign = await tokenOf('/', server.as('alice', 777_777));
    const own = await tokenOf('/t1');
    const future = own.replace(/\d+$/, (number) => String(Number(number) + 1000));
    await alice('DELETE', '/t2');
    await alice('MKCOL', '/t2');
    const wrong: [string, string][] = [
      ['/t1', 'garbage'],
      ['/t1', 'urn:firn:sync:'],
      ['/t1', `${own}.1`],
      ['/t1', other],
      ['/t1', future],
      ['/', foreign],
      ['/t2', other],
    ];
    for (const [folder, token] of wrong) {
      const { status, text } = await reportOn(folder, token);
      expect([token, status]).toEqual([token, 403]);
      expect(allOf(parseAnswer(text), '{DAV:}valid-sync-token')).toHaveLength(1);
    }
    expect((await reportOn('/t1', own)).status).toBe(207);
  });

  test('§3.2 — other depths, files, no folder, no prop, wrong levels and limits are refused', async () => {
    await alice('MKCOL', '/r');
    await alice('PUT', '/r/f', { body: 'f' });
    for (const depth of ['1', 'infinity']) {
      expect((await reportOn('/r', '', { headers: { Depth: depth } })).status).toBe(400);
    }
    expect((await reportOn('/r/f', '')).status).toBe(403);
    expect((await reportOn('/nowhere', '')).status).toBe(404);
    const send = async (inner: string) => {
      const body = `<D:sync-collection xmlns:D="DAV:">${inner}</D:sync-collection>`;
      return (await alice('REPORT', '/r', { body })).status;
    };
    expect(await send('<D:sync-token/><D:sync-level>1</D:sync-level><D:prop/>')).toBe(207);
    expect(await send('<D:sync-token/><D:sync-level>1</D:sync-level>')).toBe(400);
    expect(await send('<D:sync-level>1</D:sync-level><D:prop/>')).toBe(400);
    expect(await send('<D:sync-token/><D:sync-level>2</D:sync-level><D:prop/>')).toBe(400);
    for (const results of ['0', '-1', 'x', '']) {
      const limit = `<D:limit><D:nresults>${results}</D:nresults></D:limit>`;
      expect(await send(`<D:sync-token/><D:sync-level>1</D:sync-level>${limit}<D:prop/>`)).toBe(400);
    }
    expect((await alice('REPORT', '/r')).status).toBe(400);
    const unknown = await alice('REPORT', '/r', { body: '<D:expand-property xmlns:D="DAV:"/>' });
    expect(unknown.status).toBe(403);
    expect(allOf(parseAnswer(unknown.text), '{DAV:}supported-report')).toHaveLength(1);
  });

  test('§3.2, §4 — supported-report-set and sync-token are properties of every folder, not in allprop', async () => {
    for (const folder of ['/', '/Drive', '/Trash', '/Common%20documents', '/s']) {
      const body = askFor('supported-report-set', 'sync-token');
      const { text } = await alice('PROPFIND', folder, { body, headers: { Depth: '0' } });
      const [response] = parseMultistatus(text);
      expect(allOf(response!.props.get('{DAV:}supported-report-set')!, '{DAV:}sync-collection')).toHaveLength(1);
      const token = textIn(response!.props.get('{DAV:}sync-token'));
      expect(() => new URL(token)).not.toThrow();
      expect((await sync(folder === '/' ? '' : folder, token)).changes).toEqual([]);
    }
    expect((await alice('PROPFIND', '/s', { headers: { Depth: '0' } })).text).not.toContain('sync-token');
    const file = await alice('PROPFIND', '/s/out/a&b.txt', { body: askFor('sync-token'), headers: { Depth: '0' } });
    expect(parseMultistatus(file.text)[0]!.propstats.map(({ status }) => status)).toEqual([200, 404]);
  });

  test('§5 — a sync-token in If makes a write depend on nobody having changed the folder', async () => {
    await alice('MKCOL', '/if');
    const token = await tokenOf('/if');
    const headers = { If: `</dav/123456/if/> (<${token}>)` };
    expect((await alice('PUT', '/if/a', { body: 'a', headers })).status).toBe(201);
    expect((await alice('PUT', '/if/b', { body: 'b', headers })).status).toBe(412);
    expect((await alice('GET', '/if/b')).status).toBe(404);
  });

  test('PRODUCT D1, D2, D4 — the root: the drive’s folder, what all share, and the trash; nothing of others', async () => {
    const bob = server.as('bob');
    const start = await tokenOf('/');
    const bobs = await tokenOf('/', bob);
    await alice('PUT', '/mine.txt', { body: 'mine' });
    await bob('PUT', '/his.txt', { body: 'his' });
    await bob('PUT', '/Common%20documents/ours.txt', { body: 'ours' });
    await alice('DELETE', '/s/out/a&b.txt');
    const seen = await sync('', start);
    expect(seen.changes).toEqual([
      '-Drive/s/out/a&b.txt',
      'Drive/Common documents/ours.txt',
      'Drive/mine.txt',
      'Trash/a&b.txt',
    ]);
    expect((await sync('', bobs, { who: bob })).changes).toEqual(['Drive/Common documents/ours.txt', 'Drive/his.txt']);
    expect((await reportOn('', bobs)).status).toBe(403);
  });

  test('PRODUCT S2 — the folder of a limited app password is followed like any other', async () => {
    await alice('MKCOL', '/limited');
    const scopeId = await server.idOf('alice', '/limited');
    const { authorization } = await server.addAppPassword('alice', { scopeId });
    const device = server.as(authorization);
    const first = await sync('', '', { who: device });
    expect(first.changes).toEqual([]);
    await alice('PUT', '/limited/in.txt', { body: 'x' });
    await alice('PUT', '/outside.txt', { body: 'x' });
    expect((await sync('', first.token, { who: device })).changes).toEqual(['in.txt']);
  });

  testOnOneServer(
    'past A4 — a backup from before a token was restored: the token is not valid, data-fingerprint is another',
    async () => {
      await alice('MKCOL', '/restored');
      const fingerprint = async () => {
        const body = askFor('{http://owncloud.org/ns}data-fingerprint');
        const { text } = await alice('PROPFIND', '/', { body, headers: { Depth: '0' } });
        return textIn(parseMultistatus(text)[0]!.props.get('{http://owncloud.org/ns}data-fingerprint'));
      };
      // past F11 — what is empty counts as unknown to programs, and a first restoration would pass unnoticed.
      expect(await fingerprint()).toBe('0');
      // What a restored storage does not know any more, a client still does.
      const token = (await tokenOf('/restored')).replace(/\d+$/, (number) => String(Number(number) + 7));
      const database = SqliteDatabase.open(path.join(server.config.storage, 'firn.db'), MIGRATIONS);
      await skipRevisions(database, 1000);
      await database.close();
      await alice('PUT', '/restored/new', { body: 'x' });
      expect((await reportOn('/restored', token)).status).toBe(403);
      expect(await fingerprint()).toMatch(/^[1-9]\d*$/);
    },
  );

  test('removals are remembered for a time; a token from before then is not valid, one of a quiet folder is', async () => {
    await alice('MKCOL', '/quiet');
    await alice('MKCOL', '/busy');
    await alice('PUT', '/busy/x', { body: 'x' });
    const [quiet, busy] = [await tokenOf('/quiet'), await tokenOf('/busy')];
    await alice('DELETE', '/busy/x');
    await server.engines.metadata.write([], (transaction) =>
      transaction.changeLog.prune(DRIVE_ID as never, Date.now() + 1000, 1000),
    );
    expect((await reportOn('/busy', busy)).status).toBe(403);
    expect((await sync('/quiet', quiet)).changes).toEqual([]);
    expect((await sync('/busy', await tokenOf('/busy'))).changes).toEqual([]);
  });

  test('Nextcloud’s tree shows its own addresses', async () => {
    const user = encodeURIComponent(emailOf('alice'));
    const tree = `/remote.php/dav/files/${user}`;
    await alice('PUT', `${tree}/cloud.txt`, { body: 'x' });
    const { text } = await reportOn(`${tree}/`, '', { level: '1' });
    const hrefs = parseMultistatus(text).map(({ href }) => href);
    expect(hrefs).toContain(`/dav/123456${tree}/cloud.txt`);
    expect(hrefs.every((href) => href.startsWith(`/dav/123456${tree}/`))).toBe(true);
  });
});
