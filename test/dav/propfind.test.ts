import { afterAll, beforeAll, describe, expect, test } from 'vitest';
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
import { isOnCluster } from '../support/tried.js';

const OC = '{http://owncloud.org/ns}';
let server: TestServer;
let alice: DriveRequest;

beforeAll(async () => {
  server = await TestServer.start({ quotaHiddenFromFinder: true });
  alice = server.as('alice');
  await alice('MKCOL', '/p');
  await alice('MKCOL', '/p/sub');
  await alice('PUT', '/p/a.txt', { body: 'hello', headers: { 'X-OC-Mtime': '1795374865' } });
  await alice('PROPPATCH', '/p/a.txt', { body: change({ '{urn:x}dead': 'alive', '{}plain': 'no namespace' }) });
  await alice('PUT', '/p/sub/b.bin', { body: 'b' });
});
afterAll(() => server.stop());

const propfind = (path: string, depth: string | null, body?: string | Uint8Array, headers = {}) =>
  alice('PROPFIND', path, {
    headers: { ...(depth === null ? {} : { Depth: depth }), ...headers },
    ...(body === undefined ? {} : { body }),
  });
const namesOf = (text: string) =>
  parseMultistatus(text).map(({ propstats }) => propstats.map(({ props }) => [...props.keys()]));

describe('RFC 4918 §9.1 — depth', () => {
  test.each([
    ['0', ['/p/']],
    ['1', ['/p/', '/p/a.txt', '/p/sub/']],
    ['infinity', ['/p/', '/p/a.txt', '/p/sub/', '/p/sub/b.bin']],
    ['Infinity', ['/p/', '/p/a.txt', '/p/sub/', '/p/sub/b.bin']],
    [null, ['/p/', '/p/a.txt', '/p/sub/', '/p/sub/b.bin']],
  ])('Depth %s lists %j, the resource itself first (client-requirements R18, R24)', async (depth, expected) => {
    for (const path of ['/p', '/p/']) {
      const answer = await propfind(path, depth);
      expect(answer.status).toBe(207);
      expect(hrefsOf(answer.text)).toEqual(expected.map((href) => `/dav/123456${href}`));
    }
  });

  test.each(['2', '-1', 'inf', '', '0, 1'])('Depth %j is 400', async (depth) => {
    expect((await propfind('/p', depth)).status).toBe(400);
  });

  test('on a file every depth shows the file alone', async () => {
    for (const depth of ['0', '1', 'infinity']) {
      expect(hrefsOf((await propfind('/p/a.txt', depth)).text)).toEqual(['/dav/123456/p/a.txt']);
    }
  });

  test('Prefer: depth-noroot leaves out the collection itself', async () => {
    const { text } = await propfind('/p', '1', undefined, { Prefer: 'depth-noroot' });
    expect(hrefsOf(text)).toEqual(['/dav/123456/p/a.txt', '/dav/123456/p/sub/']);
  });

  test('what is not there is 404, with and without slash, below a file too (client-requirements R17, R26)', async () => {
    for (const path of ['/none', '/none/', '/p/none/x', '/p/a.txt/x']) {
      for (const depth of ['0', '1', 'infinity']) expect((await propfind(path, depth)).status).toBe(404);
    }
  });
});

