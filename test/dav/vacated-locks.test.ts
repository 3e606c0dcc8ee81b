import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { SqlStoreTransaction } from '../../src/engines/sql/sql-store-transaction.js';
import type { Answer } from '../support/http-client.js';
import { type DriveRequest, TestServer } from '../support/make-server.js';
import { allOf, askFor, parseAnswer, textIn } from '../support/multistatus.js';
import { testOnOneServer } from '../support/tried.js';

let server: TestServer;
let alice: DriveRequest;
let bob: DriveRequest;
/** A fresh folder in Common documents with the document, and the token of bob's lock on it. */
let F = '';
let token = '';
let number = 0;
/** How far the server's clock is ahead, in milliseconds. */
let ahead = 0;

beforeAll(async () => {
  const { now } = Date;
  vi.spyOn(Date, 'now').mockImplementation(() => now() + ahead);
  server = await TestServer.start();
  await server.addMember('bob');
  alice = server.as('alice');
  bob = server.as('bob');
});
beforeEach(async () => {
  F = `/Common%20documents/t${++number}`;
  await bob('MKCOL', F);
  await bob('PUT', `${F}/d.docx`, { body: 'old' });
  token = await lock('d.docx');
});
afterAll(() => {
  vi.restoreAllMocks();
  return server.stop();
});

async function lock(name: string): Promise<string> {
  const body =
    '<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype>' +
    '<D:owner>bob’s Word</D:owner></D:lockinfo>';
  const answer = await bob('LOCK', `${F}/${name}`, { body, headers: { Timeout: 'Second-3600' } });
  return /^<(.+)>$/.exec(String(answer.headers['lock-token']))?.[1] ?? 'none';
}

const status = async (answer: Promise<Answer>) => (await answer).status;
/** A tagged list of the If header. */
const says = (name: string, lockToken: string) => `<${server.urlOf(`${F}/${name}`)}> (<${lockToken}>)`;
const put = (who: DriveRequest, name: string, headers = {}, body = 'new') =>
  status(who('PUT', `${F}/${name}`, { body, headers }));
const move = (who: DriveRequest, from: string, to: string, headers = {}, method = 'MOVE') =>
  status(who(method, `${F}/${from}`, { headers: { Destination: server.urlOf(`${F}/${to}`), ...headers } }));
const remove = (who: DriveRequest, name: string, headers = {}) => status(who('DELETE', `${F}/${name}`, { headers }));

/** The locks of a resource: token, owner and seconds left of each. */
async function locksOf(name: string): Promise<string[][]> {
  const { text } = await bob('PROPFIND', `${F}/${name}`, { body: askFor('lockdiscovery'), headers: { Depth: '0' } });
  return allOf(parseAnswer(text), '{DAV:}activelock').map((active) =>
    ['locktoken', 'owner', 'timeout'].map((part) => textIn(allOf(active, `{DAV:}${part}`)[0])),
  );
}

