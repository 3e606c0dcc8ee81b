import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type DriveRequest, TestServer } from '../support/make-server.js';
import { allOf, askFor, change, parseAnswer, parseMultistatus, textIn, type Xml } from '../support/multistatus.js';

const WIN32 = '{urn:schemas-microsoft-com:}';
let server: TestServer;
let alice: DriveRequest;
let path = '';
let number = 0;

beforeAll(async () => {
  server = await TestServer.start();
  await server.addMember('bob');
  alice = server.as('alice');
});
beforeEach(async () => {
  path = `/f${++number}.txt`;
  await alice('PUT', path, { body: 'content' });
});
afterAll(() => server.stop());

const patch = (values: Record<string, string | null>, target = path) =>
  alice('PROPPATCH', target, { body: change(values) });

async function properties(names: string[], target = path): Promise<ReadonlyMap<string, Xml>> {
  const { text } = await alice('PROPFIND', target, { headers: { Depth: '0' }, body: askFor(...names) });
  return parseMultistatus(text)[0]!.props;
}
const value = async (name: string, target = path) => {
  const prop = (await properties([name], target)).get(name.startsWith('{') ? name : `{DAV:}${name}`);
  return prop && textIn(prop);
};
/** Statuses of a PROPPATCH answer, by property. */
const outcome = (text: string) =>
  Object.fromEntries(
    parseMultistatus(text)[0]!.propstats.flatMap(({ status, props }) =>
      [...props.keys()].map((name) => [name, status]),
    ),
  );

