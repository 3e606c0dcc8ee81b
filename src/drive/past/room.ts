import type { DriveRow } from '../../stores/account-store.js';
import type { MetadataStore } from '../../stores/metadata-store.js';
import type { DriveId } from '../../stores/values.js';
import { turns } from '../turns.js';
import { endPast } from './retention.js';

/** Drives that one statement lists. */
const PAGE = 200;

/**
 * Ends, on each drive, so much of the oldest past that the rest fits: as much again as the drive's quota, or without a quota half
 * of the room that is left on the disk (PRODUCT V6). `freeBytes` null: nobody knows that. Rejects with the signal's reason.
 */
export async function limitPast(
  metadata: MetadataStore,
  freeBytes: () => Promise<number | null>,
  signal?: AbortSignal,
): Promise<void> {
  for (let after: DriveId | null = null; ; ) {
    const from: DriveId | null = after;
    const drives: DriveRow[] = await metadata.readOne([], ({ accounts }) => accounts.listDrives(from, PAGE));
    for (const { id, quotaBytes } of drives) {
      await turns.next();
      signal?.throwIfAborted();
      const most = quotaBytes ?? Math.floor(((await freeBytes()) ?? Number.POSITIVE_INFINITY) / 2);
      if (!Number.isFinite(most)) continue;
      const { endBefore } = await metadata.readOne([id], ({ past }) => past.room(id, most));
      if (endBefore !== null) await endPast(metadata, id, endBefore);
    }
    if (drives.length < PAGE) return;
    after = drives.at(-1)!.id;
  }
}
