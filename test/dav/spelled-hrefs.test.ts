import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { authorizationOf, DRIVE_ID, type DriveRequest, emailOf, TestServer } from '../support/make-server.js';
import { allOf, askFor, change, parseAnswer, parseMultistatus, textIn } from '../support/multistatus.js';

const BASE = `/dav/${DRIVE_ID}`;
let server: TestServer;
let alice: DriveRequest;

beforeAll(async () => {
  server = await TestServer.start();
  alice = server.as('alice');
});
afterAll(() => server.stop());

/** A segment as it is asked for, and what the same name is where Firn spells it. */
const SPELLINGS: [string, string, string][] = [
  ['what RFC 3986 allows bare', "a$&+,;=:@()!*'~b", "a%24%26%2B%2C%3B%3D%3A%40()!*'~b"],
  ['a plus', 'c+d', 'c%2Bd'],
  ['the same escaped', 'e%24%2b', 'e%24%2B'],
  ['lower-case escapes (davfs2)', 'f%c3%bc', 'f%C3%BC'],
  ['escapes where none are needed', '%67-%7Eh', 'g-~h'],
  ['a decomposed name (NFD)', 'i%CC%88j', '%C3%AFj'],
  ['what no URI may hold', 'l"<>^`{|}m', 'l%22%3C%3E%5E%60%7B%7C%7Dm'],
];
/** Those that go back as they came. */
const KEPT = SPELLINGS.slice(0, 6);

const hrefsIn = (text: string) => parseMultistatus(text).map(({ href }) => href);

describe('client D — RFC 4918 §8.3: addresses in answers begin as the request did', () => {
  beforeAll(async () => {
    for (const [, , spelt] of SPELLINGS) {
      await alice('MKCOL', `/${spelt}/`);
      await alice('PUT', `/${spelt}/a$+b`, { body: 'x' });
    }
  });

  test.each(KEPT)('%s: PROPFIND of a folder, members encoded below it', async (_what, asked) => {
    for (const path of [`/${asked}`, `/${asked}/`]) {
      for (const depth of ['1', 'infinity']) {
        const { text } = await alice('PROPFIND', path, { headers: { Depth: depth } });
        expect(hrefsIn(text)).toEqual([`${BASE}/${asked}/`, `${BASE}/${asked}/a%24%2Bb`]);
      }
    }
    const above = await alice('PROPFIND', '/', { headers: { Depth: 'infinity' } });
    const spelt = SPELLINGS.find(([, one]) => one === asked)![2];
    expect(hrefsIn(above.text).some((href) => href.endsWith(`/${spelt}/a%24%2Bb`))).toBe(true);
  });

  test.each(SPELLINGS.slice(6))('%s is encoded: it would not be an address', async (_what, asked, spelt) => {
    const path = `/${asked}/`;
    const { status, text } = await viaSocket('PROPFIND', `${BASE}${path}`);
    expect(status, text).toBe(207);
    expect(hrefsIn(text)).toEqual([`${BASE}/${spelt}/`, `${BASE}/${spelt}/a%24%2Bb`]);
  });

  test.each(KEPT)(
    '%s: PROPFIND and PROPPATCH of a file, LOCK and its root, what is in the way',
    async (_what, asked) => {
      const file = `/${asked}/a$+b`;
      const href = BASE + file;
      expect(hrefsIn((await alice('PROPFIND', file, { headers: { Depth: '0' } })).text)).toEqual([href]);
      const patched = await alice('PROPPATCH', file, { body: change({ '{urn:x}a': 'b' }) });
      expect(hrefsIn(patched.text)).toEqual([href]);
      const roots = (text: string) => allOf(parseAnswer(text), '{DAV:}lockroot').map(textIn);
      const body =
        '<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>';
      const locked = await alice('LOCK', `/${asked}`, { headers: { Depth: 'infinity' }, body });
      expect(roots(locked.text)).toEqual([`${BASE}/${asked}/`]);
      const found = await alice('PROPFIND', file, { headers: { Depth: '0' }, body: askFor('lockdiscovery') });
      expect(roots(found.text)).toEqual([`${BASE}/${asked}/`]);
      const refused = await alice('PUT', file, { body: 'y' });
      expect(refused.status).toBe(423);
      expect(allOf(parseAnswer(refused.text), '{DAV:}href').map(textIn)).toEqual([`${BASE}/${asked}/`]);
      await alice('UNLOCK', `/${asked}`, { headers: { 'Lock-Token': String(locked.headers['lock-token']) } });
    },
  );

  test.each(KEPT)('%s: sync-collection, members and what is gone', async (_what, asked) => {
    const sync = (token: string) =>
      `<D:sync-collection xmlns:D="DAV:"><D:sync-token>${token}</D:sync-token><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop></D:sync-collection>`;
    await alice('PUT', `/${asked}/gone`, { body: 'x' });
    const first = await alice('REPORT', `/${asked}/`, { body: sync('') });
    expect(hrefsIn(first.text)).toEqual([`${BASE}/${asked}/a%24%2Bb`, `${BASE}/${asked}/gone`]);
    await alice('DELETE', `/${asked}/gone`);
    const token = textIn(allOf(parseAnswer(first.text), '{DAV:}sync-token')[0]!);
    const second = await alice('REPORT', `/${asked}/`, { body: sync(token) });
    expect(hrefsIn(second.text)).toEqual([`${BASE}/${asked}/gone`]);
  });

  test.each(KEPT)('%s: in the cloud trees', async (_what, asked) => {
    for (const tree of [`/remote.php/webdav`, `/remote.php/dav/files/${encodeURIComponent(emailOf('alice'))}`]) {
      const { text } = await alice('PROPFIND', `${tree}/${asked}`, { headers: { Depth: '1' } });
      expect(hrefsIn(text)).toEqual([`${BASE}${tree}/${asked}/`, `${BASE}${tree}/${asked}/a%24%2Bb`]);
    }
  });

  test('several slashes count as one', async () => {
    const { text } = await alice('PROPFIND', '//c+d//', { headers: { Depth: '1' } });
    expect(hrefsIn(text)).toEqual([`${BASE}/c+d/`, `${BASE}/c+d/a%24%2Bb`]);
  });

  test('an address can not be made to lead elsewhere, or to break the XML', async () => {
    await alice('MKCOL', '/evil.example');
    for (const target of ['//evil.example/', '/%65vil.example/', '/evil.example/']) {
      const { text } = await alice('PROPFIND', target, { headers: { Depth: '0' } });
      expect(hrefsIn(text)[0]!.startsWith(`${BASE}/`)).toBe(true);
    }
    const host = `${DRIVE_ID}.connect.example.org`;
    const { text } = await server.send('PROPFIND', '//evil.example/', {
      user: 'alice',
      headers: { Host: host, Depth: '0' },
    });
    expect(hrefsIn(text)).toEqual(['/evil.example/']);
  });
});

/** Past Node's client, which refuses such targets. */
async function viaSocket(method: string, target: string): Promise<{ status: number; text: string }> {
  const connection = await server.connect();
  const authorization = authorizationOf('alice');
  connection.writeHead(
    `${method} ${target} HTTP/1.1`,
    'Host: localhost',
    'Depth: 1',
    `Authorization: ${authorization}`,
  );
  const { status, body } = await connection.readAnswer();
  connection.close();
  return { status, text: body };
}
