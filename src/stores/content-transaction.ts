import type { Sweep, SweepId } from './blob-index.js';
import type { ContentRow } from './metadata-store.js';
import type { Digests } from './values.js';

/** What a transaction does with contents; what names them is changed beside it. */
export interface ContentTransaction {
  /**
   * Records a content for what names it in the same transaction. One with its bytes is recorded as often as it comes: found by what names
   * it, it needs no index of hashes. `bytes` null: a BlobStore has them, at a place that a collector may have
   * swept since they came there. Then nothing is recorded, and the sweep is returned. The caller gives up the transaction,
   * puts the bytes back if that sweep is over, else takes another place, and tries again; `restoredAfter`: the sweep after
   * which they were put back. Null: recorded. A content that was recorded with another place has this one from now on, and
   * the collector comes for the former.
   */
  putContent(content: ContentRow, now: number, restoredAfter?: SweepId | null): Promise<Sweep | null>;
  /**
   * Gives its bytes to the content of that hash that lacks them, or whose BlobStore has wrong ones; a sweep as of `putContent`. False, and
   * nothing is recorded, where there is none.
   */
  mendContent(content: ContentRow, now: number, restoredAfter: SweepId | null): Promise<Sweep | boolean>;
  /** Adds what was not known of a content that was found. */
  noteDigests(content: ContentRow, digests: Digests): Promise<void>;
}
