import { setTimeout as wait } from 'node:timers/promises';
import type { DigestName, Digests } from '../../stores/values.js';
import { type Hashers, type Hashing, hashNames, nameDigests } from '../hashing/hashers.js';
import type { UploadBuffers } from '../hashing/upload-buffers.js';
import type { PartMemory } from './part-memory.js';
import type { S3Client } from './s3-client.js';

const MIB = 1024 * 1024;
/** What is not more goes by one PUT. */
const PART = 8 * MIB;
/** The least that a part may have, but for the last one. */
const PART_MIN = 5 * MIB;
/** After so many parts they are twice as large: 10,000 of them, which is the most, have far more than 100 GB. */
const PARTS_OF_A_SIZE = 1000;
/** How long who gave up an upload waits for a server that doesn't answer, in milliseconds. */
const DISCARD_MS = 5_000;
/** Parts of an upload that are sent while the next one is filled. */
const IN_FLIGHT = 2;
/** Buffers that an upload has without asking for a part's memory: most uploads are small. */
const BUFFERS_FREE = 2;
/** Buffers after which it is hashed in a thread. */
const BUFFERS_SMALL = 4;

/** What uploads of one store share. */
export interface UploadMeans {
  readonly client: S3Client;
  readonly buffers: UploadBuffers;
  readonly memory: PartMemory;
  readonly hashers: Hashers;
}

interface Filled {
  readonly buffer: Buffer;
  readonly length: number;
  /** Settles when its hash has taken it; null until where to hash is known. */
  hashed: Promise<void> | null;
}

/**
 * One upload on its way to an object: small ones by one PUT, larger ones in parts, whose buffers are kept until the server has
 * them, so that a part can be sent again. Nothing can be found under the name before `publish`.
 */
export class S3Upload {
  readonly #means: UploadMeans;
  readonly #key: string;
  readonly #digests: readonly DigestName[];
  /** Ends what is being sent, where the caller's signal or a failure says so. */
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal | undefined;
  #hashing: Hashing | null = null;
  #part: Filled[] = [];
  #partBytes = 0;
  /** How large the part that is filled may get, which is reserved; 0: nothing is. */
  #reserved = 0;
  #current: Buffer | null = null;
  #fill = 0;
  #taken = 0;
  #size = 0;
  #uploadId: Promise<string> | null = null;
  readonly #etags: Promise<string>[] = [];
  readonly #inFlight = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | null = null;
  #state: 'open' | 'publishing' | 'ended' = 'open';

