import type { NodeRow } from '../../stores/metadata-store.js';
import type { DriveTransaction } from '../drive-transaction.js';

/** A program saves within a second; a slow line takes longer. Who comes later puts another file there. */
const SAVE_MS = 60_000;

/**
 * To be called when a file was moved to where nothing was. Where the same credential has just moved a file away from there, or
 * deleted it, this is a program that saves (KeePass, Office: CLIENTS.md): one history.
 */
export async function takeUpHistory({ store, now }: DriveTransaction, moved: NodeRow): Promise<void> {
  if (moved.isCollection) return;
  const former = await store.past.vacatedBy({ parentId: moved.parentId!, name: moved.name }, now - SAVE_MS);
  if (former !== null && former !== moved.id) await store.past.succeed(moved, former);
}
