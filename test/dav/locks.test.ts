import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { LockToken } from '../../src/stores/values.js';
import type { Answer } from '../support/http-client.js';
import { type DriveRequest, TestServer } from '../support/make-server.js';
import {
  allOf,
  askFor,
  change,
  childrenOf,
  hrefsOf,
  parseAnswer,
  parseMultistatus,
  textIn,
} from '../support/multistatus.js';

let server: TestServer;
/** Manager, member, member. */
let alice: DriveRequest;
let bob: DriveRequest;
let dora: DriveRequest;
/** A fresh folder in Common documents, where all three meet. */
let F = '';
let number = 0;

beforeAll(async () => {
  server = await TestServer.start();
  await server.addMember('bob');
  await server.addMember('dora');
  alice = server.as('alice');
  bob = server.as('bob');
  dora = server.as('dora');
});
beforeEach(async () => {
  F = `/Common%20documents/t${++number}`;
  await bob('MKCOL', F);
  await dora('PUT', '/src', { body: 's' });
});
afterAll(() => server.stop());

const info = (scope = 'exclusive', owner = '<D:href>mailto:bob</D:href>') =>
  `<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:${scope}/></D:lockscope><D:locktype><D:write/></D:locktype>` +
  `<D:owner>${owner}</D:owner></D:lockinfo>`;

async function lock(who: DriveRequest, path: string, headers = {}, scope?: string): Promise<string> {
  const answer = await who('LOCK', path, { body: info(scope), headers });
  expect([200, 201]).toContain(answer.status);
  return tokenOf(answer);
}
function tokenOf({ headers }: Answer): string {
  return /^<(opaquelocktoken:[0-9a-f-]{36})>$/.exec(String(headers['lock-token']))?.[1] ?? 'none';
}
const to = (path: string, headers = {}) => ({ headers: { Destination: server.urlOf(path), ...headers } });
const status = async (answer: Promise<Answer>) => (await answer).status;

/** The active locks that a PROPFIND shows for a path: token, depth, and the path of the root. */
async function discover(who: DriveRequest, path: string): Promise<string[][]> {
  const { text } = await who('PROPFIND', path, { body: askFor('lockdiscovery'), headers: { Depth: '0' } });
  return allOf(parseAnswer(text), '{DAV:}activelock').map((active) =>
    ['locktoken', 'depth', 'lockroot'].map((name) => textIn(childrenOf(active, `{DAV:}${name}`)[0])),
  );
}

