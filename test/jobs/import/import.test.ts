import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { UserId } from '../../../src/stores/values.js';
import { driveId, endOf, runImport, startImport } from '../../support/import-start.js';
import { emailOf, PASSWORD, TestServer } from '../../support/make-server.js';
import { hrefsOf } from '../../support/multistatus.js';
import { type SourceFile, SyntheticSource } from '../../support/synthetic-source.js';

const MTIME = new Date('2019-03-04T05:06:07Z');
const big = randomBytes(300_000);

describe('an import', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await TestServer.start({ importAllowedNetworks: ['127.0.0.0/8'], idleTimeoutSeconds: 2 });
  });
  afterAll(() => server.stop());

  const read = async (path: string) => {
    const { status, text, headers } = await server.as('alice')('GET', path);
    return { status, text, modified: headers['last-modified'] };
  };
  const file = (text: string, more: Partial<SourceFile> = {}): SourceFile => ({
    bytes: Buffer.from(text),
    modified: MTIME,
    etag: `"${createHash('md5').update(text).digest('hex')}"`,
    ...more,
  });

  it('PRODUCT I1, I2 — brings the tree with its dates; again, it takes only what changed', async () => {
    const source = await SyntheticSource.start({
      '/a.txt': file('a'),
      '/in/b.txt': file('b'),
      '/in/deep/c%20%C3%A4.bin': { ...file('c'), bytes: big },
    });
    const first = await runImport(server, source.url, { to: 'tree' });
    expect(first).toMatchObject({
      job: { state: 'succeeded' },
      progress: { files: 3, done: 3, failed: 0 },
      report: [],
    });
    expect(await read('/tree/in/b.txt')).toEqual({ status: 200, text: 'b', modified: MTIME.toUTCString() });
    const { bytes } = await server.as('alice')('GET', '/tree/in/deep/c%20%C3%A4.bin');
    expect(big.equals(bytes)).toBe(true);

    source.requests.length = 0;
    source.files.set('/in/b.txt', file('bb'));
    source.files.delete('/a.txt');
    const second = await runImport(server, source.url, { to: 'tree' });
    expect(source.gets()).toEqual(['/in/b.txt']);
    expect(second.progress).toMatchObject({ done: 1, unchanged: 1, gone: 1 });
    expect(second.report).toMatchObject([{ path: '/a.txt', outcome: 'gone' }]);
    expect((await read('/tree/in/b.txt')).text).toBe('bb');
    expect((await read('/tree/a.txt')).text).toBe('a');
  });

  it.each([
    ['skip', 'mine', 404, [{ path: '/x.txt', outcome: 'skipped' }]],
    ['overwrite', 'theirs', 404, []],
    ['keep-both', 'mine', 200, []],
  ] as const)('what is here already: %s', async (conflict, text, status, report) => {
    const source = await SyntheticSource.start({ '/x.txt': file('theirs') });
    await server.as('alice')('MKCOL', `/${conflict}`);
    await server.as('alice')('PUT', `/${conflict}/x.txt`, { body: 'mine' });
    const ended = await runImport(server, source.url, { to: conflict, conflict });
    expect(ended.report).toMatchObject(report);
    expect((await read(`/${conflict}/x.txt`)).text).toBe(text);
    expect((await read(`/${conflict}/x%20(2).txt`)).status).toBe(status);
  });

  describe('security 4 — asks before each file and folder whether who started it may still write', () => {
    const FILES = 40;
    const ways = {
      'who is removed': (id: UserId) => server.stores.accounts.removeMember(driveId, id),
      'who is disabled': (id: UserId) => server.stores.accounts.updateUser(id, { isDisabled: true }),
      'who becomes a viewer': (id: UserId) => server.stores.accounts.putMember(driveId, id, 'viewer', null, Date.now()),
    };
    it.each(Object.entries(ways))('%s', async (who, takeAway) => {
      const to = who.replaceAll(' ', '-');
      const { id } = (await server.stores.accounts.findUser(emailOf('alice')))!;
      const files = Array.from({ length: FILES }, (_, index) => [`/${index}.txt`, file(`${who} ${index}`)]);
      const source = await SyntheticSource.start(Object.fromEntries(files));
      let taking: Promise<unknown> | null = null;
      source.meddle = (request, response) => {
        if (request.method !== 'GET') return false;
        if (taking === null && source.gets().length < 3) return false;
        // The file comes when the right to store it is gone.
        taking ??= takeAway(id);
        void taking.then(() => {
          const { bytes } = source.files.get(request.url!)!;
          response.writeHead(200, { 'Content-Length': bytes.length }).end(bytes);
        });
        return true;
      };
      const job = await endOf(server, await startImport(server, source.url, { to }));
      await server.stores.accounts.updateUser(id, { isDisabled: false });
      await server.stores.accounts.putMember(driveId, id, 'manager', null, Date.now());
      expect(job.state).toBe('failed');
      expect(job.error).toMatch(/^The user who started the import (is no member|may not write)/);
      // Six files are under way at once; no other is asked for.
      expect(source.gets().length).toBeLessThanOrEqual(2 + 6);
      const { text } = await server.as('alice')('PROPFIND', `/${to}`, { headers: { Depth: '1' } });
      expect(hrefsOf(text).length).toBeLessThanOrEqual(1 + 2);
    });
  });

  it('a transfer that is cut goes on with Range and If-Range', async () => {
    const source = await SyntheticSource.start({ '/cut.bin': { bytes: big, etag: '"v1"', modified: MTIME } });
    let cuts = 0;
    source.meddle = (request, response) => {
      if (request.method !== 'GET' || cuts++ > 0) return false;
      response.writeHead(200, { 'Content-Length': big.length, ETag: '"v1"' });
      response.write(big.subarray(0, 100_000), () => response.destroy());
      return true;
    };
    const { progress } = await runImport(server, source.url, { to: 'cut' });
    expect(progress).toMatchObject({ done: 1, failed: 0 });
    expect(source.requests.at(-1)!.headers).toMatchObject({ 'if-range': '"v1"' });
    const { bytes } = await server.as('alice')('GET', '/cut/cut.bin');
    expect(big.equals(bytes)).toBe(true);
  });

  it('a transfer that stalls goes on too', async () => {
    const source = await SyntheticSource.start({ '/stall.bin': { bytes: big, etag: '"v1"', modified: MTIME } });
    let stalls = 0;
    source.meddle = (request, response) => {
      if (request.method !== 'GET' || stalls++ > 0) return false;
      response.writeHead(200, { 'Content-Length': big.length, ETag: '"v1"' });
      response.write(big.subarray(0, 50_000));
      return true;
    };
    expect((await runImport(server, source.url, { to: 'stall' })).progress).toMatchObject({ done: 1, failed: 0 });
    const { bytes } = await server.as('alice')('GET', '/stall/stall.bin');
    expect(big.equals(bytes)).toBe(true);
  });

  it('Retry-After is honoured', async () => {
    const source = await SyntheticSource.start({ '/later.txt': file('later') });
    const tries: number[] = [];
    source.meddle = (request, response) => {
      if (request.method !== 'GET') return false;
      tries.push(Date.now());
      if (tries.length > 1) return false;
      response.writeHead(503, { 'Retry-After': '2' }).end();
      return true;
    };
    expect((await runImport(server, source.url, { to: 'later' })).progress.done).toBe(1);
    expect(tries[1]! - tries[0]!).toBeGreaterThanOrEqual(1990);
  });

  it('PRODUCT U4 — bytes of another checksum or another size than announced are never stored, and reported', async () => {
    const source = await SyntheticSource.start({
      '/right.txt': file('right', { checksum: `SHA1:${createHash('sha1').update('right').digest('hex')}` }),
      '/wrong.txt': file('wrong', { checksum: `SHA1:${'0'.repeat(40)}` }),
      '/short.txt': file('short', { listedSize: 3 }),
    });
    const { progress, report } = await runImport(server, source.url, { to: 'lies' });
    expect(progress).toMatchObject({ done: 1, failed: 2 });
    expect(report.map(({ path, outcome }) => ({ path, outcome }))).toEqual([
      { path: '/wrong.txt', outcome: 'failed' },
      { path: '/short.txt', outcome: 'failed' },
    ]);
    expect((await read('/lies/right.txt')).text).toBe('right');
    for (const name of ['wrong', 'short']) expect((await read(`/lies/${name}.txt`)).status).toBe(404);
  });

  it('PRODUCT D6 — names that can not be stored, and those that differ by normalization alone, are reported', async () => {
    const source = await SyntheticSource.start({
      '/caf%C3%A9.txt': file('one'),
      '/cafe%CC%81.txt': file('two'),
      [`/${'n'.repeat(256)}`]: file('long'),
      '/latin-%E9.txt': file('latin'),
    });
    const { progress, report } = await runImport(server, source.url, { to: 'names' });
    expect(progress).toMatchObject({ done: 2, skipped: 2 });
    expect(report.map(({ reason }) => reason.slice(0, 12))).toEqual(['Another file', 'Its name can']);
    expect((await read('/names/caf%C3%A9.txt')).text).toBe('one');
    expect((await read('/names/latin-%C3%A9.txt')).text).toBe('latin');
  });

  it('a kDrive: the drive alone, its trash left out, hrefs absolute', async () => {
    const source = await SyntheticSource.start({ '/Anna/a.txt': file('a'), '/Trash/old.txt': file('old') });
    source.hrefOf = (path) => `${source.url.slice(0, -1)}${path}`;
    expect((await runImport(server, source.url, { to: 'kdrive' })).progress).toMatchObject({
      files: 2,
      done: 1,
      skipped: 1,
    });
    expect((await read('/kdrive/a.txt')).text).toBe('a');
  });

  it('a folder below the address', async () => {
    const source = await SyntheticSource.start({ '/a/b/c.txt': file('c'), '/other.txt': file('no') });
    expect((await runImport(server, source.url, { from: 'a/b', to: 'sub' })).progress).toMatchObject({ files: 1 });
    expect((await read('/sub/c.txt')).text).toBe('c');
  });

  it('Firn itself is a source', async () => {
    const other = await TestServer.start();
    onTestFinished(() => other.stop());
    await other.as('alice')('PUT', '/song.txt', { body: 'la', headers: { 'X-OC-Mtime': `${MTIME.getTime() / 1000}` } });
    const login = { user: emailOf('alice'), password: PASSWORD };
    const ended = await runImport(server, other.urlOf('/'), { ...login, to: 'firn' });
    expect(ended).toMatchObject({ job: { state: 'succeeded' }, report: [{ path: '/Trash/', outcome: 'skipped' }] });
    expect(await read('/firn/song.txt')).toEqual({ status: 200, text: 'la', modified: MTIME.toUTCString() });
  });

  it('a wrong password ends it at once, and PRODUCT I3 — it keeps no credentials', async () => {
    const source = await SyntheticSource.start({ '/a.txt': file('a') });
    source.meddle = (_request, response) => {
      response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="x"' }).end();
      return true;
    };
    const { job } = await runImport(server, source.url);
    expect(job).toMatchObject({ state: 'failed', hasSecret: false });
    expect(job.error).toMatch(/user name or the password/);
  });

  it('is cancelled promptly in the middle of a transfer', async () => {
    const source = await SyntheticSource.start({ '/slow.bin': { bytes: big, etag: '"v"' } });
    source.meddle = (request, response) => {
      if (request.method !== 'GET') return false;
      const timer = setInterval(() => response.write('x'), 100);
      response.on('close', () => clearInterval(timer));
      response.writeHead(200, { 'Content-Length': big.length });
      return true;
    };
    const id = await startImport(server, source.url, { to: 'slow' });
    await expect.poll(() => source.gets().length, { timeout: 10_000 }).toBe(1);
    const before = Date.now();
    expect(await server.stores.jobs.cancel(id, Date.now())).toBe(true);
    expect(await endOf(server, id)).toMatchObject({ state: 'cancelled', hasSecret: false });
    expect(Date.now() - before).toBeLessThan(3000);
  });

  it('PRODUCT I4 — a redirect to another host gets no password', async () => {
    const thief = await SyntheticSource.start({ '/a.txt': file('a') });
    const source = await SyntheticSource.start({ '/a.txt': file('a') });
    source.meddle = (request, response, path) => {
      if (request.method !== 'GET') return false;
      response.writeHead(302, { Location: `${thief.url}${path.slice(1)}` }).end();
      return true;
    };
    expect((await runImport(server, source.url, { to: 'away' })).progress.done).toBe(1);
    expect(source.requests.at(-1)!.headers.authorization).toMatch(/^Basic /);
    expect(thief.requests.map(({ headers }) => headers.authorization)).toEqual([undefined]);
  });
});

describe('PRODUCT I4 — without a word in the configuration', () => {
  it.each(['127.0.0.1', 'localhost', '2130706433', '0x7f.1', '[::1]', '[::ffff:127.0.0.1]'])(
    'http://%s/ is refused, before anything is sent',
    async (host) => {
      const server = await TestServer.start();
      onTestFinished(() => server.stop());
      const source = await SyntheticSource.start({ '/a.txt': 'a' });
      const { job } = await runImport(server, source.url.replace('127.0.0.1', host));
      expect(job).toMatchObject({ state: 'failed', hasSecret: false });
      expect(job.error).toMatch(/private network/);
      expect(source.requests).toEqual([]);
    },
  );
});
