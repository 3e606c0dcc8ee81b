import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Answer } from '../support/http-client.js';
import { type DriveRequest, TestServer } from '../support/make-server.js';
import { allOf, askFor, change, hrefsOf, parseAnswer, textIn } from '../support/multistatus.js';

let server: TestServer;
let alice: DriveRequest;
let bob: DriveRequest;
let F = '';
let number = 0;

beforeAll(async () => {
  server = await TestServer.start();
  await server.addMember('bob');
  alice = server.as('alice');
  bob = server.as('bob');
});
beforeEach(async () => {
  F = `/Common%20documents/t${++number}`;
  await bob('MKCOL', F);
});
afterAll(() => server.stop());

const INFO =
  '<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>';
const NO_SUCH = 'opaquelocktoken:00000000-0000-0000-0000-000000000000';

async function lock(path: string, headers = {}): Promise<string> {
  const answer = await bob('LOCK', path, { body: INFO, headers });
  return /^<(.+)>$/.exec(String(answer.headers['lock-token']))?.[1] ?? 'none';
}
const to = (path: string, headers = {}) => ({ headers: { Destination: server.urlOf(path), ...headers } });
const status = async (answer: Promise<Answer>) => (await answer).status;
const put = (path: string, If: string, body = 'x') => status(bob('PUT', path, { body, headers: { If } }));

async function tokensOf(path: string): Promise<string[]> {
  const { text } = await bob('PROPFIND', path, { body: askFor('lockdiscovery'), headers: { Depth: '0' } });
  return allOf(parseAnswer(text), '{DAV:}locktoken').map(textIn);
}