describe('RFC 4918 §9.10 — LOCK', () => {
  test('an exclusive lock of a file: header, body, lockdiscovery with lockroot, owner and timeout (client-requirements R4)', async () => {
    await bob('PUT', `${F}/a.txt`, { body: 'a' });
    const answer = await bob('LOCK', `${F}/a.txt`, { body: info(), headers: { Depth: '0', Timeout: 'Second-600' } });
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('application/xml; charset=utf-8');
    const [active] = allOf(parseAnswer(answer.text), '{DAV:}activelock');
    const part = (name: string) => childrenOf(active, `{DAV:}${name}`)[0];
    expect(childrenOf(part('lockscope')).map(({ name }) => name)).toEqual(['{DAV:}exclusive']);
    expect(childrenOf(part('locktype')).map(({ name }) => name)).toEqual(['{DAV:}write']);
    expect(textIn(part('depth'))).toBe('0');
    expect(textIn(part('timeout'))).toBe('Second-600');
    expect(textIn(childrenOf(part('owner'), '{DAV:}href')[0])).toBe('mailto:bob');
    expect(textIn(part('locktoken'))).toBe(tokenOf(answer));
    expect(textIn(part('lockroot'))).toBe(`/dav/123456${F}/a.txt`);
    expect(await discover(dora, `${F}/a.txt`)).toEqual([[tokenOf(answer), '0', `/dav/123456${F}/a.txt`]]);
  });

  test('without Depth it is infinity, and covers members and what comes later', async () => {
    const token = await lock(bob, `${F}/`);
    await bob('MKCOL', `${F}/in`, { headers: { If: `(<${token}>)` } });
    expect(await discover(dora, `${F}/in`)).toEqual([[token, 'infinity', `/dav/123456${F}/`]]);
    expect(await status(dora('PUT', `${F}/in/x`, { body: 'x' }))).toBe(423);
    expect(
      await status(bob('PUT', `${F}/in/x`, { body: 'x', headers: { If: `<${server.urlOf(F)}> (<${token}>)` } })),
    ).toBe(201);
  });

  test('shared locks live together, an exclusive one stands alone', async () => {
    await bob('PUT', `${F}/s`, { body: '' });
    const first = await lock(bob, `${F}/s`, {}, 'shared');
    const second = await lock(dora, `${F}/s`, {}, 'shared');
    expect((await discover(alice, `${F}/s`)).map(([token]) => token).sort()).toEqual([first, second].sort());
    const refused = await alice('LOCK', `${F}/s`, { body: info() });
    expect(refused.status).toBe(423);
    expect(refused.text).toContain('no-conflicting-lock');
    expect(await status(bob('PUT', `${F}/s`, { body: 'x', headers: { If: `(<${first}>)` } }))).toBe(204);
    expect(await status(alice('PUT', `${F}/s`, { body: 'y' }))).toBe(423);
    await bob('UNLOCK', `${F}/s`, { headers: { 'Lock-Token': `<${first}>` } });
    expect(await status(dora('PUT', `${F}/s`, { body: 'z', headers: { If: `(<${second}>)` } }))).toBe(204);
  });

  test.each(['Infinite, Second-4100000000', 'Second-99999', 'Infinite'])(
    '%s is cut to the longest time',
    async (Timeout) => {
      const { text } = await bob('LOCK', `${F}/t`, { body: info(), headers: { Timeout } });
      expect(text).toContain('<D:timeout>Second-86400</D:timeout>');
    },
  );

  test('a deep lock is refused where somebody below, or above, has locked', async () => {
    await bob('MKCOL', `${F}/m`);
    const token = await lock(bob, `${F}/m/f`, { Depth: '0' });
    expect(await status(dora('LOCK', F, { body: info() }))).toBe(423);
    expect(await status(dora('LOCK', F, { body: info(), headers: { Depth: '0' } }))).toBe(200);
    await bob('UNLOCK', `${F}/m/f`, { headers: { 'Lock-Token': `<${token}>` } });
    await lock(bob, `${F}/m`);
    expect(await status(dora('LOCK', `${F}/m/f`, { body: info() }))).toBe(423);
  });

  test('Depth 1 is 400; a scope or type that is not known is 422; a lockinfo that is none is 400', async () => {
    expect(await status(bob('LOCK', F, { body: info(), headers: { Depth: '1' } }))).toBe(400);
    expect(await status(bob('LOCK', F, { body: info('intent') }))).toBe(422);
    expect(await status(bob('LOCK', F, { body: info().replace('write', 'read') }))).toBe(422);
    expect(await status(bob('LOCK', F, { body: '<a/>' }))).toBe(400);
    expect(await status(bob('LOCK', F))).toBe(400);
  });

  test("the drive's own folders and the trash can't be locked: 403", async () => {
    for (const path of ['/', '/Drive', '/Trash', '/Common%20documents']) {
      expect(await status(bob('LOCK', path, { body: info() }))).toBe(403);
    }
  });
});

