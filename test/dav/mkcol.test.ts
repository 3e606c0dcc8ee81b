import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DriveRequest, TestServer } from '../support/make-server.js';
import { allOf, askFor, childrenOf, parseAnswer, parseMultistatus, textIn } from '../support/multistatus.js';

let server: TestServer;
let alice: DriveRequest;

beforeAll(async () => {
  server = await TestServer.start();
  alice = server.as('alice');
});
afterAll(() => server.stop());

const isThere = async (path: string) => (await alice('PROPFIND', path, { headers: { Depth: '0' } })).status === 207;
const mkcol = (...props: string[]) =>
  `<D:mkcol xmlns:D="DAV:"><D:set><D:prop>${props.join('')}</D:prop></D:set></D:mkcol>`;
const COLLECTION = '<D:resourcetype><D:collection/></D:resourcetype>';

describe('RFC 4918 §9.3 — MKCOL', () => {
  test('201 with and without slash; 405 where something is, file or folder (client-requirements R26)', async () => {
    expect((await alice('MKCOL', '/a')).status).toBe(201);
    expect((await alice('MKCOL', '/b/')).status).toBe(201);
    await alice('PUT', '/file', { body: 'x' });
    for (const path of ['/a', '/a/', '/b', '/file', '/file/', '/', '/Drive', '/Trash']) {
      const answer = await alice('MKCOL', path);
      expect(answer.status).toBe(405);
      expect(answer.headers.location).toBeUndefined();
    }
  });

  test('409 without parent, and below a file; nothing is made', async () => {
    for (const path of ['/no/where', '/a/b/c/d', '/file/in', '/Drive/no/x', '/Common%20documents/no/x']) {
      expect((await alice('MKCOL', path)).status).toBe(409);
    }
    expect(await isThere('/no')).toBe(false);
  });

  test.each([
    ['Content-Length: 0', { body: '' }],
    ['white space', { body: ' \n' }],
    ['an empty chunked body', { body: [] as Uint8Array[] }],
  ])('a body of nothing is tolerated: %s', async (title, options) => {
    expect((await alice('MKCOL', `/blank-${encodeURIComponent(title)}`, options)).status).toBe(201);
  });

  test.each([
    ['another type', 'x', { 'Content-Type': 'text/plain' }],
    ['JSON', '{}', { 'Content-Type': 'application/json' }],
    [
      'XML of another kind',
      '<D:propfind xmlns:D="DAV:"><D:allprop/></D:propfind>',
      { 'Content-Type': 'application/xml' },
    ],
  ])('a body that is no mkcol is 415: %s', async (_title, body, headers) => {
    expect((await alice('MKCOL', '/refused', { body, headers })).status).toBe(415);
    expect(await isThere('/refused')).toBe(false);
  });

  test('broken XML is 400', async () => {
    expect((await alice('MKCOL', '/refused', { body: '<mkcol', headers: { 'Content-Type': 'text/xml' } })).status).toBe(
      400,
    );
  });

  test('If-None-Match never fails it, whatever it says (Joplin, client-requirements R27)', async () => {
    expect((await alice('MKCOL', '/joplin', { headers: { 'If-None-Match': 'JoplinIgnore-123' } })).status).toBe(201);
    expect((await alice('MKCOL', '/joplin', { headers: { 'If-None-Match': '*' } })).status).toBe(405);
  });

  test('X-OC-Mtime sets the date of the folder', async () => {
    const answer = await alice('MKCOL', '/dated', { headers: { 'X-OC-Mtime': '1577872800' } });
    expect(answer.headers['x-oc-mtime']).toBe('accepted');
    const { text } = await alice('PROPFIND', '/dated', { headers: { Depth: '0' }, body: askFor('getlastmodified') });
    expect(text).toContain('Wed, 01 Jan 2020 10:00:00 GMT');
  });

  test('of two at once one makes it', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => alice('MKCOL', '/race')));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(7).fill(405)]);
  });
});

describe('RFC 5689 — MKCOL with properties', () => {
  test('sets them', async () => {
    const body = mkcol(
      COLLECTION,
      '<x:c xmlns:x="urn:x">blue</x:c>',
      '<D:creationdate>2020-01-01T10:00:00Z</D:creationdate>',
    );
    expect((await alice('MKCOL', '/ext', { body, headers: { 'Content-Type': 'application/xml' } })).status).toBe(201);
    const { text } = await alice('PROPFIND', '/ext', {
      headers: { Depth: '0' },
      body: askFor('{urn:x}c', 'creationdate'),
    });
    expect([...parseMultistatus(text)[0]!.props.values()].map(textIn)).toEqual(['blue', '2020-01-01T10:00:00Z']);
  });

  test('one that can’t be set makes nothing: 424 with a propstat each', async () => {
    const body = mkcol('<x:c xmlns:x="urn:x">blue</x:c>', '<D:getetag>mine</D:getetag>');
    const answer = await alice('MKCOL', '/not', { body });
    expect(answer.status).toBe(424);
    const root = parseAnswer(answer.text);
    expect(root.name).toBe('{DAV:}mkcol-response');
    expect(
      childrenOf(root)
        .map((propstat) => textIn(childrenOf(propstat, '{DAV:}status')[0]).slice(9, 12))
        .sort(),
    ).toEqual(['403', '424']);
    expect(await isThere('/not')).toBe(false);
  });

  test('another resource type is refused with its condition', async () => {
    const body = mkcol(
      '<D:resourcetype><D:collection/><C:calendar xmlns:C="urn:ietf:params:xml:ns:caldav"/></D:resourcetype>',
    );
    const answer = await alice('MKCOL', '/cal', { body });
    expect(answer.status).toBe(403);
    expect(allOf(parseAnswer(answer.text), '{DAV:}valid-resourcetype')).toHaveLength(1);
    expect(await isThere('/cal')).toBe(false);
  });
});
