import type { BlobIndex } from '../stores/blob-index.js';
import type { BlobInfo, BlobStore } from '../stores/blob-store.js';
import type { BlobId } from '../stores/values.js';

/** Rows or blobs that one transaction deals with: short, so that writers hardly wait. */
const PAGE = 200;
/** Marks outlive any upload that waits for its commit, in milliseconds. */
const PARDON_MS = 86_400_000;

export interface GarbageCollection {
  readonly blobs: BlobStore;
  readonly blobIndex: BlobIndex;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** How long a content must have been seen unnamed before its bytes go, in seconds. */
  readonly graceSeconds: number;
  /** Hears of each blob that it comes by, which is all of them; some may be deleted afterwards. */
  readonly onBlob?: (blob: BlobInfo) => void;
}

export interface GcReport {
  /** Contents newly seen unnamed. */
  readonly condemned: number;
  /** Blobs whose bytes were removed. */
  readonly deleted: number;
}

/**
 * Frees what nothing names any more: rows of destroyed trees, small contents in the database, blobs. Runs beside
 * uploads and other collectors; see `BlobIndex` for why that is safe.
 */
export async function collectGarbage(options: GarbageCollection): Promise<GcReport> {
  const { blobs, blobIndex, now, graceSeconds } = options;
  while (await blobIndex.purge(PAGE));
  while (await blobIndex.forgetInline(PAGE));
  let condemned = 0;
  for (let marked = PAGE; marked === PAGE; condemned += marked) marked = await blobIndex.condemn(PAGE, now());
  condemned += await condemnUnknown(options);
  let deleted = 0;
  const condemnedBefore = now() - graceSeconds * 1000;
  for (let after: BlobId | null = null; ; ) {
    const swept = await blobIndex.sweep({ condemnedBefore, after, limit: PAGE, now: now() }, (id) => blobs.delete(id));
    deleted += swept.deleted;
    after = swept.last;
    if (after === null) break;
  }
  await blobIndex.pardon(now() - Math.max(graceSeconds * 1000, PARDON_MS));
  return { condemned, deleted };
}

/** Bytes that an upload left whose transaction never came. */
async function condemnUnknown({ blobs, blobIndex, now, onBlob }: GarbageCollection): Promise<number> {
  let condemned = 0;
  let page: BlobId[] = [];
  const flush = async () => {
    if (page.length > 0) condemned += await blobIndex.condemnUnknown(page, now());
    page = [];
  };
  for await (const blob of blobs.list()) {
    onBlob?.(blob);
    page.push(blob.id);
    if (page.length === PAGE) await flush();
  }
  await flush();
  return condemned;
}
