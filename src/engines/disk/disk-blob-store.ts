import { randomUUID } from 'node:crypto';
import { access, constants, readdir, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type BlobInfo,
  BlobMissingError,
  type BlobRef,
  type BlobStore,
  type BlobStoreStats,
  type PutOptions,
  placeOf,
  type StoredBlob,
} from '../../stores/blob-store.js';
import { type BlobId, type BlobPlace, type ByteRange, isBlobId } from '../../stores/values.js';
import { Hashers } from '../hashing/hashers.js';
import { UploadBuffers } from '../hashing/upload-buffers.js';
import { paced } from '../paced.js';
import { rangeWithin } from '../range-within.js';
import { takeSource } from '../take-source.js';
import { BlobReader } from './blob-reader.js';
import { DiskHold, forget, type HoldingStore } from './disk-hold.js';
import {
  close,
  fstat,
  hasCode,
  link,
  linkUnlessThere,
  open,
  rename,
  stat,
  syncFolder,
  translateFull,
  unlinkIfThere,
} from './file-calls.js';
import { IncomingFile, type UploadMeans } from './incoming-file.js';
import { makeFolder } from './private-files.js';
import { probeWrite } from './probe-write.js';

/** How long an answer of `freeBytes` holds: it is asked for with each upload and each quota property. */
const FREE_BYTES_MS = 5_000;

/** A place is the hash, or the hash and a random end, where a sweep may come by at the hash (decision 0004). */
const ID_LENGTH = 64;
const PLACE_END = /^(\.[0-9a-f-]{36})?$/;

/** How long a trial of writing holds, in milliseconds: nobody can make it a load on the disk. */
const PROBE_MS = 5_000;

/**
 * Blobs as files: `blobs/ab/abcdef…`, uploads in `incoming/`, which is on the same file system. The order of the
 * writes is that of storage/README.md. Files are replaced or removed, never written to, once they are in `blobs/`.
 */