describe('RFC 4918 §9.1 — which properties', () => {
  const RFC = [
    'creationdate',
    'displayname',
    'getetag',
    'getlastmodified',
    'lockdiscovery',
    'resourcetype',
    'supportedlock',
  ];
  const ofDav = (names: string[]) => names.map((name) => `{DAV:}${name}`).sort();

  test.each([
    ['no body', undefined],
    ['an empty body', ''],
    ['white space', ' \r\n'],
    ['allprop', '<D:propfind xmlns:D="DAV:"><D:allprop/></D:propfind>'],
  ])('%s: the RFC’s own and the dead ones, no 404 propstat (client-requirements R20, R24)', async (_title, body) => {
    const [[folder], [file], [sub]] = namesOf((await propfind('/p', '1', body)).text) as [
      string[][],
      string[][],
      string[][],
    ];
    expect(folder!.sort()).toEqual(ofDav(RFC));
    expect(sub!.sort()).toEqual(ofDav(RFC));
    expect(file!.sort()).toEqual(
      [...ofDav([...RFC, 'getcontentlength', 'getcontenttype']), '{urn:x}dead', '{}plain'].sort(),
    );
    expect(namesOf((await propfind('/p', '1', body)).text).every((propstats) => propstats.length === 1)).toBe(true);
  });

  test('client-requirements R38 — to Windows’ redirector allprop comes without supportedlock, unless included', async () => {
    const headers = { 'User-Agent': 'Microsoft-WebDAV-MiniRedir/10.0.22631' };
    const all = namesOf((await propfind('/p/a.txt', '0')).text)[0]![0]!;
    const [lean] = namesOf((await propfind('/p/a.txt', '0', undefined, headers)).text);
    expect(lean).toEqual([all.filter((name) => name !== '{DAV:}supportedlock')]);
    const include = '<D:propfind xmlns:D="DAV:"><D:allprop/><D:include><D:supportedlock/></D:include></D:propfind>';
    const [full] = namesOf((await propfind('/p/a.txt', '0', include, headers)).text);
    expect([...full![0]!].sort()).toEqual([...all].sort());
  });

  test('allprop with include brings further live properties, and no 404 for those that are not there', async () => {
    const body = `<D:propfind xmlns:D="DAV:"><D:allprop/><D:include><D:quota-used-bytes/><x:no xmlns:x="urn:x"/><D:getetag/></D:include></D:propfind>`;
    const [[folder], [file]] = namesOf((await propfind('/p', '1', body)).text) as [string[][], string[][]];
    expect(folder).toContain('{DAV:}quota-used-bytes');
    expect(file).not.toContain('{DAV:}quota-used-bytes');
    expect(file!.filter((name) => name === '{DAV:}getetag')).toHaveLength(1);
  });

  test('propname gives empty elements, those of the resource only', async () => {
    const { text } = await propfind('/p', '1', '<D:propfind xmlns:D="DAV:"><D:propname/></D:propfind>');
    const [folder, file] = parseMultistatus(text);
    for (const { propstats, props } of [folder!, file!]) {
      expect(propstats).toHaveLength(1);
      expect([...props.values()].every(({ children }) => children.length === 0)).toBe(true);
    }
    expect([...file!.props.keys()]).toEqual(
      expect.arrayContaining(['{DAV:}getcontentlength', '{urn:x}dead', '{}plain', `${OC}fileid`]),
    );
    expect([...folder!.props.keys()]).not.toContain('{DAV:}getcontentlength');
    expect([...folder!.props.keys()]).toContain('{DAV:}quota-used-bytes');
  });

  test('named properties: 200 first, then one 404 with the missing, nothing else (client-requirements R20, R21)', async () => {
    const { text } = await propfind(
      '/p/a.txt',
      '0',
      askFor('{urn:x}none', 'getetag', '{urn:x}dead', 'quota-used-bytes', '{}nothing'),
    );
    const [file] = parseMultistatus(text);
    expect(file!.propstats.map(({ status, props }) => [status, [...props.keys()].sort()])).toEqual([
      [200, ['{DAV:}getetag', '{urn:x}dead']],
      [404, ['{DAV:}quota-used-bytes', '{urn:x}none', '{}nothing']],
    ]);
    expect(textIn(file!.props.get('{urn:x}dead'))).toBe('alive');
  });

  test.each([{ Prefer: 'return=minimal' }, { Prefer: 'respond-async, return=minimal' }, { Brief: 't' }])(
    '%j leaves out the 404 propstats',
    async (headers) => {
      const answer = await propfind('/p/a.txt', '0', askFor('getetag', '{urn:x}none'), headers);
      expect(parseMultistatus(answer.text)[0]?.propstats.map(({ status }) => status)).toEqual([200]);
      expect(answer.headers['preference-applied']).toBe('return=minimal');
    },
  );

  test('the same property asked for twice comes once', async () => {
    const { text } = await propfind('/p/a.txt', '0', askFor('getetag', 'getetag'));
    expect(allOf(parseAnswer(text), '{DAV:}getetag')).toHaveLength(1);
  });

  test('lockdiscovery, quota and checksums come when named', async () => {
    const { text } = await propfind(
      '/p',
      '1',
      askFor('quota-used-bytes', `${OC}checksums`, `${OC}size`, `${OC}permissions`),
    );
    const [folder, file] = parseMultistatus(text);
    expect(Number(textIn(folder!.props.get('{DAV:}quota-used-bytes')))).toBeGreaterThan(0);
    expect(textIn(folder!.props.get(`${OC}size`))).toBe('6');
    expect(textIn(folder!.props.get(`${OC}permissions`))).toContain('CK');
    expect(textIn(file!.props.get(`${OC}checksums`))).toMatch(/\bSHA256:[0-9a-f]{64}$/);
  });
});