describe('client-requirements 4.2 row 10, RFC 4918 §7.6 — Office saves by renaming', () => {
  test('the transcript: PUT of a temporary file, two MOVEs, DELETE; the URL is locked again, by the same lock', async () => {
    expect(await put(bob, '1234.tmp')).toBe(201);
    expect(await move(bob, 'd.docx', '5678.tmp', { If: `(<${token}>)` })).toBe(201);
    // RFC 4918 §7.6: the lock didn't move along.
    expect(await locksOf('5678.tmp')).toEqual([]);
    expect(await move(bob, '1234.tmp', 'd.docx', { If: says('d.docx', token) })).toBe(201);
    expect(await remove(bob, '5678.tmp')).toBe(204);
    const [[shown, owner, timeout] = [], ...others] = await locksOf('d.docx');
    expect([shown, owner, others]).toEqual([token, 'bob’s Word', []]);
    expect(Number(timeout!.slice('Second-'.length))).toBeGreaterThan(3500);
    expect((await alice('GET', `${F}/d.docx`)).text).toBe('new');
    // Office goes on with its token; others stay out until it unlocks.
    expect(await put(alice, 'd.docx')).toBe(423);
    expect(await put(bob, 'd.docx', { If: `(<${token}>)` }, 'newer')).toBe(204);
    expect(await status(bob('LOCK', `${F}/d.docx`, { headers: { If: `(<${token}>)` } }))).toBe(200);
    expect(await status(bob('UNLOCK', `${F}/d.docx`, { headers: { 'Lock-Token': `<${token}>` } }))).toBe(204);
    expect(await put(alice, 'd.docx')).toBe(204);
  });

  test.each<[string, (own: string) => string]>([
    ['both tokens, the source first', (own) => `${says('1234.tmp', own)} ${says('d.docx', token)}`],
    ['both tokens, the destination first', (own) => `${says('d.docx', token)} ${says('1234.tmp', own)}`],
    ['both tokens without tags (RFC 2518 §9.4.1.1)', (own) => `(<${own}>) (<${token}>)`],
  ])('the temporary file is locked too: %s', async (_title, ifHeader) => {
    const own = await lock('1234.tmp');
    expect(await put(bob, '1234.tmp', { If: `(<${own}>)` })).toBe(204);
    expect(await move(bob, 'd.docx', '5678.tmp', { If: says('d.docx', token) })).toBe(201);
    expect(await move(bob, '1234.tmp', 'd.docx', { If: ifHeader(own) })).toBe(201);
    expect((await locksOf('d.docx')).map(([shown]) => shown)).toEqual([token]);
  });

  test('the old file is deleted before the new one comes; the token without a tag', async () => {
    await put(bob, '1234.tmp');
    expect(await move(bob, 'd.docx', '5678.tmp', { If: `(<${token}>)` })).toBe(201);
    expect(await remove(bob, '5678.tmp')).toBe(204);
    expect(await move(bob, '1234.tmp', 'd.docx', { If: `(<${token}>)` })).toBe(201);
    expect((await locksOf('d.docx')).map(([shown]) => shown)).toEqual([token]);
  });

  test('KeePass: DELETE of the locked file, then MOVE of .tmp to its name', async () => {
    await put(bob, 'd.docx.tmp');
    expect(await remove(bob, 'd.docx', { If: `(<${token}>)` })).toBe(204);
    expect(await move(bob, 'd.docx.tmp', 'd.docx', { If: says('d.docx', token) })).toBe(201);
    expect((await locksOf('d.docx')).map(([shown]) => shown)).toEqual([token]);
  });

  test.each<[string, () => Promise<number>]>([
    ['PUT', () => put(bob, 'd.docx', { If: `(<${token}>)` })],
    ['PUT with Lock-Token alone (client-requirements R6)', () => put(bob, 'd.docx', { 'Lock-Token': `<${token}>` })],
    ['COPY', () => move(bob, 'x', 'd.docx', { If: says('d.docx', token) }, 'COPY')],
    ['MOVE back', () => move(bob, '5678.tmp', 'd.docx', { If: says('d.docx', token) })],
  ])('%s to the old name takes up the lock as well', async (_title, refill) => {
    await put(bob, 'x');
    await move(bob, 'd.docx', '5678.tmp', { If: `(<${token}>)` });
    expect(await refill()).toBe(201);
    expect((await locksOf('d.docx')).map(([shown]) => shown)).toEqual([token]);
    expect(await put(alice, 'd.docx')).toBe(423);
  });

  test('two saves in a row', async () => {
    for (const text of ['one', 'two']) {
      await put(bob, '1234.tmp', {}, text);
      expect(await move(bob, 'd.docx', '5678.tmp', { If: `(<${token}>)` })).toBe(201);
      expect(await move(bob, '1234.tmp', 'd.docx', { If: says('d.docx', token) })).toBe(201);
      expect(await remove(bob, '5678.tmp')).toBe(204);
      expect((await locksOf('d.docx')).map(([shown]) => shown)).toEqual([token]);
    }
  });

  test('it outlives a restart between the two MOVEs', async () => {
    await put(bob, '1234.tmp');
    await move(bob, 'd.docx', '5678.tmp', { If: `(<${token}>)` });
    await server.restart();
    expect(await move(bob, '1234.tmp', 'd.docx', { If: says('d.docx', token) })).toBe(201);
    expect((await locksOf('d.docx')).map(([shown]) => shown)).toEqual([token]);
  });
});

