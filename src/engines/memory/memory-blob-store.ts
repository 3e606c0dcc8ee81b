import { createHash, hash } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  type BlobInfo,
  BlobMissingError,
  type BlobStore,
  type BlobStoreStats,
  type PutOptions,
  type ReceivedBytes,
  type StoredBlob,
} from '../../stores/blob-store.js';
import type { BlobId, ByteRange, DigestName, Digests } from '../../stores/values.js';
import { takeSource } from '../take-source.js';

const CHUNK = 64 * 1024;

interface Held {
  readonly bytes: Buffer;
  readonly storedAt: Date;
}

/** Blobs in memory: for tests and trials. Durable as long as the process lives. */
export class MemoryBlobStore implements BlobStore {
  readonly #blobs = new Map<BlobId, Held>();
  /** What `setAside` took, by hash. */
  readonly damaged = new Map<BlobId, Buffer>();

  #uploads = 0;

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
    this.#blobs.set(received.id, held);
    return {
      ...received,
      restore: async () => {
        if (!this.#blobs.has(received.id)) this.#blobs.set(received.id, held);
      },
      release: async () => {},
    };
  }

  async open(id: BlobId, range?: ByteRange): Promise<Readable> {
    const held = this.#blobs.get(id);
    if (!held) throw new BlobMissingError(id);
    const { start, end } = range ?? { start: 0, end: held.bytes.length - 1 };
    if (range && !(start >= 0 && start <= end && end < held.bytes.length)) {
      throw new RangeError(`bytes ${start}-${end} are not within the ${held.bytes.length} bytes of ${id}`);
    }
    return Readable.from(pieces(held.bytes.subarray(start, end + 1)), { objectMode: false });
  }

  async stat(id: BlobId): Promise<BlobInfo | null> {
    const held = this.#blobs.get(id);
    return held ? { id, size: held.bytes.length, storedAt: held.storedAt } : null;
  }

  async delete(id: BlobId): Promise<boolean> {
    return this.#blobs.delete(id);
  }

  async setAside(damaged: BlobInfo): Promise<boolean> {
    const held = this.#blobs.get(damaged.id);
    if (held?.storedAt.getTime() !== damaged.storedAt.getTime()) return false;
    this.#blobs.delete(damaged.id);
    this.damaged.set(damaged.id, held.bytes);
    return true;
  }

  async *list(): AsyncIterable<BlobInfo> {
    for (const [id, { bytes, storedAt }] of [...this.#blobs]) yield { id, size: bytes.length, storedAt };
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
