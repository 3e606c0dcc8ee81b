import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DriveRequest, TestServer } from '../support/make-server.js';
import { askFor, hrefsOf, parseMultistatus, textIn } from '../support/multistatus.js';

let server: TestServer;
let alice: DriveRequest;
let bob: DriveRequest;

beforeAll(async () => {
  server = await TestServer.start();
  await server.addMember('bob');
  alice = server.as('alice');
  bob = server.as('bob');
});
afterAll(() => server.stop());

async function namesIn(request: DriveRequest, path: string): Promise<string[]> {
  const { status, text } = await request('PROPFIND', path, { headers: { Depth: '1' } });
  expect(status).toBe(207);
  return parseMultistatus(text).map(({ props }) => textIn(props.get('{DAV:}displayname')));
}

const read = async (request: DriveRequest, path: string) => {
  const { status, text } = await request('GET', path);
  return status === 200 ? text : status;
};

describe('PRODUCT D1 — the root', () => {
  test("lists exactly two folders, the drive's own first", async () => {
    await alice('PUT', '/d1.txt', { body: 'x' });
    const { text } = await alice('PROPFIND', '/', { headers: { Depth: '1' } });
    expect(hrefsOf(text)).toEqual(['/dav/123456/', '/dav/123456/Drive/', '/dav/123456/Trash/']);
    expect(await namesIn(alice, '')).toEqual(['Drive', 'Drive', 'Trash']);
  });

  test('lists the same two for a member who has no file yet', async () => {
    const { text } = await bob('PROPFIND', '/', { headers: { Depth: '1' } });
    expect(hrefsOf(text)).toEqual(['/dav/123456/', '/dav/123456/Drive/', '/dav/123456/Trash/']);
  });

  test('GET shows the same index', async () => {
    const { text } = await alice('GET', '/');
    expect([...text.matchAll(/href="([^"]+)"/g)].map((match) => match[1])).toEqual([
      '/dav/123456/Drive/',
      '/dav/123456/Trash/',
    ]);
  });
});

describe('PRODUCT D2 — personal and common files', () => {
  test("the drive's folder shows one's own files and Common documents", async () => {
    await alice('PUT', '/hers.txt', { body: 'alice' });
    await bob('PUT', '/his.txt', { body: 'bob' });
    const hers = await namesIn(alice, '/Drive/');
    expect(hers.slice(0, 2)).toEqual(['Drive', 'Common documents']);
    expect(hers).toContain('hers.txt');
    expect(hers).not.toContain('his.txt');
    expect(await namesIn(bob, '/Drive/')).toEqual(['Drive', 'Common documents', 'his.txt']);
  });

  test.each(['GET', 'PROPFIND', 'DELETE', 'MOVE', 'COPY', 'PROPPATCH'])(
    "%s of another member's personal file is 404",
    async (method) => {
      await alice('PUT', '/private.txt', { body: 'alice' });
      const body =
        method === 'PROPPATCH'
          ? '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><a/></D:prop></D:set></D:propertyupdate>'
          : '';
      for (const path of ['/private.txt', '/Drive/private.txt']) {
        const answer = await bob(method, path, { headers: { Destination: server.urlOf('/taken.txt') }, body });
        expect(answer.status).toBe(404);
      }
      expect(await read(alice, '/private.txt')).toBe('alice');
    },
  );

  test('two members may have personal files of one name', async () => {
    expect((await alice('PUT', '/same.txt', { body: 'alice' })).status).toBe(201);
    expect((await bob('PUT', '/same.txt', { body: 'bob' })).status).toBe(201);
    expect(await read(alice, '/same.txt')).toBe('alice');
    expect(await read(bob, '/same.txt')).toBe('bob');
  });

  test('what one member puts into Common documents all members see, change and delete', async () => {
    expect((await alice('PUT', '/Common documents/shared.txt'.replace(' ', '%20'), { body: 'v1' })).status).toBe(201);
    expect(await read(bob, '/Common%20documents/shared.txt')).toBe('v1');
    expect((await bob('PUT', '/Drive/Common%20documents/shared.txt', { body: 'v2' })).status).toBe(204);
    expect(await read(alice, '/Drive/Common%20documents/shared.txt')).toBe('v2');
    expect((await bob('DELETE', '/Common%20documents/shared.txt')).status).toBe(204);
    expect(await read(alice, '/Common%20documents/shared.txt')).toBe(404);
  });

  test('MOVE between personal and common files works both ways', async () => {
    await alice('PUT', '/walks.txt', { body: 'walks' });
    const out = await alice('MOVE', '/walks.txt', {
      headers: { Destination: server.urlOf('/Common%20documents/w.txt') },
    });
    expect(out.status).toBe(201);
    const back = await bob('MOVE', '/Common%20documents/w.txt', { headers: { Destination: server.urlOf('/w.txt') } });
    expect(back.status).toBe(201);
    expect(await read(bob, '/w.txt')).toBe('walks');
    expect(await read(alice, '/Common%20documents/w.txt')).toBe(404);
  });
});

