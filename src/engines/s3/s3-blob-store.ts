import { Readable } from 'node:stream';
import type { BlobLeases } from '../../stores/blob-leases.js';
import {
  type BlobInfo,
  BlobMissingError,
  type BlobRef,
  type BlobStore,
  type BlobStoreStats,
  type PutOptions,
  placeOf,
  type ReceivedBytes,
  type StoredBlob,
} from '../../stores/blob-store.js';
import { StoreFailingError } from '../../stores/metadata-store.js';
import type { BlobId, BlobPlace, ByteRange } from '../../stores/values.js';
import { Hashers } from '../hashing/hashers.js';
import { UploadBuffers } from '../hashing/upload-buffers.js';
import { paced } from '../paced.js';
import { isWithin, rangeWithin } from '../range-within.js';
import { takeSource } from '../take-source.js';
import { PartMemory } from './part-memory.js';
import type { OpenObject, S3Client, S3Object } from './s3-client.js';
import { type HeldPlace, type HoldingStore, S3Hold } from './s3-hold.js';
import { S3Leases } from './s3-leases.js';
import { S3Reader } from './s3-reader.js';
import { S3Upload, type UploadMeans } from './s3-upload.js';

/** What all uploads have for parts, in bytes. */
const PART_MEMORY = 256 * 1024 * 1024;
/** How long a trial of writing holds, in milliseconds: it costs money. */
const TRIAL_MS = 30_000;

export interface S3BlobStoreOptions {
  readonly client: S3Client;
  readonly leases: BlobLeases;
  /** The time that all processes on the storage go by, in milliseconds since 1970. */
  readonly now?: () => number;
  /** What all names in the bucket begin with: nothing, or something that ends in `/`. */
  readonly prefix: string;
}

/**
 * Blobs as objects: `blobs/<lease>/<number>`, a name that is used once, whatever becomes of the upload. So a PUT that comes late
 * is rubbish under a name that nobody has, and a DELETE that comes late meets nothing. See decision 0024.
 */
export class S3BlobStore implements BlobStore {
  readonly #client: S3Client;
  readonly #prefix: string;
  readonly #leases: S3Leases;
  readonly #means: UploadMeans;
  readonly #held = new Map<BlobPlace, HeldPlace>();
  readonly #holding: HoldingStore;
  #uploads = 0;

