import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { authorizationOf, type DriveRequest, emailOf, TestServer } from '../support/make-server.js';
import { askFor, parseMultistatus, type ResponsePart, textIn } from '../support/multistatus.js';

const OC = 'http://owncloud.org/ns';
const NC = 'http://nextcloud.org/ns';
/** What Nextcloud's Android app and its web page, and ownCloud's, ask of versions. */
const PROPERTIES = [
  ...['getlastmodified', 'getcontentlength', 'getcontenttype', 'resourcetype', 'creationdate', 'getetag'],
  ...[`{${OC}}id`, `{${OC}}fileid`, `{${OC}}size`, `{${OC}}permissions`],
  ...[`{${NC}}version-label`, `{${NC}}version-author`],
];
const LOCK =
  '<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>';

let server: TestServer;
let alice: DriveRequest;
let bob: DriveRequest;
beforeAll(async () => {
  server = await TestServer.start();
  await server.addMember('bob');
  await server.addMember('vera', { role: 'viewer' });
  [alice, bob] = [server.as('alice'), server.as('bob')];
});
afterAll(() => server.stop());

interface Options {
  readonly as?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}
const send = (method: string, target: string, { as = authorizationOf('alice'), headers, body }: Options = {}) =>
  server.send(method, target, {
    headers: { Authorization: as, ...headers },
    ...(body === undefined ? {} : { body }),
  });
const textOf = (part: ResponsePart, name: string) => textIn(part.props.get(name));
const secondsOf = (part: ResponsePart) => Date.parse(textOf(part, '{DAV:}getlastmodified')) / 1000;

/** The two trees, each with its way to restore. */
const TREES = {
  Nextcloud: {
    folder: (id: number, user = 'alice') => `/remote.php/dav/versions/${emailOf(user)}/versions/${id}`,
    method: 'MOVE',
    to: (_path: string, user = 'alice') => `/remote.php/dav/versions/${emailOf(user)}/restore/target`,
    status: 201,
  },
  ownCloud: {
    folder: (id: number) => `/remote.php/dav/meta/${id}/v`,
    method: 'COPY',
    to: (path: string, user = 'alice') => `/remote.php/dav/files/${emailOf(user)}${path}`,
    status: 204,
  },
} as const;
const BOTH = Object.entries(TREES) as [keyof typeof TREES, (typeof TREES)[keyof typeof TREES]][];

const list = async (folder: string, as?: string) => {
  const options = { headers: { Depth: '1' }, body: askFor(...PROPERTIES), ...(as ? { as } : {}) };
  const answer = await send('PROPFIND', folder, options);
  return answer.status === 207 ? parseMultistatus(answer.text) : answer.status;
};
const versionsIn = async (folder: string, as?: string) => {
  const parts = await list(folder, as);
  if (typeof parts === 'number') throw new Error(`${folder} is ${parts}`);
  return parts.slice(1);
};
const read = async (path: string) => (await alice('GET', path)).text;

let file = '';
let id = 0;
let number = 0;
/** A common file that contained "one", then "second", and contains "third" now. */
beforeEach(async () => {
  file = `/Common%20documents/${++number}.txt`;
  await alice('PUT', file, { body: 'one' });
  await bob('PUT', file, { body: 'second' });
  await alice('PUT', file, { body: 'third' });
  id = await server.idOf('alice', file);
});

