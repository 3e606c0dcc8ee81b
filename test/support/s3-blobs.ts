import { S3BlobStore } from '../../src/engines/s3/s3-blob-store.js';
import { S3Client } from '../../src/engines/s3/s3-client.js';
import type { S3Settings } from '../../src/engines/s3/s3-request.js';
import { MemoryLeases } from './memory-leases.js';
import { emptyPrefix, newPrefix } from './s3-server.js';

/** A store of its own in the bucket, as `blobStoreSuite` wants it. */
export async function openTestBlobs(settings: S3Settings) {
  const client = new S3Client(settings);
  const prefix = newPrefix();
  const store = new S3BlobStore({ client, leases: new MemoryLeases(), prefix });
  return {
    store,
    places: 'random' as const,
    leftovers: async () => {
      const left: string[] = [];
      for await (const { key } of client.listParts(prefix)) left.push(key);
      return left;
    },
    close: async () => {
      await emptyPrefix(client, prefix);
      await store.close();
    },
  };
}
