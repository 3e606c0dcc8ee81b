import type { BlobIndex, MetadataCheck } from './blob-index.js';
import type { BlobId } from './values.js';

/** Where backups are: bytes by name, like `blobs/ab/HASH`. Engines: a folder, a bucket. */
export interface BackupPlace {
  /** For people; without credentials. */
  readonly title: string;
  /**
   * Stores all bytes of `source` under the name, in place of what was there. Durable when it resolves; nobody finds less than all of them.
   * Rejects with the error of `source` or of `verify`, and then changes nothing.
   */
  put(name: string, source: AsyncIterable<Uint8Array>, verify?: (stored: StoredBytes) => void): Promise<StoredBytes>;
  /** Null where there is nothing of that name. */
  open(name: string): Promise<AsyncIterable<Uint8Array> | null>;
  /** All names that begin with `prefix`, which ends in `/` or is empty, in the order of code units. */
  list(prefix: string): AsyncIterable<StoredName>;
  /** Also names that aren't there. False where the credentials may not delete: then nothing may be gone. */
  delete(names: readonly string[]): Promise<boolean>;
  close(): void;
}

export interface StoredBytes {
  /** SHA-256, in hex. */
  readonly hash: string;
  /** Bytes. */
  readonly size: number;
}

export interface StoredName {
  readonly name: string;
  readonly size: number;
}

/** What a database holds, for comparison. */
export interface MetadataCounts {
  readonly users: number;
  readonly drives: number;
  readonly nodes: number;
  /** Contents that nodes, states of the past and uploads in parts name, and their bytes. */
  readonly contents: number;
  readonly contentBytes: number;
  /** Secrets that only `secret.key` reads. */
  readonly secrets: number;
}

/** The metadata as of one moment, in a file of its own. Ends with `close`. */
export interface MetadataSnapshot {
  readonly blobIndex: BlobIndex;
  readonly check: MetadataCheck;
  counts(): Promise<MetadataCounts>;
  /** The bytes of a content that are in the database itself; null where they are not. */
  contentOf(id: BlobId): Promise<Uint8Array | null>;
  /** Leaves one file, whose blobs are where their hashes say. Nothing else may be asked afterwards but `close`. */
  settle(): Promise<void>;
  close(): Promise<void>;
}
