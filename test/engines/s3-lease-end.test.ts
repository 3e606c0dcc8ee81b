import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { collectGarbage } from '../../src/jobs/gc.js';
import { listed } from '../conformance/blob-sources.js';
import { authorizationOf, DRIVE_ID, TestServer } from '../support/make-server.js';
import { waitUntil } from '../support/run-program.js';
import { newPrefix, useS3Server } from '../support/s3-server.js';

const HOUR_MS = 3_600_000;
const storage = useS3Server();

async function startServer(): Promise<TestServer> {
  const { endpoint, bucket, region, accessKey, secretKey, isPathStyle: pathStyle } = storage.settings;
  const folder = await mkdtemp(join(tmpdir(), 'firn-lease-'));
  const accessKeyFile = join(folder, 'key');
  await writeFile(accessKeyFile, `${accessKey}\n${secretKey}\n`, { mode: 0o600 });
  const place = { endpoint: endpoint.origin, bucket, region, prefix: newPrefix(), pathStyle, accessKeyFile };
  const server = await TestServer.start({ blobs: { engine: 's3', ...place, caFile: null } });
  onTestFinished(async () => {
    await server.stop();
    await rm(folder, { recursive: true });
  });
  return server;
}

/** From now on the clocks say that much more: the process stood still. */
function standStill(ms: number): void {
  for (const clock of [performance, Date]) {
    const now = clock.now.bind(clock);
    vi.spyOn(clock, 'now').mockImplementation(() => now() + ms);
  }
  onTestFinished(() => void vi.restoreAllMocks());
}

it.each([
  ['by one PUT', 300_000],
  ['in parts', 20_000_000],
])(
  'an upload %s whose lease ended under it is refused, and nothing of it is left after the sweep',
  async (_how, size) => {
    const server = await startServer();
    const alice = server.as('alice');
    expect((await alice('PUT', '/before', { body: randomBytes(50_000) })).status).toBe(201);
    const before = (await listed(server.engines.blobs)).length;
    const bytes = randomBytes(size);
    const connection = await server.connect();
    const authorization = `Authorization: ${authorizationOf('alice')}`;
    connection.writeHead(`PUT /dav/${DRIVE_ID}/late HTTP/1.1`, 'Host: x', authorization, `Content-Length: ${size}`);
    connection.write(bytes.subarray(0, size / 2));
    await waitUntil('the upload is under way', () => server.engines.blobs.stats().uploads === 1);
    standStill(2 * HOUR_MS);
    connection.write(bytes.subarray(size / 2));
    const { status, headers } = await connection.readAnswer();
    connection.close();
    expect([status, headers['retry-after'] !== undefined]).toEqual([503, true]);
    expect((await alice('GET', '/late')).status).toBe(404);
    // It goes on with another lease.
    expect((await alice('PUT', '/after', { body: randomBytes(50_000) })).status).toBe(201);
    await server.restart();
    const { blobs, blobIndex, leases } = server.engines;
    const at = Date.now() + 30 * HOUR_MS;
    await collectGarbage({ blobs, blobIndex, leases, now: () => at, graceSeconds: 0 });
    expect((await listed(blobs)).length).toBe(before + 1);
    for (const name of ['/before', '/after']) expect((await server.as('alice')('GET', name)).status).toBe(200);
  },
);
