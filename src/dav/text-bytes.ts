const SIZE_MIN = 16 * 1024;
/** UTF-16 code units to UTF-8 bytes, at worst. */
const BYTES_A_UNIT = 3;

/**
 * Text that grows by many small pieces, kept as UTF-8. A string of a thousand members is a tree of ten thousand small
 * strings until somebody reads it, and keeping that alive costs more than all else in a PROPFIND (half of its time).
 */
export class TextBytes {
  #bytes: Buffer;
  #length = 0;

  /** `sizeExpected` in bytes, where it can be guessed. */
  constructor(sizeExpected = SIZE_MIN) {
    this.#bytes = Buffer.allocUnsafe(sizeExpected);
  }

  /** Bytes so far. */
  get length(): number {
    return this.#length;
  }

  append(text: string): void {
    const needed = this.#length + text.length * BYTES_A_UNIT;
    if (needed > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    this.#length += this.#bytes.write(text, this.#length);
  }

  /** Begins again in the same memory: what `take` gave before is gone. */
  clear(): void {
    this.#length = 0;
  }

  /** What has been appended so far. Nothing may be appended after, but by `clear`. */
  take(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }
}