describe('PRODUCT V4 — versions as ownCloud’s and Nextcloud’s programs list them', () => {
  test.each(BOTH)(
    '%s: the folder first, then each version, the newest first, with size, type, author',
    async (_, tree) => {
      const parts = await list(tree.folder(id));
      const [folder, ...versions] = parts as ResponsePart[];
      expect(folder!.href).toBe(`${tree.folder(id)}/`);
      expect(textIn(folder!.props.get('{DAV:}getcontenttype'))).toBe('');
      expect(folder!.props.get('{DAV:}resourcetype')!.children).not.toEqual([]);
      expect(versions.map((part) => textOf(part, '{DAV:}getcontentlength'))).toEqual(['6', '3']);
      expect(versions.map((part) => textOf(part, `{${OC}}size`))).toEqual(['6', '3']);
      expect(versions.map((part) => textOf(part, `{${NC}}version-author`))).toEqual(['bob', 'alice']);
      for (const part of versions) {
        expect(part.href).toMatch(new RegExp(`^${tree.folder(id)}/\\d+$`));
        expect(textOf(part, '{DAV:}getcontenttype')).toMatch(/^text\/plain/);
        expect(part.props.get('{DAV:}resourcetype')!.children).toEqual([]);
        expect(textOf(part, `{${OC}}fileid`)).toBe(String(id));
        expect(textOf(part, `{${NC}}version-label`)).toBe('');
        expect(textOf(part, `{${OC}}permissions`)).toBe('G');
      }
      const etags = versions.map((part) => textOf(part, '{DAV:}getetag'));
      expect(new Set(etags).size).toBe(2);
    },
  );

  test.each(BOTH)(
    '%s: a GET has the bytes of then, as a whole and in part, 304 where they are known',
    async (_, tree) => {
      const [second, one] = await versionsIn(tree.folder(id));
      const whole = await send('GET', one!.href);
      expect([whole.status, whole.text, whole.headers['content-type']]).toEqual([
        200,
        'one',
        expect.stringMatching('text/plain'),
      ]);
      expect(whole.headers.etag).toBe(textOf(one!, '{DAV:}getetag'));
      const part = await send('GET', second!.href, { headers: { Range: 'bytes=1-3' } });
      expect([part.status, part.text]).toEqual([206, 'eco']);
      const known = await send('GET', one!.href, { headers: { 'If-None-Match': whole.headers.etag! } });
      expect(known.status).toBe(304);
      const other = await send('GET', second!.href, { headers: { 'If-Match': whole.headers.etag! } });
      expect(other.status).toBe(412);
      const head = await send('HEAD', one!.href);
      expect([head.status, head.text, head.headers['content-length']]).toEqual([200, '', '3']);
      expect(await list(one!.href)).toMatchObject([{ href: one!.href }]);
    },
  );

  test.each(BOTH)('%s: restoring is a new version, and what was there becomes one', async (_, tree) => {
    const [, one] = await versionsIn(tree.folder(id));
    const answer = await send(tree.method, one!.href, { headers: { Destination: tree.to(file) } });
    expect([answer.status, answer.text]).toEqual([tree.status, '']);
    expect(await read(file)).toBe('one');
    expect(await server.idOf('alice', file)).toBe(id);
    const texts = [];
    for (const { href } of await versionsIn(tree.folder(id))) texts.push((await send('GET', href)).text);
    expect(texts).toEqual(['third', 'second', 'one']);
  });

  test('at a path mount and at the drive’s host, by oc:id too; a moved file keeps its versions', async () => {
    await alice('MKCOL', `/own-${id}`);
    const to = server.urlOf(`/own-${id}/moved.txt`);
    expect((await alice('MOVE', file, { headers: { Destination: to } })).status).toBe(201);
    for (const [prefix, headers] of [
      ['', {}],
      ['/dav/123456', {}],
      ['', { Host: '123456.connect.example.org' }],
    ] as const) {
      for (const spelt of [String(id), `${String(id).padStart(8, '0')}firn`]) {
        const folder = `${prefix}/remote.php/dav/meta/${spelt}/v/`;
        const { text } = await send('PROPFIND', folder, { headers: { Depth: '1', ...headers } });
        const hrefs = parseMultistatus(text).map(({ href }) => href);
        expect(hrefs[0]).toBe(folder);
        expect(hrefs).toHaveLength(3);
        expect((await send('GET', hrefs[2]!, { headers })).text).toBe('one');
      }
    }
  });

  test('a file that never changed has none; Depth 0 is the folder alone', async () => {
    await alice('PUT', '/young.txt', { body: 'young' });
    const young = await server.idOf('alice', '/young.txt');
    for (const [, { folder }] of BOTH) {
      expect(await list(folder(young))).toHaveLength(1);
      const { text } = await send('PROPFIND', folder(id), { headers: { Depth: '0' } });
      expect(parseMultistatus(text)).toHaveLength(1);
    }
  });
});

