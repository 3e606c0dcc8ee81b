import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DriveRequest, TestServer } from '../support/make-server.js';
import { askFor, hrefsOf } from '../support/multistatus.js';

let server: TestServer;
let alice: DriveRequest;

beforeAll(async () => {
  server = await TestServer.start();
  alice = server.as('alice');
});
afterAll(() => server.stop());

const to = (path: string, headers = {}) => ({ headers: { Destination: server.urlOf(path), ...headers } });

describe('large listings', () => {
  const WIDTH = 1205;
  /** Everything below /wide, with three folders of more members than a page holds. */
  const expected = new Set<string>();

  beforeAll(async () => {
    await alice('MKCOL', '/wide');
    await alice('MKCOL', '/wide/0');
    const numbers = Array.from({ length: WIDTH }, (_, number) => number);
    for (let start = 0; start < WIDTH; start += 40) {
      const part = numbers.slice(start, start + 40);
      await Promise.all(part.map((number) => alice('PUT', `/wide/0/file%20${number}.txt`, { body: `${number}` })));
    }
    await alice('MKCOL', '/wide/0/deep');
    await alice('MKCOL', '/wide/0/deep/deeper');
    await alice('PUT', '/wide/0/deep/deeper/leaf', { body: 'leaf' });
    await alice('COPY', '/wide/0', to('/wide/1'));
    await alice('MOVE', '/wide/1', to('/wide/0/deep/1'));
    await alice('COPY', '/wide/0/deep/1', to('/Common%20documents/shared'));
    const trees = [
      ['/wide/', '/wide/0/', ...inFolder('/wide/0/')],
      ['/wide/0/deep/1/', ...inFolder('/wide/0/deep/1/')],
    ];
    for (const href of trees.flat()) expected.add(`/dav/123456${href}`);

    function inFolder(path: string): string[] {
      const files = numbers.map((number) => `${path}file ${number}.txt`);
      return [...files, `${path}deep/`, `${path}deep/deeper/`, `${path}deep/deeper/leaf`];
    }
  });

  test('Depth infinity over 2,400 nodes is complete, each once, folders before what is in them', async () => {
    const { headers, text } = await alice('PROPFIND', '/wide', {
      headers: { Depth: 'infinity' },
      body: askFor('getetag'),
    });
    expect(headers['transfer-encoding']).toBe('chunked');
    const hrefs = hrefsOf(text);
    expect(hrefs).toHaveLength(expected.size);
    expect(new Set(hrefs)).toEqual(expected);
    const seen = new Set<string>();
    for (const href of hrefs) {
      const parent = href.replace(/[^/]+\/?$/, '');
      if (href !== '/dav/123456/wide/') expect(seen.has(parent)).toBe(true);
      seen.add(href);
    }
  });

  test('Depth infinity at the root holds the drive folder, Common documents and the trash', async () => {
    await alice('COPY', '/wide/0/deep/1', to('/thrown'));
    await alice('DELETE', '/thrown');
    const { text } = await alice('PROPFIND', '/', { headers: { Depth: 'infinity' }, body: askFor('resourcetype') });
    const hrefs = hrefsOf(text).map((href) => href.slice('/dav/123456'.length));
    expect(new Set(hrefs).size).toBe(hrefs.length);
    const wide = [...expected].map((href) => href.replace('/dav/123456', '/Drive'));
    const copies = wide
      .filter((href) => href.startsWith('/Drive/wide/0/deep/1/'))
      .map((href) => href.slice('/Drive/wide/0/deep/1/'.length));
    expect(new Set(hrefs)).toEqual(
      new Set([
        '/',
        '/Drive/',
        '/Trash/',
        '/Drive/Common documents/',
        ...wide,
        ...copies.map((rest) => `/Drive/Common documents/shared/${rest}`),
        ...copies.map((rest) => `/Trash/thrown/${rest}`),
      ]),
    );
  });

  test('Depth 1 of a folder with more members than a page is complete', async () => {
    const { text } = await alice('PROPFIND', '/wide/0/', { headers: { Depth: '1' } });
    expect(hrefsOf(text)).toHaveLength(WIDTH + 2);
    expect(new Set(hrefsOf(text)).size).toBe(WIDTH + 2);
  });

  test('a trash with more than a page of deletions is listed completely', async () => {
    await alice('COPY', '/wide/0/deep/1', to('/many'));
    for (let start = 0; start < WIDTH; start += 40) {
      const part = Array.from({ length: Math.min(40, WIDTH - start) }, (_, index) => start + index);
      await Promise.all(part.map((number) => alice('DELETE', `/many/file%20${number}.txt`)));
    }
    const hrefs = hrefsOf((await alice('PROPFIND', '/Trash', { headers: { Depth: '1' } })).text);
    expect(hrefs.filter((href) => /file \d+\.txt$/.test(href))).toHaveLength(WIDTH);
    expect(new Set(hrefs).size).toBe(hrefs.length);
  });

  test('R38 — a listing of 1,000 files is below 1,000,000 bytes', async () => {
    await alice('MKCOL', '/thousand');
    await alice('COPY', '/wide/0/deep/1', to('/thousand/x'));
    const { bytes } = await alice('PROPFIND', '/thousand/x', { headers: { Depth: '1' } });
    expect(bytes.length / (WIDTH + 2)).toBeLessThan(1000);
  });

  test('the GET index of a large folder has every member', async () => {
    const { text } = await alice('GET', '/wide/0/');
    expect(text.match(/<li>/g)).toHaveLength(WIDTH + 1);
    expect(text.endsWith('</html>\n')).toBe(true);
  });
});
