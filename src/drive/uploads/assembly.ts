import type { ContentRow } from '../../stores/metadata-store.js';
import type { BlobId } from '../../stores/values.js';
import { CLIENT_DIGESTS, type Contents, type ReceivedContent } from '../contents.js';
import { DriveError } from '../drive-error.js';

/** Its parts are not those any more that were to be put together. */
export function uploadChanged(): DriveError {
  return new DriveError('busy', 'The upload has changed while it was put together. Try again.');
}

/** A part as far as its bytes matter. */
export interface PartBytes {
  readonly name: string;
  readonly number: number;
  readonly size: number;
  readonly blobId: BlobId;
  /** Where it is known already: of a part that no row names. */
  readonly content?: ContentRow;
}

/** Returns the bytes of a part. Rejects when they are gone. */
export type OpenPart = (part: PartBytes) => Promise<AsyncIterable<Uint8Array> | Iterable<Uint8Array>>;

/** Each part was within the drive's limits, and so is their sum. */
const NO_LIMIT = {
  bytes: Number.POSITIVE_INFINITY,
  error: () => new DriveError('too-large', 'The parts are too large together.'),
};

class AbandonedError extends Error {
  override readonly name = 'AbandonedError';
}

/**
 * Puts the parts of one upload together while more of them come, so that little is left to do at the end. Which part is
 * next is a guess until `finish` says what the order is; a wrong guess costs time and nothing else.
 */
export class Assembly {
  readonly #open: OpenPart;
  /** Stored parts that may still be fed, by number. */
  readonly #waiting = new Map<number, PartBytes>();
  /** What has been fed, or is being fed, in order. */
  readonly #fed: PartBytes[] = [];
  /** Bytes of the parts that were fed to their end. */
  #fedToEnd = 0;
  #fedBytes = 0;
  #knownBytes = 0;
  #isIdle = false;
  #order: readonly PartBytes[] | null = null;
  #wake: () => void = () => {};
  readonly #progressed = new Set<() => void>();
  readonly #abandoned = new AbortController();
  readonly #result: Promise<ReceivedContent>;
  #hasFailed = false;

  constructor(contents: Contents, open: OpenPart) {
    this.#open = open;
    const chunks = () => this.#chunks();
    const incoming = { size: null, chunks, readAll: () => Promise.reject(new Error('comes in chunks only')) };
    const expected = { size: null, digests: [], kept: CLIENT_DIGESTS };
    this.#result = contents.receive(incoming, expected, NO_LIMIT, this.#abandoned.signal);
    this.#result.catch(() => {
      this.#hasFailed = true;
      this.#tellProgress();
    });
  }

  /** Whether it waits for a part that hasn't come. */
  get isIdle(): boolean {
    return this.#isIdle || this.#hasFailed;
  }

  /** Takes note of a stored part. False when it can't be used any more: something else was fed in its place. */
  add(part: PartBytes): boolean {
    const last = this.#fed.at(-1);
    if (last && part.number <= last.number) {
      return this.#fed.some(({ number, blobId }) => number === part.number && blobId === part.blobId);
    }
    this.#knownBytes += part.size - (this.#waiting.get(part.number)?.size ?? 0);
    this.#waiting.set(part.number, part);
    this.#wake();
    return true;
  }

  /** Forgets a part that was removed. False when it has been fed. */
  remove(number: number): boolean {
    const part = this.#waiting.get(number);
    if (part) {
      this.#waiting.delete(number);
      this.#knownBytes -= part.size;
    }
    return !this.#fed.some((fed) => fed.number === number);
  }

  /** Waits until at most `bytes` of what could be fed are left, or `milliseconds` have passed. */
  async caughtUp(bytes: number, milliseconds: number): Promise<void> {
    const isBehind = () => !this.isIdle && this.#knownBytes - this.#fedBytes > bytes;
    if (!isBehind()) return;
    await new Promise<void>((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.#progressed.delete(look);
        resolve();
      };
      const look = () => isBehind() || end();
      const timer = setTimeout(end, milliseconds);
      timer.unref();
      this.#progressed.add(look);
    });
  }

  /**
   * Feeds what is left of the parts, which are all of the file, in order. Null when other bytes have been fed than
   * those the file begins with. Rejects when the bytes of a part are gone or the store fails.
   */
  async finish(order: readonly PartBytes[]): Promise<ReceivedContent | null> {
    const isRight = this.#fed.every(({ blobId }, index) => order[index]?.blobId === blobId);
    if (!isRight || this.#hasFailed) return null;
    this.#order = order;
    this.#wake();
    return this.#result;
  }

  /** Stops, and leaves nothing behind when it resolves. */
  async abandon(): Promise<void> {
    this.#abandoned.abort(new AbandonedError('the upload is put together no more'));
    this.#wake();
    try {
      // Once it was asked for, somebody may have named it.
      await (await this.#result).release(this.#order ? 'unknown' : 'surplus');
    } catch {
      // Its failure is what was asked for, or has been told to anyone who waited for the result.
    }
  }

  async *#chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      const part = await this.#next();
      if (part === null) return;
      this.#fed.push(part);
      this.#waiting.delete(part.number);
      for await (const chunk of await this.#open(part)) {
        this.#fedBytes += chunk.length;
        yield chunk;
        this.#tellProgress();
      }
      this.#fedToEnd += part.size;
    }
  }

  async #next(): Promise<PartBytes | null> {
    for (;;) {
      this.#abandoned.signal.throwIfAborted();
      if (this.#order) return this.#order[this.#fed.length] ?? null;
      const part = this.#guess();
      if (part) return part;
      this.#isIdle = true;
      this.#tellProgress();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#isIdle = false;
    }
  }

  /** By index from 0 or 1, or by where it begins. A part 1 is the first only when 2 came and 0 didn't. */
  #guess(): PartBytes | undefined {
    const [first] = this.#fed;
    if (!first) return this.#waiting.get(0) ?? (this.#waiting.has(2) ? this.#waiting.get(1) : undefined);
    const last = this.#fed.at(-1)!;
    const candidates = [first.number + this.#fed.length, this.#fedToEnd];
    for (const number of candidates)
      if (number > last.number && this.#waiting.has(number)) return this.#waiting.get(number);
    return undefined;
  }

  #tellProgress(): void {
    for (const look of [...this.#progressed]) look();
  }
}
