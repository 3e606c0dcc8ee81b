import { describe, expect, test } from 'vitest';
import { LOCK_OWNER_BYTES_MAX, parseLockInfo } from '../../../src/dav/xml/lockinfo.js';
import { parseXml } from '../../../src/dav/xml/parse-xml.js';
import { PROPERTY_NAMES_MAX, propertyKey } from '../../../src/dav/xml/property-name.js';
import { parsePropfind } from '../../../src/dav/xml/propfind-request.js';
import { parseMkcol, parseProppatch } from '../../../src/dav/xml/proppatch-request.js';
import { serializeElement } from '../../../src/dav/xml/serialize-xml.js';
import { readSyncCollection } from '../../../src/dav/xml/sync-collection-request.js';
import { textOf } from '../../../src/dav/xml/xml-element.js';
import { refusal } from '../refusal.js';

const bytes = (text: string) => Buffer.from(text);
const dav = (name: string) => ({ namespace: 'DAV:', name });
const manyNames = Array.from({ length: PROPERTY_NAMES_MAX + 1 }, (_, index) => `<p${index}/>`).join('');

describe('RFC 4918 §14.20 — propfind', () => {
  const propfind = (content: string) => parsePropfind(bytes(`<D:propfind xmlns:D="DAV:">${content}</D:propfind>`));

  test.each([
    ['none', null],
    ['empty (Windows, npm webdav)', bytes('')],
    ['white space', bytes('\r\n')],
  ])('client-requirements R24 — no body is allprop: %s', (_form, body) => {
    expect(parsePropfind(body)).toEqual({ kind: 'allprop', include: [] });
  });

  test('prop names properties in any namespace and none, each once, in order', () => {
    const content =
      '<D:prop><D:getetag/><x:a xmlns:x="urn:x"/><a/><D:getetag>x</D:getetag><a xmlns="urn:x"/><D:a/></D:prop>';
    const properties = [dav('getetag'), { namespace: 'urn:x', name: 'a' }, { namespace: '', name: 'a' }, dav('a')];
    expect(propfind(content)).toEqual({ kind: 'prop', properties });
  });

  test('an empty prop asks for nothing', () => {
    expect(propfind('<D:prop/>')).toEqual({ kind: 'prop', properties: [] });
  });

  test('allprop, allprop with include, propname', () => {
    expect(propfind('<D:allprop/>')).toEqual({ kind: 'allprop', include: [] });
    expect(propfind('<D:allprop/><D:include><D:acl/></D:include>')).toEqual({ kind: 'allprop', include: [dav('acl')] });
    expect(propfind('<D:include><D:acl/></D:include><D:allprop/>')).toEqual({ kind: 'allprop', include: [dav('acl')] });
    expect(propfind('<D:propname/>')).toEqual({ kind: 'propname' });
  });

  test('§17 — unknown siblings and stray text are passed over', () => {
    expect(propfind('<x:expired-props xmlns:x="urn:x"/>M<D:propname/><D:new/>N<prop/>')).toEqual({ kind: 'propname' });
  });

  test('client C — several props count together, each name once (owncloud/core#14703)', () => {
    const names = [dav('a'), dav('b')];
    expect(propfind('<D:prop><D:a/></D:prop><D:prop><D:b/><D:a/></D:prop>')).toEqual({
      kind: 'prop',
      properties: names,
    });
    const included = '<D:allprop/><D:include><D:a/></D:include><D:include><D:b/></D:include>';
    expect(propfind(included)).toEqual({ kind: 'allprop', include: names });
    const sync = parseXml(
      bytes(
        '<D:sync-collection xmlns:D="DAV:"><D:sync-token/><D:prop><D:a/></D:prop><D:prop><D:b/></D:prop></D:sync-collection>',
      ),
    );
    expect(readSyncCollection(sync).properties).toEqual(names);
  });

  test.each([
    ['nothing', ''],
    ['unknown only', '<D:leave-out/>'],
    ['include only', '<D:include><D:acl/></D:include>'],
    ['two kinds', '<D:allprop/><D:propname/>'],
    ['a prop and allprop', '<D:prop><D:a/></D:prop><D:allprop/>'],
    ['prop in no namespace', '<prop><a/></prop>'],
    ['litmus propfind_invalid2', '<D:prop><bar:foo xmlns:bar=""/></D:prop>'],
    ['undeclared prefix', '<D:prop><bar:foo/></D:prop>'],
    ['too many names', `<D:prop>${manyNames}</D:prop>`],
  ])('400: %s', (_rule, content) => {
    expect(refusal(() => propfind(content)).status).toBe(400);
  });

  test.each(['<foo>', '<propfind/>', '<D:prop xmlns:D="DAV:"/>', '<D:propertyupdate xmlns:D="DAV:"/>'])(
    '400: %s',
    (body) => {
      expect(refusal(() => parsePropfind(bytes(body))).status).toBe(400);
    },
  );

  test('keys tell namespace and name apart', () => {
    expect(propertyKey({ namespace: 'urn:x', name: 'a' })).toBe('{urn:x}a');
    expect(propertyKey({ namespace: '', name: 'a' })).toBe('{}a');
  });
});

