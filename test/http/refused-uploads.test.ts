import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { StorageFullError } from '../../src/stores/blob-store.js';
import type { Connection } from '../support/http-client.js';
import { authorizationOf, TestServer } from '../support/make-server.js';

const KIB = 1024;
const CHUNK = 16 * KIB;
const SIZES = [64 * KIB, 1024 * KIB, 4096 * KIB, 8192 * KIB];

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server.stop());
afterEach(() => vi.restoreAllMocks());

/** A disk that is full when so many bytes have come. */
function fillDiskAfter(bytes: number): void {
  vi.spyOn(server.engines.blobs, 'put').mockImplementation(async (source) => {
    let taken = 0;
    for await (const chunk of source) {
      taken += chunk.length;
      if (taken >= bytes) break;
    }
    throw new StorageFullError();
  });
}

function sendUpload(
  connection: Connection,
  target: string,
  size: number,
  framing: string,
  authorization: readonly string[],
) {
  const length = framing === 'chunked' ? 'Transfer-Encoding: chunked' : `Content-Length: ${size}`;
  connection.writeHead(`PUT /dav/123456${target} HTTP/1.1`, 'Host: x', ...authorization, length);
  const piece = Buffer.alloc(CHUNK, 'x');
  for (let sent = 0; sent < size; sent += CHUNK) {
    if (framing === 'chunked') connection.write(`${CHUNK.toString(16)}\r\n`);
    connection.write(piece);
    if (framing === 'chunked') connection.write('\r\n');
  }
  if (framing === 'chunked') connection.write('0\r\n\r\n');
}

interface Moment {
  readonly when: string;
  readonly status: number;
  readonly target: string;
  readonly authorization: readonly string[];
  /** Bytes after which the disk is full. */
  readonly fullAfter: number | null;
}

const alice = [`Authorization: ${authorizationOf('alice')}`];
const moments: readonly Moment[] = [
  { when: 'without credentials', status: 401, target: '/a.bin', authorization: [], fullAfter: null },
  { when: 'before the body is asked for', status: 409, target: '/no/such.bin', authorization: alice, fullAfter: null },
  { when: 'at its first bytes', status: 507, target: '/a.bin', authorization: alice, fullAfter: 1 },
  { when: 'in its middle', status: 507, target: '/a.bin', authorization: alice, fullAfter: 40 * KIB },
];
const cases = moments.flatMap((moment) =>
  SIZES.flatMap((size) => ['with a length', 'chunked'].map((framing) => ({ moment, size, framing }))),
);

describe('faults B6 — after an upload that is refused the connection is closed, or goes on', () => {
  test.each(cases)('$moment.when: $moment.status, $size bytes, $framing', async ({ moment, size, framing }) => {
    const { status, target, authorization, fullAfter } = moment;
    if (fullAfter !== null) fillDiskAfter(fullAfter);
    const connection = await server.connect();
    try {
      sendUpload(connection, target, size, framing, authorization);
      const answer = await connection.readAnswer();
      expect(answer.status).toBe(status);
      if (answer.headers.connection === 'close') {
        await connection.until(() => false);
        expect(connection.isEnded).toBe(true);
        return;
      }
      connection.writeHead('GET /healthz HTTP/1.1', 'Host: x');
      expect((await connection.readAnswer()).status).toBe(200);
    } finally {
      connection.close();
    }
  });
});
