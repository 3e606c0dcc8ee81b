import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll } from 'vitest';
import type { S3Client } from '../../src/engines/s3/s3-client.js';
import type { S3Settings } from '../../src/engines/s3/s3-request.js';
import { Ceph } from './ceph.js';

/** An object storage with an empty bucket. */
export interface S3Server {
  readonly settings: S3Settings;
  close(): Promise<void>;
}

/**
 * An object storage for the tests of a file: the one that FIRN_TEST_S3 names, as
 * `http://KEY:SECRET@127.0.0.1:9000/BUCKET?region=us-east-1` (the bucket is there already; add `&style=host` where it belongs
 * in the host name), else a Ceph radosgw that is started for it.
 */
export function useS3Server(): { readonly settings: S3Settings } {
  let storage: S3Server | null = null;
  beforeAll(async () => {
    storage = await startS3Server();
  });
  afterAll(() => storage?.close());
  return {
    get settings() {
      return storage!.settings;
    },
  };
}

export async function startS3Server(): Promise<S3Server> {
  const named = process.env.FIRN_TEST_S3;
  return named ? { settings: settingsOf(new URL(named)), close: async () => {} } : Ceph.start();
}

/** A prefix of this test's own, so that tests share a bucket. */
export function newPrefix(): string {
  return `test-${randomUUID()}/`;
}

/** Deletes what is below a prefix, and ends uploads in parts there. */
export async function emptyPrefix(client: S3Client, prefix: string): Promise<void> {
  for await (const { key, uploadId } of client.listParts(prefix)) await client.abortParts(key, uploadId);
  const keys: string[] = [];
  for await (const { key } of client.list(prefix)) keys.push(key);
  await client.deleteAll(keys);
}

function settingsOf(url: URL): S3Settings {
  return {
    endpoint: new URL(url.origin),
    bucket: url.pathname.slice(1),
    region: url.searchParams.get('region') ?? 'us-east-1',
    accessKey: decodeURIComponent(url.username),
    secretKey: decodeURIComponent(url.password),
    isPathStyle: url.searchParams.get('style') !== 'host',
    ca: null,
  };
}
