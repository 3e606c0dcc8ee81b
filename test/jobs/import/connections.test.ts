import { createServer } from 'node:http';
import { type AddressInfo, isIPv6 } from 'node:net';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { AddressGuard, RefusedAddressError } from '../../../src/jobs/import/address-guard.js';
import { parseRetryAfter, SourceClient, SourceRefusal } from '../../../src/jobs/import/source-client.js';

const LOGIN = { user: 'anna', password: 'a very secret word' };

interface Seen {
  readonly host: string | undefined;
  readonly authorization: string | undefined;
  readonly url: string;
}

/** A server on loopback that answers all, by `location` with redirects. */
async function startServer(location: (url: string) => string | null = () => null, host = '127.0.0.1') {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    const { host, authorization } = request.headers;
    seen.push({ host, authorization, url: request.url! });
    const to = location(request.url!);
    // One request a connection: each asks for the address again.
    const headers = { Connection: 'close', ...(to === null ? {} : { Location: to }) };
    response.writeHead(to === null ? 200 : 302, headers).end('x');
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  onTestFinished(() => void server.close());
  return { port: (server.address() as AddressInfo).port, seen };
}

describe('PRODUCT I4 — connections of an import', () => {
  const clients: SourceClient[] = [];
  afterEach(() => {
    for (const client of clients.splice(0)) client.close();
  });
  const clientOf = (home: string, answers: Record<string, string[]>, networks: string[] = []) => {
    const asked: string[] = [];
    const guard = new AddressGuard({ hosts: [], networks }, async (name) => {
      asked.push(name);
      const address = answers[name]?.shift();
      if (address === undefined) throw Object.assign(new Error(`no ${name}`), { code: 'ENOTFOUND' });
      return [{ address, family: isIPv6(address) ? 6 : 4 }];
    });
    const client = new SourceClient(new URL(home), LOGIN, { guard, idleMs: 5000 });
    clients.push(client);
    const get = async (url: string) => {
      const { answer } = await client.send('GET', new URL(url), { signal: new AbortController().signal });
      answer.resume();
      return answer.statusCode;
    };
    return { get, asked };
  };

  it('go to the address that was checked, and nobody is asked a second time for the same connection', async () => {
    const { port, seen } = await startServer();
    const home = `http://source.example:${port}/`;
    const { get, asked } = clientOf(home, { 'source.example': ['127.0.0.1'] }, ['127.0.0.1']);
    expect(await get(`${home}a`)).toBe(200);
    expect(asked).toEqual(['source.example']);
    expect(seen).toMatchObject([{ host: `source.example:${port}`, authorization: expect.stringMatching(/^Basic /) }]);
  });

  it.each(['127.0.0.2', '10.0.0.1', '169.254.169.254', '100.100.100.200', '::1', '::ffff:127.0.0.2', 'fd00:ec2::254'])(
    'a name whose answer changes to %s is refused then',
    async (address) => {
      const { port, seen } = await startServer();
      const home = `http://source.example:${port}/`;
      const { get } = clientOf(home, { 'source.example': ['127.0.0.1', address] }, ['127.0.0.1']);
      expect(await get(`${home}a`)).toBe(200);
      await expect(get(`${home}b`)).rejects.toThrow(RefusedAddressError);
      expect(seen).toHaveLength(1);
    },
  );

  it.each([
    'http://127.0.0.2/',
    'http://localhost/',
    'http://2130706434/',
    'http://0x7f.0.0.2/',
    'http://0177.2/',
    'http://[::1]/',
    'http://[::ffff:7f00:2]/',
    'http://[64:ff9b::7f00:1]/',
    'http://[2002:7f00:1::]/',
    'http://[fd12::1]/',
    'http://169.254.169.254/latest/meta-data/',
    'http://metadata.example/',
    'http://100.64.0.1/',
    'http://10.0.0.1/',
  ])('a redirect to %s is refused, and nothing is sent there', async (target) => {
    const { port } = await startServer(() => target);
    const home = `http://source.example:${port}/`;
    const answers = {
      'source.example': ['127.0.0.1'],
      localhost: ['127.0.0.2'],
      'metadata.example': ['169.254.169.254'],
    };
    // Only the source's own address is allowed.
    const { get } = clientOf(home, answers, ['127.0.0.1']);
    await expect(get(`${home}a`)).rejects.toThrow(RefusedAddressError);
  });

  it.each(['file:///etc/passwd', 'gopher://127.0.0.1/', 'ftp://127.0.0.1/'])(
    'a redirect to %s is followed by nobody',
    async (target) => {
      const { port } = await startServer(() => target);
      const home = `http://source.example:${port}/`;
      const { get } = clientOf(home, { 'source.example': ['127.0.0.1'] }, ['127.0.0.1']);
      await expect(get(`${home}a`)).rejects.toThrow(SourceRefusal);
    },
  );

  it('redirects without end are given up', async () => {
    const { port, seen } = await startServer((url) => `${url}x`);
    const home = `http://source.example:${port}/`;
    const { get } = clientOf(home, { 'source.example': Array(9).fill('127.0.0.1') }, ['127.0.0.1']);
    await expect(get(`${home}a`)).rejects.toThrow(SourceRefusal);
    expect(seen.length).toBeLessThan(9);
  });

  it('a redirect to another host, another port, or with credentials in it never gets the password', async () => {
    const thief = await startServer();
    const { port } = await startServer((url) => `http://eve:pw@${url.slice(1)}:${thief.port}/`);
    const home = `http://source.example:${port}/`;
    const answers = { 'source.example': ['127.0.0.1', '127.0.0.1', '127.0.0.1'], 'thief.example': ['127.0.0.1'] };
    const { get } = clientOf(home, answers, ['127.0.0.1']);
    expect(await get(`${home}thief.example`)).toBe(200);
    expect(await get(`${home}source.example`)).toBe(200);
    expect(thief.seen.map(({ authorization }) => authorization)).toEqual([undefined, undefined]);
  });
});

describe('Retry-After (RFC 9110 §10.2.3)', () => {
  const now = Date.UTC(2026, 0, 1);
  it.each([
    ['120', 120_000],
    [' 7 ', 7000],
    ['Thu, 01 Jan 2026 00:01:00 GMT', 60_000],
    ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
    ['soon', null],
    [undefined, null],
  ])('%s', (text, milliseconds) => expect(parseRetryAfter(text, now)).toBe(milliseconds));
});
