import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AddressGuard } from '../../../src/jobs/import/address-guard.js';
import { listFolder } from '../../../src/jobs/import/list-folder.js';
import { SourceClient } from '../../../src/jobs/import/source-client.js';
import { runImport } from '../../support/import-start.js';
import { DRIVE_NAME, TestServer } from '../../support/make-server.js';
import { type SourceFile, SyntheticSource } from '../../support/synthetic-source.js';

const MTIME = new Date('2019-03-04T05:06:07Z');
const PASSWORD = 'a very secret word';

function file(text: string, more: Partial<SourceFile> = {}): SourceFile {
  const etag = `"${createHash('md5').update(text).digest('hex')}"`;
  return { bytes: Buffer.from(text), modified: MTIME, etag, ...more };
}

describe('sources that differ', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await TestServer.start({ importAllowedNetworks: ['127.0.0.0/8'], idleTimeoutSeconds: 5 });
  });
  afterAll(() => server.stop());
  const read = async (path: string) => (await server.as('alice')('GET', path)).text;

  const TREE = { '/in/b%20c.txt': file('b'), '/in/deep/d.txt': file('d'), '/top.txt': file('t') };
  it.each<[string, (path: string, folder: string) => string]>([
    ['absolute, with another host, as behind a proxy', (path) => `https://inner.example:8443${path}`],
    ['relative, of the folder itself too', (path, folder) => path.slice(folder.length) || './'],
    ['relative with a dot', (path, folder) => `./${path.slice(folder.length)}`],
    ['without slashes after folders', (path) => path.replace(/(.)\/$/, '$1')],
    ['not encoded', (path) => decodeURIComponent(path)],
    ['with slashes twice', (path) => `/${path}`],
  ])('hrefs: %s', async (what, hrefOf) => {
    const source = await SyntheticSource.start(TREE);
    source.hrefOf = hrefOf;
    const to = `hrefs ${what.length}`;
    const { progress, report } = await runImport(server, source.url, { to });
    expect({ files: progress.files, done: progress.done, report }).toEqual({ files: 3, done: 3, report: [] });
    expect(await read(`/${encodeURIComponent(to)}/in/b%20c.txt`)).toBe('b');
    expect(await read(`/${encodeURIComponent(to)}/in/deep/d.txt`)).toBe('d');
  });

  it('hrefs of somewhere else are no empty folder', async () => {
    const source = await SyntheticSource.start(TREE);
    source.hrefOf = (path) => `/elsewhere${path}`;
    const { job } = await runImport(server, `${source.url}in/`, { to: 'elsewhere' });
    expect(job).toMatchObject({ state: 'failed', hasSecret: false });
    expect(job.error).toMatch(/do not lie below/);
  });

  it('without ETags: dates and sizes tell what changed; without dates too, nothing does', async () => {
    const source = await SyntheticSource.start({
      '/dated.txt': file('dated', { etag: null }),
      '/bare.txt': file('bare', { etag: null, modified: null }),
    });
    expect((await runImport(server, source.url, { to: 'bare' })).progress).toMatchObject({ done: 2 });
    source.requests.length = 0;
    expect((await runImport(server, source.url, { to: 'bare' })).progress).toMatchObject({ done: 1, unchanged: 1 });
    expect(source.gets()).toEqual(['/bare.txt']);
    expect(await read('/bare/bare.txt')).toBe('bare');
  });

  it.each([
    ['more', 9],
    ['fewer', 3],
  ])('a Content-Length of %s bytes than the file has: reported, not stored', async (what, length) => {
    const source = await SyntheticSource.start({ '/lies.txt': file('honest'), '/true.txt': file('true') });
    source.meddle = (request, response, path) => {
      if (request.method !== 'GET' || path !== '/lies.txt') return false;
      response.socket!.end(`HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\nhonest`);
      return true;
    };
    const { progress, report } = await runImport(server, source.url, { to: `length ${what}` });
    expect(progress).toMatchObject({ done: 1, failed: 1 });
    expect(report).toMatchObject([{ path: '/lies.txt', outcome: 'failed' }]);
    expect((await server.as('alice')('GET', `/length%20${what}/lies.txt`)).status).toBe(404);
  });

  it('301 of the whole tree, and of a file', async () => {
    const source = await SyntheticSource.start({ '/new/a.txt': file('a'), '/new/in/b.txt': file('b') });
    source.meddle = (_request, response, path) => {
      const to = path.startsWith('/old')
        ? path.replace('/old', '/new')
        : path === '/new/a.txt'
          ? '/new/in/b.txt'
          : null;
      if (to === null) return false;
      response.writeHead(301, { Location: to }).end('moved');
      return true;
    };
    const { progress, report } = await runImport(server, `${source.url}old`, { to: 'moved' });
    expect({ done: progress.done, report }).toEqual({ done: 2, report: [] });
    expect(await read('/moved/in/b.txt')).toBe('b');
  });

  it.each(['MD5', 'SHA-256'])(
    'Digest with %s, whose nonces run out: the password itself is never sent',
    async (name) => {
      const source = await SyntheticSource.start({
        '/a.txt': file('a'),
        '/in/b.txt': file('b'),
        '/in/c.txt': file('c'),
      });
      const uses = new Map<string, number>();
      source.meddle = (request, response) => {
        const used = /nonce="(n\d+)"/.exec(request.headers.authorization ?? '')?.[1];
        const count = used === undefined ? 3 : uses.get(used)!;
        if (used !== undefined && isDigest(request, name, used) && count < 3) {
          uses.set(used, count + 1);
          return false;
        }
        const nonce = `n${uses.size + 1}`;
        uses.set(nonce, 0);
        const challenge = `Digest realm="the \\"source\\"", nonce="${nonce}", algorithm=${name}, qop="auth,auth-int", opaque="o", stale=${used !== undefined}`;
        response.writeHead(401, { 'WWW-Authenticate': challenge }).end();
        return true;
      };
      const { progress } = await runImport(server, source.url, { to: `digest ${name}` });
      expect(progress).toMatchObject({ done: 3, failed: 0 });
      expect(uses.size).toBeGreaterThan(1);
      const sent = source.requests.map(({ headers }) => headers.authorization ?? '');
      expect(sent.filter((header) => header.startsWith('Basic') || header.includes(PASSWORD))).toEqual([]);
    },
  );

  it('a folder whose listing is refused is in the report, and nothing of it is taken for deleted', async () => {
    const source = await SyntheticSource.start({ '/open/a.txt': file('a'), '/closed/b.txt': file('b') });
    expect((await runImport(server, source.url, { to: 'closed' })).progress.done).toBe(2);
    source.meddle = (request, response, path) => {
      if (request.method !== 'PROPFIND' || path !== '/closed/') return false;
      response.writeHead(403).end();
      return true;
    };
    const { job, progress, report } = await runImport(server, source.url, { to: 'closed' });
    expect(job.state).toBe('succeeded');
    expect(progress).toMatchObject({ unchanged: 1, failed: 1, gone: 0 });
    expect(report).toMatchObject([{ path: '/closed/', outcome: 'failed', reason: 'The source refused it. (403)' }]);
  });

  it('a Depth that is refused at the first folder ends it with a sentence', async () => {
    const source = await SyntheticSource.start({ '/a.txt': file('a') });
    source.meddle = (request, response) => {
      if (request.headers.depth !== '1') return false;
      response.writeHead(403).end();
      return true;
    };
    const { job } = await runImport(server, source.url, { to: 'depth' });
    expect(job).toMatchObject({ state: 'failed', hasSecret: false });
    expect(job.error).toBe("The folder at this address can't be listed (the source answered 403).");
  });

  it('a web page, or a file, in place of a folder ends it with a sentence', async () => {
    const source = await SyntheticSource.start({ '/a.txt': file('a') });
    source.meddle = (_request, response) => {
      response.writeHead(200, { 'Content-Type': 'text/html' }).end('<!DOCTYPE html><html></html>');
      return true;
    };
    const { job } = await runImport(server, source.url, { to: 'page' });
    expect(job.error).toBe(
      'There is no WebDAV folder at this address. The source sent a web page in place of a listing.',
    );
  });

  it('names that mean something to a URL or to a program', async () => {
    const names = ['a#b', 'c?d', '100%', 'cost $& $1', 'a+b&c;d=e', "it's", '日本', ' leading', '[x]', 'a|b^c`{}'];
    const source = await SyntheticSource.start(
      Object.fromEntries(names.map((name) => [`/${encodeURIComponent(name)}`, file(name)])),
    );
    const { progress, report } = await runImport(server, source.url, { to: 'names' });
    expect({ done: progress.done, report }).toEqual({ done: names.length, report: [] });
    for (const name of names) expect(await read(`/names/${encodeURIComponent(name)}`)).toBe(name);
  });

  it('a folder of the source with the name of our trash, or of the drive, is a folder like others', async () => {
    const source = await SyntheticSource.start({
      '/Trash/a.txt': file('a'),
      [`/${DRIVE_NAME}/b.txt`]: file('b'),
      '/c.txt': file('c'),
    });
    expect((await runImport(server, source.url)).progress).toMatchObject({ done: 3, skipped: 0 });
    expect(await read(`/${DRIVE_NAME}/Trash/a.txt`)).toBe('a');
    expect(await read(`/${DRIVE_NAME}/${DRIVE_NAME}/b.txt`)).toBe('b');
  });

  it('a listing of 50,000 members is read as it comes', async () => {
    const source = await SyntheticSource.start({ '/a.txt': file('a') });
    let sent = 0;
    source.meddle = (_request, response) => {
      response.writeHead(207, { 'Content-Type': 'application/xml' });
      response.write('<?xml version="1.0"?><D:multistatus xmlns:D="DAV:"><D:response><D:href>/</D:href></D:response>');
      const more = () => {
        while (sent < 50_000) {
          const row = `<D:response><D:href>/f${sent++}.txt</D:href><D:propstat><D:prop><D:getcontentlength>1</D:getcontentlength></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>`;
          if (!response.write(row)) return void response.once('drain', more);
        }
        response.end('</D:multistatus>');
      };
      more();
      return true;
    };
    const guard = new AddressGuard({ hosts: [], networks: ['127.0.0.1'] });
    const root = new URL(source.url);
    const client = new SourceClient(root, { user: 'u', password: 'p' }, { guard, idleMs: 10_000 });
    const folder = { id: 1, href: '', target: '', reason: null };
    let files = 0;
    let sentAtFirst = 0;
    let largest = 0;
    for await (const page of listFolder(client, root, folder, new AbortController().signal)) {
      sentAtFirst ||= sent;
      files += page.files.length;
      largest = Math.max(largest, page.files.length);
    }
    client.close();
    expect(files).toBe(50_000);
    expect(sentAtFirst).toBeLessThan(50_000);
    expect(largest).toBeLessThanOrEqual(200);
  });
});

/** Whether a Digest header (RFC 7616) answers the nonce with the right password. */
function isDigest({ method, url, headers }: IncomingMessage, name: string, nonce: string): boolean {
  const fields = Object.fromEntries(
    [...(headers.authorization ?? '').matchAll(/([a-z]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))/g)].map((found) => [
      found[1]!,
      (found[2] ?? found[3] ?? '').replace(/\\(.)/g, '$1'),
    ]),
  );
  if (fields.nonce !== nonce) return false;
  const hash = (text: string) => createHash(name.replace('-', '')).update(text).digest('hex');
  const secret = hash(`anna:the "source":${PASSWORD}`);
  const answer = hash(`${secret}:${nonce}:${fields.nc}:${fields.cnonce}:auth:${hash(`${method}:${url}`)}`);
  return fields.response === answer && fields.uri === url && fields.opaque === 'o';
}
