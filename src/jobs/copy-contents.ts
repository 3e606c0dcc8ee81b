import type { BlobIndex } from '../stores/blob-index.js';
import type { BlobStore } from '../stores/blob-store.js';
import type { BlobId } from '../stores/values.js';

const PAGE = 200;

export interface CopyReport {
  readonly copied: number;
  readonly skipped: number;
  readonly bytes: number;
}

/**
 * Copies every blob that the files of `index` name from one store to another, checking its hash on the way; what is
 * there with the right size stays. Constant memory. Rejects when a blob is missing or damaged: the copy is not whole.
 */
export async function copyContents(index: BlobIndex, from: BlobStore, to: BlobStore): Promise<CopyReport> {
  const report = { copied: 0, skipped: 0, bytes: 0 };
  for (let after: BlobId | null = null; ; ) {
    const page = await index.named(after, PAGE);
    for (const { id, size, bytes } of page) {
      if (bytes !== null) continue;
      if ((await to.stat(id))?.size === size) {
        report.skipped++;
        continue;
      }
      const verify = (received: { id: BlobId }) => {
        if (received.id !== id) throw new Error(`the blob ${id} is damaged; run "firn fsck"`);
      };
      const stored = await to.put(await from.open(id), { verify });
      await stored.release();
      report.copied++;
      report.bytes += size;
    }
    if (page.length < PAGE) return report;
    after = page.at(-1)!.id;
  }
}
