import type { DigestName, Digests } from '../../stores/values.js';
import { type Hashers, type Hashing, hashNames, nameDigests } from '../hashing/hashers.js';
import { BUFFERS_PER_UPLOAD, type UploadBuffers } from '../hashing/upload-buffers.js';
import { close, fdatasync, fsync, open, unlinkIfThere, writeAll } from './file-calls.js';

/** Bytes after which a running upload syncs in the background, so that its last sync finds little to do. */
const SYNC_STEP = 64 * 1024 * 1024;

/** What uploads of one store share. */
export interface UploadMeans {
  readonly buffers: UploadBuffers;
  readonly hashers: Hashers;
  /** One sync in the background at a time: each keeps one of libuv's few threads from serving others. */
  isSyncing: boolean;
}

interface Filled {
  readonly buffer: Buffer;
  readonly length: number;
}

/**
 * One upload on its way to disk: fills buffers, which are written and hashed while the next bytes come. Hashing
 * starts when all buffers are full or the upload ends, as only then its size tells where to hash.
 */
export class IncomingFile {
  readonly path: string;
  readonly #fd: number;
  readonly #means: UploadMeans;
  readonly #digests: readonly DigestName[];
  #hashing: Hashing | null = null;
  /** Buffers that wait for the choice of where to hash. */
  #unhashed: Filled[] = [];
  #current: Buffer | null = null;
  #fill = 0;
  #taken = 0;
  readonly #busy: Promise<void>[] = [];
  #writes: Promise<void> = Promise.resolve();
  #sync: Promise<void> | null = null;
  #size = 0;
  #unsynced = 0;
  #isOpen = true;
  #failure: { readonly error: unknown } | null = null;

  private constructor(path: string, fd: number, means: UploadMeans, digests: readonly DigestName[]) {
    this.path = path;
    this.#fd = fd;
    this.#means = means;
    this.#digests = digests;
    means.buffers.begin();
  }

  /** Makes the file, readable by the owner alone. Rejects when it exists. */
  static async create(path: string, means: UploadMeans, digests: readonly DigestName[]): Promise<IncomingFile> {
    return new IncomingFile(path, await open(path, 'wx', 0o600), means, digests);
  }

  /** Takes the bytes; waits while all buffers are being written and hashed. Rejects when that has failed. */
  async append(chunk: Uint8Array): Promise<void> {
    for (let done = 0; done < chunk.byteLength; ) {
      const buffer = this.#current ?? (await this.#nextBuffer());
      const count = Math.min(chunk.byteLength - done, buffer.byteLength - this.#fill);
      buffer.set(done === 0 && count === chunk.byteLength ? chunk : chunk.subarray(done, done + count), this.#fill);
      this.#fill += count;
      done += count;
      if (this.#fill === buffer.byteLength) this.#flush(buffer);
    }
  }

  /** Resolves when all bytes are on stable storage (under no name but the incoming one) and the file is closed. */
  async finish(): Promise<{ size: number; values: readonly string[]; digests: Digests }> {
    if (this.#current && this.#fill > 0) this.#flush(this.#current);
    this.#hashing ??= this.#startHashing(this.#means.hashers.forSmall(hashNames(this.#digests)));
    await this.#writes;
    await this.#sync;
    this.#check();
    this.#sync = this.#keepFailure(fsync(this.#fd));
    const values = await this.#hashing.digest();
    await this.#sync;
    this.#check();
    await this.#close();
    return { size: this.#size, values, digests: nameDigests(this.#digests, values) };
  }

  /** Removes the file, after `finish` or instead of it. */
  async discard(): Promise<void> {
    // Waiting for the thread would be idle: its result isn't wanted, and it may have died.
    this.#hashing?.end();
    await Promise.allSettled([...this.#busy, this.#writes, this.#sync]);
    for (const { buffer } of this.#unhashed.splice(0)) this.#means.buffers.give(buffer);
    if (this.#current) this.#means.buffers.give(this.#current);
    this.#current = null;
    try {
      await this.#close();
    } finally {
      await unlinkIfThere(this.path);
    }
  }

  async #nextBuffer(): Promise<Buffer> {
    if (this.#busy.length === BUFFERS_PER_UPLOAD) await this.#busy.shift();
    this.#check();
    const buffer = this.#means.buffers.take(this.#taken++);
    this.#current = buffer;
    this.#fill = 0;
    return buffer;
  }

  #flush(buffer: Buffer): void {
    const filled = { buffer, length: this.#fill };
    const position = this.#size;
    this.#size += filled.length;
    this.#current = null;
    this.#writes = this.#keepFailure(
      this.#writes.then(() => writeAll(this.#fd, buffer.subarray(0, filled.length), position)),
    );
    if (this.#hashing) {
      this.#hash(this.#hashing, filled);
    } else {
      this.#unhashed.push(filled);
      if (this.#unhashed.length === BUFFERS_PER_UPLOAD) {
        this.#hashing = this.#startHashing(this.#means.hashers.forLarge(hashNames(this.#digests)));
      }
    }
    this.#syncInSteps(filled.length);
  }

  #startHashing(hashing: Hashing): Hashing {
    for (const filled of this.#unhashed.splice(0)) this.#hash(hashing, filled);
    return hashing;
  }

  #hash(hashing: Hashing, filled: Filled): void {
    this.#busy.push(this.#keepFailure(this.#hashOne(hashing, filled, this.#writes)));
  }

  async #hashOne(hashing: Hashing, filled: Filled, written: Promise<void>): Promise<void> {
    try {
      await hashing.update(filled.buffer, filled.length);
      await written;
      this.#means.buffers.give(filled.buffer);
    } catch (error) {
      // The thread may still read it.
      this.#means.buffers.drop(filled.buffer);
      throw error;
    }
  }

  #syncInSteps(length: number): void {
    this.#unsynced += length;
    if (this.#unsynced < SYNC_STEP || this.#means.isSyncing) return;
    this.#unsynced = 0;
    this.#means.isSyncing = true;
    this.#sync = this.#keepFailure(this.#writes.then(() => fdatasync(this.#fd))).finally(() => {
      this.#means.isSyncing = false;
    });
  }

  /** Never rejects: the next call that can report the failure does. */
  async #keepFailure(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.#failure ??= { error };
    }
  }

  #check(): void {
    if (this.#failure) throw this.#failure.error;
  }

  async #close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#hashing?.end();
    this.#means.buffers.end();
    await close(this.#fd);
  }
}
