import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { AddressGuard } from '../../../src/jobs/import/address-guard.js';
import { HttpAuthentication } from '../../../src/jobs/import/http-authentication.js';
import { readListing } from '../../../src/jobs/import/list-folder.js';
import { ListingError, ListingParser } from '../../../src/jobs/import/listing-parser.js';
import { endOf, importsOf, runImport, startImport } from '../../support/import-start.js';
import { emailOf, TestServer } from '../../support/make-server.js';
import { SyntheticSource } from '../../support/synthetic-source.js';

const HEAD = '<?xml version="1.0"?><d:multistatus xmlns:d="DAV:"><d:response>';
const PIECE = 'x<y'.repeat(20_000);
const PLAIN = 'x'.repeat(60_000);

describe('security 13 — a listing without an end', () => {
  it.each([
    ['a text', '<d:href>/', PLAIN],
    ['a CDATA section', '<d:href><![CDATA[', PIECE],
    ['a comment', '<!-- ', PIECE],
    ['an attribute', '<d:href a="', PLAIN],
    ['a name', '<', PLAIN],
    ['a processing instruction', '<?php ', PIECE],
  ])('security 13 — %s is not kept for long', (_, start, piece) => {
    const parser = new ListingParser();
    parser.write(HEAD + start);
    let pieces = 0;
    const feed = () => {
      for (; pieces < 100; pieces++) parser.write(piece);
    };
    expect(feed).toThrow(ListingError);
    expect(pieces).toBeLessThan(10);
  });

  it('security 13 — a document type is not waited for', () => {
    const parser = new ListingParser();
    parser.write('<!DOCTYPE x [');
    expect(() => {
      for (let pieces = 0; pieces < 10; pieces++) parser.write(PIECE);
    }).toThrow(ListingError);
  });

  it('security 13 — checksums, ETags and names that are too long are not remembered', async () => {
    const long = 'a'.repeat(50_000);
    const xml = `${HEAD}<d:href>/f/${long}</d:href><d:propstat><d:prop><d:getetag>"${long}"</d:getetag><o:checksums xmlns:o="http://owncloud.org/ns">${'<o:checksum>SHA1:00</o:checksum>'.repeat(900)}</o:checksums></d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response></d:multistatus>`;
    const [found] = [...new ListingParser().write(xml)];
    expect([found?.etag, found?.checksum]).toEqual([null, null]);
  });

  it('security 13 — more bytes than any folder’s listing has are not read', async () => {
    let sent = 0;
    async function* endless() {
      yield Buffer.from(HEAD);
      for (;;) {
        sent++;
        yield Buffer.from('<d:href>/</d:href></d:response><d:response>');
      }
    }
    const read = async () => {
      for await (const _ of readListing(endless(), undefined, { bytesMax: 10_000 })) {
        // Only the end is of interest.
      }
    };
    await expect(read()).rejects.toThrow(/more than/);
    expect(sent).toBeLessThan(1000);
  });
});

describe('security 13 — challenges', () => {
  const login = { user: 'anna', password: 'secret' };

  it('security 13 — a challenge of more than 4 KiB is nobody’s', () => {
    const authentication = new HttpAuthentication(login);
    expect(authentication.take(`Digest realm="r", nonce="n", opaque="${'o'.repeat(5000)}"`)).toBeNull();
    expect(authentication.take(`${', a'.repeat(3000)}, Digest realm="r", nonce="n"`)).toBeNull();
    expect(authentication.take('Basic realm="x", Digest realm="r", nonce="n", qop="auth"')).toBe('new');
  });

  it('security 13 — reading a challenge looks at each of its characters a few times', () => {
    const authentication = new HttpAuthentication(login);
    const exec = vi.spyOn(RegExp.prototype, 'exec');
    onTestFinished(() => exec.mockRestore());
    for (const hard of [
      'a'.repeat(4000),
      'a '.repeat(2000),
      'a="'.repeat(1300),
      ', '.repeat(2000),
      '"\\'.repeat(2000),
    ]) {
      exec.mockClear();
      authentication.take(`Digest ${hard}`.slice(0, 4096));
      expect(exec.mock.calls.length).toBeLessThan(4100);
    }
    expect(authentication.take('Digest realm="a \\"b\\"", nonce=n, algorithm=SHA-256')).toBe('new');
    expect(authentication.header('GET', '/')).toContain('realm="a \\"b\\""');
  });

  it('security 13 — a source that calls every nonce stale is given up after a few tries', async () => {
    const server = await TestServer.start({ importAllowedNetworks: ['127.0.0.1'] });
    onTestFinished(() => server.stop());
    const source = await SyntheticSource.start({ '/a.txt': 'a' });
    let nonce = 0;
    source.meddle = (_, response) => {
      response.writeHead(401, { 'WWW-Authenticate': `Digest realm="r", nonce="${nonce++}", stale=true` }).end();
      return true;
    };
    const { job } = await runImport(server, source.url);
    expect(job).toMatchObject({ state: 'failed', error: 'The source refuses the user name or the password.' });
    expect(source.requests.length).toBeLessThanOrEqual(8);
  });

  it('security 13 — a user name beyond Latin-1 goes to a Digest source as RFC 7616 §3.4 has it', async () => {
    const server = await TestServer.start({ importAllowedNetworks: ['127.0.0.1'] });
    onTestFinished(() => server.stop());
    const source = await SyntheticSource.start({ '/a.txt': 'a' });
    source.meddle = ({ headers, method, url }, response) => {
      const given = headers.authorization ?? '';
      const field = (name: string) => new RegExp(`${name}="([^"]*)"`).exec(given)?.[1] ?? '';
      const md5 = (text: string) => createHash('md5').update(text).digest('hex');
      const expected = md5(`${md5('анна:r:пароль')}:n:${md5(`${method}:${url}`)}`);
      const isRight = given.includes("username*=UTF-8''%D0%B0%D0%BD%D0%BD%D0%B0") && field('response') === expected;
      if (!isRight) response.writeHead(401, { 'WWW-Authenticate': 'Digest realm="r", nonce="n"' }).end();
      return !isRight;
    };
    const { progress } = await runImport(server, source.url, { user: 'анна', password: 'пароль', to: 'cyrillic' });
    expect(progress).toMatchObject({ done: 1 });
  });
});

