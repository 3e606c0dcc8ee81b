import { Readable } from 'node:stream';
import { close, readSome } from './file-calls.js';

const CHUNK_MIN = 64 * 1024;
/** Smaller and larger ones cost more CPU a byte: measured, docs/decisions/0003. */
const CHUNK_MAX = 256 * 1024;
/** Who takes a chunk within this many milliseconds gets twice as much next time; who takes ten times as long, half. */
const FAST_MS = 20;

/**
 * The bytes `start` to `end` (exclusive) of an open file, which it closes. Chunks grow while the reader keeps up, so
 * a thousand slow readers hold little memory and one fast reader isn't held up by system calls.
 */
export class BlobReader extends Readable {
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
    this.#adapt();
    const length = Math.min(this.#chunkSize, this.#end - this.#position);
    if (length === 0) {
      this.push(null);
      return;
    }
    try {
      const buffer = Buffer.allocUnsafeSlow(length);
      const count = await readSome(this.#fd, buffer, length, this.#position);
      if (count === 0) throw new Error(`a blob ends at ${this.#position} bytes, before byte ${this.#end - 1}`);
      this.#position += count;
      this.push(buffer.subarray(0, count));
      if (this.#position === this.#end) this.push(null);
    } catch (error) {
      this.destroy(error as Error);
    }
  }

  #adapt(): void {
    const now = performance.now();
    const elapsed = now - this.#readAt;
    this.#readAt = now;
    if (elapsed <= FAST_MS) this.#chunkSize = Math.min(CHUNK_MAX, this.#chunkSize * 2);
    else if (elapsed > FAST_MS * 10) this.#chunkSize = Math.max(CHUNK_MIN, this.#chunkSize / 2);
  }
}