describe('past E4 — what the programs rely on', () => {
  test('saves of one second differ in getlastmodified, in order, and a later save moves none', async () => {
    const { folder } = TREES.Nextcloud;
    for (let count = 0; count < 8; count++) await alice('PUT', file, { body: `more ${count}` });
    const before = await versionsIn(folder(id));
    const seconds = before.map(secondsOf);
    expect(seconds).toEqual([...new Set(seconds)].sort((a, b) => b - a));
    expect(seconds).toHaveLength(10);
    await alice('PUT', file, { body: 'the last' });
    expect((await versionsIn(folder(id))).slice(1).map(secondsOf)).toEqual(seconds);
  });

  test('of a file with more versions than a page each has a name and a second of its own, by which it is found', async () => {
    const { folder } = TREES.Nextcloud;
    for (let count = 0; count < 220; count++) await alice('PUT', file, { body: `more ${count}` });
    const parts = await versionsIn(folder(id));
    expect(parts).toHaveLength(222);
    expect(new Set(parts.map(({ href }) => href)).size).toBe(222);
    expect(new Set(parts.map(secondsOf)).size).toBe(222);
    expect((await send('GET', `${folder(id)}/${secondsOf(parts.at(-1)!)}`)).text).toBe('one');
    expect((await send('GET', parts[1]!.href)).text).toBe('more 217');
  });

  test('by these seconds a version is read, and restored as Nextcloud’s Android app does', async () => {
    const { folder } = TREES.Nextcloud;
    const [second, one] = await versionsIn(folder(id));
    expect((await send('GET', `${folder(id)}/${secondsOf(second!)}`)).text).toBe('second');
    const Destination = `http://127.0.0.1:${server.port}/remote.php/dav/versions/${emailOf('alice')}/restore/${id}`;
    const answer = await send('MOVE', `${folder(id)}/${secondsOf(one!)}`, { headers: { Destination, Overwrite: 'T' } });
    expect(answer.status).toBe(201);
    expect(await read(file)).toBe('one');
  });

  test('Nextcloud’s tree takes a COPY to its target as well', async () => {
    const { folder, to } = TREES.Nextcloud;
    const [second] = await versionsIn(folder(id));
    expect((await send('COPY', second!.href, { headers: { Destination: to(file) } })).status).toBe(201);
    expect(await read(file)).toBe('second');
  });

  test('ownCloud’s web client restores by a COPY with Overwrite: F', async () => {
    const { folder, to } = TREES.ownCloud;
    const [second] = await versionsIn(folder(id));
    const headers = { Destination: to(file), Overwrite: 'F', 'Content-Type': 'application/xml; charset=utf-8' };
    expect((await send('COPY', second!.href, { headers })).status).toBe(204);
    expect(await read(file)).toBe('second');
  });

  test('to another place nothing is restored', async () => {
    await alice('PUT', '/other.txt', { body: 'other' });
    const [nextcloud] = await versionsIn(TREES.Nextcloud.folder(id));
    const [owncloud] = await versionsIn(TREES.ownCloud.folder(id));
    const cases: [string, string, string][] = [
      ['MOVE', nextcloud!.href, TREES.ownCloud.to(file)],
      ['MOVE', nextcloud!.href, TREES.Nextcloud.to(file, 'bob')],
      ['MOVE', nextcloud!.href, `/remote.php/dav/trashbin/${emailOf('alice')}/restore/x`],
      ['COPY', owncloud!.href, TREES.ownCloud.to('/other.txt')],
      ['COPY', owncloud!.href, TREES.ownCloud.to('/new.txt')],
    ];
    for (const [method, href, to] of cases) {
      const { status, text } = await send(method, href, { headers: { Destination: to } });
      expect([to, status]).toEqual([to, 403]);
      expect(text).not.toBe('');
    }
    expect(await read(file)).toBe('third');
    expect(await read('/other.txt')).toBe('other');
    expect((await alice('GET', '/new.txt')).status).toBe(404);
  });
});

