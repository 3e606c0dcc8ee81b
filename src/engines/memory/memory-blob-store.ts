import { createHash, hash, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
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
  type UploadOutcome,
} from '../../stores/blob-store.js';
import type { BlobId, BlobPlace, ByteRange, DigestName, Digests } from '../../stores/values.js';
import { rangeWithin } from '../range-within.js';
import { takeSource } from '../take-source.js';

const CHUNK = 64 * 1024;
const ID_LENGTH = 64;

interface Held {
  readonly bytes: Buffer;
  readonly storedAt: Date;
}

export interface MemoryBlobStoreOptions {
  /** `hash`: a blob is where its hash says. `random`: each upload has a place that was never used before. */
  readonly places?: 'hash' | 'random';
}

/** Blobs in memory: for tests and trials. Durable as long as the process lives. */
export class MemoryBlobStore implements BlobStore {
  readonly #blobs = new Map<BlobPlace, Held>();
  readonly #places: 'hash' | 'random';
  /** What `setAside` took, by place. */
  readonly damaged = new Map<BlobPlace, Buffer>();

  #uploads = 0;

  constructor({ places = 'hash' }: MemoryBlobStoreOptions = {}) {
    this.#places = places;
  }

  async put(source: AsyncIterable<Uint8Array>, options: PutOptions = {}): Promise<StoredBlob> {
    this.#uploads++;
    try {
      return await this.#take(source, options);
    } finally {
      this.#uploads--;
    }
  }

  async #take(source: AsyncIterable<Uint8Array>, options: PutOptions): Promise<StoredBlob> {
    const chunks: Buffer[] = [];
    await takeSource(source, options, (chunk) => {
      chunks.push(Buffer.from(chunk));
    });
    const bytes = Buffer.concat(chunks);
    const received: ReceivedBytes = {
      id: hash('sha256', bytes, 'hex') as BlobId,
      size: bytes.length,
      digests: digestsOf(bytes, options.digests ?? []),
    };
    options.verify?.(received);
    const held = { bytes, storedAt: new Date() };
    return this.#hold(received, held);
  }

  #hold(received: ReceivedBytes, held: Held): StoredBlob {
    const blob: ReceivedBytes & { place: BlobPlace | null } = {
      ...received,
      place: this.#places === 'random' ? (randomUUID() as string as BlobPlace) : null,
    };
    this.#blobs.set(placeOf(blob), held);
    let outcome: UploadOutcome | null = null;
    return {
      ...received,
      get place() {
        return blob.place;
      },
      restore: async () => {
        if (!this.#blobs.has(placeOf(blob))) this.#blobs.set(placeOf(blob), held);
      },
      relocate: async () => {
        const end = randomUUID();
        blob.place = (this.#places === 'random' ? end : `${received.id}.${end}`) as BlobPlace;
        this.#blobs.set(blob.place, held);
      },
      release: async (became) => {
        outcome ??= became;
        if (outcome === 'surplus' && blob.place !== null) this.#blobs.delete(blob.place);
      },
    };
  }

  async open(blob: BlobRef, range?: ByteRange): Promise<Readable> {
    const held = this.#blobs.get(placeOf(blob));
    if (!held) throw new BlobMissingError(blob.id);
    const { start, end } = rangeWithin(blob.id, held.bytes.length, range);
    return Readable.from(pieces(held.bytes.subarray(start, end + 1)), { objectMode: false });
  }

  async stat(blob: BlobRef): Promise<BlobInfo | null> {
    const held = this.#blobs.get(placeOf(blob));
    return held ? this.#infoOf(placeOf(blob), held) : null;
  }

  async deleteAll(places: readonly BlobPlace[]): Promise<void> {
    for (const place of places) this.#blobs.delete(place);
  }

  async setAside(damaged: BlobInfo): Promise<boolean> {
    const held = this.#blobs.get(damaged.place);
    if (held?.storedAt.getTime() !== damaged.storedAt.getTime()) return false;
    this.#blobs.delete(damaged.place);
    this.damaged.set(damaged.place, held.bytes);
    return true;
  }

  async *list({ after = '', prefix = '' }: { after?: string; prefix?: string } = {}): AsyncIterable<BlobInfo> {
    const places = [...this.#blobs.keys()].filter((place) => place > after && place.startsWith(prefix));
    for (const place of places.sort()) {
      const held = this.#blobs.get(place);
      if (held) yield this.#infoOf(place, held);
    }
  }

  #infoOf(place: BlobPlace, { bytes, storedAt }: Held): BlobInfo {
    const id = this.#places === 'hash' ? (place.slice(0, ID_LENGTH) as BlobId) : null;
    return { place, id, size: bytes.length, storedAt };
  }

  async clearIncoming(): Promise<void> {
    // An upload lives in its own call: there is nothing that an ended one leaves.
  }

  async freeBytes(): Promise<null> {
    return null;
  }

  async checkWritable(): Promise<void> {
    // Memory always is.
  }

  stats(): BlobStoreStats {
    return { uploads: this.#uploads, bufferBytes: 0 };
  }
}

function digestsOf(bytes: Buffer, names: readonly DigestName[]): Digests {
  return Object.fromEntries(names.map((name) => [name, createHash(name).update(bytes).digest('hex')]));
}

function* pieces(bytes: Buffer): Generator<Buffer> {
  for (let start = 0; start < bytes.length; start += CHUNK) yield bytes.subarray(start, start + CHUNK);
}
