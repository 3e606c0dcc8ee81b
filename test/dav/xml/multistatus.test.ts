import { describe, expect, test } from 'vitest';
import { encodePath } from '../../../src/dav/headers/path.js';
import {
  MULTISTATUS_CLOSE,
  MULTISTATUS_CONTENT_TYPE,
  MULTISTATUS_OPEN,
  missingProperty,
  PROP_CLOSE,
  PROP_OPEN,
  propstat,
  responseAround,
  responseWithPropstats,
  responseWithStatus,
  statusLine,
} from '../../../src/dav/xml/multistatus.js';
import { parseXml } from '../../../src/dav/xml/parse-xml.js';
import { childElements } from '../../../src/dav/xml/xml-element.js';

const parse = (responses: string) => parseXml(Buffer.from(MULTISTATUS_OPEN + responses + MULTISTATUS_CLOSE));

describe('client-requirements R19 — the frame', () => {
  test('prefix D on the root, no default namespace', () => {
    expect(MULTISTATUS_OPEN).toMatch(/^<\?xml version="1.0" encoding="utf-8"\?>\n<D:multistatus xmlns:D="DAV:" /);
    expect(MULTISTATUS_OPEN).toContain(' xmlns:oc="http://owncloud.org/ns" xmlns:nc="http://nextcloud.org/ns"');
    expect(MULTISTATUS_OPEN).not.toContain('xmlns=');
    expect(PROP_OPEN).toMatch(/^<\?xml version="1.0" encoding="utf-8"\?>\n<D:prop xmlns:D="DAV:" /);
    expect(childElements(parseXml(Buffer.from(PROP_OPEN + PROP_CLOSE)))).toEqual([]);
  });

  test('the content type is literally the one that ownCloud takes', () => {
    expect(MULTISTATUS_CONTENT_TYPE).toBe('application/xml; charset=utf-8');
  });

  test('status lines', () => {
    expect(statusLine(200)).toBe('HTTP/1.1 200 OK');
    expect(statusLine(207)).toBe('HTTP/1.1 207 Multi-Status');
    expect(statusLine(423)).toBe('HTTP/1.1 423 Locked');
    expect(statusLine(424)).toBe('HTTP/1.1 424 Failed Dependency');
    expect(statusLine(507)).toBe('HTTP/1.1 507 Insufficient Storage');
  });
});

describe('client-requirements R20 — propstats', () => {
  const FOUND =
    '<D:propstat><D:prop><D:getetag>"1"</D:getetag></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>';

  test('found alone: one 200 propstat', () => {
    expect(responseWithPropstats('/a', '<D:getetag>"1"</D:getetag>', '')).toBe(
      `<D:response><D:href>/a</D:href>${FOUND}</D:response>`,
    );
  });

  test('the 404 propstat comes second', () => {
    expect(responseWithPropstats('/a', '<D:getetag>"1"</D:getetag>', '<D:x/>')).toBe(
      `<D:response><D:href>/a</D:href>${FOUND}` +
        '<D:propstat><D:prop><D:x/></D:prop><D:status>HTTP/1.1 404 Not Found</D:status></D:propstat></D:response>',
    );
  });

  test('nothing found: the 200 propstat is there all the same', () => {
    expect(responseWithPropstats('/a', '', '<D:x/>')).toMatch(/<D:prop><\/D:prop><D:status>HTTP\/1\.1 200 OK.*404/);
    expect(responseWithPropstats('/a', '', '')).not.toContain('404');
  });

  test('PROPPATCH: any status, with its condition', () => {
    const failed = propstat(403, '<D:getetag/>', 'cannot-modify-protected-property');
    expect(responseAround('/a&b', failed + propstat(424, '<D:x/>'))).toBe(
      '<D:response><D:href>/a&amp;b</D:href><D:propstat><D:prop><D:getetag/></D:prop>' +
        '<D:status>HTTP/1.1 403 Forbidden</D:status>' +
        '<D:error><D:cannot-modify-protected-property/></D:error></D:propstat><D:propstat><D:prop><D:x/></D:prop>' +
        '<D:status>HTTP/1.1 424 Failed Dependency</D:status></D:propstat></D:response>',
    );
  });

  test('RFC 4918 §14.24 — a member with a status', () => {
    expect(responseWithStatus('/a', 423, 'lock-token-submitted', ['/a&b'])).toBe(
      '<D:response><D:href>/a</D:href><D:status>HTTP/1.1 423 Locked</D:status>' +
        '<D:error><D:lock-token-submitted><D:href>/a&amp;b</D:href></D:lock-token-submitted></D:error></D:response>',
    );
    expect(responseWithStatus('/a', 403)).toBe(
      '<D:response><D:href>/a</D:href><D:status>HTTP/1.1 403 Forbidden</D:status></D:response>',
    );
  });
});

describe('missing properties', () => {
  test.each([
    ['DAV:', 'getetag', '<D:getetag/>'],
    ['http://owncloud.org/ns', 'id', '<oc:id/>'],
    ['urn:schemas-microsoft-com:', 'Win32FileAttributes', '<Z:Win32FileAttributes/>'],
    ['', 'a', '<a/>'],
    ['urn:x"&<', 'a', '<x:a xmlns:x="urn:x&quot;&amp;&lt;"/>'],
  ])('%s %s', (namespace, name, element) => {
    expect(missingProperty({ namespace, name })).toBe(element);
    const [found] = childElements(parse(element));
    expect(found).toMatchObject({ namespace, name, attributes: [], children: [] });
  });
});

test('client-requirements R38 — 1,000 members are built in well under 2 ms', () => {
  const hrefs = Array.from({ length: 1000 }, (_, index) => encodePath(['dav', '123456', `file ${index}.txt`], false));
  const found = '<D:getetag>"0123456789abcdef"</D:getetag><D:resourcetype/><D:getcontentlength>1</D:getcontentlength>';
  const times: number[] = [];
  for (let round = 0; round < 50; round++) {
    const started = performance.now();
    let text = MULTISTATUS_OPEN;
    for (const href of hrefs) text += responseWithPropstats(href, found, '<D:x/>');
    expect((text + MULTISTATUS_CLOSE).length).toBeGreaterThan(100_000);
    times.push(performance.now() - started);
  }
  // The best of many rounds: others share the machine.
  expect(Math.min(...times)).toBeLessThan(2);
});