describe('RFC 4918 §10.4 — the If header', () => {
  test('an etag list holds for the present version only', async () => {
    await bob('PUT', `${F}/f`, { body: 'one' });
    const { etag } = (await bob('HEAD', `${F}/f`)).headers;
    expect(await put(`${F}/f`, `([${etag}])`, 'two')).toBe(204);
    expect(await put(`${F}/f`, `([${etag}])`, 'three')).toBe(412);
    expect(await put(`${F}/f`, `(Not [${etag}])`, 'three')).toBe(204);
    expect((await bob('GET', `${F}/f`)).text).toBe('three');
  });

  test('all conditions of a list must hold, and one list is enough', async () => {
    const token = await lock(`${F}/f`);
    await put(`${F}/f`, `(<${token}>)`, 'one');
    const { etag } = (await bob('HEAD', `${F}/f`)).headers;
    expect(await put(`${F}/f`, `(<${token}> ["no"])`)).toBe(412);
    expect(await put(`${F}/f`, `(<${token}> [${etag}])`, 'two')).toBe(204);
    expect(await put(`${F}/f`, `(<${token}> ["no"]) (<${token}> Not ["no"])`, 'three')).toBe(204);
    expect(await put(`${F}/f`, `(<${NO_SUCH}>) (Not <DAV:no-lock>)`)).toBe(423);
    expect(await put(`${F}/f`, `(<${token}>) (Not <DAV:no-lock>)`, 'four')).toBe(204);
  });

  test('a token submitted in a list that is false counts as submitted (§10.4.1)', async () => {
    const token = await lock(`${F}/f`);
    expect(await put(`${F}/f`, `(<${token}> ["no"]) (["no"]) (Not <DAV:no-lock>)`)).toBe(204);
    expect(await put(`${F}/f`, `(Not <${token}>) (Not <DAV:no-lock>)`)).toBe(423);
  });

  test('on a resource that is not locked a token list fails: 412', async () => {
    await bob('PUT', `${F}/f`, { body: '' });
    expect(await put(`${F}/f`, `(<${NO_SUCH}>)`)).toBe(412);
    expect(await put(`${F}/new`, `(<${NO_SUCH}>)`)).toBe(412);
    expect(await status(bob('GET', `${F}/new`))).toBe(404);
    expect(await put(`${F}/new`, '(Not <DAV:no-lock>)')).toBe(201);
  });

  test.each<[string, (path: string) => string]>([
    ['an absolute URL', (path) => server.urlOf(path)],
    ['an absolute path', (path) => `/dav/123456${path}`],
    ['another scheme and host', (path) => `https://proxy.example.org/dav/123456${path}`],
    ["the drive's host", (path) => `https://123456.connect.example.org${path}`],
    ['lower-case hex', (path) => `/dav/123456${path.replace('%20', '%20').replace('%C3', '%c3')}`],
    ['user info', (path) => `http://bob:x@127.0.0.1/dav/123456${path}`],
  ])('a tagged list names its resource by %s', async (_title, form) => {
    const path = `${F}/%C3%BC`;
    const token = await lock(path);
    expect(await put(path, `<${form(path)}> (<${token}>)`)).toBe(204);
  });

  test('a tagged list speaks of its resource, not of the one of the request', async () => {
    const token = await lock(`${F}/a`);
    await bob('PUT', `${F}/b`, { body: 'b' });
    expect(await put(`${F}/b`, `<${server.urlOf(`${F}/a`)}> (<${token}>)`)).toBe(204);
    expect(await put(`${F}/b`, `<${server.urlOf(`${F}/b`)}> (<${token}>)`)).toBe(412);
    expect(await put(`${F}/b`, `<http://elsewhere.example.org/b> (<${token}>)`)).toBe(412);
    expect(await put(`${F}/b`, `<http://elsewhere.example.org/b> (Not <${token}>)`)).toBe(204);
  });

  test('two tags hold the tokens of source and destination (Office saves so, client-requirements 4.2)', async () => {
    const [a, b] = [await lock(`${F}/a`), await lock(`${F}/b`)];
    const one = to(`${F}/b`, { If: `<${server.urlOf(`${F}/a`)}> (<${a}>)` });
    expect(await status(bob('MOVE', `${F}/a`, one))).toBe(423);
    const both = to(`${F}/b`, { If: `<${server.urlOf(`${F}/a`)}> (<${a}>) <${server.urlOf(`${F}/b`)}> (<${b}>)` });
    expect(await status(bob('MOVE', `${F}/a`, both))).toBe(204);
  });

  test('If guards reads and every other method too', async () => {
    await bob('PUT', `${F}/f`, { body: 'f' });
    const headers = { If: '(["no"])' };
    const body = change({ '{urn:x}a': 'b' });
    expect(await status(bob('GET', `${F}/f`, { headers }))).toBe(412);
    expect(await status(bob('PROPFIND', `${F}/f`, { headers }))).toBe(412);
    expect(await status(bob('PROPPATCH', `${F}/f`, { headers, body }))).toBe(412);
    expect(await status(bob('DELETE', `${F}/f`, { headers }))).toBe(412);
    expect(await status(bob('COPY', `${F}/f`, to(`${F}/g`, headers)))).toBe(412);
    expect(await status(bob('MOVE', `${F}/f`, to(`${F}/g`, headers)))).toBe(412);
    expect(await status(bob('LOCK', `${F}/f`, { headers, body: INFO }))).toBe(412);
    expect(await status(bob('MKCOL', `${F}/h`, { headers }))).toBe(412);
    expect(await status(bob('GET', `${F}/f`))).toBe(200);
  });

  test.each(['', '()', '<a>', '(<a>', '(no)', '(<a>) <b> (<c>)', '(Not)', 'x', '([no])'])('%j is 400', async (If) => {
    expect(await put(`${F}/f`, If)).toBe(400);
    expect(await status(bob('GET', `${F}/f`))).toBe(404);
  });

  test('an etag of a collection is good in If', async () => {
    const { text } = await bob('PROPFIND', F, { body: askFor('getetag'), headers: { Depth: '0' } });
    const [etag = ''] = allOf(parseAnswer(text), '{DAV:}getetag').map(textIn);
    const tagged = (path: string) => ({ headers: { If: `<${server.urlOf(F)}> ([${etag}])` }, body: path });
    expect(await status(bob('PUT', `${F}/1`, tagged('1')))).toBe(201);
    expect(await status(bob('PUT', `${F}/2`, tagged('2')))).toBe(412);
  });
});

