import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { authorizationOf, type DriveRequest, emailOf, TestServer } from '../support/make-server.js';
import { askFor, hrefsOf, parseMultistatus, type ResponsePart, textIn } from '../support/multistatus.js';

const OC = 'http://owncloud.org/ns';
const NC = 'http://nextcloud.org/ns';
/** What Nextcloud's apps ask of the trash bin. */
const PROPERTIES = [
  'getlastmodified',
  'getcontentlength',
  'getcontenttype',
  'resourcetype',
  `{${OC}}id`,
  `{${OC}}fileid`,
  `{${OC}}size`,
  `{${OC}}permissions`,
  `{${NC}}trashbin-filename`,
  `{${NC}}trashbin-original-location`,
  `{${NC}}trashbin-deletion-time`,
  `{${NC}}has-preview`,
];
let server: TestServer;
let alice: DriveRequest;
let bob: DriveRequest;

beforeAll(async () => {
  server = await TestServer.start();
  await server.addMember('bob');
  await server.addMember('vera', { role: 'viewer' });
  alice = server.as('alice');
  bob = server.as('bob');
});
afterAll(() => server.stop());

const binOf = (name: string) => `/remote.php/dav/trashbin/${emailOf(name)}`;
interface Options {
  readonly user?: string;
  readonly as?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}
const send = (method: string, target: string, { user = 'alice', as, headers, body }: Options = {}) =>
  server.send(method, target, {
    headers: { Authorization: as ?? authorizationOf(user), ...headers },
    ...(body === undefined ? {} : { body }),
  });
const textOf = (part: ResponsePart, name: string) => textIn(part.props.get(name));
async function list(name = 'alice', options: Options = {}): Promise<ResponsePart[]> {
  const body = askFor(...PROPERTIES);
  const answer = await send('PROPFIND', `${binOf(name)}/trash`, {
    user: name,
    body,
    headers: { Depth: '1' },
    ...options,
  });
  expect(answer.status).toBe(207);
  return parseMultistatus(answer.text).slice(1);
}
async function remove(target: string, content = target, as = alice): Promise<void> {
  expect((await as('PUT', target, { body: content })).status).toBe(201);
  expect((await as('DELETE', target)).status).toBe(204);
}
const emptied = async (user = 'alice') => (await send('DELETE', `${binOf(user)}/trash`, { user })).status;
const restore = (href: string, options: Options & { to?: string } = {}) =>
  send('MOVE', href, { ...options, headers: { Destination: options.to ?? `${binOf('alice')}/restore/x` } });

describe('client-requirements R34 — the trash bin as Nextcloud’s apps list it', () => {
  test('each thing has its name, its place and time of deletion, id, size and rights; one propstat of 200', async () => {
    await alice('MKCOL', '/deep');
    await alice('MKCOL', '/deep/er');
    const startedAt = Math.floor(Date.now() / 1000);
    await remove(encodeURI('/deep/er/ü & b.txt'), 'twelve bytes');
    await remove('/top.txt');
    await alice('MKCOL', '/folder');
    await alice('PUT', '/folder/inside.txt', { body: 'inside' });
    await alice('DELETE', '/folder');
    const parts = await list();
    expect(parts.map((part) => textOf(part, `{${NC}}trashbin-original-location`)).sort()).toEqual([
      'deep/er/ü & b.txt',
      'folder',
      'top.txt',
    ]);
    for (const part of parts) {
      expect(part.propstats.filter(({ status }) => status === 200)).toHaveLength(1);
      const time = Number(textOf(part, `{${NC}}trashbin-deletion-time`));
      expect(time).toBeGreaterThanOrEqual(startedAt);
      expect(time).toBeLessThanOrEqual(Date.now() / 1000);
      expect(textOf(part, `{${OC}}id`)).toBe(`${textOf(part, `{${OC}}fileid`).padStart(8, '0')}firn`);
    }
    const [file] = parts.filter((part) => textOf(part, `{${NC}}trashbin-filename`) === 'ü & b.txt');
    expect(textOf(file!, `{${OC}}size`)).toBe('12');
    expect(textOf(file!, `{${OC}}permissions`)).toBe('GDNV');
    expect((await send('GET', file!.href)).text).toBe('twelve bytes');
    expect(await emptied()).toBe(204);
  });

  test('two of one name have hrefs of their own and both keep the name', async () => {
    await remove('/same.txt', 'first');
    await remove('/same.txt', 'second');
    const parts = await list();
    expect(parts.map((part) => textOf(part, `{${NC}}trashbin-filename`))).toEqual(['same.txt', 'same.txt']);
    expect(new Set(parts.map(({ href }) => href)).size).toBe(2);
    expect(await emptied()).toBe(204);
  });

  test('at the bare address, at a path mount, at the drive’s host, with and without a slash', async () => {
    await remove('/everywhere.txt');
    for (const [prefix, headers] of [
      ['', {}],
      ['/dav/123456', {}],
      ['', { Host: '123456.connect.example.org' }],
    ] as const) {
      for (const slash of ['', '/']) {
        const target = `${prefix}${binOf('alice')}/trash`;
        const { text } = await send('PROPFIND', `${target}${slash}`, { headers: { Depth: '1', ...headers } });
        expect(hrefsOf(text)).toEqual([`${target}/`, `${target}/everywhere.txt`]);
      }
    }
    expect(await emptied()).toBe(204);
  });
});

