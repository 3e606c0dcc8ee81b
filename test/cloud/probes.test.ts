import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DriveRequest, TestServer } from '../support/make-server.js';
import { askFor, hrefsOf, parseMultistatus, textIn } from '../support/multistatus.js';

const USER = 'alice@example.org';
const OC = 'http://owncloud.org/ns';
const NC = 'http://nextcloud.org/ns';
const FILES = `/remote.php/dav/files/${USER}`;
let server: TestServer;
let alice: DriveRequest;

beforeAll(async () => {
  server = await TestServer.start();
  alice = server.as('alice');
  await alice('MKCOL', '/dir');
  await alice('PUT', '/dir/a.txt', { body: 'a' });
});
afterAll(() => server.stop());

const send = (method: string, target: string, options: { headers?: Record<string, string>; body?: string } = {}) =>
  server.send(method, target, { user: 'alice', ...options });

/** Ways in which a program may be given the server. */
const PREFIXES: [string, string, Record<string, string>][] = [
  ['the bare address', '', {}],
  ['a path mount', '/dav/123456', {}],
  ['a drive’s own host', '', { Host: '123456.connect.example.org' }],
];

describe.each(PREFIXES)(
  'client-requirements 2.12, 4.13 — what apps ask for that isn’t here fails softly, at %s',
  (_, prefix, headers) => {
    test('GET /index.php/204 says that the server is there', async () => {
      const { status, text } = await server.send('GET', `${prefix}/index.php/204`, { headers });
      expect([status, text]).toEqual([204, '']);
    });

    test.each([
      '/index.php/core/preview.png?file=/dir/a.txt&x=64&y=64',
      '/index.php/core/preview?fileId=12&x=64&y=64',
      '/index.php/apps/files/api/v1/thumbnail/64/64/dir/a.txt',
      '/index.php/avatar/alice/64',
      '/index.php/apps/files',
      '/index.php/s/abcdef',
      '/index.php/login',
    ])('%s is 404, and no page', async (target) => {
      for (const user of [{}, { user: 'alice' }]) {
        const answer = await server.send('GET', `${prefix}${target}`, { headers, ...user });
        expect(answer.status).toBe(404);
        expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
      }
    });

    test.each([
      `/remote.php/dav/avatars/${USER}/128.png`,
      `/remote.php/dav/calendars/${USER}/`,
      `/remote.php/dav/principals/users/${USER}/`,
      '/remote.php/dav/systemtags/',
    ])('%s is 404', async (target) => {
      for (const method of ['GET', 'PROPFIND', 'PUT']) {
        expect((await send(method, `${prefix}${target}`, { headers })).status).toBe(404);
      }
    });

    test.each(['REPORT', 'SEARCH'])('%s for favourites is 207, or says that it can’t be done', async (method) => {
      const body =
        `<oc:filter-files xmlns:d="DAV:" xmlns:oc="${OC}"><d:prop><d:getetag/></d:prop>` +
        '<oc:filter-rules><oc:favorite>1</oc:favorite></oc:filter-rules></oc:filter-files>';
      for (const target of [`${FILES}/`, '/remote.php/dav/', '/remote.php/webdav/']) {
        const answer = await send(method, `${prefix}${target}`, { headers, body });
        expect([207, 400, 403, 405, 415, 501]).toContain(answer.status);
        expect(answer.headers['content-type']).toBe('application/xml; charset=utf-8');
        expect(answer.status === 405 ? answer.headers.allow : 'PROPFIND').toContain('PROPFIND');
      }
    });
  },
);

describe('client-requirements 2.10–2.12 — where programs look around', () => {
  test('to find out how to sign in: 401 with Basic for GET and PROPFIND of the old address', async () => {
    for (const method of ['GET', 'PROPFIND', 'HEAD']) {
      const { status, headers } = await server.send(method, '/remote.php/webdav/');
      expect([status, headers['www-authenticate']]).toEqual([401, expect.stringMatching(/^Basic /)]);
    }
  });

  test.each([
    ['/remote.php/dav/'],
    ['/remote.php/dav'],
    ['//remote.php//dav//'],
    ['/remote.php/dav/files'],
    ['/remote.php/dav/files/'],
    ['/remote.php/dav/uploads/'],
    ['/remote.php/dav/trashbin/'],
    [`/remote.php/dav/trashbin/${USER}/`],
  ])('PROPFIND %s is a folder, under the address that was asked for; other methods are 405', async (target) => {
    for (const Depth of ['0', '1']) {
      const { status, text } = await send('PROPFIND', target, { headers: { Depth } });
      expect([status, hrefsOf(text)]).toEqual([207, [target.replace(/\/{2,}/g, '/')]]);
      expect(parseMultistatus(text)[0]!.props.get('{DAV:}resourcetype')!.children).toHaveLength(1);
    }
    for (const method of ['PUT', 'DELETE', 'MKCOL', 'GET']) expect((await send(method, target)).status).toBe(405);
  });

  test('R17 — with and without a slash at the end, with doubled ones: hrefs begin with the tree’s own address', async () => {
    for (const target of [FILES, `${FILES}/`, `/remote.php/dav//files/${USER}/`, `${FILES}//`]) {
      const { status, text } = await send('PROPFIND', target, { headers: { Depth: '1' } });
      expect([status, hrefsOf(text)[0]]).toEqual([207, `${FILES}/`]);
    }
    for (const target of ['/remote.php/webdav', '//remote.php//webdav//']) {
      const { text } = await send('PROPFIND', target, { headers: { Depth: '0' } });
      expect(hrefsOf(text)).toEqual(['/remote.php/webdav/']);
    }
  });

  test('the user’s folder can’t be deleted, moved or overwritten', async () => {
    for (const target of [`${FILES}/`, FILES, '/remote.php/webdav/']) {
      expect((await send('DELETE', target)).status).toBe(403);
      expect((await send('MOVE', target, { headers: { Destination: `${FILES}/elsewhere` } })).status).toBe(403);
      expect([403, 405, 409]).toContain((await send('PUT', target, { body: 'x' })).status);
      expect((await send('MKCOL', target)).status).toBe(405);
    }
    expect((await send('GET', `${FILES}/dir/a.txt`)).text).toBe('a');
  });

  test.each(['bob@example.org', 'nobody@example.org', 'alice', '..', '%ff', `${USER}%2F..`, `${USER}%00`])(
    'R34 — the name %s in the path is 404 in every tree, for every method',
    async (name) => {
      await server.addMember('bob');
      for (const tree of [`files/${name}/dir/a.txt`, `uploads/${name}/1`, `trashbin/${name}/trash/a.txt`]) {
        for (const method of ['GET', 'PROPFIND', 'PUT', 'DELETE', 'MKCOL', 'MOVE']) {
          const headers = { Destination: `${FILES}/x` };
          const { status } = await send(method, `/remote.php/dav/${tree}`, { headers });
          expect([method, tree, status]).toEqual([method, tree, 404]);
        }
      }
    },
  );
});

