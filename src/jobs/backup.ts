import { type AuditKind, OPERATOR } from '../accounts/audit.js';
import type { BlobIndex, NamedContent, NamedPosition } from '../stores/blob-index.js';
import { BlobMissingError, type BlobRef, type BlobStore, type StoredBlob } from '../stores/blob-store.js';
import { StoreFailingError } from '../stores/metadata-store.js';
import type { StorageCopy } from '../stores/storage-copy.js';
import type { BlobId } from '../stores/values.js';

/** Contents of one question to the database. */
const PAGE = 200;
/** Contents that are copied at once: small ones wait for the disk, not for each other. */
const LANES = 4;
/** How long collectors wait for a backup that has said nothing since, in milliseconds. */
export const HOLD_MS = 15 * 60_000;
/** More revisions than are ever given out between a backup and its restoration. */
const REVISIONS_SKIPPED = 1_000_000_000;
/** More revisions than are ever given out between two restorations of one backup, for each millisecond. */
const REVISIONS_A_MS = 10;
/** When that is counted from, so that the numbers stay short. */
const FIRST_RESTORATION_MS = Date.UTC(2025, 0);

export interface CopyReport {
  readonly copied: number;
  /** Were there already. */
  readonly skipped: number;
  readonly bytes: number;
  /** What the copy lacks, a sentence each. The rest of it is whole. */
  readonly problems: readonly string[];
}

/** The backup took so long between two signs of life that a collector may have removed what it needs. */
export class BackupStalledError extends Error {
  override readonly name = 'BackupStalledError';
}

export interface Backup {
  readonly blobs: BlobStore;
  readonly blobIndex: BlobIndex;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly beginCopy: () => Promise<StorageCopy>;
}

/**
 * Copies metadata as of one moment, then the blobs that it names, while collectors wait (storage/README.md, rule 5).
 * Hashes are checked on the way; blobs that the copy has stay. When it rejects, the copy is what it was before.
 * Throws `BackupStalledError`.
 */
export async function backup({ blobs, blobIndex, now, beginCopy }: Backup): Promise<CopyReport> {
  return whileNothingIsSwept({ blobIndex, now }, async (extend) => fill(blobs, await beginCopy(), extend));
}

/**
 * Does `work` while collectors remove no bytes, in any process. It calls `extend` when it has all that it needs, which throws
 * `BackupStalledError` where the pause had ended before.
 */
export async function whileNothingIsSwept<T>(
  { blobIndex, now }: Pick<Backup, 'blobIndex' | 'now'>,
  work: (extend: () => Promise<void>) => Promise<T>,
): Promise<T> {
  const hold = await blobIndex.pauseSweep(now() + HOLD_MS, now());
  const extend = () => blobIndex.extendPause(hold, now() + HOLD_MS, now());
  const heartbeat = setInterval(() => {
    // What goes wrong here the last call tells.
    void extend().catch(() => false);
  }, HOLD_MS / 5);
  try {
    return await work(async () => {
      if (!(await extend())) throw new BackupStalledError('the backup was held up for too long: run it again');
    });
  } finally {
    clearInterval(heartbeat);
    await blobIndex.endPause(hold);
  }
}

/**
 * Fills a new storage from the blobs of a backup, checking each hash, and leaves out revisions, so that no ETag or sync
 * token that the lost server gave out after the backup is given out again for something else; nor one that a server gave
 * out on an earlier restoration of the same backup. `now` in milliseconds since 1970.
 */
export async function restore(
  blobs: BlobSource,
  beginCopy: () => Promise<StorageCopy>,
  now: number,
): Promise<CopyReport> {
  const copy = await beginCopy();
  const skipped = REVISIONS_SKIPPED + Math.max(0, now - FIRST_RESTORATION_MS) * REVISIONS_A_MS;
  return fill(blobs, copy, async () => {
    await copy.skipRevisions(skipped);
    await copy.endSignIns({
      ...{ at: now, kind: 'storage-restored' satisfies AuditKind, userId: null },
      ...{ actor: OPERATOR.name, address: OPERATOR.remoteAddress, client: OPERATOR.client, details: {} },
    });
  });
}

async function fill(from: BlobSource, copy: StorageCopy, finish: () => Promise<void>): Promise<CopyReport> {
  try {
    const report = await copyBlobs(from, copy);
    await finish();
    await copy.commit();
    return report;
  } catch (error) {
    await copy.abandon();
    throw error;
  }
}

async function copyBlobs(from: BlobSource, copy: StorageCopy): Promise<CopyReport> {
  const report = { copied: 0, skipped: 0, bytes: 0, problems: [] as string[] };
  const contents = named(copy);
  const lane = async () => {
    for await (const content of contents) {
      if ((await copy.blobs.stat({ ...content, place: null }))?.size === content.size) {
        report.skipped++;
        continue;
      }
      const copied = await copyBlob(from, copy.blobs, content);
      if (typeof copied === 'string') {
        report.problems.push(copied);
        continue;
      }
      await copied.release('named');
      report.copied++;
      report.bytes += content.size;
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return report;
}

/** The contents that a blob store has to have. */
async function* named({ blobIndex }: StorageCopy): AsyncGenerator<NamedContent, void, undefined> {
  for (let after: NamedPosition | null = null; ; ) {
    const page: NamedContent[] = await blobIndex.named(after, PAGE);
    for (const content of page) if (content.bytes === null) yield content;
    if (page.length < PAGE) return;
    after = page.at(-1)!.position;
  }
}

/** Where the bytes of a backup come from. Rejects with `BlobMissingError` where there are none. */
export interface BlobSource {
  open(blob: BlobRef): Promise<AsyncIterable<Uint8Array>>;
}

class DamagedBlobError extends Error {}

/** Returns the copy, or what is wrong with the blob. Rejects where the copy can't be written, or nothing can be read. */
export async function copyBlob(from: BlobSource, to: BlobStore, blob: BlobRef): Promise<StoredBlob | string> {
  const { id, size } = blob;
  let reading: unknown = null;
  async function* source() {
    try {
      yield* await from.open(blob);
    } catch (error) {
      reading = error;
      throw error;
    }
  }
  const verify = (received: { readonly id: BlobId; readonly size: number }) => {
    if (received.id !== id || received.size !== size) throw new DamagedBlobError();
  };
  try {
    return await to.put(source(), { verify });
  } catch (error) {
    if (error instanceof DamagedBlobError) return `the blob ${id} is damaged`;
    if (reading === null) throw error;
    if (reading instanceof StoreFailingError) throw reading;
    if (reading instanceof BlobMissingError) return `the blob ${id} is missing`;
    return `the blob ${id} can't be read: ${(reading as Error).message}`;
  }
}