describe('security 13 — what an import may not be', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await TestServer.start({ importAllowedNetworks: ['127.0.0.1'] });
  });
  afterAll(() => server.stop());

  it.each([
    ['user', 'an\r\nna'],
    ['user', 'an\0na'],
    ['user', 'an:na'],
    ['password', 'sec\nret'],
  ])('security 13 — a %s of %j is refused with a sentence', async (field, text) => {
    await expect(startImport(server, 'http://127.0.0.1:1/', { [field]: text })).rejects.toThrow(/user name|password/i);
  });

  it('security 13 — a tree without an end stops at a number of folders, and says so', async () => {
    const source = await SyntheticSource.start({ '/a.txt': 'a' });
    let listings = 0;
    source.meddle = ({ method }, response, path) => {
      if (method !== 'PROPFIND') return false;
      listings++;
      response.writeHead(207);
      response.write('<d:multistatus xmlns:d="DAV:">');
      for (const name of ['', ...Array.from({ length: 100_300 }, (_, index) => `${index}/`)]) {
        response.write(
          `<d:response><d:href>${path}${name}</d:href><d:propstat><d:prop><d:resourcetype><d:collection/></d:resourcetype></d:prop></d:propstat></d:response>`,
        );
      }
      response.end('</d:multistatus>');
      return true;
    };
    const { job } = await runImport(server, source.url, { to: 'endless' }, 110_000);
    expect(job).toMatchObject({ state: 'failed', error: expect.stringMatching(/more than 100,000 folders/) });
    expect(listings, 'one of the folder itself, one of its members, few of theirs').toBeLessThan(5);
    const { total } = await server.stores.imports.countFolders(job.id);
    expect(total).toBeLessThan(101_000);
  }, 120_000);

  it('security 13 — a folder deeper than any path that Firn has is left out, and told of', async () => {
    const deep = `/${`${'d'.repeat(250)}/`.repeat(18)}`;
    const source = await SyntheticSource.start({ [`${deep}f.txt`]: 'x', '/a.txt': 'a' });
    const { job, report } = await runImport(server, source.url, { to: 'deep' });
    expect(job.state).toBe('succeeded');
    expect(report).toMatchObject([{ outcome: 'skipped', reason: expect.stringMatching(/too deep|too long/) }]);
  });

  it('security 13 — one running import a user: a tarpit keeps nobody else waiting', async () => {
    const tarpit = await SyntheticSource.start({ '/a.txt': 'a' });
    tarpit.meddle = () => true;
    const good = await SyntheticSource.start({ '/b.txt': 'b' });
    const [one, two] = [await startImport(server, tarpit.url), await startImport(server, tarpit.url, { to: 'other' })];
    await server.addMember('bob');
    const bob = (await server.stores.accounts.findUser(emailOf('bob')))!;
    const imports = await importsOf(server);
    const wish = { url: good.url, from: '', user: 'anna', password: 'x y z', to: 'bobs', conflict: 'skip' } as const;
    const { id, driveId } = await imports.start({ ...wish, driveId: 123456 as never, userId: bob.id });
    expect(driveId).toBe(123456);
    expect((await endOf(server, id)).state).toBe('succeeded');
    expect([(await imports.find(one))?.state, (await imports.find(two))?.state]).toEqual(['running', 'waiting']);
    for (const each of [one, two]) await imports.cancel(each);
    await endOf(server, one);
  });
});

describe('security 13 — names of the operator’s network', () => {
  it('security 13 — a private name and one that does not exist are told apart by nobody', async () => {
    const answers: Record<string, string[]> = { 'nas.internal': ['10.0.0.7'], 'gone.internal': [] };
    const guard = new AddressGuard({ hosts: [], networks: [] }, async (name) => {
      const found = answers[name];
      if (!found) throw Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), { code: 'ENOTFOUND' });
      return found.map((address) => ({ address, family: 4 }));
    });
    const refusalOf = (host: string) =>
      new Promise<{ name: string; message: string; stack: string }>((resolve) => {
        guard.lookup(host, { all: true }, (error) => resolve(error as never));
      });
    const refusals = await Promise.all(['nas.internal', 'gone.internal', 'none.internal'].map(refusalOf));
    const said = refusals.map(({ name, message }) => `${name}: ${message.replace(/\w+\.internal/g, 'HOST')}`);
    expect(new Set(said).size, said.join('\n')).toBe(1);
    expect(said[0]).toMatch(/no such name, or .* private network/);
  });
});
