import { afterAll, beforeAll } from 'vitest';
import { openTestBlobs } from '../support/s3-blobs.js';
import { Swift } from '../support/swift.js';
import { blobStoreSuite } from './blob-store.js';

let swift: Swift;
beforeAll(async () => {
  swift = await Swift.start();
}, 240_000);
afterAll(() => swift?.close());

blobStoreSuite('S3 on OpenStack Swift', () => openTestBlobs(swift.settings));