describe('client-requirements R34 — restoring', () => {
  test.each([
    ['a path', (href: string) => `${binOf('alice')}/restore/${href.split('/').at(-1)}`],
    ['an absolute URL', () => `http://127.0.0.1:1234${binOf('alice')}/restore/some%20name`],
    ['a path without a name', () => `${binOf('alice')}/restore`],
    ['with the user’s name encoded', () => '/remote.php/dav/trashbin/Alice%40example.org/restore/x'],
  ])('Destination as %s brings it back to where it was, with id and time', async (_, to) => {
    await alice('MKCOL', '/origin');
    await alice('PUT', '/origin/back.txt', { body: 'back', headers: { 'X-OC-Mtime': '1577836800' } });
    const id = await server.idOf('alice', '/origin/back.txt');
    await alice('DELETE', '/origin/back.txt');
    const [part] = await list();
    const answer = await restore(part!.href, { to: to(part!.href) });
    expect(answer.status).toBe(201);
    const get = await alice('GET', '/origin/back.txt');
    expect([get.text, get.headers['last-modified']]).toEqual(['back', 'Wed, 01 Jan 2020 00:00:00 GMT']);
    expect(await server.idOf('alice', '/origin/back.txt')).toBe(id);
    expect(await list()).toEqual([]);
    expect((await alice('DELETE', '/origin')).status).toBe(204);
    expect(await emptied()).toBe(204);
  });

  test('folders that are gone are made again, an occupied name gets a number', async () => {
    await alice('MKCOL', '/was');
    await remove('/was/here.txt', 'old');
    await alice('DELETE', '/was');
    await send('DELETE', `${binOf('alice')}/trash/was`);
    const [part] = await list();
    expect((await restore(part!.href)).status).toBe(201);
    expect((await alice('GET', '/was/here.txt')).text).toBe('old');
    await alice('DELETE', '/was/here.txt');
    await alice('PUT', '/was/here.txt', { body: 'new' });
    expect((await restore((await list())[0]!.href)).status).toBe(201);
    expect((await alice('GET', '/was/here.txt')).text).toBe('new');
    expect((await alice('GET', '/was/here%20(2).txt')).text).toBe('old');
  });

  test('into files/USER as well: a MOVE to a place of one’s own choice', async () => {
    await remove('/choice.txt', 'chosen');
    const to = `/remote.php/dav/files/${emailOf('alice')}/chosen.txt`;
    const answer = await restore((await list())[0]!.href, { to });
    expect(answer.status).toBe(201);
    expect((await alice('GET', '/chosen.txt')).text).toBe('chosen');
  });

  test('what isn’t there is 404, nothing else can be done to the place of restoring', async () => {
    expect((await restore(`${binOf('alice')}/trash/nothing.txt`)).status).toBe(404);
    for (const method of ['PROPFIND', 'PUT', 'DELETE', 'MKCOL', 'GET']) {
      expect((await send(method, `${binOf('alice')}/restore/x`)).status).toBe(405);
    }
  });

  test('only from the trash: a MOVE of a file to there doesn’t delete or move it', async () => {
    await alice('PUT', '/live.txt', { body: 'live' });
    const answer = await restore(`/remote.php/dav/files/${emailOf('alice')}/live.txt`);
    expect(answer.status).toBe(502);
    expect((await alice('GET', '/live.txt')).text).toBe('live');
  });
});