describe('RFC 4918 §9.2 — PROPPATCH of dead properties', () => {
  test('sets, changes and removes; 207 with 200 inside and empty elements', async () => {
    const answer = await patch({ '{urn:x}a': '1', '{urn:y}a': '2', '{}a': '3' });
    expect(answer.status).toBe(207);
    expect(answer.headers['content-type']).toBe('application/xml; charset=utf-8');
    expect(outcome(answer.text)).toEqual({ '{urn:x}a': 200, '{urn:y}a': 200, '{}a': 200 });
    expect(parseMultistatus(answer.text)[0]!.href).toBe(`/dav/123456${path}`);
    expect([await value('{urn:x}a'), await value('{urn:y}a'), await value('{}a')]).toEqual(['1', '2', '3']);
    await patch({ '{urn:x}a': 'new', '{urn:y}a': null });
    expect([await value('{urn:x}a'), await value('{urn:y}a'), await value('{}a')]).toEqual(['new', undefined, '3']);
  });

  test('removing one that is not there succeeds', async () => {
    expect(outcome((await patch({ '{urn:x}never': null })).text)).toEqual({ '{urn:x}never': 200 });
  });

  test('instructions count in document order, on the same property too', async () => {
    const set = (text: string) => `<D:set><D:prop><x:a xmlns:x="urn:x">${text}</x:a></D:prop></D:set>`;
    const remove = '<D:remove><D:prop><x:a xmlns:x="urn:x"/></D:prop></D:remove>';
    const send = (...parts: string[]) =>
      alice('PROPPATCH', path, { body: `<D:propertyupdate xmlns:D="DAV:">${parts.join('')}</D:propertyupdate>` });
    await send(set('1'), remove, set('2'));
    expect(await value('{urn:x}a')).toBe('2');
    await send(set('3'), remove);
    expect(await value('{urn:x}a')).toBeUndefined();
  });

  test('all or nothing: one protected property makes the others 424, and nothing is set', async () => {
    const answer = await patch({ '{urn:x}a': '1', getetag: 'mine', '{urn:x}b': '2', resourcetype: '' });
    expect(answer.status).toBe(207);
    expect(outcome(answer.text)).toEqual({
      '{urn:x}a': 424,
      '{urn:x}b': 424,
      '{DAV:}getetag': 403,
      '{DAV:}resourcetype': 403,
    });
    expect(allOf(parseAnswer(answer.text), '{DAV:}cannot-modify-protected-property')).toHaveLength(1);
    expect(await value('{urn:x}a')).toBeUndefined();
  });

  test.each([
    'getetag',
    'getcontentlength',
    'getcontenttype',
    'displayname',
    'resourcetype',
    'lockdiscovery',
    'supportedlock',
    'quota-used-bytes',
    '{http://owncloud.org/ns}fileid',
    '{http://owncloud.org/ns}checksums',
    '{http://nextcloud.org/ns}trashbin-filename',
  ])('%s is protected: 403, to set and to remove', async (name) => {
    for (const content of ['x', null]) {
      const answer = await patch({ [name]: content });
      expect(answer.status).toBe(207);
      expect(Object.values(outcome(answer.text))).toEqual([403]);
    }
  });

  test('the value comes back as it was: mixed content, attributes, namespaces, white space, xml:lang (§4.3)', async () => {
    const content =
      ' text <b xmlns="urn:b" k="v &quot;&lt;&#10;" z:k="w" xmlns:z="urn:z">bold<i xmlns=""/><D:href>x</D:href></b>&amp;]]&gt; 😀\n\ttail ';
    const body = `<D:propertyupdate xmlns:D="DAV:" xml:lang="de"><D:set><D:prop><x:rich xmlns:x="urn:x">${content}</x:rich><x:en xmlns:x="urn:x" xml:lang="en">y</x:en></D:prop></D:set></D:propertyupdate>`;
    await alice('PROPPATCH', path, { body });
    const props = await properties(['{urn:x}rich', '{urn:x}en']);
    const sent = allOf(parseAnswer(body), '{urn:x}rich')[0]!;
    const rich = props.get('{urn:x}rich')!;
    expect(rich.children).toEqual(sent.children);
    expect(rich.attributes).toEqual({ '{http://www.w3.org/XML/1998/namespace}lang': 'de' });
    expect(props.get('{urn:x}en')!.attributes).toEqual({ '{http://www.w3.org/XML/1998/namespace}lang': 'en' });
  });

  test('namespaces that look alike stay apart (webdav-server corrupts them)', async () => {
    const names = [
      '{http://a/}b',
      '{http://a}b',
      '{HTTP://A/}b',
      '{DAV}b',
      '{dav:}b',
      '{urn:firn}b',
      '{http://apache.org/dav/props/}executable',
    ];
    await patch(Object.fromEntries(names.map((name, index) => [name, `${index}`])));
    expect(await Promise.all(names.map((name) => value(name)))).toEqual(names.map((_name, index) => `${index}`));
  });

  test('they live on folders, and through overwrite, rename, move, copy and restart', async () => {
    await alice('MKCOL', `${path}-d`);
    await patch({ '{SAR:}lastmodified': 'Wed, 01 Jan 2020 10:00:00 GMT' }, `${path}-d`);
    await patch({ '{urn:x}a': 'kept' });
    await alice('PUT', path, { body: 'other content' });
    await alice('MOVE', path, { headers: { Destination: server.urlOf(`${path}-d/in`) } });
    await alice('COPY', `${path}-d`, { headers: { Destination: server.urlOf(`${path}-e`) } });
    await alice('MOVE', `${path}-d`, { headers: { Destination: server.urlOf(`${path}-f`) } });
    await server.restart();
    for (const folder of [`${path}-e`, `${path}-f`]) {
      expect(await value('{SAR:}lastmodified', folder)).toBe('Wed, 01 Jan 2020 10:00:00 GMT');
      expect(await value('{urn:x}a', `${folder}/in`)).toBe('kept');
    }
    await alice('PUT', path, { body: 'a new file of the old name' });
    expect(await value('{urn:x}a')).toBeUndefined();
  });

  test('a value of more than 64 KiB is refused with 507, the others with 424', async () => {
    const answer = await patch({ '{urn:x}small': 'x', '{urn:x}large': 'x'.repeat(66_000) });
    expect(outcome(answer.text)).toEqual({ '{urn:x}small': 424, '{urn:x}large': 507 });
  });

  test('the content keeps its ETag and its date', async () => {
    const before = await alice('HEAD', path);
    await patch({ '{urn:x}a': '1' });
    const after = await alice('HEAD', path);
    expect([after.headers.etag, after.headers['last-modified']]).toEqual([
      before.headers.etag,
      before.headers['last-modified'],
    ]);
  });

  test('Prefer: return=minimal answers success without a body', async () => {
    const headers = { Prefer: 'return=minimal' };
    const done = await alice('PROPPATCH', path, { body: change({ '{urn:x}a': '1' }), headers });
    expect([done.status, done.headers['preference-applied'], done.text]).toEqual([204, 'return=minimal', '']);
    const refused = await alice('PROPPATCH', path, { body: change({ getetag: '1' }), headers });
    expect(refused.status).toBe(207);
  });

  test('404 where nothing is; 400 without or with a wrong body; 412 by If-Match', async () => {
    expect((await patch({ '{urn:x}a': '1' }, '/none')).status).toBe(404);
    for (const body of [
      '',
      'x',
      '<D:propertyupdate xmlns:D="DAV:"/>',
      '<D:propfind xmlns:D="DAV:"><D:allprop/></D:propfind>',
    ]) {
      expect((await alice('PROPPATCH', path, { body })).status).toBe(400);
    }
    const headers = { 'If-Match': '"no"' };
    expect((await alice('PROPPATCH', path, { body: change({ '{urn:x}a': '1' }), headers })).status).toBe(412);
  });
});

