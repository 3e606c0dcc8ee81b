import type { BlobRef } from './blob-store.js';
import type { BlobId, BlobPlace } from './values.js';

/** A place in the order of the contents, where a walk over all of them goes on; null: it has ended. */
export type ContentPosition = number & { readonly __brand: 'ContentPosition' };

/**
 * Which contents the nodes of all drives and the parts of uploads name, and the collector's part of the promise that no named content loses
 * its bytes. Bytes are removed in two steps: `condemn` writes a mark that every upload of the same bytes sees from
 * then on; `sweep` removes, in a write transaction, what is still unnamed. An upload that meets the mark looks inside
 * its own transaction whether its bytes are still there, so whichever comes second knows of the first.
 */
export interface BlobIndex {
  /** Has `purge` free the staged copies that nobody holds any more. */
  dropStagedCopies(now: number): Promise<void>;
  /**
   * Frees rows of destroyed trees, at most `limit` of them and for some milliseconds; false when nothing was left to
   * free.
   */
  purge(limit: number): Promise<boolean>;
  /** Of the `limit` contents after `after` forgets those in the database that no node names. Gives where to go on. */
  forgetInline(after: ContentPosition | null, limit: number): Promise<ContentPosition | null>;
  /** Of the `limit` contents after `after` marks those that a BlobStore holds, no node names and that have no mark yet. */
  condemn(
    after: ContentPosition | null,
    limit: number,
    now: number,
  ): Promise<{ readonly last: ContentPosition | null; readonly marked: number }>;
  /** Those of `places` (found in a BlobStore) that no content row knows, marked or not. */
  unknown(places: readonly BlobPlace[]): Promise<BlobPlace[]>;
  /** Up to `limit` of the newest contents whose bytes a BlobStore has to have. */
  newest(limit: number): Promise<BlobRef[]>;
  /** Marks those of `places` (found in a BlobStore) that no content row knows. Returns how many it marked. */
  condemnUnknown(places: readonly BlobPlace[], now: number): Promise<number>;
  /**
   * For up to `limit` marks older than `condemnedBefore`, and for some milliseconds: where still no node names the content, forgets it and calls
   * `deleteBytes`, inside one write transaction. Its mark then counts from `now` and stays until `pardon`. `after` pages
   * through the marks. While the sweep is paused (see `pauseSweep`) it does nothing, and `last` is null.
   */
  sweep(
    options: {
      readonly condemnedBefore: number;
      readonly after: BlobPlace | null;
      readonly limit: number;
      readonly now: number;
    },
    deleteBytes: (place: BlobPlace) => Promise<boolean>,
  ): Promise<{ readonly last: BlobPlace | null; readonly deleted: number }>;
  /**
   * Of the `limit` marks after `after` drops those of contents that were condemned, or whose bytes were deleted, before
   * `condemnedBefore`. Gives where to go on. The caller leaves marks longer than any upload waits for its commit.
   */
  pardon(condemnedBefore: number, after: BlobPlace | null, limit: number): Promise<BlobPlace | null>;
  /**
   * Keeps every `sweep`, in all processes, from removing bytes until `until` (milliseconds since 1970). Gives the
   * number of the pause. A caller that goes on calls `extendPause` before that time.
   */
  pauseSweep(until: number, now: number): Promise<number>;
  /** False when the pause has ended before: bytes may be gone since. */
  extendPause(hold: number, until: number, now: number): Promise<boolean>;
  endPause(hold: number): Promise<void>;
  /** Those of `places` that no node names as bytes in a BlobStore. Rejects as `named` does. */
  unnamed(places: readonly BlobPlace[]): Promise<BlobPlace[]>;
  /** Up to `limit` of the nodes that name the content, as `drive ID: path` from the drive's root. Rejects as `named` does. */
  paths(id: BlobId, limit: number): Promise<string[]>;
  /**
   * For bytes in the database that are not what their id says: takes them out of reach and keeps them for a person to
   * look at. False, and nothing happens, when others have been stored in their place since.
   */
  setAside(damaged: NamedContent, now: number): Promise<boolean>;
  /** One page of the contents that nodes name, by id. Rejects with `MetadataDamagedError` where one can't be read. */
  named(after: BlobId | null, limit: number): Promise<NamedContent[]>;
}

export interface NamedContent extends BlobRef {
  readonly bytes: Uint8Array | null;
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
