import { readFile, stat } from 'node:fs/promises';
import type { BlobIndex } from '../../stores/blob-index.js';
import type { BlobLeases } from '../../stores/blob-leases.js';
import type { BlobStore } from '../../stores/blob-store.js';
import { StorageFormatError } from '../../stores/storage-errors.js';
import { S3BlobStore } from './s3-blob-store.js';
import { S3Client } from './s3-client.js';
import { readText, S3Error } from './s3-request.js';

/** Contents that are looked for in a bucket that doesn't say whose it is. */
const SAMPLE = 32;
/** Rights of the group and of others. */
const FOREIGN_RIGHTS = 0o077;

/** A bucket of an object storage that speaks S3. */
export interface S3Config {
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  /** Of all names in the bucket; empty, or what ends in `/`. */
  readonly prefix: string;
  /** Two lines: the access key and its secret. For the owner alone. */
  readonly accessKeyFile: string;
  readonly pathStyle: boolean;
  /** Certificates (PEM) of authorities that are trusted instead of the system's. */
  readonly caFile: string | null;
}

interface OpenS3Blobs {
  readonly blobs: BlobStore;
  /** Rejects where the bucket can't be read now, or is another storage's by now. */
  readonly checkBucket: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/**
 * Opens the blobs in a bucket for a storage whose database is open, and makes the bucket the storage's own. `close` ends the
 * leases, before the database is closed. Throws `StorageFormatError` where the bucket can't be used, or is another storage's.
 */
export async function openS3Blobs(
  config: S3Config,
  { leases, blobIndex, now }: { readonly leases: BlobLeases; readonly blobIndex: BlobIndex; now(): number },
): Promise<OpenS3Blobs> {
  const { prefix } = config;
  const client = await openClient(config);
  const blobs = new S3BlobStore({ client, leases, prefix, now });
  const [key, id] = [`${prefix}storage`, await leases.storageId()];
  try {
    await claimBucket(client, key, id, () => checkIsOwn(config, blobs, blobIndex));
  } catch (error) {
    client.close();
    throw error instanceof S3Error ? new StorageFormatError(explain(config, error), { cause: error }) : error;
  }
  const checkBucket = async () => {
    if ((await readOwner(client, key)) !== id) throw new StorageFormatError(FOREIGN);
  };
  return { blobs, checkBucket, close: () => blobs.close() };
}

/** Throws `StorageFormatError` where the access key or the authorities can't be read. */
export async function openClient(config: S3Config): Promise<S3Client> {
  return new S3Client({
    ...config,
    endpoint: new URL(config.endpoint),
    ...(await readAccessKey(config.accessKeyFile)),
    isPathStyle: config.pathStyle,
    ca: config.caFile === null ? null : await readAuthorities(config.caFile),
  });
}

async function readAccessKey(file: string): Promise<{ accessKey: string; secretKey: string }> {
  const { mode } = await stat(file).catch((cause: Error) => {
    throw new StorageFormatError(`The access key of the bucket can't be read: ${cause.message}`, { cause });
  });
  if ((mode & FOREIGN_RIGHTS) !== 0) {
    throw new StorageFormatError(`${file} can be read by others; type: chmod 600 ${file}`);
  }
  const [accessKey, secretKey, ...rest] = (await readFile(file, 'utf8')).trim().split(/\s+/);
  if (!accessKey || !secretKey || rest.length > 0) {
    throw new StorageFormatError(`${file} needs to hold two lines: the access key and its secret.`);
  }
  return { accessKey, secretKey };
}

async function readAuthorities(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((cause: Error) => {
    throw new StorageFormatError(`"caFile" can't be read: ${cause.message}`, { cause });
  });
  // Node ignores what is none, and then trusts nobody.
  if (!text.includes('-----BEGIN CERTIFICATE-----')) {
    throw new StorageFormatError(`"caFile" holds no certificate: ${file} needs one in PEM.`);
  }
  return text;
}

/** Notes in the bucket whose it is. Throws where that is another storage. */
async function claimBucket(client: S3Client, key: string, id: string, checkIsOwn: () => Promise<void>): Promise<void> {
  let owner = await readOwner(client, key);
  if (owner === null) {
    await checkIsOwn();
    await client.put(key, [Buffer.from(`${id}\n`)]);
    owner = await readOwner(client, key);
  }
  if (owner === id) return;
  throw new StorageFormatError(FOREIGN);
}

const FOREIGN =
  'The bucket belongs to another storage of Firn: nothing was touched. Set another "bucket" or "prefix", or put back the ' +
  'database that belongs to it.';

async function readOwner(client: S3Client, key: string): Promise<string | null> {
  const found = await client.get(key, null);
  return found && (await readText(found.response)).trim();
}

/** Throws where the database names contents, and the bucket, which doesn't say whose it is, has none of them. */
async function checkIsOwn({ bucket, endpoint }: S3Config, blobs: BlobStore, blobIndex: BlobIndex): Promise<void> {
  const named = await blobIndex.newest(SAMPLE);
  if (named.some(({ place }) => place === null)) {
    throw new StorageFormatError(
      'The database names contents that are in the folder blobs/, not in a bucket: nothing was touched. ' +
        'Set "blobs" to { "engine": "folder" }.',
    );
  }
  for (const blob of named) if (await blobs.stat(blob)) return;
  if (named.length === 0) return;
  throw new StorageFormatError(
    `The bucket ${bucket} at ${endpoint} has none of the contents that the database names: nothing was touched. ` +
      'Are "bucket" and "prefix" the right ones?',
  );
}

/** What is wrong with the settings, in one sentence. */
function explain({ endpoint, bucket, region }: S3Config, error: S3Error): string {
  switch (error.code) {
    case 'NoSuchBucket':
      return `There is no bucket ${bucket} at ${endpoint}: make it first.`;
    case 'InvalidAccessKeyId':
    case 'SignatureDoesNotMatch':
      return `${endpoint} doesn't know the access key, or its secret is another one (${error.code}).`;
    case 'AccessDenied':
      return `The access key may not read and write the bucket ${bucket} at ${endpoint}.`;
    case 'RequestTimeTooSkewed':
      return `The clocks of this machine and of ${endpoint} differ too much: set the wrong one.`;
    case 'PermanentRedirect':
    case 'AuthorizationHeaderMalformed':
      return `The bucket ${bucket} is not in the region ${region}, or not at ${endpoint}: ${error.message}`;
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `The certificate at ${endpoint} is not for ${new URL(endpoint).hostname}: name the host that it is for.`;
    case 'CERT_HAS_EXPIRED':
      return `The certificate at ${endpoint} has expired, or the clock of this machine is wrong.`;
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'CERT_SIGNATURE_FAILURE':
      return `The certificate at ${endpoint} is of an authority that isn't trusted: name the file of that authority as "caFile".`;
    default:
      return `The bucket ${bucket} at ${endpoint} can't be used: ${error.message}`;
  }
}