describe('the form of the answer', () => {
  test('R19 — Content-Type exactly, a length, every prefix declared once and on the root', async () => {
    const { headers, text } = await propfind('/p', '1');
    expect(headers['content-type']).toBe('application/xml; charset=utf-8');
    expect(headers['content-length']).toBe(String(Buffer.byteLength(text)));
    expect(text.match(/xmlns:D=/g)).toHaveLength(1);
    expect(text).toMatch(/^<\?xml version="1.0" encoding="utf-8"\?>\n<D:multistatus xmlns:D="DAV:"/);
    expect(text).not.toMatch(/xmlns="DAV:"/);
    expect(text).toContain('<D:status>HTTP/1.1 200 OK</D:status>');
  });

  test('R18 — hrefs: upper-case hex, + as %2B, parentheses literal, NFC', async () => {
    await alice('MKCOL', '/h');
    const names = {
      'a+b': 'a%2Bb',
      '(1)': '(1)',
      'ü ß': '%C3%BC%20%C3%9F',
      "o'c": "o'c",
      '#?': '%23%3F',
      '100%': '100%25',
      '&<': '%26%3C',
    };
    for (const name of Object.keys(names)) await alice('PUT', `/h/${encodeURIComponent(name)}`, { body: '' });
    const { text } = await propfind('/h', '1');
    expect(
      parseMultistatus(text)
        .slice(1)
        .map(({ href }) => href.slice('/dav/123456/h/'.length))
        .sort(),
    ).toEqual(Object.values(names).sort());
  });

  test('R22 — dates of both forms, on collections too; no length or type there', async () => {
    const { text } = await propfind('/p', '1');
    for (const { props, href } of parseMultistatus(text)) {
      expect(textIn(props.get('{DAV:}getlastmodified'))).toMatch(
        /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/,
      );
      expect(textIn(props.get('{DAV:}creationdate'))).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      expect(props.has('{DAV:}getcontenttype')).toBe(!href.endsWith('/'));
    }
    const [, file] = parseMultistatus(text);
    expect(textIn(file!.props.get('{DAV:}getlastmodified'))).toBe('Sun, 22 Nov 2026 19:14:25 GMT');
    expect(textIn(file!.props.get('{DAV:}getcontentlength'))).toBe('5');
  });

  test('R23 — displayname is the last segment, at the root the name of the drive', async () => {
    const name = async (path: string) => {
      const { text } = await propfind(path, '0', askFor('displayname'));
      return textIn(parseMultistatus(text)[0]!.props.get('{DAV:}displayname'));
    };
    expect(
      await Promise.all(['/', '/Drive', '/Trash', '/Common%20documents', '/p/sub/', '/h/%26%3C'].map(name)),
    ).toEqual(['Drive', 'Drive', 'Trash', 'Common documents', 'sub', '&<']);
  });

  test('resourcetype tells folders from files', async () => {
    const { text } = await propfind('/p', '1', askFor('resourcetype'));
    expect(
      parseMultistatus(text).map(({ props }) => childrenOf(props.get('{DAV:}resourcetype')).map((type) => type.name)),
    ).toEqual([['{DAV:}collection'], [], ['{DAV:}collection']]);
  });
});

describe('R24 — bodies', () => {
  test.each([
    ['not XML', 'hello'],
    ['not closed', '<D:propfind xmlns:D="DAV:"><D:allprop/>'],
    ['another element', '<D:prop xmlns:D="DAV:"/>'],
    ['no namespace', '<propfind><allprop/></propfind>'],
    ['an undeclared prefix', '<D:propfind><D:allprop/></D:propfind>'],
    ['two wishes', '<D:propfind xmlns:D="DAV:"><D:allprop/><D:propname/></D:propfind>'],
    ['none', '<D:propfind xmlns:D="DAV:"/>'],
  ])('%s is 400', async (_title, body) => {
    expect((await propfind('/p', '0', body)).status).toBe(400);
  });

  test('stray text is passed over (ownCloud 2.11), elements that are not known too', async () => {
    const body = '<d:propfind xmlns:d="DAV:"><d:prop><d:getetag/>x</d:prop>M<d:future/></d:propfind>';
    const { text } = await propfind('/p', '0', body);
    expect(namesOf(text)).toEqual([[['{DAV:}getetag']]]);
  });

  test.each([
    ['UTF-16LE with BOM', '\ufeff', 'utf16le', false],
    ['UTF-16BE with BOM', '\ufeff', 'utf16le', true],
    ['UTF-8 with BOM', '\ufeff', 'utf8', false],
  ] as const)('%s is read', async (_title, bom, encoding, swaps) => {
    const bytes = Buffer.from(
      `${bom}<D:propfind xmlns:D="DAV:"><D:prop><ü:ü xmlns:ü="urn:ü"/><D:getetag/></D:prop></D:propfind>`,
      encoding,
    );
    const { text, status } = await propfind('/p', '0', swaps ? bytes.swap16() : bytes);
    expect(status).toBe(207);
    expect(namesOf(text)).toEqual([[['{DAV:}getetag'], ['{urn:ü}ü']]]);
  });
});

describe('R30 — quota', () => {
  // How much room an object storage has nobody knows.
  const count = isOnCluster ? 1 : 2;
  const quota = async (path: string, headers = {}) => {
    const { text } = await propfind(path, '0', askFor('quota-available-bytes', 'quota-used-bytes'), headers);
    return [...parseMultistatus(text)[0]!.props.values()].map(textIn);
  };

  test('every collection has both numbers, as far as they are known, never negative; files have none', async () => {
    for (const path of ['/', '/Drive', '/Trash', '/Common%20documents', '/p', '/p/sub']) {
      const numbers = await quota(path);
      expect(numbers).toHaveLength(count);
      for (const number of numbers) expect(number).toMatch(/^\d+$/);
    }
    expect(await quota('/p/a.txt')).toEqual([]);
  });

  test('the switch hides them from Finder alone', async () => {
    expect(await quota('/', { 'User-Agent': 'WebDAVFS/3.0.0 (03008000) Darwin/24.0.0 (arm64)' })).toEqual([]);
    expect(await quota('/', { 'User-Agent': 'rclone/v1.60' })).toHaveLength(count);
  });
});