describe('RFC 4918 §7.3, client-requirements R5 — LOCK of an unmapped URL', () => {
  test('makes an empty file that HEAD, GET and PROPFIND find; 409 without parent', async () => {
    const answer = await bob('LOCK', `${F}/new`, { body: info(), headers: { Depth: '0' } });
    expect(answer.status).toBe(201);
    expect((await dora('HEAD', `${F}/new`)).headers['content-length']).toBe('0');
    expect(await status(dora('GET', `${F}/new`))).toBe(200);
    expect(hrefsOf((await dora('PROPFIND', F, { headers: { Depth: '1' } })).text)).toHaveLength(2);
    expect(await status(bob('LOCK', `${F}/no/new`, { body: info() }))).toBe(409);
    await bob('UNLOCK', `${F}/new`, { headers: { 'Lock-Token': `<${tokenOf(answer)}>` } });
    expect(await status(dora('GET', `${F}/new`))).toBe(200);
  });

  test('davfs2: PUT with If-None-Match: * and the token fills the empty file; a stranger with * gets 412', async () => {
    const token = await lock(bob, `${F}/d.txt`, { Depth: '0' });
    const headers = { 'If-None-Match': '*', If: `<${server.urlOf(`${F}/d.txt`)}> (<${token}>)` };
    expect(await status(bob('PUT', `${F}/d.txt`, { body: 'data', headers }))).toBe(204);
    expect(await status(bob('PUT', `${F}/d.txt`, { body: 'again', headers }))).toBe(412);
    expect(await status(bob('PUT', `${F}/empty`, { body: '' }))).toBe(201);
    expect(await status(bob('PUT', `${F}/empty`, { body: 'x', headers: { 'If-None-Match': '*' } }))).toBe(412);
  });

  test('LibreOffice: a new document by LOCK, HEAD, PUT, UNLOCK', async () => {
    const path = `${F}/doc.odt`;
    const ask = { headers: { Depth: '0' }, body: '<propfind xmlns="DAV:"><prop><supportedlock/></prop></propfind>' };
    expect(await status(bob('PROPFIND', path, ask))).toBe(404);
    const token = await lock(bob, path, { Depth: '0', Timeout: 'Second-180' });
    const { text } = await bob('PROPFIND', path, ask);
    expect(allOf(parseAnswer(text), '{DAV:}lockentry')).toHaveLength(2);
    expect(await status(bob('HEAD', path))).toBe(200);
    expect(await status(bob('GET', path, { headers: { Range: 'bytes=0-0' } }))).toBe(200);
    const put = { body: 'odt', headers: { If: `(<${token}>)`, Expect: '100-continue' } };
    expect(await status(bob('PUT', path, put))).toBe(204);
    expect(await status(bob('UNLOCK', path, { headers: { 'Lock-Token': `<${token}>` } }))).toBe(204);
  });
});

describe('RFC 4918 §9.10.2 — refresh and expiry', () => {
  test('faults E3 — a lock that was made while the clock was ahead shows no more time than it was given', async () => {
    await bob('MKCOL', `${F}/ahead`);
    const token = await lock(bob, `${F}/ahead`, { Timeout: 'Second-600' });
    const inAYear = Date.now() + 365 * 86_400_000;
    await server.engines.metadata.write([], (transaction) => transaction.refreshLock(token as LockToken, 600, inAYear));
    const { text } = await bob('PROPFIND', `${F}/ahead`, { headers: { Depth: '0' } });
    expect(text).toContain('Second-600<');
    await bob('UNLOCK', `${F}/ahead`, { headers: { 'Lock-Token': `<${token}>` } });
  });

  test('a LOCK without body and with the token refreshes, also from a member of a deep lock', async () => {
    await bob('PUT', `${F}/r`, { body: '' });
    const token = await lock(bob, F, { Timeout: 'Second-60' });
    for (const path of [F, `${F}/r`]) {
      const answer = await bob('LOCK', path, { headers: { If: `(<${token}>)`, Timeout: 'Second-3600' } });
      expect(answer.status).toBe(200);
      expect(answer.text).toMatch(/Second-3(600|599)</);
      expect(answer.text).toContain(token);
    }
  });

  test("another member can't refresh it, nor anybody an unknown one: 412", async () => {
    const token = await lock(bob, F);
    expect(await status(dora('LOCK', F, { headers: { If: `(<${token}>)` } }))).toBe(412);
    expect(await status(bob('LOCK', F, { headers: { If: '(<opaquelocktoken:no>)' } }))).toBe(412);
  });

  test('an expired lock stands in nobody’s way, is not shown, and its token counts no more', async () => {
    await bob('PUT', `${F}/e`, { body: '' });
    const token = await lock(bob, `${F}/e`);
    await server.expireLock(token);
    expect(await discover(bob, `${F}/e`)).toEqual([]);
    expect(await status(dora('PUT', `${F}/e`, { body: 'x' }))).toBe(204);
    expect(await status(bob('PUT', `${F}/e`, { body: 'x', headers: { If: `(<${token}>)` } }))).toBe(412);
    expect(await status(bob('LOCK', `${F}/e`, { headers: { If: `(<${token}>)` } }))).toBe(412);
    expect(await status(dora('LOCK', `${F}/e`, { body: info() }))).toBe(200);
  });

  test('a lock survives a restart of the server', async () => {
    const token = await lock(bob, `${F}/kept`);
    await server.restart();
    expect(await discover(dora, `${F}/kept`)).toEqual([[token, '0', `/dav/123456${F}/kept`]]);
    expect(await status(dora('PUT', `${F}/kept`, { body: 'x' }))).toBe(423);
    expect(await status(bob('PUT', `${F}/kept`, { body: 'x', headers: { If: `(<${token}>)` } }))).toBe(204);
  });
});

