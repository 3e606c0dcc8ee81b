import type { BlobRef } from './blob-store.js';
import type { BlobId, BlobPlace, ContentKey } from './values.js';

/** A place in the order of the contents, where a walk over all of them goes on; null: it has ended. */
export type ContentPosition = number & { readonly __brand: 'ContentPosition' };

/**
 * A place in the order in which `BlobIndex.named` tells contents. First come those of a BlobStore: `0` and the hash, or as many of its first
 * digits as say where to go on. Then those in the database: `1` and the key, in 15 hexadecimal digits.
 */
export type NamedPosition = string & { readonly __brand: 'NamedPosition' };

/** A number of a sweep, never used again. */
export type SweepId = number & { readonly __brand: 'SweepId' };

/** A sweep as an upload meets it. */
export interface Sweep {
  readonly id: SweepId;
  /** Whether it has deleted all that it was to delete. */
  readonly isOver: boolean;
}

/** What a sweep is to delete. */
export interface Doomed {
  /** Null where there is nothing in `places`. */
  readonly sweep: SweepId | null;
  readonly places: readonly BlobPlace[];
}

/**
 * Which contents the nodes of all drives and the parts of uploads name, and the collector's part of the promise that no
 * named content loses its bytes. A content that a node or a part names no more is a candidate from then on. `condemn` marks
 * those of them that nothing names. Later `beginSweep` looks again, forgets what is still
 * unnamed, writes down its places, and commits; only then are the bytes deleted; `endSweep` notes that this is done. An
 * upload that comes to a place in a sweep isn't recorded (see `StoreTransaction.putContent`): while the sweep is under way
 * the upload takes another place, afterwards it puts its bytes back first. So a deletion, however late, never meets bytes
 * that are named.
 */
export interface BlobIndex {
  /** Has `purge` free the staged copies that nobody holds any more. */
  dropStagedCopies(now: number): Promise<void>;
  /**
   * Frees rows of destroyed trees, at most `limit` of them and for some milliseconds; false when nothing was left to
   * free.
   */
  purge(limit: number): Promise<boolean>;
  /**
   * Takes up to `limit` candidates off their list. Of those that nothing names it forgets the ones in the database, and marks
   * the ones that a BlobStore holds and that have no mark yet. Returns how many it marked, null when there was no candidate.
   */
  condemn(limit: number, now: number): Promise<number | null>;
  /**
   * Of the `limit` contents after `after` puts those on the list of candidates that nothing names and no collector will come
   * by. Nothing has to be there: what un-names a content makes it a candidate. Returns where to go on.
   */
  nominate(after: ContentPosition | null, limit: number): Promise<ContentPosition | null>;
  /** Those of `places` (found in a BlobStore) that no content row knows, marked or not. */
  unknown(places: readonly BlobPlace[]): Promise<BlobPlace[]>;
  /** Up to `limit` of the newest contents whose bytes a BlobStore has to have. */
  newest(limit: number): Promise<BlobRef[]>;
  /** Marks those of `places` (found in a BlobStore) that no content row knows. Returns how many it marked. */
  condemnUnknown(places: readonly BlobPlace[], now: number): Promise<number>;
  /**
   * Takes up to `limit` marks older than `condemnedBefore`, and drops them. What is still named stays; the rest is forgotten
   * as a content. The caller deletes the bytes at the places at once, then calls `endSweep`. Null when there is nothing
   * left, or while sweeps are paused (see `pauseSweep`).
   */
  beginSweep(options: {
    readonly condemnedBefore: number;
    readonly limit: number;
    readonly now: number;
  }): Promise<Doomed | null>;
  /**
   * A sweep that was begun before `begunBefore` and has not ended: its process has. The caller goes on with it as with one of
   * its own. Anyone who began it must not delete by it any more at that time. Null as of `beginSweep`.
   */
  takeOverSweep(options: { readonly begunBefore: number; readonly now: number }): Promise<Doomed | null>;
  /** The bytes are deleted. */
  endSweep(sweep: SweepId, now: number): Promise<void>;
  /**
   * Of the `limit` swept places after `after` forgets those whose sweep ended before `sweptBefore`. Returns where to go on.
   * The caller keeps them longer than any upload waits for its commit.
   */
  pardon(sweptBefore: number, after: BlobPlace | null, limit: number): Promise<BlobPlace | null>;
  /**
   * Keeps every sweep, in all processes, from being begun or taken over until `until` (milliseconds since 1970). Gives the
   * number of the pause. A caller that goes on calls `extendPause` before that time.
   */
  pauseSweep(until: number, now: number): Promise<number>;
  /** False when the pause has ended before: bytes may be gone since. */
  extendPause(hold: number, until: number, now: number): Promise<boolean>;
  endPause(hold: number): Promise<void>;
  /** Those of `places` that no node names as bytes in a BlobStore. Rejects as `named` does. */
  unnamed(places: readonly BlobPlace[]): Promise<BlobPlace[]>;
  /**
   * Up to `limit` of what names the content, for people: nodes as `drive ID: path` from the drive's root, then states of the past, else an
   * upload in parts. Rejects as `named` does.
   */
  paths(content: Pick<KnownContent, 'key'>, limit: number): Promise<string[]>;
  /**
   * For bytes in the database that are not what their id says: takes them out of reach and keeps them for a person to
   * look at. False, and nothing happens, when others have been stored in their place since.
   */
  setAside(damaged: KnownContent, now: number): Promise<boolean>;
  /** The content of that hash that a BlobStore has or that was set aside: one with its bytes in the database is found by no hash. */
  find(id: BlobId): Promise<KnownContent | null>;
  /**
   * One page of the contents that something names, in order. `part`: those of one part alone, by its two hexadecimal digits: blobs whose
   * hashes begin with these, and of those in the database 1,024 keys of each 262,144. Rejects with `MetadataDamagedError` where one can't
   * be read.
   */
  named(after: NamedPosition | null, limit: number, part?: string): Promise<NamedContent[]>;
}

export interface KnownContent extends BlobRef {
  readonly key: ContentKey;
  readonly bytes: Uint8Array | null;
}

export interface NamedContent extends KnownContent {
  readonly position: NamedPosition;
}

/** A part of the metadata is damaged so that it can't be read; others may be read still. */
export class MetadataDamagedError extends Error {
  override readonly name = 'MetadataDamagedError';
}

/** Something wrong that fsck found in the metadata. */
export interface Inconsistency {
  readonly kind: string;
  readonly message: string;
}

export interface MetadataCheck {
  /**
   * Everything that is wrong within the metadata: first the database's own check (kind `database`), then counters, parents,
   * trash, contents. Goes on after damage. Repairs what it can when told, but nothing in a database that is damaged.
   */
  check(options: { readonly repair: boolean; readonly now: number }): AsyncIterable<Inconsistency>;
}