describe('RFC 4918 §14.19 — propertyupdate', () => {
  const proppatch = (content: string, attributes = '') =>
    parseProppatch(bytes(`<D:propertyupdate xmlns:D="DAV:"${attributes}>${content}</D:propertyupdate>`));

  test('§9.2 — changes come in document order', () => {
    const changes = proppatch(
      '<D:remove><D:prop><a/><b/></D:prop></D:remove>M<D:set><D:prop><a>1</a></D:prop><x/></D:set>' +
        '<D:new/><set/><D:remove><D:prop><a/></D:prop></D:remove>',
    );
    expect(changes.map(({ action, name }) => `${action} ${name.name}`)).toEqual([
      'remove a',
      'remove b',
      'set a',
      'remove a',
    ]);
  });

  test('client-requirements 2.22 — Windows: the value is text', () => {
    const [change] = proppatch(
      '<D:set><D:prop><Z:Win32FileAttributes xmlns:Z="urn:schemas-microsoft-com:">00000010</Z:Win32FileAttributes></D:prop></D:set>',
    );
    if (change?.action !== 'set') throw new Error('no set');
    expect(change.name).toEqual({ namespace: 'urn:schemas-microsoft-com:', name: 'Win32FileAttributes' });
    expect(textOf(change.element)).toBe('00000010');
  });

  test.each([
    ['on the root', ' xml:lang="de"', '<D:set><D:prop><a/></D:prop></D:set>', 'de'],
    ['on set', '', '<D:set xml:lang="en"><D:prop><a/></D:prop></D:set>', 'en'],
    ['on prop, over the root', ' xml:lang="de"', '<D:set><D:prop xml:lang="fr"><a/></D:prop></D:set>', 'fr'],
    ['its own, over all', ' xml:lang="de"', '<D:set><D:prop xml:lang="fr"><a xml:lang="it"/></D:prop></D:set>', 'it'],
  ])('§4.3 — the language in scope is kept: %s', (_rule, attributes, content, language) => {
    const [change] = proppatch(content, attributes);
    if (change?.action !== 'set') throw new Error('no set');
    expect(serializeElement(change.element)).toBe(`<a xmlns="" xml:lang="${language}"/>`);
  });

  test('§4.3 — a language that was taken back is none', () => {
    const [change] = proppatch('<D:set><D:prop xml:lang=""><a/></D:prop></D:set>', ' xml:lang="de"');
    if (change?.action !== 'set') throw new Error('no set');
    expect(change.element.attributes).toEqual([]);
  });

  test.each([
    ['nothing', ''],
    ['no prop', '<D:set/>'],
    ['prop in no namespace', '<D:set><prop><a/></prop></D:set>'],
    ['no property', '<D:set><D:prop/></D:set>'],
    ['too many', `<D:set><D:prop>${manyNames}</D:prop></D:set>`],
  ])('400: %s', (_rule, content) => {
    expect(refusal(() => proppatch(content)).status).toBe(400);
  });

  test.each(['', '<a/>', '<D:propfind xmlns:D="DAV:"/>', '<propertyupdate/>'])('400: %j', (body) => {
    expect(refusal(() => parseProppatch(bytes(body))).status).toBe(400);
  });
});