describe('RFC 4918 §7 — what a lock keeps others from', () => {
  const patch = { body: change({ '{urn:x}a': 'b' }) };
  test.each<[string, (file: string) => Promise<Answer>]>([
    ['PUT', (file) => dora('PUT', file, { body: 'x' })],
    ['chunked PUT', (file) => dora('PUT', file, { body: [Buffer.alloc(40_000)] })],
    ['DELETE', (file) => dora('DELETE', file)],
    ['PROPPATCH', (file) => dora('PROPPATCH', file, patch)],
    ['LOCK', (file) => dora('LOCK', file, { body: info() })],
    ['MOVE from', (file) => dora('MOVE', file, to('/mine'))],
    ['MOVE over', (file) => dora('MOVE', '/src', to(file))],
    ['COPY over', (file) => dora('COPY', '/src', to(file))],
  ])('%s meets 423 on a locked file, by its own lock or a deep one far above', async (_title, work) => {
    await bob('MKCOL', `${F}/x`);
    await bob('MKCOL', `${F}/x/y`);
    await bob('PUT', `${F}/x/y/f`, { body: 'old' });
    for (const root of [`${F}/x/y/f`, F]) {
      const token = await lock(bob, root);
      const answer = await work(`${F}/x/y/f`);
      expect(answer.status).toBe(423);
      expect(answer.text).toContain(`<D:href>/dav/123456${root}`);
      expect((await dora('GET', `${F}/x/y/f`)).text).toBe('old');
      await bob('UNLOCK', root, { headers: { 'Lock-Token': `<${token}>` } });
    }
  });

  test.each<[string, (folder: string) => Promise<Answer>]>([
    ['PUT of a new member', (folder) => dora('PUT', `${folder}/new`, { body: 'x' })],
    ['MKCOL', (folder) => dora('MKCOL', `${folder}/new`)],
    ['LOCK of a new member', (folder) => dora('LOCK', `${folder}/new`, { body: info() })],
    ['COPY into', (folder) => dora('COPY', '/src', to(`${folder}/new`))],
    ['MOVE into', (folder) => dora('MOVE', '/src', to(`${folder}/new`))],
    ['MOVE out', (folder) => dora('MOVE', `${folder}/old`, to('/out'))],
    ['DELETE of a member', (folder) => dora('DELETE', `${folder}/old`)],
  ])('%s meets 423 in a folder that is locked, with depth 0 too (§7.4)', async (_title, work) => {
    await bob('PUT', `${F}/old`, { body: 'old' });
    for (const Depth of ['0', 'infinity']) {
      const token = await lock(bob, F, { Depth });
      expect((await work(F)).status).toBe(423);
      await bob('UNLOCK', F, { headers: { 'Lock-Token': `<${token}>` } });
    }
    expect(hrefsOf((await bob('PROPFIND', F, { headers: { Depth: '1' } })).text)).toHaveLength(2);
  });

  test('a depth 0 lock leaves the content of members free (§7.4)', async () => {
    await bob('PUT', `${F}/old`, { body: 'old' });
    await lock(bob, F, { Depth: '0' });
    expect(await status(dora('PUT', `${F}/old`, { body: 'x' }))).toBe(204);
    expect(await status(dora('PROPPATCH', `${F}/old`, patch))).toBe(207);
  });

  test('a folder that holds somebody’s locked file is neither deleted, moved, nor replaced', async () => {
    await bob('MKCOL', `${F}/a`);
    await bob('MKCOL', `${F}/a/b`);
    await lock(bob, `${F}/a/b/f`);
    await dora('MKCOL', '/folder');
    expect(await status(dora('DELETE', `${F}/a`))).toBe(423);
    expect(await status(dora('MOVE', `${F}/a`, to('/a')))).toBe(423);
    expect(await status(dora('COPY', '/folder', to(`${F}/a`)))).toBe(423);
    expect(await status(dora('COPY', `${F}/a`, to('/copy-is-fine')))).toBe(201);
    expect(await discover(dora, '/copy-is-fine/b/f')).toEqual([]);
  });

  test('holding the lock is not enough: the same user without the token gets 423', async () => {
    const token = await lock(bob, `${F}/f`);
    expect(await status(bob('PUT', `${F}/f`, { body: 'x' }))).toBe(423);
    expect(await status(bob('PUT', `${F}/f`, { body: 'x', headers: { 'Lock-Token': `<${token}>` } }))).toBe(204);
    expect(await status(dora('PUT', `${F}/f`, { body: 'x', headers: { 'Lock-Token': `<${token}>` } }))).toBe(423);
    expect(await status(dora('PUT', `${F}/f`, { body: 'x', headers: { If: `(<${token}>)` } }))).toBe(423);
  });

  test('a lock taken through an alias holds under every other name of the file', async () => {
    await alice('PUT', '/aliased', { body: 'x' });
    const token = await lock(alice, '/Drive/aliased');
    expect(await status(alice('PUT', '/aliased', { body: 'y' }))).toBe(423);
    expect(await discover(alice, '/aliased')).toEqual([[token, '0', '/dav/123456/aliased']]);
    const headers = { Host: '123456.connect.example.org' };
    expect((await server.send('PUT', '/aliased', { user: 'alice', body: 'y', headers })).status).toBe(423);
    const If = `<http://123456.connect.example.org/aliased> (<${token}>)`;
    expect(await status(alice('PUT', '/Drive/aliased', { body: 'y', headers: { If } }))).toBe(204);
    expect(await status(alice('DELETE', '/aliased', { headers: { If } }))).toBe(204);
  });
});