export class DiskBlobStore implements BlobStore {
  readonly #blobs: string;
  readonly #incoming: string;
  /** What the names in `incoming/` begin with. */
  readonly #owner: string;
  readonly #means: UploadMeans = { buffers: new UploadBuffers(), hashers: new Hashers(), isSyncing: false };
  readonly #damaged: string;
  readonly #holding: HoldingStore = {
    link: async (path, place) => {
      await linkUnlessThere(path, this.#pathOf(place));
      await syncFolder(this.#folderOf(place));
    },
    newPlace: (id) => `${id}.${randomUUID()}` as BlobPlace,
    pathOf: (place) => this.#pathOf(place),
  };
  #uploads = 0;
  #free: { readonly bytes: number; readonly at: number } | null = null;

  private constructor(folder: string, owner: string) {
    this.#owner = owner;
    this.#blobs = join(folder, 'blobs');
    this.#incoming = join(folder, 'incoming');
    this.#damaged = join(folder, 'damaged');
  }

  /** Makes what is missing of the folders, all durable before the first upload. */
  static async open(folder: string, owner = ''): Promise<DiskBlobStore> {
    const store = new DiskBlobStore(folder, owner);
    await makeFolder(store.#blobs);
    await makeFolder(store.#incoming);
    const there = new Set(await readdir(store.#blobs));
    for (const prefix of prefixes()) {
      if (!there.has(prefix)) await makeFolder(join(store.#blobs, prefix));
    }
    // Also where nothing is missing: another process may have made them a moment ago.
    await syncFolder(store.#blobs);
    await syncFolder(folder);
    return store;
  }

  /** Whether a storage folder has the folders of blobs; none are there where the disk that holds them is not mounted. */
  static async isPrepared(folder: string): Promise<boolean> {
    try {
      const names = new Set(prefixes());
      return (await readdir(join(folder, 'blobs'))).some((name) => names.has(name));
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return false;
      throw error;
    }
  }

  async put(source: AsyncIterable<Uint8Array>, options: PutOptions = {}): Promise<StoredBlob> {
    this.#uploads++;
    try {
      return await this.#receive(source, options);
    } finally {
      this.#uploads--;
    }
  }

  async #receive(source: AsyncIterable<Uint8Array>, options: PutOptions): Promise<StoredBlob> {
    const { signal, verify, digests = [] } = options;
    signal?.throwIfAborted();
    const file = await this.#createIncoming(digests);
    try {
      await takeSource(source, options, (chunk) => file.append(chunk));
      const { size, values, digests: extra } = await file.finish();
      const received = { id: values[0] as BlobId, size, digests: extra };
      signal?.throwIfAborted();
      verify?.(received);
      await this.#publish(file.path, received.id);
      return new DiskHold(this.#holding, file.path, received);
    } catch (error) {
      await this.#discard(file);
      throw signal?.aborted ? signal.reason : translateFull(error);
    }
  }

  async open(blob: BlobRef, range?: ByteRange): Promise<BlobReader> {
    const fd = await this.#openFile(blob);
    try {
      const { size } = await fstat(fd);
      const { start, end } = rangeWithin(blob.id, size, range);
      return new BlobReader(fd, start, end + 1);
    } catch (error) {
      await close(fd);
      throw error;
    }
  }

  stat(blob: BlobRef): Promise<BlobInfo | null> {
    return this.#look(placeOf(blob));
  }

  async #look(place: BlobPlace): Promise<BlobInfo | null> {
    try {
      const { size, mtime } = await stat(this.#pathOf(place));
      return { place, id: idAt(place), size, storedAt: mtime };
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return null;
      throw error;
    }
  }

  async deleteAll(places: readonly BlobPlace[]): Promise<void> {
    for (const place of places) await this.#delete(place);
  }

  async #delete(place: BlobPlace): Promise<void> {
    const path = this.#newIncomingPath();
    try {
      await rename(this.#pathOf(place), path);
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return;
      throw error;
    }
    // Not waited for: freeing a large file takes the file system long.
    void forget(path);
  }

  async setAside(damaged: BlobInfo): Promise<boolean> {
    const path = this.#pathOf(damaged.place);
    const aside = join(this.#damaged, `${damaged.place}.${randomUUID()}`);
    await makeFolder(this.#damaged);
    try {
      await rename(path, aside);
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return false;
      throw error;
    }
    const { mtime, size } = await stat(aside);
    const isTheSame = mtime.getTime() === damaged.storedAt.getTime() && size === damaged.size;
    // An upload of the same bytes came first and replaced the damaged ones: its bytes go back.
    if (!isTheSame) {
      await linkUnlessThere(aside, path);
      await unlinkIfThere(aside);
    }
    await syncFolder(this.#damaged);
    await syncFolder(this.#folderOf(damaged.place));
    return isTheSame;
  }

  async *list({ after = '', prefix = '' }: { after?: string; prefix?: string } = {}): AsyncIterable<BlobInfo> {
    for (const folder of prefixes()) {
      if (folder < after.slice(0, 2) || !folder.startsWith(prefix.slice(0, 2))) continue;
      for (const name of (await readdir(join(this.#blobs, folder))).sort()) {
        if (!isPlace(name) || !name.startsWith(folder) || !name.startsWith(prefix) || name <= after) continue;
        const info = await this.#look(name);
        if (info) yield info;
      }
    }
  }

  async clearIncoming(prefix = ''): Promise<void> {
    for (const name of await readdir(this.#incoming)) {
      if (!name.startsWith(prefix)) continue;
      await rm(join(this.#incoming, name), { recursive: true, force: true });
    }
  }

  async freeBytes(): Promise<number> {
    const now = performance.now();
    if (!this.#free || now - this.#free.at > FREE_BYTES_MS) {
      const { bavail, bsize } = await statfs(this.#blobs);
      this.#free = { bytes: bavail * bsize, at: now };
    }
    return this.#free.bytes;
  }

  async checkWritable(): Promise<void> {
    // A file system that is mounted read-only after an error says so here, also to root.
    for (const folder of [this.#incoming, this.#blobs]) await access(folder, constants.W_OK | constants.X_OK);
    await this.#tryWriting();
  }

  readonly #tryWriting = paced(() => probeWrite(this.#incoming), PROBE_MS);

  stats(): BlobStoreStats {
    return { uploads: this.#uploads, bufferBytes: this.#means.buffers.bytes };
  }

  async #createIncoming(digests: PutOptions['digests'] = []): Promise<IncomingFile> {
    try {
      return await IncomingFile.create(this.#newIncomingPath(), this.#means, digests);
    } catch (error) {
      throw translateFull(error);
    }
  }

  /** Gives a durable file in `incoming/` its second name, in `blobs/`; durable when it resolves. */
  async #publish(path: string, id: BlobId): Promise<void> {
    if (!(await linkUnlessThere(path, this.#pathOf(id)))) await this.#replace(path, id);
    await syncFolder(this.#folderOf(id));
  }

  /**
   * Puts the file in place of the one that has the same hash for a name: an acknowledged upload doesn't depend on
   * an older file that a failing disk may have spoilt.
   */
  async #replace(path: string, id: BlobId): Promise<void> {
    const second = this.#newIncomingPath();
    await link(path, second);
    try {
      await rename(second, this.#pathOf(id));
    } catch (error) {
      await unlinkIfThere(second);
      throw error;
    }
  }

  /** The upload has failed already, with the error that counts; a file that stays is cleared at the next start. */
  async #discard(file: IncomingFile): Promise<void> {
    try {
      await file.discard();
    } catch {
      // See above.
    }
  }

  async #openFile(blob: BlobRef): Promise<number> {
    try {
      return await open(this.#pathOf(placeOf(blob)), 'r');
    } catch (error) {
      throw hasCode(error, 'ENOENT') ? new BlobMissingError(blob.id, { cause: error }) : error;
    }
  }

  #newIncomingPath(): string {
    return join(this.#incoming, `${this.#owner}${randomUUID()}`);
  }

  #folderOf(place: string): string {
    return join(this.#blobs, place.slice(0, 2));
  }

  #pathOf(place: string): string {
    return join(this.#folderOf(place), place);
  }
}

/** Of a file in `blobs/`: other names are not Firn's. */
function isPlace(name: string): name is BlobPlace & string {
  return isBlobId(idAt(name)) && PLACE_END.test(name.slice(ID_LENGTH));
}

function idAt(place: string): BlobId {
  return place.slice(0, ID_LENGTH) as BlobId;
}

/** The names of the 256 folders in `blobs/`. */
function* prefixes(): Generator<string> {
  for (let value = 0; value < 256; value++) yield value.toString(16).padStart(2, '0');
}
