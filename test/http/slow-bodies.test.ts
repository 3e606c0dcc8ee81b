import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { SMALL_BODY_MS } from '../../src/http/http-body.js';
import type { Connection } from '../support/http-client.js';
import { authorizationOf, TestServer } from '../support/make-server.js';

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server.stop());
afterEach(() => vi.restoreAllMocks());

/** Sends a head and some of its body; gives what ends the time for the rest. */
async function begin(head: readonly string[], start: string): Promise<{ connection: Connection; runOut: () => void }> {
  const set = vi.spyOn(globalThis, 'setTimeout');
  const connection = await server.connect();
  connection.writeHead(...head, 'Host: x');
  connection.write(start);
  const isTimer = ([, delay]: Parameters<typeof setTimeout>) => delay === SMALL_BODY_MS;
  await vi.waitFor(() => expect(set.mock.calls.some(isTimer)).toBe(true), { timeout: 10_000, interval: 5 });
  const [end] = set.mock.calls.find(isTimer)!;
  set.mockRestore();
  return { connection, runOut: end as () => void };
}

const ALICE = `Authorization: ${authorizationOf('alice')}`;

describe('security 11 — a small body has a total time, whatever trickles in', () => {
  test.each([
    [['PROPFIND / HTTP/1.1', 'Content-Length: 100']],
    [['PROPFIND /dav/ HTTP/1.1', 'Transfer-Encoding: chunked']],
    [['POST /api/session HTTP/1.1', 'Content-Type: application/json', 'Content-Length: 100']],
    [['POST /index.php/login/v2/poll HTTP/1.1', 'Content-Length: 100']],
    [['PROPFIND /dav/123456/ HTTP/1.1', 'Content-Length: 100', 'Depth: 0', ALICE]],
    [['PROPPATCH /dav/123456/ HTTP/1.1', 'Content-Length: 100', ALICE]],
    [['REPORT /dav/123456/ HTTP/1.1', 'Content-Length: 100', ALICE]],
    [['MKCOL /dav/123456/new HTTP/1.1', 'Content-Length: 100', ALICE]],
    [['LOCK /dav/123456/new HTTP/1.1', 'Transfer-Encoding: chunked', ALICE]],
  ])('%j: 408, and the connection ends', async (head) => {
    const { connection, runOut } = await begin(head, head.includes('Transfer-Encoding: chunked') ? '1\r\n<\r\n' : '<');
    runOut();
    const { status, headers, body } = await connection.readAnswer();
    expect([status, headers.connection]).toEqual([408, 'close']);
    expect(body).toContain('60 seconds');
    await connection.until(() => false);
  });

  test('what is left of a body that nobody wants has one too', async () => {
    const { connection, runOut } = await begin(['PUT /dav/123456/a HTTP/1.1', 'Content-Length: 100'], 'x');
    expect((await connection.readAnswer()).status).toBe(401);
    connection.write('xx');
    expect(connection.isEnded).toBe(false);
    runOut();
    await connection.until(() => false);
  });

  test('its time ends with it: the connection goes on', async () => {
    const cleared = vi.spyOn(globalThis, 'clearTimeout');
    const set = vi.spyOn(globalThis, 'setTimeout');
    const timers = () =>
      set.mock.results.filter((_, index) => set.mock.calls[index]![1] === SMALL_BODY_MS).map(({ value }) => value);
    const connection = await server.connect();
    for (const [first, rest] of [
      ['PROPFIND /dav/123456/ HTTP/1.1', '<propfind xmlns="DAV:"><propname/></propfind>'],
      ['PUT /dav/123456/a HTTP/1.1', 'refused, with all of its body'],
    ]) {
      const credentials = first!.startsWith('PUT') ? [] : [ALICE];
      connection.writeHead(first!, 'Host: x', 'Depth: 0', `Content-Length: ${rest!.length}`, ...credentials);
      connection.write(rest!.slice(0, 5));
      await vi.waitFor(() => expect(timers()).toHaveLength(credentials.length > 0 ? 1 : 2), { interval: 5 });
      connection.write(rest!.slice(5));
      expect((await connection.readAnswer()).status).toBe(credentials.length > 0 ? 207 : 401);
    }
    await vi.waitFor(() => {
      const done = cleared.mock.calls.map(([timer]) => timer);
      expect(timers().every((timer) => done.includes(timer))).toBe(true);
    });
    connection.writeHead('GET /healthz HTTP/1.1', 'Host: x');
    expect((await connection.readAnswer()).status).toBe(200);
    connection.close();
  });

  test('PRODUCT U5 — an upload has none', async () => {
    const set = vi.spyOn(globalThis, 'setTimeout');
    const connection = await server.connect();
    connection.writeHead(
      'PUT /dav/123456/slow HTTP/1.1',
      'Host: x',
      'Content-Length: 4',
      'Expect: 100-continue',
      ALICE,
    );
    expect((await connection.readAnswer()).status).toBe(100);
    connection.write('slow');
    expect((await connection.readAnswer()).status).toBe(201);
    expect(set.mock.calls.filter(([, delay]) => delay === SMALL_BODY_MS)).toEqual([]);
    connection.close();
  });
});
