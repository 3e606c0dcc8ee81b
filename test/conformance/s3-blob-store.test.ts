import { S3BlobStore } from '../../src/engines/s3/s3-blob-store.js';
import { S3Client } from '../../src/engines/s3/s3-client.js';
import { MemoryLeases } from '../support/memory-leases.js';
import { emptyPrefix, newPrefix, useS3Server } from '../support/s3-server.js';
import { blobStoreSuite } from './blob-store.js';

const storage = useS3Server();

blobStoreSuite('S3', async () => {
  const client = new S3Client(storage.settings);
  const prefix = newPrefix();
  const store = new S3BlobStore({ client, leases: new MemoryLeases(), prefix });
  return {
    store,
    places: 'random',
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
});
