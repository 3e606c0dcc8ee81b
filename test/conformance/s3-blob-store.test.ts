import { openTestBlobs } from '../support/s3-blobs.js';
import { useS3Server } from '../support/s3-server.js';
import { blobStoreSuite } from './blob-store.js';

const storage = useS3Server();

blobStoreSuite('S3', () => openTestBlobs(storage.settings));