describe('PRODUCT D4, D7 — whose trash it is', () => {
  test('personal files are in their owner’s, common ones in every member’s', async () => {
    await remove('/mine.txt');
    await remove('/his.txt', 'his', bob);
    await remove('/Common%20documents/ours.txt');
    const namesOf = async (name: string) =>
      (await list(name)).map((part) => textOf(part, `{${NC}}trashbin-filename`)).sort();
    expect(await namesOf('alice')).toEqual(['mine.txt', 'ours.txt']);
    expect(await namesOf('bob')).toEqual(['his.txt', 'ours.txt']);
    const [ours] = (await list('bob')).filter((part) => part.href.endsWith('ours.txt'));
    expect(textOf(ours!, `{${NC}}trashbin-original-location`)).toBe('Common documents/ours.txt');
    expect((await restore(ours!.href, { user: 'bob', to: `${binOf('bob')}/restore/ours.txt` })).status).toBe(201);
    expect((await alice('GET', '/Common%20documents/ours.txt')).status).toBe(200);
    expect(await emptied('alice')).toBe(204);
    expect(await namesOf('bob')).toEqual(['his.txt']);
  });

  test('another user’s is 404, folders above it too; as a place to restore to it is none', async () => {
    for (const path of ['', '/', '/trash', '/trash/his.txt', '/restore/x']) {
      expect([path, (await send('PROPFIND', `${binOf('bob')}${path}`, { headers: { Depth: '0' } })).status]).toEqual([
        path,
        404,
      ]);
    }
    expect((await send('DELETE', `${binOf('bob')}/trash`)).status).toBe(404);
    expect((await send('DELETE', `${binOf('bob')}/trash/his.txt`)).status).toBe(404);
    expect(await list('bob')).toHaveLength(1);
    await remove('/stays.txt');
    const { status } = await restore((await list())[0]!.href, { to: `${binOf('bob')}/restore/stays.txt` });
    expect(status).toBe(502);
    expect((await alice('GET', '/stays.txt')).status).toBe(404);
    expect((await bob('GET', '/stays.txt')).status).toBe(404);
  });

  test('viewers, read-only and add-only passwords restore, delete and empty nothing', async () => {
    const { authorization: readOnly } = await server.addAppPassword('alice', { allowance: 'read-only' });
    const { authorization: addOnly } = await server.addAppPassword('alice', { allowance: 'add-only' });
    const [part] = await list();
    for (const as of [readOnly, addOnly]) {
      expect((await restore(part!.href, { as })).status).toBe(403);
      expect((await send('DELETE', part!.href, { as })).status).toBe(403);
      expect((await send('DELETE', `${binOf('alice')}/trash`, { as })).status).toBe(403);
    }
    await remove('/Common%20documents/kept.txt');
    expect((await send('DELETE', `${binOf('vera')}/trash`, { user: 'vera' })).status).toBe(403);
    expect(await list('vera')).toHaveLength(1);
    expect(await list()).toHaveLength(2);
  });

  test('emptying takes all of it, however much, and nothing that lives', async () => {
    await alice('PUT', '/lives.txt', { body: 'lives' });
    for (let count = 0; count < 130; count++) await remove(`/many-${count}.txt`, '');
    expect(await list()).toHaveLength(132);
    expect((await send('DELETE', `${binOf('alice')}/trash/`)).status).toBe(204);
    expect(await list()).toEqual([]);
    expect(await emptied()).toBe(204);
    expect((await alice('GET', '/lives.txt')).text).toBe('lives');
    expect(await list('bob')).toHaveLength(1);
  });
});
