import type { DuePage, DueWork, MetadataStore } from '../stores/metadata-store.js';
import type { DriveId } from '../stores/values.js';
import { turns } from './turns.js';

/** Drives that one statement looks at. */
const PAGE = 200;

export interface Due {
  readonly what: DueWork;
  /** Milliseconds since 1970; see `StoreView.dueDrives`. */
  readonly before: number;
  /** Looked at between steps. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Takes the drives on which something is due one after the other: `step` does a part of one's work and tells whether that
 * may have left some. Requests have their turns between the steps. Rejects with the signal's reason.
 */
export async function workOffDue(
  metadata: MetadataStore,
  { what, before, signal }: Due,
  step: (driveId: DriveId) => Promise<boolean>,
): Promise<void> {
  const goOn = async () => {
    await turns.next();
    signal?.throwIfAborted();
  };
  const pageAfter = (after: DriveId | null) =>
    metadata.readOne([], (view) => view.dueDrives(what, before, after, PAGE));
  let last: DriveId | null = null;
  do {
    await goOn();
    const page: DuePage = await pageAfter(last);
    for (const driveId of page.due) {
      while (await step(driveId)) await goOn();
      await goOn();
    }
    last = page.last;
  } while (last !== null);
}