describe('RFC 4918 §9.11 — UNLOCK', () => {
  test.each(['<TOKEN>', 'TOKEN', ' <TOKEN> '])('takes the token as %j (client-requirements R6)', async (form) => {
    const token = await lock(bob, `${F}/u`);
    const headers = { 'Lock-Token': form.replace('TOKEN', token) };
    expect(await status(bob('UNLOCK', `${F}/u`, { headers }))).toBe(204);
    expect(await discover(bob, `${F}/u`)).toEqual([]);
    expect(await status(bob('UNLOCK', `${F}/u`, { headers }))).toBe(409);
  });

  test('without token 400; of another URL 409', async () => {
    const token = await lock(bob, `${F}/u`);
    expect(await status(bob('UNLOCK', `${F}/u`))).toBe(400);
    await bob('PUT', `${F}/other`, { body: '' });
    const answer = await bob('UNLOCK', `${F}/other`, { headers: { 'Lock-Token': `<${token}>` } });
    expect(answer.status).toBe(409);
    expect(answer.text).toContain('lock-token-matches-request-uri');
  });

  test("another member's lock is 403; a manager of the drive may take it away", async () => {
    const token = await lock(bob, `${F}/u`);
    expect(await status(dora('UNLOCK', `${F}/u`, { headers: { 'Lock-Token': `<${token}>` } }))).toBe(403);
    expect(await discover(dora, `${F}/u`)).toHaveLength(1);
    expect(await status(alice('UNLOCK', `${F}/u`, { headers: { 'Lock-Token': `<${token}>` } }))).toBe(204);
  });

  test('through a member of a deep lock it removes the whole lock', async () => {
    await bob('PUT', `${F}/u`, { body: '' });
    const token = await lock(bob, F);
    expect(await status(bob('UNLOCK', `${F}/u`, { headers: { 'Lock-Token': `<${token}>` } }))).toBe(204);
    expect(await status(dora('PUT', `${F}/u`, { body: 'x' }))).toBe(204);
  });
});

describe('lockdiscovery in listings', () => {
  test('each member shows the locks that cover it; nothing else has an href (client-requirements R21)', async () => {
    await bob('MKCOL', `${F}/d`);
    await bob('PUT', `${F}/free`, { body: '' });
    const deep = await lock(bob, `${F}/d`);
    await bob('PUT', `${F}/d/in`, { body: '', headers: { If: `(<${deep}>)` } });
    const { text } = await dora('PROPFIND', F, { headers: { Depth: 'infinity' }, body: askFor('lockdiscovery') });
    const shown = parseMultistatus(text).map(({ href, props }) => [
      href.split(F)[1],
      textIn(props.get('{DAV:}lockdiscovery')).includes(deep),
    ]);
    expect(shown).toEqual([
      ['/', false],
      ['/d/', true],
      ['/free', false],
      ['/d/in', true],
    ]);
    const named = await dora('PROPFIND', F, { headers: { Depth: '1' }, body: askFor('getetag', 'resourcetype') });
    expect(allOf(parseAnswer(named.text), '{DAV:}href')).toHaveLength(3);
  });
});
