import type { BlobId } from './values.js';

/**
 * Which contents the nodes of all drives and the parts of uploads name, and the collector's part of the promise that no named content loses
 * its bytes. Bytes are removed in two steps: `condemn` writes a mark that every upload of the same bytes sees from
 * then on; `sweep` removes, in a write transaction, what is still unnamed. An upload that meets the mark looks inside
 * its own transaction whether its bytes are still there, so whichever comes second knows of the first.
 */
export interface BlobIndex {
  /** Frees rows of destroyed trees, at most `limit` of them; false when nothing was left to free. */
  purge(limit: number): Promise<boolean>;
  /** Forgets contents in the database that no node names. True when there may be more. */
  forgetInline(limit: number): Promise<boolean>;
  /** Marks contents that a BlobStore holds and no node names, up to `limit` not marked yet. */
  condemn(limit: number, now: number): Promise<number>;
  /** Those of `ids` (found in a BlobStore) that no content row knows, marked or not. */
  unknown(ids: readonly BlobId[]): Promise<BlobId[]>;
  /** Marks those of `ids` (found in a BlobStore) that no content row knows. Gives how many it marked. */
  condemnUnknown(ids: readonly BlobId[], now: number): Promise<number>;
  /**
   * For up to `limit` marks older than `condemnedBefore`: where still no node names the content, forgets it and calls
   * `deleteBytes`, inside one write transaction. Its mark then counts from `now` and stays until `pardon`. `after` pages
   * through the marks. While anybody holds (see `hold`) it does nothing, and `last` is null.
   */
  sweep(
    options: {
      readonly condemnedBefore: number;
      readonly after: BlobId | null;
      readonly limit: number;
      readonly now: number;
    },
    deleteBytes: (id: BlobId) => Promise<boolean>,
  ): Promise<{ readonly last: BlobId | null; readonly deleted: number }>;
  /**
   * Drops marks of contents that were condemned, or whose bytes were deleted, before `condemnedBefore`. The caller leaves
   * them longer than any upload waits for its commit.
   */
  pardon(condemnedBefore: number): Promise<void>;
  /**
   * Keeps every `sweep`, in all processes, from removing bytes until `until` (milliseconds since 1970). Gives the
   * hold's number. A holder that goes on calls `extendHold` before that time.
   */
  hold(until: number, now: number): Promise<number>;
  /** False when the hold has ended before: bytes may be gone since. */
  extendHold(hold: number, until: number, now: number): Promise<boolean>;
  endHold(hold: number): Promise<void>;
  /** Those of `ids` that no node names as bytes in a BlobStore. */
  unnamed(ids: readonly BlobId[]): Promise<BlobId[]>;
  /** Up to `limit` of the nodes that name the content, as `drive ID: path` from the drive's root. */
  paths(id: BlobId, limit: number): Promise<string[]>;
  /** One page of the contents that nodes name, by id. */
  named(after: BlobId | null, limit: number): Promise<NamedContent[]>;
}

export interface NamedContent {
  readonly id: BlobId;
  readonly size: number;
  readonly bytes: Uint8Array | null;
}

/** Something wrong that fsck found in the metadata. */
export interface Inconsistency {
  readonly kind: string;
  readonly message: string;
}

export interface MetadataCheck {
  /** Everything that is wrong within the metadata: counters, parents, trash, contents. Repairs what it can when told. */
  check(options: { readonly repair: boolean; readonly now: number }): AsyncIterable<Inconsistency>;
}