describe('PRODUCT D3 — aliases', () => {
  test('/x and /<drive name>/x are the same folder and the same files', async () => {
    expect((await alice('MKCOL', '/My')).status).toBe(201);
    expect((await alice('MKCOL', '/Drive/My')).status).toBe(405);
    expect((await alice('MKCOL', '/Drive/My/Subfolder')).status).toBe(201);
    expect((await alice('PUT', '/My/Subfolder/f.txt', { body: 'one' })).status).toBe(201);
    expect((await alice('PUT', '/Drive/My/Subfolder/f.txt', { body: 'two' })).status).toBe(204);
    expect(await read(alice, '/My/Subfolder/f.txt')).toBe('two');
    const [a, b] = [await alice('HEAD', '/My/Subfolder/f.txt'), await alice('HEAD', '/Drive/My/Subfolder/f.txt')];
    expect(a.headers.etag).toBe(b.headers.etag);
    expect(await server.idOf('alice', '/My/')).toBe(await server.idOf('alice', '/Drive/My/'));
    expect((await alice('DELETE', '/My')).status).toBe(204);
    expect((await alice('PROPFIND', '/Drive/My', { headers: { Depth: '0' } })).status).toBe(404);
  });

  test('a MOVE from an alias to the full path of the same file is refused, not done', async () => {
    await alice('PUT', '/here.txt', { body: 'here' });
    const answer = await alice('MOVE', '/here.txt', { headers: { Destination: server.urlOf('/Drive/here.txt') } });
    expect(answer.status).toBe(403);
    expect(await read(alice, '/here.txt')).toBe('here');
  });

  test('Common documents is reached from the root and from the drive folder', async () => {
    await alice('MKCOL', '/Common%20documents/team');
    expect(await server.idOf('alice', '/Common%20documents/')).toBe(
      await server.idOf('bob', '/Drive/Common%20documents/'),
    );
    expect(await namesIn(bob, '/Drive/Common%20documents/')).toContain('team');
  });

  test('hrefs keep the alias that the request used', async () => {
    await alice('MKCOL', '/al');
    await alice('PUT', '/al/f', { body: '' });
    const hrefs = async (path: string) => hrefsOf((await alice('PROPFIND', path, { headers: { Depth: '1' } })).text);
    expect(await hrefs('/al')).toEqual(['/dav/123456/al/', '/dav/123456/al/f']);
    expect(await hrefs('/Drive/al/')).toEqual(['/dav/123456/Drive/al/', '/dav/123456/Drive/al/f']);
  });

  const RESERVED = [
    '/',
    '',
    '/Drive',
    '/Drive/',
    '/Trash',
    '/Trash/',
    '/Common%20documents',
    '/Drive/Common%20documents',
  ];
  test.each(RESERVED)('%j can be neither deleted nor renamed: 403', async (path) => {
    expect((await alice('DELETE', path)).status).toBe(403);
    const Destination = server.urlOf('/elsewhere');
    expect((await alice('MOVE', path, { headers: { Destination } })).status).toBe(403);
    expect((await alice('PROPFIND', '/elsewhere', { headers: { Depth: '0' } })).status).toBe(404);
    expect(await namesIn(alice, '/')).toEqual(['Drive', 'Drive', 'Trash']);
  });

  test.each(RESERVED)('nothing is copied or moved over %j: 403', async (path) => {
    await alice('PUT', '/over.txt', { body: 'over' });
    const headers = { Destination: server.urlOf(path), Overwrite: 'T' };
    expect((await alice('COPY', '/over.txt', { headers })).status).toBe(403);
    expect((await alice('MOVE', '/over.txt', { headers })).status).toBe(403);
    expect(await read(alice, '/over.txt')).toBe('over');
  });

  test.each(RESERVED)('PUT over %j is 403, and MKCOL 405: it is there', async (path) => {
    expect((await alice('PUT', path, { body: 'x' })).status).toBe(403);
    expect((await alice('MKCOL', path)).status).toBe(405);
  });

  test('a COPY of the root, the drive folder or the trash as a whole is 403', async () => {
    for (const path of ['/', '/Drive', '/Trash']) {
      const answer = await alice('COPY', path, { headers: { Destination: server.urlOf('/copy') } });
      expect(answer.status).toBe(403);
    }
  });

  test("inside the drive's folder Trash and the drive's own name are ordinary, by the full path only", async () => {
    expect((await alice('MKCOL', '/Drive/Trash')).status).toBe(201);
    expect((await alice('PUT', '/Drive/Trash/mine.txt', { body: 'mine' })).status).toBe(201);
    expect((await alice('MKCOL', '/Drive/Drive')).status).toBe(201);
    expect((await alice('PUT', '/Drive/Drive/d.txt', { body: 'd' })).status).toBe(201);
    expect(await read(alice, '/Trash/mine.txt')).toBe(404);
    expect(await read(alice, '/Drive/d.txt')).toBe(404);
    expect(await namesIn(alice, '/Drive')).toEqual(expect.arrayContaining(['Drive', 'Trash']));
    expect(await namesIn(alice, '/')).toEqual(['Drive', 'Drive', 'Trash']);
    expect((await alice('DELETE', '/Drive/Trash')).status).toBe(204);
    expect((await alice('DELETE', '/Drive/Drive')).status).toBe(204);
  });

  test('a folder named Common documents deeper down is an ordinary one', async () => {
    await alice('MKCOL', '/deep');
    expect((await alice('MKCOL', '/deep/Common%20documents')).status).toBe(201);
    expect((await alice('DELETE', '/deep/Common%20documents')).status).toBe(204);
  });

  test('a PROPPATCH of the reserved folders is refused', async () => {
    const body = '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><a/></D:prop></D:set></D:propertyupdate>';
    for (const path of ['/', '/Drive', '/Trash', '/Common%20documents']) {
      expect((await alice('PROPPATCH', path, { body })).status).toBe(403);
    }
  });
});