describe('RFC 5689 §3 — extended MKCOL', () => {
  test('the properties to set', () => {
    const changes = parseMkcol(
      bytes(
        '<D:mkcol xmlns:D="DAV:"><D:set><D:prop><D:resourcetype><D:collection/></D:resourcetype><a/></D:prop></D:set></D:mkcol>',
      ),
    );
    expect(changes.map(({ action, name }) => `${action} ${name.name}`)).toEqual(['set resourcetype', 'set a']);
    expect(parseMkcol(bytes('<D:mkcol xmlns:D="DAV:"/>'))).toEqual([]);
  });

  test.each([
    ['client-requirements R26 another element is 415', '<a/>', 415],
    ['mkcol in no namespace is 415', '<mkcol/>', 415],
    ['malformed is 400', '<D:mkcol', 400],
    ['remove is 400', '<D:mkcol xmlns:D="DAV:"><D:remove><D:prop><a/></D:prop></D:remove></D:mkcol>', 400],
  ])('%s', (_rule, body, status) => {
    expect(refusal(() => parseMkcol(bytes(body))).status).toBe(status);
  });
});

describe('RFC 4918 §14.11 — lockinfo', () => {
  const EXCLUSIVE = '<D:lockscope><D:exclusive/></D:lockscope>';
  const WRITE = '<D:locktype><D:write/></D:locktype>';
  const lockinfo = (content: string) => parseLockInfo(bytes(`<D:lockinfo xmlns:D="DAV:">${content}</D:lockinfo>`));

  test('exclusive and shared', () => {
    expect(lockinfo(EXCLUSIVE + WRITE)).toEqual({ scope: 'exclusive', ownerXml: null });
    expect(lockinfo(`${WRITE}M<D:lockscope>x<D:shared/></D:lockscope>`)).toEqual({ scope: 'shared', ownerXml: null });
  });

  test.each([
    ['Windows', '<D:owner><D:href>PC\\alice</D:href></D:owner>', '<D:href xmlns:D="DAV:">PC\\alice</D:href>'],
    ['text', '<D:owner>Alice &amp; Bob</D:owner>', 'Alice &amp; Bob'],
    ['mixed', '<D:owner>a<b>c</b> d</D:owner>', 'a<b xmlns="">c</b> d'],
    ['empty', '<D:owner/>', ''],
  ])('§14.17 — the owner is kept: %s', (_client, owner, ownerXml) => {
    expect(lockinfo(EXCLUSIVE + WRITE + owner).ownerXml).toBe(ownerXml);
  });

  test('an owner is limited in bytes', () => {
    const owner = (text: string) => lockinfo(`${EXCLUSIVE}${WRITE}<D:owner>${text}</D:owner>`);
    expect(owner('a'.repeat(LOCK_OWNER_BYTES_MAX)).ownerXml).toHaveLength(LOCK_OWNER_BYTES_MAX);
    expect(refusal(() => owner('ü'.repeat(LOCK_OWNER_BYTES_MAX / 2 + 1))).status).toBe(400);
  });

  test.each([
    ['no scope', WRITE, 400],
    ['no type', EXCLUSIVE, 400],
    ['empty scope', `<D:lockscope/>${WRITE}`, 400],
    ['two scopes', `<D:lockscope><D:exclusive/><D:shared/></D:lockscope>${WRITE}`, 400],
    ['scope in no namespace', `<D:lockscope><exclusive/></D:lockscope>${WRITE}`, 400],
    ['unknown scope', `<D:lockscope><D:private/></D:lockscope>${WRITE}`, 422],
    ['unknown type', `${EXCLUSIVE}<D:locktype><D:read/></D:locktype>`, 422],
  ])('%s is refused', (_rule, content, status) => {
    expect(refusal(() => lockinfo(content)).status).toBe(status);
  });

  test('another element is 400', () => {
    expect(refusal(() => parseLockInfo(bytes('<lockinfo/>'))).status).toBe(400);
  });
});
