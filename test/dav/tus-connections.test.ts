import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Connection } from '../support/http-client.js';
import { authorizationOf, TestServer } from '../support/make-server.js';
import { base64, TusClient } from '../support/tus-client.js';

const CONTENT = randomBytes(300_000);
const MIDDLE = 120_000;

let server: TestServer;
let tus: TusClient;
beforeAll(async () => {
  server = await TestServer.start();
  tus = new TusClient(server, CONTENT.length);
  await server.as('alice')('MKCOL', '/dir');
});
afterAll(() => server.stop());

describe('TUS 1.0 — connections that break', () => {
  /** Sends a PATCH of which only `sent` comes. */
  async function breakOff(at: string, offset: number, sent: Uint8Array, ...headers: string[]): Promise<Connection> {
    const connection = await server.connect();
    connection.writeHead(
      `PATCH ${at} HTTP/1.1`,
      'Host: x',
      `Authorization: ${authorizationOf('alice')}`,
      'Tus-Resumable: 1.0.0',
      'Content-Type: application/offset+octet-stream',
      `Upload-Offset: ${offset}`,
      `Content-Length: ${CONTENT.length - offset}`,
      ...headers,
    );
    connection.write(sent);
    return connection;
  }
  /** Until the server has read what came. */
  const isBusy = (at: string) =>
    vi.waitFor(async () => expect((await tus.patch(at, 0, new Uint8Array())).status).toBe(423), { interval: 5 });

  test('what has come is kept, HEAD tells the truth, and the rest completes the file', async () => {
    const at = await tus.begin('torn');
    for (const end of [50_000, 50_001, 200_000]) {
      const offset = (await tus.offsetOf(at))!;
      const connection = await breakOff(at, offset, CONTENT.subarray(offset, end));
      await isBusy(at);
      connection.socket.end();
      await vi.waitFor(async () => expect(await tus.offsetOf(at)).toBe(end), { interval: 5 });
    }
    await vi.waitFor(async () => expect((await tus.patch(at, 200_000, CONTENT.subarray(200_000))).status).toBe(204));
    await tus.expectFile('/dir/torn', CONTENT);
  });

  test('with Upload-Checksum nothing is kept', async () => {
    const at = await tus.begin('torn-sum');
    const checksum = `Upload-Checksum: sha1 ${base64(createHash('sha1').update(CONTENT).digest())}`;
    const connection = await breakOff(at, 0, CONTENT.subarray(0, MIDDLE), checksum);
    await isBusy(at);
    connection.close();
    await vi.waitFor(async () => expect((await tus.patch(at, 0, new Uint8Array())).status).toBe(204), { interval: 5 });
    expect(await tus.offsetOf(at)).toBe(0);
  });

  test('two PATCHes at once: the second is 423, and the first is none the worse', async () => {
    const at = await tus.begin('two');
    const first = await breakOff(at, 0, CONTENT.subarray(0, MIDDLE));
    await isBusy(at);
    expect((await tus.patch(at, 0, CONTENT)).status).toBe(423);
    expect((await tus.send('DELETE', at)).status).toBe(423);
    first.write(CONTENT.subarray(MIDDLE));
    expect((await first.readAnswer()).status).toBe(204);
    first.close();
    await tus.expectFile('/dir/two', CONTENT);
  });

  test('an upload survives a restart, also in the middle of a PATCH', async () => {
    const at = await tus.begin('restart');
    await tus.patch(at, 0, CONTENT.subarray(0, 50_000));
    await breakOff(at, 50_000, CONTENT.subarray(50_000, MIDDLE));
    await isBusy(at);
    await server.restart();
    const offset = (await tus.offsetOf(at))!;
    expect(offset).toBe(MIDDLE);
    expect((await tus.patch(at, offset, CONTENT.subarray(offset))).status).toBe(204);
    await tus.expectFile('/dir/restart', CONTENT);
  });
});
