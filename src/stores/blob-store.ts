import type { Readable } from 'node:stream';
import type { BlobId, BlobPlace, ByteRange, DigestName, Digests } from './values.js';

/**
 * Where the bytes of files live. Each blob has a place: where its hash says, or one of the engine's own naming. The caller
 * keeps the place beside the hash. Engines: disk, memory, S3.
 */
export interface BlobStore {
  /**
   * Takes all bytes of `source`, in constant memory. When it resolves the bytes are on stable storage, and the result
   * can bring them back there until `release`, whatever a collector does meanwhile.
   *
   * Rejects, in this order of precedence, and leaves no bytes behind:
   * the signal's reason when it is aborted (from `verify` on it is too late for that), also while `source` hangs;
   * `BlobTooLargeError` as soon as more than `sizeMax` bytes have come; the error that `source` throws;
   * `StorageFullError` or another failure of the engine; the error that `verify` throws.
   * Where the upload ends early, `source` is told so by its iterator's `return`, which destroys a Node stream unless
   * the caller passes `stream.iterator({ destroyOnReturn: false })`.
   */
  put(source: AsyncIterable<Uint8Array>, options?: PutOptions): Promise<StoredBlob>;
  /**
   * Opens the bytes, or the part `range` of them. Rejects with `BlobMissingError` before the first byte, never after;
   * a delete that comes later doesn't disturb the reader. A range that goes past the end is a `RangeError`.
   */
  open(blob: BlobRef, range?: ByteRange): Promise<BlobStream>;
  /** What is at the blob's place, of whatever size. Null when nothing is. */
  stat(blob: BlobRef): Promise<BlobInfo | null>;
  /**
   * Takes the bytes out of reach before it resolves; freeing the room may come later. Does nothing where there are none.
   * When it rejects, some may be gone. The caller makes sure that nothing names the places (see `BlobIndex`).
   */
  deleteAll(places: readonly BlobPlace[]): Promise<void>;
  /**
   * For bytes that are not what their hash says: takes them out of reach and keeps them for a person to look at. False,
   * and nothing happens, when others have been stored in their place since `damaged.storedAt`.
   */
  setAside(damaged: BlobInfo): Promise<boolean>;
  /**
   * All blobs, by place in the order of code units: those whose places come after `after` and begin with `prefix`. Blobs
   * put or deleted meanwhile may be in it or not. Where a part can't be read it rejects, never leaves that out.
   */
  list(options?: { readonly after?: BlobPlace; readonly prefix?: string }): AsyncIterable<BlobInfo>;
  /**
   * Removes what uploads of an ended process left on this machine. Call it only while no other process uploads, or with
   * `prefix`, what the names of a worker's uploads begin with. An engine that keeps nothing here does nothing. With
   * `prefix`, where places are named by leases (see `BlobLeases`): what uploads to such places left in parts, wherever that is;
   * their process has ended.
   */
  clearIncoming(prefix?: string): Promise<void>;
  /** Bytes that can still be stored, or null when the engine knows no limit. */
  freeBytes(): Promise<number | null>;
  /**
   * Rejects where an upload could not be stored, with `StorageFullError` where a small one has no room. Stores a trial at
   * most once in some seconds; meanwhile it answers as the last time.
   */
  checkWritable(): Promise<void>;
  /** Counts, which cost nothing to read. */
  stats(): BlobStoreStats;
}

export interface BlobStream extends Readable {
  /**
   * The same bytes, instead of the stream's, for a reader that has done with each piece when it asks for the next: its
   * memory is used again. Ending it early destroys the stream. Not each engine has it.
   */
  pieces?(): AsyncIterable<Uint8Array>;
}

export interface BlobStoreStats {
  /** Calls of `put` under way, in this process. */
  readonly uploads: number;
  /** Memory that the engine has for uploads, in use or not. */
  readonly bufferBytes: number;
}

export interface PutOptions {
  /** Most bytes to take. */
  readonly sizeMax?: number;
  readonly signal?: AbortSignal;
  /** Digests to compute beside SHA-256. */
  readonly digests?: readonly DigestName[];
  /** Called with what came, before any of it can be found under its hash. Throwing refuses the upload. */
  readonly verify?: (received: ReceivedBytes) => void;
}

export interface ReceivedBytes {
  readonly id: BlobId;
  readonly size: number;
  readonly digests: Digests;
}

/** What a caller remembers of a blob. */
export interface BlobRef {
  readonly id: BlobId;
  readonly size: number;
  /** Null: where the hash says. */
  readonly place: BlobPlace | null;
}

/** The blob's place, spelt out. */
export function placeOf({ id, place }: Pick<BlobRef, 'id' | 'place'>): BlobPlace {
  return place ?? (id as string as BlobPlace);
}

export interface BlobInfo {
  readonly place: BlobPlace;
  /** Null where the place doesn't tell. */
  readonly id: BlobId | null;
  readonly size: number;
  readonly storedAt: Date;
}

/**
 * What became of an upload. `named`: a committed row names its place. `surplus`: none does, and none will. `unknown`:
 * nobody can say.
 */
export type UploadOutcome = 'named' | 'surplus' | 'unknown';

export interface StoredBlob extends ReceivedBytes, BlobRef {
  /** Null: where the hash says. Another one after `relocate`. */
  readonly place: BlobPlace | null;
  /**
   * Puts the bytes back at their place if a collector has taken them away since; durable when it resolves.
   * Not after `release`.
   */
  restore(): Promise<void>;
  /** Gives the bytes another place, which was never used before; durable when it resolves. Not after `release`. */
  relocate(): Promise<void>;
  /**
   * Gives up the hold. Surplus bytes go where no other upload can have them at the same place; else they stay for the
   * collector. Of several calls the first counts. Never rejects: it follows what has been decided; what can't be removed
   * goes at the next start, or by the collector.
   */
  release(outcome: UploadOutcome): Promise<void>;
}

export class BlobMissingError extends Error {
  override readonly name = 'BlobMissingError';
  constructor(
    readonly id: BlobId,
    options?: ErrorOptions,
  ) {
    super(`no bytes are stored for ${id}`, options);
  }
}

export class BlobTooLargeError extends Error {
  override readonly name = 'BlobTooLargeError';
  constructor(readonly sizeMax: number) {
    super(`the upload is larger than ${sizeMax} bytes`);
  }
}

/** There is no room for the upload's bytes. Reading and deleting still work. */
export class StorageFullError extends Error {
  override readonly name = 'StorageFullError';
  constructor(options?: ErrorOptions) {
    super('the storage is full', options);
  }
}
