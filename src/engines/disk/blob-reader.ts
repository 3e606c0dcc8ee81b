import { Readable } from 'node:stream';
import type { BlobStream } from '../../stores/blob-store.js';
import { close, readSome } from './file-calls.js';

const CHUNK_MIN = 64 * 1024;
/** Smaller and larger ones cost more CPU a byte: measured, docs/decisions/0003. */
const CHUNK_MAX = 256 * 1024;
/** What the buffers of all downloads share, in bytes; where they are many, each has `CHUNK_MIN` at a time. */
const SHARED = 8 * 1024 * 1024;
/** A download has one buffer on its way to the socket and one that is read into. */
const BUFFERS = 2;
/** Who takes a chunk within this many milliseconds gets twice as much next time; who takes ten times as long, half. */
const FAST_MS = 20;

/**
 * The bytes `start` to `end` (exclusive) of an open file, which it closes. Chunks grow while the reader keeps up, so
 * a thousand slow readers hold little memory and one fast reader isn't held up by system calls.
 */
export class BlobReader extends Readable implements BlobStream {
  /** Downloads under way that use their buffers again. */
  static #downloads = 0;
  readonly #fd: number;
  readonly #end: number;
  #position: number;
  #chunkSize = CHUNK_MIN;
  #readAt = 0;
  #reading: Promise<void> = Promise.resolve();

  constructor(fd: number, start: number, end: number) {
    // The next chunk is read when the last one is taken.
    super({ highWaterMark: 1 });
    this.#fd = fd;
    this.#position = start;
    this.#end = end;
  }

  override _read(): void {
    this.#reading = this.#readChunk();
  }

  /** One piece is read while the reader works on the one before: two buffers. */
  async *pieces(): AsyncGenerator<Uint8Array> {
    const buffers: Buffer[] = [];
    BlobReader.#downloads++;
    try {
      let reading = this.#readPiece(buffers, 0);
      for (let count = 1; ; count++) {
        const piece = await reading;
        if (piece.length === 0) return;
        reading = this.#readPiece(buffers, count % BUFFERS);
        yield piece;
      }
    } finally {
      BlobReader.#downloads--;
      this.destroy();
    }
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    // A read still under way must not meet another file under the same descriptor.
    this.#reading
      .then(() => close(this.#fd))
      .then(
        () => callback(error),
        (closing: Error) => callback(error ?? closing),
      );
  }

  async #readChunk(): Promise<void> {
    try {
      const length = this.#nextLength();
      const chunk = await this.#fill(Buffer.allocUnsafeSlow(length), length);
      if (chunk.length > 0) this.push(chunk);
      if (this.#position === this.#end) this.push(null);
    } catch (error) {
      this.destroy(error as Error);
    }
  }

  /** Into the buffer of that number, made where there is none of a fitting size: a reader that has become slow has a small one. */
  #readPiece(buffers: Buffer[], number: number): Promise<Uint8Array> {
    const length = this.#nextLength();
    const known = buffers[number];
    const isFitting = known && known.length >= length && known.length <= this.#chunkSize;
    const buffer = isFitting ? known : Buffer.allocUnsafeSlow(length);
    buffers[number] = buffer;
    const piece = this.#fill(buffer, length);
    // Its failure is met when it is asked for, which may be never.
    this.#reading = piece.then(
      () => {},
      () => {},
    );
    return piece;
  }

  /** Bytes of the next read; 0 at the end. */
  #nextLength(): number {
    this.#adapt();
    return Math.min(this.#chunkSize, this.#end - this.#position);
  }

  async #fill(buffer: Buffer, length: number): Promise<Buffer> {
    if (length === 0) return buffer.subarray(0, 0);
    const count = await readSome(this.#fd, buffer, length, this.#position);
    if (count === 0) throw new Error(`a blob ends at ${this.#position} bytes, before byte ${this.#end - 1}`);
    this.#position += count;
    return buffer.subarray(0, count);
  }

  #adapt(): void {
    const now = performance.now();
    const elapsed = now - this.#readAt;
    this.#readAt = now;
    const wanted = elapsed <= FAST_MS ? 2 : elapsed > FAST_MS * 10 ? 1 / 2 : 1;
    this.#chunkSize = Math.max(CHUNK_MIN, Math.min(largestChunk(BlobReader.#downloads), this.#chunkSize * wanted));
  }
}

/** `CHUNK_MAX`, or a half or a quarter of it where many share. */
function largestChunk(downloads: number): number {
  let size = CHUNK_MAX;
  while (size > CHUNK_MIN && size * BUFFERS * downloads > SHARED) size /= 2;
  return size;
}