describe('client-requirements R12, R14, R25 — answers in the tree of files', () => {
  test('X-OC-CTime does no harm, X-OC-Mtime is acknowledged', async () => {
    const headers = { 'X-OC-Mtime': '1577836800', 'X-OC-CTime': '1500000000' };
    const put = await send('PUT', `${FILES}/times.txt`, { body: 't', headers });
    expect([put.status, put.headers['x-oc-mtime']]).toEqual([201, 'accepted']);
    const get = await send('GET', `${FILES}/times.txt`);
    expect([get.text, get.headers['last-modified']]).toEqual(['t', 'Wed, 01 Jan 2020 00:00:00 GMT']);
  });

  test('COPY has the headers of the new file', async () => {
    const copy = await send('COPY', `${FILES}/dir/a.txt`, { headers: { Destination: `${FILES}/copy.txt` } });
    expect(copy.status).toBe(201);
    const id = await server.idOf('alice', '/copy.txt');
    expect(copy.headers['oc-fileid']).toBe(`${String(id).padStart(8, '0')}firn`);
  });

  test('what desktop programs ask of a folder and its members comes in one propstat, the folder first', async () => {
    const names = ['id', 'fileid', 'size', 'permissions', 'checksums', 'share-types', 'downloadURL', 'dDC'];
    const body = askFor(
      'resourcetype',
      'getlastmodified',
      'getcontentlength',
      'getetag',
      ...names.map((name) => `{${OC}}${name}`),
      `{${NC}}is-encrypted`,
    );
    const { text, headers } = await send('PROPFIND', `${FILES}/dir`, { body, headers: { Depth: '1' } });
    expect(headers['content-type']).toBe('application/xml; charset=utf-8');
    const [folder, file] = parseMultistatus(text);
    expect([folder!.href, file!.href]).toEqual([`${FILES}/dir/`, `${FILES}/dir/a.txt`]);
    for (const part of [folder!, file!]) {
      expect(part.propstats.map(({ status }) => status)).toEqual([200, 404]);
      expect(textIn(part.props.get(`{${OC}}id`))).toMatch(/^\d{8,}firn$/);
      expect(textIn(part.props.get(`{${OC}}fileid`))).toMatch(/^\d+$/);
      expect(textIn(part.props.get('{DAV:}getetag'))).toMatch(/^"[^"]+"$/);
      // No address for downloads, or desktop programs would use it (nextcloud/desktop#5170).
      expect(part.props.has(`{${OC}}downloadURL`)).toBe(false);
    }
    expect(textIn(folder!.props.get(`{${OC}}permissions`))).toBe('GDNVCK');
    expect(textIn(file!.props.get(`{${OC}}permissions`))).toBe('GDNVW');
    expect(textIn(folder!.props.get(`{${OC}}size`))).toBe('1');
  });

  test('R25 — a change deep below changes the ETag of each folder up to the root, and of no other', async () => {
    await send('MKCOL', `${FILES}/still`);
    const etagsOf = async () =>
      Promise.all(
        ['/', '/dir/', '/still/'].map(async (target) => {
          const { text } = await send('PROPFIND', `${FILES}${target}`, {
            body: askFor('getetag'),
            headers: { Depth: '0' },
          });
          return textIn(parseMultistatus(text)[0]!.props.get('{DAV:}getetag'));
        }),
      );
    const before = await etagsOf();
    expect(await etagsOf()).toEqual(before);
    await send('PUT', `${FILES}/dir/a.txt`, { body: 'b' });
    const after = await etagsOf();
    expect(after.map((etag, index) => etag === before[index])).toEqual([false, false, true]);
  });
});