  constructor({ client, leases, prefix, now = Date.now }: S3BlobStoreOptions) {
    this.#client = client;
    this.#prefix = prefix;
    this.#leases = new S3Leases(leases, now);
    this.#means = {
      client,
      buffers: new UploadBuffers(PART_MEMORY),
      memory: new PartMemory(PART_MEMORY),
      hashers: new Hashers(),
    };
    this.#holding = {
      hold: (place) => this.#hold(place),
      letGo: (place) => void this.#held.delete(place),
      isThere: async (place) => (await client.stat(this.#keyOf(place))) !== null,
      copy: (from, to) => this.#copy(from, to),
      delete: (place) => client.deleteAll([this.#keyOf(place)], { isRepeatable: false }),
      giveBack: (lease) => this.#leases.release(lease),
    };
  }

  /** Ends the leases and the connections; after the last upload. */
  async close(): Promise<void> {
    await this.#leases.close();
    this.#client.close();
  }

  async put(source: AsyncIterable<Uint8Array>, options: PutOptions = {}): Promise<StoredBlob> {
    options.signal?.throwIfAborted();
    this.#uploads++;
    try {
      const lease = await this.#leases.take();
      const place = lease.nextPlace();
      this.#hold(place);
      try {
        return new S3Hold(this.#holding, lease, place, await this.#receive(this.#keyOf(place), source, options));
      } catch (error) {
        this.#held.delete(place);
        this.#leases.release(lease);
        throw error;
      }
    } finally {
      this.#uploads--;
    }
  }

  async #receive(key: string, source: AsyncIterable<Uint8Array>, options: PutOptions): Promise<ReceivedBytes> {
    const { signal, verify, digests = [] } = options;
    const upload = new S3Upload(this.#means, key, digests, signal);
    try {
      await takeSource(source, options, (chunk) => upload.append(chunk));
      const { size, values, digests: extra } = await upload.finish();
      const received = { id: values[0] as BlobId, size, digests: extra };
      signal?.throwIfAborted();
      verify?.(received);
      await upload.publish(received.id);
      return received;
    } catch (error) {
      await upload.discard();
      throw signal?.aborted ? signal.reason : error;
    }
  }

  async open(blob: BlobRef, range?: ByteRange): Promise<Readable> {
    // Where nothing is, that is said first.
    if (range && !isWithin(range, blob.size) && (await this.stat(blob)) === null) throw new BlobMissingError(blob.id);
    const { start, end } = rangeWithin(blob.id, blob.size, range);
    const key = this.#keyOf(placeOf(blob));
    const found = this.#isTaken(placeOf(blob))
      ? null
      : await this.#client.get(key, blob.size === 0 ? null : { start, end });
    if (!found) throw new BlobMissingError(blob.id);
    if (blob.size === 0) {
      found.response.resume();
      return Readable.from([], { objectMode: false });
    }
    return this.#read(key, found, start, Math.min(end, found.size - 1));
  }

  async stat(blob: BlobRef): Promise<BlobInfo | null> {
    const place = placeOf(blob);
    const found = this.#isTaken(place) ? null : await this.#client.stat(this.#keyOf(place));
    return found && infoOf(place, found);
  }

  async deleteAll(places: readonly BlobPlace[]): Promise<void> {
    const free = places.filter((place) => !this.#held.has(place));
    for (const place of places) {
      const held = this.#held.get(place);
      if (held) held.isTaken = true;
    }
    await this.#client.deleteAll(free.map((place) => this.#keyOf(place)));
  }

  async setAside(damaged: BlobInfo): Promise<boolean> {
    const key = this.#keyOf(damaged.place);
    const found = await this.#client.stat(key);
    if (found?.storedAt.getTime() !== damaged.storedAt.getTime()) return false;
    await this.#store(key, found.size, `${this.#prefix}damaged/${damaged.place}`);
    await this.#client.deleteAll([key]);
    return true;
  }

  async *list({ after = '', prefix = '' }: { after?: string; prefix?: string } = {}): AsyncIterable<BlobInfo> {
    const start = after === '' ? '' : this.#keyOf(after);
    for await (const found of this.#client.list(this.#keyOf(prefix), start)) {
      const place = found.key.slice(this.#keyOf('').length) as BlobPlace;
      if (!this.#isTaken(place)) yield infoOf(place, found);
    }
  }

  async clearIncoming(prefix?: string): Promise<void> {
    // What an ended process left is found by its lease.
    if (prefix === undefined) return;
    for await (const { key, uploadId } of this.#client.listParts(this.#keyOf(prefix))) {
      await this.#client.abortParts(key, uploadId);
    }
  }

  async freeBytes(): Promise<null> {
    return null;
  }

  readonly checkWritable = paced(async () => {
    await this.#client.put(`${this.#prefix}trial`, [Buffer.from('Firn tries whether it can write here.\n')]);
  }, TRIAL_MS);

  stats(): BlobStoreStats {
    return { uploads: this.#uploads, bufferBytes: this.#means.buffers.bytes };
  }

  /** Copies by reading, so that what is copied is compared with its hash. */
  async #copy({ id, size, place }: BlobRef & { readonly place: BlobPlace }, to: BlobPlace): Promise<void> {
    if ((await this.#store(this.#keyOf(place), size, this.#keyOf(to))) !== id) throw new BlobMissingError(id);
  }

  #hold(place: BlobPlace): HeldPlace {
    const held = this.#held.get(place) ?? { isTaken: false };
    this.#held.set(place, held);
    return held;
  }

  /** Returns the hash of what it stored. */
  async #store(from: string, size: number, to: string): Promise<BlobId> {
    const found = await this.#client.get(from, size === 0 ? null : { start: 0, end: size - 1 });
    if (!found) throw new StoreFailingError(`the object ${from} is not there any more`, { part: 'object storage' });
    const source = size === 0 ? found.response : this.#read(from, found, 0, Math.min(size, found.size) - 1);
    return (await this.#receive(to, source, {})).id;
  }

  #read(key: string, { response }: OpenObject, start: number, end: number): S3Reader {
    return new S3Reader({ response, start, end }, this.#client.silenceMs, async (position) => {
      const rest = await this.#client.get(key, { start: position, end });
      if (!rest) throw new StoreFailingError(`the object ${key} went while it was read`, { part: 'object storage' });
      return rest.response;
    });
  }

  /** Whether it counts as deleted, although an upload that holds it could bring it back. */
  #isTaken(place: BlobPlace): boolean {
    return this.#held.get(place)?.isTaken ?? false;
  }

  #keyOf(place: string): string {
    return `${this.#prefix}blobs/${place}`;
  }
}

function infoOf(place: BlobPlace, { size, storedAt }: S3Object): BlobInfo {
  return { place, id: null, size, storedAt };
}