describe('PRODUCT U7 — dates', () => {
  const DATE = 'Wed, 01 Jan 2020 10:00:00 GMT';
  const modified = (target = path) => value('getlastmodified', target);

  test.each([
    ['getlastmodified', DATE, 'WinSCP'],
    ['lastmodified', '1577872800', 'rclone'],
    ['lastmodified', '1577872800.9', 'rclone with a fraction'],
    [`${WIN32}Win32LastModifiedTime`, DATE, 'Windows'],
    ['getlastmodified', 'Wednesday, 01-Jan-20 10:00:00 GMT', 'RFC 850'],
  ])('PROPPATCH of %s to %s sets Last-Modified (%s), of files and folders', async (name, text) => {
    await alice('MKCOL', `${path}-d`);
    for (const target of [path, `${path}-d`]) {
      expect(Object.values(outcome((await patch({ [name]: text }, target)).text))).toEqual([200]);
      expect(await modified(target)).toBe(DATE);
    }
    expect((await alice('HEAD', path)).headers['last-modified']).toBe(DATE);
    expect(await value(`${WIN32}Win32LastModifiedTime`)).toBe(DATE);
  });

  test.each([
    ['creationdate', '2020-01-01T10:00:00Z'],
    ['creationdate', '2020-01-01T12:00:00.500+02:00'],
    [`${WIN32}Win32CreationTime`, DATE],
  ])('PROPPATCH of %s to %s sets creationdate', async (name, text) => {
    expect(Object.values(outcome((await patch({ [name]: text })).text))).toEqual([200]);
    expect(await value('creationdate')).toBe('2020-01-01T10:00:00Z');
  });

  test("Windows' whole set is accepted and read back (client-requirements R7)", async () => {
    const sent = {
      [`${WIN32}Win32CreationTime`]: DATE,
      [`${WIN32}Win32LastAccessTime`]: 'Sun, 22 Nov 2026 19:14:25 GMT',
      [`${WIN32}Win32LastModifiedTime`]: DATE,
      [`${WIN32}Win32FileAttributes`]: '00000020',
    };
    expect(new Set(Object.values(outcome((await patch(sent)).text)))).toEqual(new Set([200]));
    const props = await properties(Object.keys(sent));
    expect(Object.fromEntries([...props].map(([name, prop]) => [name, textIn(prop)]))).toEqual(sent);
  });

  test.each(['getlastmodified', 'lastmodified', 'creationdate', `${WIN32}Win32LastModifiedTime`])(
    'nonsense as %s is 409, and changes nothing',
    async (name) => {
      const before = await modified();
      const answer = await patch({ '{urn:x}a': '1', [name]: 'yesterday' });
      expect(Object.values(outcome(answer.text)).sort()).toEqual([409, 424]);
      expect(await modified()).toBe(before);
    },
  );

  test('dates stay through rename, move and copy of the file, and change with a PUT without a date', async () => {
    await patch({ lastmodified: '1577872800' });
    await alice('MOVE', path, { headers: { Destination: server.urlOf(`${path}2`) } });
    await alice('COPY', `${path}2`, { headers: { Destination: server.urlOf(`${path}3`) } });
    expect([await modified(`${path}2`), await modified(`${path}3`)]).toEqual([DATE, DATE]);
    await alice('PUT', `${path}2`, { body: 'new' });
    expect(await modified(`${path}2`)).not.toBe(DATE);
  });

  test.each(['99999999999999', '-99999999999999', '1e99', ''])('%j as lastmodified is no defect', async (text) => {
    const answer = await patch({ lastmodified: text });
    expect(answer.status).toBe(207);
    expect((await alice('PROPFIND', path, { headers: { Depth: '0' } })).status).toBe(207);
    expect((await alice('GET', path)).status).toBe(200);
  });
});

describe('who may', () => {
  test('a viewer and a read-only or add-only device may not: 403', async () => {
    await server.addMember('vera', { role: 'viewer' });
    await alice('PUT', '/Common%20documents/c.txt', { body: 'c' });
    const devices = await Promise.all(
      (['read-only', 'add-only'] as const).map((allowance) => server.addAppPassword('bob', { allowance })),
    );
    for (const who of [server.as('vera'), ...devices.map(({ authorization }) => server.as(authorization))]) {
      const { status } = await who('PROPPATCH', '/Common%20documents/c.txt', { body: change({ '{urn:x}a': '1' }) });
      expect(status).toBe(403);
    }
  });
});