describe('PRODUCT D6 — names', () => {
  const NFC = encodeURIComponent('über.txt'.normalize('NFC'));
  const NFD = encodeURIComponent('über.txt'.normalize('NFD'));

  test.each([
    ['NFD first', NFD, NFC],
    ['NFC first', NFC, NFD],
  ])('one file whether the name comes as NFC or NFD: %s', async (_title, first, second) => {
    expect((await alice('PUT', `/${first}`, { body: 'one' })).status).toBe(201);
    expect((await alice('PUT', `/${second}`, { body: 'two' })).status).toBe(204);
    expect(await read(alice, `/${first}`)).toBe('two');
    expect(await read(alice, `/Drive/${second}`)).toBe('two');
    const shown = (await namesIn(alice, '/Drive')).filter((name) => name.normalize('NFC') === 'über.txt');
    expect(shown).toEqual(['über.txt'.normalize('NFC')]);
    expect((await alice('DELETE', `/${first}`)).status).toBe(204);
  });

  test('a Destination in NFD finds the NFC name', async () => {
    await alice('PUT', `/${NFC}`, { body: 'target' });
    await alice('PUT', '/source.txt', { body: 'source' });
    const headers = { Destination: server.urlOf(`/${NFD}`), Overwrite: 'F' };
    expect((await alice('COPY', '/source.txt', { headers })).status).toBe(412);
  });

  test('upper and lower case are different names', async () => {
    await alice('PUT', '/Case.txt', { body: 'upper' });
    expect((await alice('PUT', '/case.txt', { body: 'lower' })).status).toBe(201);
    expect(await read(alice, '/Case.txt')).toBe('upper');
    expect(await read(alice, '/CASE.txt')).toBe(404);
    expect((await alice('MKCOL', '/trash')).status).toBe(201);
  });

  test('255 bytes of UTF-8 are a name, 256 are 414, whatever makes it', async () => {
    const longest = encodeURIComponent(`${'ü'.repeat(127)}x`);
    const tooLong = encodeURIComponent('ü'.repeat(128));
    expect((await alice('PUT', `/${longest}`, { body: 'x' })).status).toBe(201);
    expect((await alice('DELETE', `/${longest}`)).status).toBe(204);
    expect((await alice('MKCOL', `/${longest}`)).status).toBe(201);
    expect((await alice('PUT', `/${tooLong}`, { body: 'x' })).status).toBe(414);
    expect((await alice('MKCOL', `/${tooLong}`)).status).toBe(414);
    expect((await alice('GET', `/${tooLong}`)).status).toBe(404);
    await alice('PUT', '/short.txt', { body: 'x' });
    for (const method of ['COPY', 'MOVE']) {
      const answer = await alice(method, '/short.txt', { headers: { Destination: server.urlOf(`/${tooLong}`) } });
      expect(answer.status).toBe(414);
    }
  });

  const ODD = [
    'a<b>c',
    'a:b',
    'a"b',
    'a\\b',
    'a|b',
    'a?b',
    'a*b',
    'dot.',
    'space ',
    ' lead',
    'NUL',
    'COM1.txt',
    '...',
    '~$doc.docx',
    '._x',
    '.DS_Store',
    'desktop.ini',
    'a\tb',
    'a\u0001b',
    '100%',
    'a+b',
    'a&b',
    "o'clock",
    '%41',
    '😀',
    'ﬁ',
    '\u202etxt',
    'a;b=c,d',
  ];
  test.each(ODD)('%j is stored and listed as it is', async (name) => {
    const path = `/odd/${encodeURIComponent(name)}`;
    await alice('MKCOL', '/odd');
    expect((await alice('PUT', path, { body: name })).status).toBe(201);
    expect(await read(alice, path)).toBe(name);
    const { text } = await alice('PROPFIND', '/odd', { headers: { Depth: '1' }, body: askFor('displayname') });
    expect(hrefsOf(text)).toEqual(['/dav/123456/odd/', `/dav/123456/odd/${name}`]);
    // XML 1.0 can't hold control characters but tab and line end.
    const shown = textIn(parseMultistatus(text)[1]?.props.get('{DAV:}displayname'));
    expect(shown).toBe(name.replace('\u0001', '\ufffd'));
    expect((await alice('GET', '/odd')).status).toBe(200);
    expect((await alice('DELETE', path)).status).toBe(204);
  });
});
