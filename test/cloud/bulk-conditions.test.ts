import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DriveRequest, TestServer } from '../support/make-server.js';
import { parseMultistatus, textIn } from '../support/multistatus.js';

const BULK = '/remote.php/dav/bulk';
let server: TestServer;
let alice: DriveRequest;
beforeAll(async () => {
  server = await TestServer.start();
  alice = server.as('alice');
});
afterAll(() => server.stop());

interface BulkFile {
  readonly name: string;
  readonly content: string;
  /** Beside those that Nextcloud's desktop program 3.7 sends with each file. */
  readonly headers?: Readonly<Record<string, string>>;
}
type Results = Record<string, { error: boolean; etag?: string; message?: string }>;

/** Sends files in one request, as Nextcloud's desktop program 3.7 writes it. */
async function bulk(files: readonly BulkFile[]): Promise<{ status: number; results: Results }> {
  const parts = files.map(({ name, content, headers = {} }) => {
    const all = {
      'Content-Length': String(Buffer.byteLength(content)),
      'Content-Type': 'application/octet-stream',
      'X-File-MD5': createHash('md5').update(content).digest('hex'),
      'X-File-Mtime': '1577923200',
      'X-File-Path': name,
      ...headers,
    };
    const lines = Object.entries(all).map(([header, value]) => `${header}: ${value}\r\n`);
    return `--limit\r\n${lines.join('')}\r\n${content}\r\n`;
  });
  const answer = await server.send('POST', BULK, {
    user: 'alice',
    headers: { 'Content-Type': 'multipart/related; boundary="limit"' },
    body: `${parts.join('')}--limit--\r\n`,
  });
  return { status: answer.status, results: JSON.parse(answer.text) as Results };
}
const textOf = async (name: string) => (await alice('GET', name)).text;
const bare = (etag: unknown) => String(etag).replaceAll('"', '');

describe('client-requirements 2.10 — many small files in one POST', () => {
  test('each is stored with its bytes and its time, and is answered with its ETag', async () => {
    await alice('MKCOL', '/d');
    const { status, results } = await bulk([
      { name: '/one.txt', content: 'one' },
      { name: '/d/zwei ü.txt', content: 'zwei' },
      { name: '/empty.txt', content: '' },
    ]);
    expect(status).toBe(200);
    expect(Object.keys(results)).toEqual(['/one.txt', '/d/zwei ü.txt', '/empty.txt']);
    expect(await textOf('/d/zwei%20%C3%BC.txt')).toBe('zwei');
    expect(await textOf('/empty.txt')).toBe('');
    const one = await alice('GET', '/one.txt');
    expect([one.text, one.headers['last-modified']]).toEqual(['one', 'Thu, 02 Jan 2020 00:00:00 GMT']);
    expect(results['/one.txt']!.etag).toBe(bare(one.headers.etag));
    const [listed] = parseMultistatus((await alice('PROPFIND', '/one.txt', { headers: { Depth: '0' } })).text);
    expect(bare(textIn(listed!.props.get('{DAV:}getetag')))).toBe(results['/one.txt']!.etag);
  });

  test('a part’s If-Match counts: what others have changed meanwhile is not overwritten, the rest is stored', async () => {
    const first = await alice('PUT', '/shared.txt', { body: 'first' });
    await alice('PUT', '/shared.txt', { body: 'changed by others' });
    const known = await alice('PUT', '/known.txt', { body: 'known' });
    const { status, results } = await bulk([
      { name: '/shared.txt', content: 'mine', headers: { 'If-Match': String(first.headers.etag) } },
      { name: '/known.txt', content: 'newer', headers: { 'If-Match': String(known.headers.etag) } },
      { name: '/known-too.txt', content: 'new', headers: { 'If-None-Match': '*' } },
      { name: '/one.txt', content: 'overwritten', headers: { 'If-None-Match': '*' } },
    ]);
    expect(status).toBe(200);
    expect(Object.entries(results).map(([name, { error }]) => [name, error])).toEqual([
      ['/shared.txt', true],
      ['/known.txt', false],
      ['/known-too.txt', false],
      ['/one.txt', true],
    ]);
    expect(results['/shared.txt']!.message).not.toBe('');
    expect(await textOf('/shared.txt')).toBe('changed by others');
    expect(await textOf('/known.txt')).toBe('newer');
    expect(await textOf('/known-too.txt')).toBe('new');
    expect(await textOf('/one.txt')).toBe('one');
  });

  test('PRODUCT U3 — a file whose MD5 is wrong, and one whose folder is missing, are refused alone', async () => {
    const { results } = await bulk([
      { name: '/wrong.txt', content: 'wrong', headers: { 'X-File-MD5': '0'.repeat(32) } },
      { name: '/nowhere/x.txt', content: 'x' },
      { name: '/right.txt', content: 'right' },
    ]);
    expect(Object.values(results).map(({ error }) => error)).toEqual([true, true, false]);
    expect((await alice('GET', '/wrong.txt')).status).toBe(404);
    expect(await textOf('/right.txt')).toBe('right');
  });

  test.each([
    ['mirall/3.7.3git (nextcloudcmd, debian)', false],
    ['mirall/3.9.0 (Nextcloud, windows)', false],
    ['mirall/3.10.0 (Nextcloud, windows)', true],
    ['mirall/4.0.0 (Nextcloud, macos)', true],
    ['mirall/2.11.0 (owncloudcmd, debian)', false],
    ['curl/7.88.1', true],
  ])('%s is told of it: %s. Before 3.10 it breaks off where one of the files is empty', async (agent, isTold) => {
    const headers = { 'User-Agent': `Mozilla/5.0 (Linux) ${agent}`, 'OCS-APIREQUEST': 'true' };
    const answer = await server.send('GET', '/ocs/v1.php/cloud/capabilities?format=json', { user: 'alice', headers });
    const { dav } = JSON.parse(answer.text).ocs.data.capabilities;
    expect(dav).toEqual({ chunking: '1.0', ...(isTold ? { bulkupload: '1.0' } : {}) });
  });
});