describe('RFC 4918 §6.1, §7.6 — what is vacated locks nobody out', () => {
  beforeEach(async () => {
    await put(bob, '1234.tmp');
    await move(bob, 'd.docx', '5678.tmp', { If: `(<${token}>)` });
  });
  const second = () => move(bob, '1234.tmp', 'd.docx', { If: says('d.docx', token) });

  test.each<[string, () => Promise<number>, number]>([
    ['PUT', () => put(alice, 'd.docx', {}, 'hers'), 201],
    ['MKCOL', () => status(alice('MKCOL', `${F}/d.docx`)), 201],
    ['COPY', () => move(alice, '5678.tmp', 'd.docx', {}, 'COPY'), 201],
  ])('somebody else’s %s wins the name: the token counts no more, their file stays', async (_title, race, expected) => {
    expect(await race()).toBe(expected);
    expect(await locksOf('d.docx')).toEqual([]);
    expect(await second()).toBe(412);
    expect(await put(bob, 'd.docx', { If: `(<${token}>)` })).toBe(412);
    expect(await locksOf('d.docx')).toEqual([]);
  });

  test('somebody else who has the token has nothing', async () => {
    expect(await put(alice, 'd.docx', { If: `(<${token}>)` })).toBe(412);
    expect(await put(alice, 'd.docx', { 'Lock-Token': `<${token}>` })).toBe(201);
    expect(await locksOf('d.docx')).toEqual([]);
  });

  test('the token counts at that name alone', async () => {
    expect(await put(bob, 'other', { If: `(<${token}>)` })).toBe(412);
    expect(await move(bob, '1234.tmp', 'other', { If: says('other', token) })).toBe(412);
    expect(await move(bob, '1234.tmp', 'other', { 'Lock-Token': `<${token}>` })).toBe(201);
    expect(await locksOf('other')).toEqual([]);
  });

  test('who comes without the token gets no lock', async () => {
    expect(await move(bob, '1234.tmp', 'd.docx')).toBe(201);
    expect(await locksOf('d.docx')).toEqual([]);
  });

  test('it counts for a minute', async () => {
    ahead += 50_000;
    expect(await second()).toBe(201);
    expect((await locksOf('d.docx')).map(([shown]) => shown)).toEqual([token]);
  });

  testOnOneServer('after that it is forgotten: 412, and the name is as any other', async () => {
    ahead += 60_000;
    expect(await second()).toBe(412);
    expect(await put(bob, 'd.docx')).toBe(201);
    expect(await locksOf('d.docx')).toEqual([]);
  });

  test('a lock made on the folder meanwhile is not joined by a second exclusive one', async () => {
    const body =
      '<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>';
    const { headers } = await bob('LOCK', F, { body });
    const above = String(headers['lock-token']).slice(1, -1);
    const If = `<${server.urlOf(F)}> (<${above}>) ${says('d.docx', token)}`;
    expect(await move(bob, '1234.tmp', 'd.docx', { If })).toBe(201);
    expect((await locksOf('d.docx')).map(([shown]) => shown)).toEqual([above]);
    await bob('UNLOCK', F, { headers: { 'Lock-Token': `<${above}>` } });
  });

  test('an UNLOCK before ends it', async () => {
    const named = await lock('named');
    await bob('UNLOCK', `${F}/named`, { headers: { 'Lock-Token': `<${named}>` } });
    await move(bob, 'named', 'away', { 'Lock-Token': `<${named}>` });
    expect(await put(bob, 'named', { If: `(<${named}>)` })).toBe(412);
  });
});

describe('PRODUCT U8 — requests that have nothing to do with it ask nothing', () => {
  test('no statement but for tokens at a name that is free, and for a file that goes', async () => {
    const ask = vi.spyOn(SqlStoreTransaction.prototype, 'vacatedLocks');
    const write = vi.spyOn(SqlStoreTransaction.prototype, 'vacateLocks');
    const If = `(<${token}>)`;
    expect(await put(bob, 'new')).toBe(201);
    expect(await put(bob, 'new')).toBe(204);
    expect(await move(bob, 'new', 'copy', {}, 'COPY')).toBe(201);
    expect(await move(bob, 'new', 'moved')).toBe(201);
    expect(await remove(bob, 'moved')).toBe(204);
    expect(await put(bob, 'd.docx', { If })).toBe(204);
    expect(await put(alice, 'd.docx')).toBe(423);
    expect(await status(bob('MKCOL', `${F}/folder`))).toBe(201);
    expect([ask.mock.calls.length, write.mock.calls.length]).toEqual([0, 0]);
    expect(await remove(bob, 'd.docx', { If })).toBe(204);
    expect([ask.mock.calls.length, write.mock.calls.length]).toEqual([0, 1]);
    expect(await put(bob, 'd.docx', { 'Lock-Token': `<${token}>` })).toBe(201);
    expect([ask.mock.calls.length, write.mock.calls.length]).toEqual([1, 1]);
  });
});
