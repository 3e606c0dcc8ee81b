/** The first buffer of an upload: most files are small. */
const SIZE_MIN = 64 * 1024;
/** Larger ones gain nothing: measured, docs/decisions/0003. */
const SIZE_MAX = 1024 * 1024;
const GROWTH = 4;
/** Buffers of one upload: one is filled while others are written and hashed. */
export const BUFFERS_PER_UPLOAD = 4;
/** What the buffers of all uploads share, in bytes, where an upload needs them for a moment each. */
const TOTAL = 16 * 1024 * 1024;
/** Without uploads for this long, the buffers go. */
const IDLE_MS = 10_000;

/**
 * Gives uploads their buffers: small ones first, larger ones as an upload goes on, and smaller ones the more uploads
 * there are at once. In shared memory, so that a thread can hash what this one writes; they are used again rather
 * than left to the garbage collector, which doesn't see how much memory hangs on them.
 */
export class UploadBuffers {
  readonly #total: number;
  #idle: Buffer[] = [];
  #bytes = 0;
  #uploads = 0;
  #idleTimer: NodeJS.Timeout | undefined;

  /** `total`: what all uploads share, in bytes. Beyond it an upload gets buffers of `SIZE_MIN` only. */
  constructor(total = TOTAL) {
    this.#total = total;
  }

  /** Of all buffers, in use or not. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Every upload that begins also calls `end`. */
  begin(): void {
    clearTimeout(this.#idleTimer);
    this.#uploads++;
  }

  end(): void {
    this.#uploads--;
    if (this.#uploads > 0) return;
    this.#idleTimer = setTimeout(() => {
      for (const buffer of this.#idle.splice(0)) this.drop(buffer);
    }, IDLE_MS);
    this.#idleTimer.unref();
  }

  /** A buffer for an upload that has had `count` before. Its size is what fits, as the class says. */
  take(count: number): Buffer {
    const size = this.#share(Math.min(SIZE_MAX, SIZE_MIN * GROWTH ** count));
    const index = this.#idle.findLastIndex((buffer) => buffer.byteLength === size);
    if (index >= 0) return this.#idle.splice(index, 1)[0]!;
    if (this.#bytes + size <= this.#total) return this.#make(size);
    return this.#idle.pop() ?? this.#make(SIZE_MIN);
  }

  /** The caller makes sure that no write and no hash still reads the buffer; else it calls `drop`. */
  give(buffer: Buffer): void {
    this.#idle.push(buffer);
  }

  drop(buffer: Buffer): void {
    this.#bytes -= buffer.byteLength;
  }

  #share(size: number): number {
    const share = this.#total / (BUFFERS_PER_UPLOAD * Math.max(1, this.#uploads));
    let fitting = size;
    while (fitting > share && fitting > SIZE_MIN) fitting /= GROWTH;
    return fitting;
  }

  #make(size: number): Buffer {
    this.#bytes += size;
    return Buffer.from(new SharedArrayBuffer(size));
  }
}
