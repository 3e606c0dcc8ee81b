import { Readable } from 'node:stream';
import type { BackupPlace, StoredBytes, StoredName } from '../../stores/backup-place.js';
import { StoreFailingError } from '../../stores/metadata-store.js';
import { Hashers } from '../hashing/hashers.js';
import { UploadBuffers } from '../hashing/upload-buffers.js';
import { takeSource } from '../take-source.js';
import { openClient, type S3Config } from './open-s3-blobs.js';
import { PartMemory } from './part-memory.js';
import type { S3Client } from './s3-client.js';
import { S3Reader } from './s3-reader.js';
import { S3Error } from './s3-request.js';
import { S3Upload, type UploadMeans } from './s3-upload.js';

/** What all uploads have for parts, in bytes. */
const PART_MEMORY = 64 * 1024 * 1024;
/** What servers say where a key may not delete. */
const DENIED = ['AccessDenied', 'AllAccessDisabled', 'MethodNotAllowed', 'ObjectLocked', 'InvalidRequest'];

/** Backups in a bucket. Its key needs to list, read and write; where it may not delete, old ones are the bucket's affair. */
export class S3BackupPlace implements BackupPlace {
  readonly title: string;
  readonly #client: S3Client;
  readonly #prefix: string;
  readonly #means: UploadMeans;

  /** Throws `StorageFormatError` where the access key can't be read. */
  static async open(config: S3Config): Promise<S3BackupPlace> {
    return new S3BackupPlace(await openClient(config), config);
  }

  private constructor(client: S3Client, { bucket, prefix }: S3Config) {
    this.title = `the bucket ${bucket}${prefix === '' ? '' : `, ${prefix}`}`;
    this.#client = client;
    this.#prefix = prefix;
    const memory = new PartMemory(PART_MEMORY);
    this.#means = { client, buffers: new UploadBuffers(PART_MEMORY), memory, hashers: new Hashers() };
  }

  async put(
    name: string,
    source: AsyncIterable<Uint8Array>,
    verify?: (stored: StoredBytes) => void,
  ): Promise<StoredBytes> {
    const upload = new S3Upload(this.#means, this.#prefix + name, [], undefined);
    try {
      await takeSource(source, {}, (chunk) => upload.append(chunk));
      const { size, values } = await upload.finish();
      const stored = { hash: values[0]!, size };
      verify?.(stored);
      await upload.publish(stored.hash);
      return stored;
    } catch (error) {
      await upload.discard();
      throw error;
    }
  }

  async open(name: string): Promise<AsyncIterable<Uint8Array> | null> {
    const key = this.#prefix + name;
    const found = await this.#client.get(key, null);
    if (!found) return null;
    const { response, size } = found;
    if (size === 0) {
      response.resume();
      return Readable.from([], { objectMode: false });
    }
    const end = size - 1;
    return new S3Reader({ response, start: 0, end }, this.#client.silenceMs, async (start) => {
      const rest = await this.#client.get(key, { start, end });
      if (!rest) throw new StoreFailingError(`the object ${key} went while it was read`, { part: 'object storage' });
      return rest.response;
    });
  }

  async *list(prefix: string): AsyncIterable<StoredName> {
    for await (const { key, size } of this.#client.list(this.#prefix + prefix)) {
      yield { name: key.slice(this.#prefix.length), size };
    }
  }

  async delete(names: readonly string[]): Promise<boolean> {
    try {
      await this.#client.deleteAll(names.map((name) => this.#prefix + name));
      return true;
    } catch (error) {
      if (error instanceof S3Error && (error.status === 403 || DENIED.includes(error.code))) return false;
      throw error;
    }
  }

  close(): void {
    this.#client.close();
  }
}