describe('past E1 — the doors to versions ask what every door asks', () => {
  test.each(BOTH)('%s: who doesn’t see the file, or not the version, gets 404', async (_, tree) => {
    await alice('PUT', `/private-${number}`, { body: 'private' });
    await alice('PUT', `/private-${number}`, { body: 'private too' });
    const own = await server.idOf('alice', `/private-${number}`);
    expect(await list(tree.folder(own))).toHaveLength(2);
    const [version] = await versionsIn(tree.folder(own));
    const asBob = { as: authorizationOf('bob') };
    expect(await list(tree.folder(own, 'bob'), asBob.as)).toBe(404);
    const name = version!.href.split('/').at(-1);
    expect((await send('GET', `${tree.folder(own, 'bob')}/${name}`, asBob)).status).toBe(404);
    const Destination = tree.to(`/private-${number}`, 'bob');
    const restored = await send(tree.method, `${tree.folder(own, 'bob')}/${name}`, {
      ...asBob,
      headers: { Destination },
    });
    expect(restored.status).toBe(404);
    const shared = { headers: { Destination: server.urlOf(`/Common%20documents/private-${number}`) } };
    expect((await alice('MOVE', `/private-${number}`, shared)).status).toBe(201);
    expect(await list(tree.folder(own, 'bob'), asBob.as)).toHaveLength(1);
    expect((await send('GET', `${tree.folder(own, 'bob')}/${name}`, asBob)).status).toBe(404);
    expect(await list(tree.folder(own))).toHaveLength(2);
  });

  test.each(BOTH)('%s: who only reads, or only adds, reads versions and restores none', async (_, tree) => {
    const readOnly = (await server.addAppPassword('alice', { allowance: 'read-only' })).authorization;
    const addOnly = (await server.addAppPassword('alice', { allowance: 'add-only' })).authorization;
    for (const [as, user] of [
      [readOnly, 'alice'],
      [addOnly, 'alice'],
      [authorizationOf('vera'), 'vera'],
    ] as const) {
      const [second] = await versionsIn(tree.folder(id, user), as);
      expect((await send('GET', second!.href, { as })).text).toBe('second');
      const answer = await send(tree.method, second!.href, { as, headers: { Destination: tree.to(file, user) } });
      expect(answer.status).toBe(403);
    }
    expect(await read(file)).toBe('third');
  });

  test.each(BOTH)('%s: a locked file is 423 without the token', async (_, tree) => {
    const token = String((await bob('LOCK', file, { body: LOCK })).headers['lock-token']);
    const [second] = await versionsIn(tree.folder(id));
    const headers = { Destination: tree.to(file) };
    expect((await send(tree.method, second!.href, { headers })).status).toBe(423);
    expect(await read(file)).toBe('third');
    await bob('UNLOCK', file, { headers: { 'Lock-Token': token } });
    expect((await send(tree.method, second!.href, { headers })).status).toBe(tree.status);
  });

  test.each(BOTH)('%s: an app password limited to a folder sees only files in it', async (_, tree) => {
    const folder = `/Common%20documents/in-${number}`;
    await alice('MKCOL', folder);
    for (const body of ['in one', 'in two']) await alice('PUT', `${folder}/f`, { body });
    const inner = await server.idOf('alice', `${folder}/f`);
    const scopeId = await server.idOf('alice', folder);
    const { authorization: as } = await server.addAppPassword('alice', { scopeId });
    expect(await list(tree.folder(id), as)).toBe(404);
    const [version] = await versionsIn(tree.folder(inner), as);
    const answer = await send(tree.method, version!.href, { as, headers: { Destination: tree.to('/f') } });
    expect(answer.status).toBe(tree.status);
    expect(await read(`${folder}/f`)).toBe('in one');
    await alice('MOVE', file, { headers: { Destination: server.urlOf(`${folder}/came`) } });
    expect(await list(tree.folder(id), as)).toHaveLength(1);
  });

  test.each(BOTH)('%s: folders, what is deleted, what never was, and without credentials', async (_, tree) => {
    expect(await list(tree.folder(await server.idOf('alice', '/Common%20documents')))).toBe(405);
    expect(await list(tree.folder(999_999_999))).toBe(404);
    expect(await list(tree.folder('x' as never))).toBe(404);
    expect((await send('GET', `${tree.folder(id)}/12345678901234567890`)).status).toBe(404);
    expect((await send('GET', `${tree.folder(id)}/1/2`)).status).toBe(404);
    expect((await server.send('PROPFIND', tree.folder(id))).status).toBe(401);
    expect((await alice('DELETE', file)).status).toBe(204);
    expect(await list(tree.folder(id))).toBe(404);
  });

  test.each(BOTH)('%s: nothing else can be done there, and says so', async (_, tree) => {
    const [version] = await versionsIn(tree.folder(id));
    for (const target of [version!.href, `${tree.folder(id)}/`, `${tree.folder(id)}/new`]) {
      for (const method of ['PUT', 'DELETE', 'MKCOL', 'PROPPATCH', 'LOCK', 'POST', 'REPORT']) {
        const answer = await send(method, target, { body: method === 'PUT' ? 'x' : '' });
        expect([method, target, answer.status]).toEqual([method, target, 405]);
        expect(answer.text).not.toBe('');
        expect(answer.headers.allow).toMatch(/PROPFIND/);
      }
    }
    expect(await versionsIn(tree.folder(id))).toHaveLength(2);
  });

  test.each(BOTH)('%s: a file of another drive is 404, its number notwithstanding', async (_, tree) => {
    const other = 222_222 + number;
    await server.addDrive({ id: other, name: `Other ${number}` });
    const there = server.as('alice', other);
    for (const body of ['there one', 'there two']) await there('PUT', '/f', { body });
    const { text } = await there('PROPFIND', '/f', { headers: { Depth: '0' }, body: askFor(`{${OC}}fileid`) });
    const foreign = Number(textOf(parseMultistatus(text)[0]!, `{${OC}}fileid`));
    expect(await list(`/dav/${other}${tree.folder(foreign)}`)).toHaveLength(2);
    expect(await list(`/dav/123456${tree.folder(foreign)}`)).toBe(404);
  });

  test('another user’s tree is 404, the place to restore to takes nothing else', async () => {
    expect(await list(TREES.Nextcloud.folder(id, 'bob'))).toBe(404);
    expect((await send('PROPFIND', TREES.Nextcloud.to(''))).status).toBe(405);
    expect((await send('PROPFIND', `/remote.php/dav/versions/${emailOf('alice')}/versions/`)).status).toBe(403);
    const [version] = await versionsIn(TREES.Nextcloud.folder(id));
    const Destination = version!.href;
    expect((await alice('COPY', file, { headers: { Destination } })).status).toBe(502);
  });
});
