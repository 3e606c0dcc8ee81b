import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import type { BlobInfo, BlobRef, BlobStore, StoredBlob } from '../../src/stores/blob-store.js';
import type { BlobId } from '../../src/stores/values.js';

export interface BlobEngine {
  readonly store: BlobStore;
  /** Whether equal bytes have one place, or each upload has its own. */
  readonly places: 'hash' | 'random';
  /** What of uploads lies about outside the blobs themselves. */
  leftovers(): Promise<string[]>;
  close(): Promise<void>;
}

/** What a test of one engine works with; another engine for each test. */
export interface BlobTest {
  engine: BlobEngine;
}

const KIB = 1024;
export const MIB = 1024 * KIB;
/** Around the sizes at which the disk engine takes another buffer, another thread, another sync. */
export const SIZES = [0, 1, 64 * KIB - 1, 64 * KIB, 64 * KIB + 1, 3 * MIB, 9 * MIB + 7];
export const UNKNOWN: BlobRef = { id: 'f'.repeat(64) as BlobId, size: 1, place: null };

export function sha256(bytes: Uint8Array): BlobId {
  return createHash('sha256').update(bytes).digest('hex') as BlobId;
}

/** The bytes in chunks, each after a turn of the event loop. */
export async function* inChunks(bytes: Uint8Array, size = 50_000): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += size) {
    await new Promise((resolve) => setImmediate(resolve));
    yield bytes.subarray(start, start + size);
  }
}

export async function* thenThrow(bytes: Uint8Array, error: Error): AsyncGenerator<Uint8Array> {
  yield* inChunks(bytes);
  throw error;
}

/** Gives the bytes, then neither more nor an end. */
export function thenHang(bytes: Uint8Array): AsyncIterable<Uint8Array> & { readonly isHanging: Promise<void> } {
  let hang = () => {};
  const isHanging = new Promise<void>((resolve) => {
    hang = resolve;
  });
  async function* chunks() {
    yield* inChunks(bytes);
    hang();
    await new Promise(() => {});
  }
  return { [Symbol.asyncIterator]: chunks, isHanging };
}

export async function listed(store: BlobStore, options: Parameters<BlobStore['list']>[0] = {}): Promise<BlobInfo[]> {
  const found: BlobInfo[] = [];
  for await (const blob of store.list(options)) found.push(blob);
  return found;
}

/** Stores the bytes. */
export function put(test: BlobTest, bytes: Uint8Array): Promise<StoredBlob> {
  return test.engine.store.put(inChunks(bytes));
}

export async function read(test: BlobTest, blob: BlobRef, range?: { start: number; end: number }): Promise<Buffer> {
  return buffer(await test.engine.store.open(blob, range));
}
