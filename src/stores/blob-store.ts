import type { Readable } from 'node:stream';
import type { BlobId, ByteRange, DigestName, Digests } from './values.js';

/** Where the bytes of files live, by the hash of their content. Engines: disk, memory. */
export interface BlobStore {
  /**
   * Takes all bytes of `source`, in constant memory. When it resolves the bytes are on stable storage under their
   * hash and the result holds them there until `release`, whatever a collector does meanwhile.
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
  open(id: BlobId, range?: ByteRange): Promise<Readable>;
  /** Null when there are no such bytes. */
  stat(id: BlobId): Promise<BlobInfo | null>;
  /**
   * Takes the bytes out of reach before it resolves; freeing the room may come later. False when there were none.
   * The caller makes sure that nothing names them (see `BlobIndex.sweep`).
   */
  delete(id: BlobId): Promise<boolean>;
  /**
   * For bytes that are not what their hash says: takes them out of reach and keeps them for a person to look at. False,
   * and nothing happens, when others have been stored in their place since `damaged.storedAt`.
   */
  setAside(damaged: BlobInfo): Promise<boolean>;
  /** All blobs, in no promised order. Blobs put or deleted meanwhile may be in it or not. */
  list(): AsyncIterable<BlobInfo>;
  /** Removes what uploads of an ended process left. Call it only while no other process uploads. */
  clearIncoming(): Promise<void>;
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

export interface BlobInfo {
  readonly id: BlobId;
  readonly size: number;
  readonly storedAt: Date;
}

export interface StoredBlob extends ReceivedBytes {
  /**
   * Puts the bytes back under their hash if a collector has taken them away since; durable when it resolves.
   * Not after `release`.
   */
  restore(): Promise<void>;
  /**
   * Gives up the hold. The bytes stay under their hash. May be called twice. Never rejects: it follows a commit, which has
   * been decided; what can't be removed goes at the next start.
   */
  release(): Promise<void>;
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
