import type { StoredBlob } from '../stores/blob-store.js';
import type { CheckedStorage, MovedContents, MoveSize, StorageMove } from '../stores/storage-move.js';
import type { BlobId, BlobPlace } from '../stores/values.js';
import { copyBlob } from './backup.js';
import { checkEverything } from './fsck.js';

/** Contents that are copied at once: small ones wait for the disk or the network, not for each other. */
const LANES = 4;

export interface MoveProgress extends MoveSize {
  readonly step: 'copy' | 'check' | 'compare';
  readonly all: MoveSize;
}

export interface MoveReport extends MoveSize {
  /** What is wrong with the target, and with the source, a sentence each. */
  readonly problems: readonly string[];
  /** Whether no server starts on the source any more. */
  readonly hasLeft: boolean;
}

export interface MigrateOptions {
  readonly keepsSource: boolean;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly tell: (progress: MoveProgress) => void;
}

/**
 * Takes all of a storage to other engines: bytes before the rows that name them, page by page, each hash checked. Goes on where it was
 * broken off. Then all is read again, there, and compared. A source with damage stays as it is: the operator decides which one goes on.
 */
export async function migrateStorage(move: StorageMove, options: MigrateOptions): Promise<MoveReport> {
  const { all, done } = await move.sizes();
  let { rows, blobs, blobBytes } = done;
  const tell = (step: MoveProgress['step']) => options.tell({ step, rows, blobs, blobBytes, all });
  tell('copy');
  for (let page = await move.nextContents(); page; page = await move.nextContents()) {
    await copyPage(move, page, (size) => {
      blobs++;
      blobBytes += size;
      tell('copy');
    });
    rows += page.rows;
    tell('copy');
  }
  for await (const count of move.copyRows()) {
    rows += count;
    tell('copy');
  }
  await move.settle();
  tell('check');
  const problems = await problemsOf(move.to, options.now);
  rows = 0;
  for await (const count of move.compare()) {
    rows += count;
    tell('compare');
  }
  const hasLeft = problems.length === 0 && !options.keepsSource;
  await move.finish({ keepsSource: !hasLeft, now: options.now });
  return { ...all, problems, hasLeft };
}

async function problemsOf(storage: CheckedStorage, now: number): Promise<string[]> {
  const problems: string[] = [];
  for await (const { severity, message } of checkEverything({
    ...storage,
    metadata: storage.check,
    repair: false,
    now,
  })) {
    if (severity === 'error') problems.push(message);
  }
  return problems;
}

/** Copies the bytes that a page of contents has in a BlobStore, and then records all of it. */
async function copyPage({ from, to }: StorageMove, page: MovedContents, tell: (size: number) => void): Promise<void> {
  const holds: StoredBlob[] = [];
  const waiting = page.blobs.values();
  const lane = async () => {
    for (const blob of waiting) {
      const copied = await copyBlob(from, to.blobs, blob);
      // What is damaged here the check names there, with its files.
      if (typeof copied !== 'string') holds.push(copied);
      tell(blob.size);
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: LANES }, lane));
  let isRecorded = false;
  try {
    for (const each of ended) if (each.status === 'rejected') throw each.reason;
    await page.record(new Map(holds.map(({ id, place }): [BlobId, BlobPlace | null] => [id, place])));
    isRecorded = true;
  } finally {
    for (const hold of holds) await hold.release(isRecorded ? 'named' : 'unknown');
  }
}
