import type { BlobIndex } from './blob-index.js';
import type { BlobStore } from './blob-store.js';
import type { NewAuditRecord } from './security-store.js';

/**
 * A folder on its way to being a whole copy of a storage: its metadata is that of one moment, its blobs are still to
 * come. Until `commit` nobody takes the folder for more than it was before. Ends with `commit` or `abandon`.
 */
export interface StorageCopy {
  readonly blobs: BlobStore;
  /** Of the metadata in the copy. */
  readonly blobIndex: Pick<BlobIndex, 'named'>;
  /** Leaves out so many revisions, so that none given out after this moment is ever given out again. */
  skipRevisions(count: number): Promise<void>;
  /** Ends all sessions and sign-ins under way, which may have been ended since, and writes the record. */
  endSignIns(record: NewAuditRecord): Promise<void>;
  /** Puts the metadata in place of what the folder had before; durable when it resolves. */
  commit(): Promise<void>;
  /** Leaves the folder's metadata as it was. Blobs that came stay. */
  abandon(): Promise<void>;
}
