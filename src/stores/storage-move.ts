import type { BlobIndex, MetadataCheck } from './blob-index.js';
import type { BlobRef, BlobStore } from './blob-store.js';
import type { Durability } from './durability.js';
import type { BlobId, BlobPlace } from './values.js';

/** The source has other rows than the target took from it. */
export class SourceChangedError extends Error {
  override readonly name = 'SourceChangedError';
}

export interface MoveSize {
  readonly rows: number;
  /** Of contents that a BlobStore has. */
  readonly blobs: number;
  readonly blobBytes: number;
}

/** The parts of a storage that a check of it needs. */
export interface CheckedStorage {
  readonly blobs: BlobStore;
  readonly blobIndex: BlobIndex;
  readonly check: MetadataCheck;
  readonly durability: Durability;
}

/**
 * A storage on its way to other engines, where it keeps all its ids, revisions and secrets. No server works on either while this is
 * open; none starts on the target before `finish`. What was taken stays taken when it is closed early: the next one goes on from there.
 */
export interface StorageMove {
  readonly from: BlobStore;
  readonly to: CheckedStorage;
  /** What the source has, and what of it the target has. */
  sizes(): Promise<{ readonly all: MoveSize; readonly done: MoveSize }>;
  /** The next contents that the target lacks; null: it has all of them. */
  nextContents(): Promise<MovedContents | null>;
  /** All other rows, a page a turn: how many it had. After the contents. */
  copyRows(): AsyncGenerator<number>;
  /** Has the target's counters go on behind the source's. After the rows. */
  settle(): Promise<void>;
  /** Looks at all rows of both, a page a turn. Throws `SourceChangedError`. */
  compare(): AsyncGenerator<number>;
  /** The target may be served from now on, and the source no more, unless it `keepsSource`. */
  finish(options: { readonly keepsSource: boolean; readonly now: number }): Promise<void>;
  close(): Promise<void>;
}

/** A page of contents. */
export interface MovedContents {
  readonly rows: number;
  /** Those whose bytes a BlobStore has. */
  readonly blobs: readonly BlobRef[];
  /** Records them, and where the target's BlobStore has their bytes; durable when it resolves. */
  record(places: ReadonlyMap<BlobId, BlobPlace | null>): Promise<void>;
}
