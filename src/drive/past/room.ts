import type { DriveRow } from '../../stores/account-store.js';
import type { MetadataStore } from '../../stores/metadata-store.js';
import type { HeldState } from '../../stores/past.js';
import type { DriveId } from '../../stores/values.js';
import { turns } from '../turns.js';
import { endPast } from './retention.js';

/** Drives that one statement lists. */
const PAGE = 200;
/** States that one statement looks at: a few milliseconds. */
const STATES_PAGE = 500;

/**
 * What the past of a drive alone still names, in bytes (equal contents once, destroyed trees whole), and the time before which it
 * has to end so that this is no more than `most`; null: it is no more. Of a past that changes meanwhile, about. Rejects with the
 * signal's reason.
 */
export async function pastRoom(
  metadata: MetadataStore,
  driveId: DriveId,
  most: number,
  signal?: AbortSignal,
): Promise<{ readonly held: number; readonly endBefore: number | null }> {
  let held = 0;
  let endBefore: number | null = null;
  for (let last: HeldState | null = null; ; ) {
    await turns.next();
    signal?.throwIfAborted();
    const before: HeldState | null = last;
    const page: HeldState[] = await metadata.readOne([driveId], ({ past }) => past.held(driveId, before, STATES_PAGE));
    for (const { bytes, untilAt } of page) {
      held += bytes;
      if (held > most) endBefore ??= untilAt + 1;
    }
    if (page.length < STATES_PAGE) return { held, endBefore };
    last = page.at(-1)!;
  }
}

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
      const most = quotaBytes ?? Math.floor(((await freeBytes()) ?? Number.POSITIVE_INFINITY) / 2);
      if (!Number.isFinite(most)) continue;
      const { endBefore } = await pastRoom(metadata, id, most, signal);
      if (endBefore !== null) await endPast(metadata, id, endBefore);
    }
    if (drives.length < PAGE) return;
    after = drives.at(-1)!.id;
  }
}