describe('RFC 4918 §7.6 — locks, COPY and MOVE', () => {
  test('a lock does not move with the file; the old URL is free', async () => {
    const token = await lock(`${F}/a`);
    expect(await status(bob('MOVE', `${F}/a`, to(`${F}/b`, { If: `(<${token}>)` })))).toBe(201);
    expect(await tokensOf(`${F}/b`)).toEqual([]);
    expect(await status(alice('PUT', `${F}/b`, { body: 'x' }))).toBe(204);
    expect(await status(alice('PUT', `${F}/a`, { body: 'x' }))).toBe(201);
    expect(await put(`${F}/a`, `(<${token}>)`)).toBe(412);
  });

  test('nor do the locks inside a folder that moves', async () => {
    await bob('MKCOL', `${F}/d`);
    const token = await lock(`${F}/d/f`);
    const If = `<${server.urlOf(`${F}/d/f`)}> (<${token}>)`;
    expect(await status(bob('MOVE', `${F}/d`, to(`${F}/e`, { If })))).toBe(201);
    expect(await status(alice('PUT', `${F}/e/f`, { body: 'x' }))).toBe(204);
  });

  test('a COPY carries no lock', async () => {
    await lock(`${F}/a`);
    expect(await status(bob('COPY', `${F}/a`, to(`${F}/b`)))).toBe(201);
    expect(await tokensOf(`${F}/b`)).toEqual([]);
  });

  test.each(['COPY', 'MOVE'])(
    '%s over a locked file with its token leaves the destination URL locked',
    async (method) => {
      const token = await lock(`${F}/target`);
      await bob('PUT', `${F}/source`, { body: 'new' });
      const If = `<${server.urlOf(`${F}/target`)}> (<${token}>)`;
      expect(await status(bob(method, `${F}/source`, to(`${F}/target`, { If })))).toBe(204);
      expect(await tokensOf(`${F}/target`)).toEqual([token]);
      expect(await status(alice('PUT', `${F}/target`, { body: 'x' }))).toBe(423);
      expect(await status(bob('UNLOCK', `${F}/target`, { headers: { 'Lock-Token': `<${token}>` } }))).toBe(204);
    },
  );

  test.each(['COPY', 'MOVE'])(
    '%s over a locked folder with its token leaves the destination URL locked',
    async (method) => {
      await bob('MKCOL', `${F}/target`);
      const token = await lock(`${F}/target`);
      await bob('MKCOL', `${F}/source`);
      const If = `<${server.urlOf(`${F}/target`)}> (<${token}>)`;
      expect(await status(bob(method, `${F}/source`, to(`${F}/target`, { If })))).toBe(204);
      expect(await tokensOf(`${F}/target`)).toEqual([token]);
      expect(await status(alice('PUT', `${F}/target/new`, { body: 'x' }))).toBe(423);
    },
  );

  test('what is moved into a deeply locked folder is locked there', async () => {
    await bob('MKCOL', `${F}/d`);
    const token = await lock(`${F}/d`);
    await bob('PUT', `${F}/f`, { body: 'f' });
    const If = `<${server.urlOf(`${F}/d`)}> (<${token}>)`;
    expect(await status(bob('MOVE', `${F}/f`, to(`${F}/d/f`, { If })))).toBe(201);
    expect(await tokensOf(`${F}/d/f`)).toEqual([token]);
    expect(await status(alice('PUT', `${F}/d/f`, { body: 'x' }))).toBe(423);
  });

  test('DELETE ends the locks at and below what goes; the URL is free again', async () => {
    await bob('MKCOL', `${F}/d`);
    const inner = await lock(`${F}/d/f`);
    const If = `<${server.urlOf(`${F}/d/f`)}> (<${inner}>)`;
    expect(await status(bob('DELETE', `${F}/d`, { headers: { If } }))).toBe(204);
    expect(await status(alice('MKCOL', `${F}/d`))).toBe(201);
    expect(await status(alice('PUT', `${F}/d/f`, { body: 'x' }))).toBe(201);
    const restored = { headers: { Destination: server.urlOf(`${F}/back`) } };
    const [, name] = hrefsOf((await bob('PROPFIND', '/Trash', { headers: { Depth: '1' } })).text);
    expect(await status(bob('MOVE', name!.slice('/dav/123456'.length), restored))).toBe(201);
    expect(await tokensOf(`${F}/back/f`)).toEqual([]);
  });
});
