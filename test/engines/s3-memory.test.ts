import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { S3BlobStore } from '../../src/engines/s3/s3-blob-store.js';
import { S3Client } from '../../src/engines/s3/s3-client.js';
import { MemoryLeases } from '../support/memory-leases.js';
import { emptyPrefix, newPrefix, useS3Server } from '../support/s3-server.js';

const storage = useS3Server();
const MIB = 1024 * 1024;

it('PRODUCT U1 — an upload of 256 MiB takes three parts of memory, and so does nobody who reads it', async () => {
  const client = new S3Client(storage.settings);
  const prefix = newPrefix();
  const store = new S3BlobStore({ client, leases: new MemoryLeases(), prefix });
  const chunk = randomBytes(MIB);
  async function* large() {
    for (let number = 0; number < 256; number++) {
      chunk.writeUInt32LE(number);
      if (number % 8 === 0) await wait(0);
      yield chunk;
    }
  }
  let buffers = 0;
  const before = process.memoryUsage.rss();
  let peak = before;
  const watch = setInterval(() => {
    buffers = Math.max(buffers, store.stats().bufferBytes);
    peak = Math.max(peak, process.memoryUsage.rss());
  }, 10);
  const stored = await store.put(large());
  await stored.release('named');
  const hash = createHash('sha256');
  for await (const piece of await store.open(stored)) hash.update(piece as Uint8Array);
  clearInterval(watch);
  expect([stored.size, hash.digest('hex')]).toEqual([256 * MIB, stored.id]);
  expect(buffers).toBeLessThanOrEqual(26 * MIB);
  expect(peak - before).toBeLessThan(128 * MIB);
  await emptyPrefix(client, prefix);
  await store.close();
});