  constructor(means: UploadMeans, key: string, digests: readonly DigestName[], signal: AbortSignal | undefined) {
    this.#means = means;
    this.#key = key;
    this.#digests = digests;
    this.#signal = signal;
    signal?.addEventListener('abort', this.#abort, { once: true });
    means.buffers.begin();
  }

  /** Takes the bytes; waits while two parts are on their way. Rejects when one of them failed. */
  async append(chunk: Uint8Array): Promise<void> {
    for (let done = 0; done < chunk.byteLength; ) {
      const buffer = this.#current ?? (await this.#nextBuffer());
      const room = Math.min(buffer.byteLength - this.#fill, this.#partRoom());
      const count = Math.min(chunk.byteLength - done, room);
      buffer.set(chunk.subarray(done, done + count), this.#fill);
      this.#fill += count;
      done += count;
      if (count === room) this.#endBuffer(buffer);
    }
  }

  /** Resolves when all is hashed, and all parts are with the server. */
  async finish(): Promise<{ size: number; values: readonly string[]; digests: Digests }> {
    if (this.#current && this.#fill > 0) this.#endBuffer(this.#current);
    if (this.#uploadId !== null) this.#sendPart();
    const hashing = this.#startHashing(this.#means.hashers.forSmall(hashNames(this.#digests)));
    await this.#settle(0);
    const values = await hashing.digest();
    return { size: this.#size, values, digests: nameDigests(this.#digests, values) };
  }

  /** Makes the object; after `finish`. `sha256` of it all, in hex. */
  async publish(sha256: string): Promise<void> {
    const { client } = this.#means;
    this.#state = 'publishing';
    if (this.#uploadId === null) await client.put(this.#key, bytesOf(this.#part), sha256);
    else await client.completeParts(this.#key, await this.#uploadId, await Promise.all(this.#etags), this.#size);
    await this.#end();
  }

  /** Leaves nothing of it, as far as the server answers; what stays goes when the lease has ended. */
  async discard(): Promise<void> {
    if (this.#state === 'ended') return;
    this.#stop.abort(new Error('the upload ended early'));
    await Promise.race([this.#giveUp(), wait(DISCARD_MS, undefined, { ref: false })]);
  }

  async #giveUp(): Promise<void> {
    const { client } = this.#means;
    await Promise.allSettled([...this.#inFlight, ...this.#etags, this.#uploadId]);
    const uploadId = await this.#uploadId?.catch(() => null);
    const isPublished = this.#state === 'publishing';
    await this.#end();
    // An Abort beside a Complete may leave an object that can't be read (Swift), or none that was acknowledged.
    if (isPublished) void client.deleteAll([this.#key], { isRepeatable: false }).catch(() => {});
    else if (uploadId) await client.abortParts(this.#key, uploadId).catch(() => {});
  }

  readonly #abort = () => this.#stop.abort(this.#signal?.reason);

  async #nextBuffer(): Promise<Buffer> {
    // Not before more comes: what has exactly a part's size is one PUT.
    if (this.#partRoom() === 0) this.#sendPart();
    if (this.#reserved === 0 && this.#taken >= BUFFERS_FREE) await this.#reserve();
    this.#check();
    this.#current = this.#means.buffers.take(this.#taken++);
    this.#fill = 0;
    return this.#current;
  }

  /** Waits until it is this part's turn: two others may be on their way, and memory must be free. */
  async #reserve(): Promise<void> {
    await this.#settle(IN_FLIGHT);
    const bytes = this.#partSize();
    await this.#means.memory.take(bytes, this.#stop.signal);
    this.#reserved = bytes;
  }

  /** What the part that is filled can still take. */
  #partRoom(): number {
    return (this.#reserved || PART) - this.#partBytes - this.#fill;
  }

  #partSize(): number {
    const doublings = Math.floor(this.#etags.length / PARTS_OF_A_SIZE);
    if (doublings === 0 && this.#means.memory.isShort) return Math.max(PART_MIN, this.#partBytes);
    return PART * 2 ** doublings;
  }

  #endBuffer(buffer: Buffer): void {
    const filled: Filled = { buffer, length: this.#fill, hashed: null };
    this.#part.push(filled);
    this.#partBytes += filled.length;
    this.#size += filled.length;
    this.#current = null;
    this.#fill = 0;
    if (this.#hashing) this.#hash(this.#hashing, filled);
    else if (this.#part.length === BUFFERS_SMALL) {
      this.#startHashing(this.#means.hashers.forLarge(hashNames(this.#digests)));
    }
  }

  #startHashing(hashing: Hashing): Hashing {
    if (this.#hashing) {
      hashing.end();
      return this.#hashing;
    }
    this.#hashing = hashing;
    for (const filled of this.#part) this.#hash(hashing, filled);
    return hashing;
  }

  #hash(hashing: Hashing, filled: Filled): void {
    filled.hashed = this.#keepFailure(async () => hashing.update(filled.buffer, filled.length));
  }

  /** Sends what was filled, without waiting for it. */
  #sendPart(): void {
    const { client } = this.#means;
    const part = this.#part;
    const reserved = this.#reserved;
    this.#part = [];
    this.#partBytes = 0;
    this.#reserved = 0;
    if (part.length === 0) return;
    const signal = this.#stop.signal;
    if (this.#uploadId === null) {
      // To its end in any case: an upload in parts whose number is lost can't be given up.
      this.#uploadId = client.beginParts(this.#key);
      // The part that waits for it tells.
      this.#uploadId.catch(() => {});
    }
    const uploadId = this.#uploadId;
    const number = this.#etags.length + 1;
    const sent = (async () => {
      const sha256 = await this.#hashOf(part);
      return client.putPart({ key: this.#key, uploadId: await uploadId, number }, bytesOf(part), sha256, { signal });
    })();
    this.#etags.push(sent);
    const flight: Promise<void> = this.#keepFailure(async () => void (await sent)).finally(async () => {
      await this.#giveBack(part, reserved);
      this.#inFlight.delete(flight);
    });
    this.#inFlight.add(flight);
  }

  async #hashOf(part: readonly Filled[]): Promise<string> {
    const hashing = this.#means.hashers.forLarge(['sha256']);
    try {
      for (const { buffer, length } of part) await hashing.update(buffer, length);
      return (await hashing.digest())[0]!;
    } finally {
      hashing.end();
    }
  }

  /** Waits until no more than `count` parts are on their way. Rejects when one has failed. */
  async #settle(count: number): Promise<void> {
    while (this.#inFlight.size > count && !this.#failure) await Promise.race(this.#inFlight);
    this.#check();
  }

  async #giveBack(part: readonly Filled[], reserved: number): Promise<void> {
    await Promise.allSettled(part.map(({ hashed }) => hashed));
    for (const { buffer } of part) {
      // After a failure a thread may still read it.
      if (this.#failure) this.#means.buffers.drop(buffer);
      else this.#means.buffers.give(buffer);
    }
    if (reserved > 0) this.#means.memory.give(reserved);
  }

  /** Never rejects: the next call that can report the failure does. */
  async #keepFailure(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#failure ??= { error };
    }
  }

  #check(): void {
    if (this.#failure) throw this.#failure.error;
  }

  async #end(): Promise<void> {
    this.#state = 'ended';
    this.#signal?.removeEventListener('abort', this.#abort);
    this.#hashing?.end();
    if (this.#current) this.#part.push({ buffer: this.#current, length: 0, hashed: null });
    this.#current = null;
    await this.#giveBack(this.#part.splice(0), this.#reserved);
    this.#reserved = 0;
    this.#means.buffers.end();
  }
}

function bytesOf(part: readonly Filled[]): Uint8Array[] {
  return part.map(({ buffer, length }) => buffer.subarray(0, length));
}
