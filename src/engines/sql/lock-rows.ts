import type { HeldLock, LockRow } from '../../stores/metadata-store.js';
import type { DriveId, LockToken, NodeId, UserId } from '../../stores/values.js';
import type * as locks from './lock-statements.js';

/** From rows of locks as the database gives them to those of the seam. */
interface LockedPlace {
  readonly path: readonly string[];
  readonly isCollection: boolean;
}

/** `rows`: those of one node may be several. */
export function placesBelow(top: NodeId, rows: readonly locks.LockedPlaceRecord[]): Map<NodeId, LockedPlace> {
  const byParent = new Map<number | null, locks.LockedPlaceRecord[]>();
  for (const row of new Map(rows.map((row) => [row.id, row])).values()) {
    const others = byParent.get(row.parent_id);
    if (others) others.push(row);
    else byParent.set(row.parent_id, [row]);
  }
  const places = new Map<NodeId, LockedPlace>();
  const waiting: { readonly id: number; readonly path: readonly string[] }[] = [{ id: top, path: [] }];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    for (const { id, name, is_collection: isCollection } of byParent.get(folder.id) ?? []) {
      const path = [...folder.path, name];
      places.set(id as NodeId, { path, isCollection: isCollection === 1 });
      waiting.push({ id, path });
    }
  }
  return places;
}

export function isHeld(row: locks.LockBelowRecord): row is locks.LockedPlaceRecord & locks.HeldLockRecord {
  return row.token !== null;
}

export function heldLockOf(row: locks.HeldLockRecord): HeldLock {
  return { ...lockOf(row), userName: row.user_name };
}

export function lockOf(row: locks.LockRecord): LockRow {
  return { ...lockFactsOf(row), nodeId: row.node_id as NodeId, isDeep: row.is_deep === 1 };
}

/** What a lock keeps when its file is moved away. */
export function lockFactsOf(row: locks.LockRecord | locks.VacatedLockRecord): Omit<LockRow, 'nodeId' | 'isDeep'> {
  return {
    token: row.token as LockToken,
    driveId: row.drive_id as DriveId,
    userId: row.user_id as UserId,
    scope: row.scope,
    ownerXml: row.owner_xml,
    timeoutSeconds: row.timeout_seconds,
    expiresAt: row.expires_at,
  };
}
