import type { LockRow, NodeRow } from '../../stores/metadata-store.js';
import type { LockToken } from '../../stores/values.js';
import type { Drive } from '../drive.js';
import { DriveError } from '../drive-error.js';
import type { DriveTransaction } from '../drive-transaction.js';
import type { DrivePath } from '../names.js';
import type { Permit } from '../permit.js';
import { checkMayFill, checkNewPlace, checkOrdinary } from '../place-checks.js';
import { type Found, type Resource, resourceOf } from '../resource.js';
import { checkMayAdd, checkMayChange } from '../rights.js';
import type { PlacedLock } from './lock-sentence.js';
import { checkLockable, checkLockNumber, checkLocks, locksCovering, makeLockToken } from './locks.js';

export interface NewLock {
  readonly scope: 'exclusive' | 'shared';
  readonly isDeep: boolean;
  readonly ownerXml: string | null;
  readonly timeoutSeconds: number;
}

export interface MadeLock {
  readonly lock: LockRow;
  readonly resource: Resource;
  /** Whether the file was made with it. */
  readonly isNew: boolean;
}

/**
 * LOCK (RFC 4918 §9.10): locks a resource, or makes an empty file of that name and locks it (§7.3). Rejects with
 * `DriveError`: `lock-conflict`, `too-many`, `forbidden`, `parent-missing`, `locked`.
 */
export function lock(drive: Drive, path: DrivePath, wanted: NewLock, { tokens, check }: Permit): Promise<MadeLock> {
  const work = async (transaction: DriveTransaction): Promise<MadeLock> => {
    const { membership, now, store } = transaction;
    const found = await transaction.find(path);
    await check?.(transaction, found);
    if (!found.resource) await checkLocks(transaction, found, { tokens, changesParent: true });
    checkMayAdd(membership);
    const target = found.resource ? checkOrdinary(found.resource, 'locked') : null;
    // Who only adds files locks what they make, and keeps nobody from what is there.
    if (target) checkMayFill(target, membership);
    await checkLockable(transaction, found, wanted);
    await store.removeExpiredLocks(membership.driveId, now);
    await checkLockNumber(transaction);
    const node = target ?? (await insertEmpty(transaction, found));
    const { scope, ownerXml, timeoutSeconds } = wanted;
    const made: LockRow = {
      token: makeLockToken(),
      driveId: node.driveId,
      nodeId: node.id,
      userId: membership.userId,
      scope,
      isDeep: wanted.isDeep && node.isCollection,
      ownerXml,
      timeoutSeconds,
      expiresAt: now + timeoutSeconds * 1000,
    };
    await store.insertLock(made);
    return { lock: made, resource: resourceOf(node, 'node', found.path), isNew: target === null };
  };
  return drive.write(work, { looks: { paths: [path] } });
}

async function insertEmpty(transaction: DriveTransaction, found: Found): Promise<NodeRow> {
  checkNewPlace(found);
  const empty = transaction.contents.empty();
  await transaction.store.putContent(empty, transaction.now);
  return transaction.insert(found, empty, transaction.now);
}

/**
 * LOCK without a body (RFC 4918 §9.10.2): extends the lock of the user's own, among those that cover the path, whose token is
 * submitted. Null: there is none.
 */
export function refreshLock(
  drive: Drive,
  path: DrivePath,
  timeoutSeconds: number,
  { tokens, check }: Permit,
): Promise<PlacedLock | null> {
  const work = async (transaction: DriveTransaction): Promise<PlacedLock | null> => {
    const { membership, now } = transaction;
    checkMayAdd(membership);
    const found = await transaction.find(path);
    await check?.(transaction, found);
    const covering = await locksCovering(transaction, found);
    const own = covering.find(({ lock }) => tokens.has(lock.token) && lock.userId === membership.userId);
    if (!own) return null;
    const expiresAt = now + timeoutSeconds * 1000;
    await transaction.store.refreshLock(own.lock.token, timeoutSeconds, expiresAt);
    return { ...own, lock: { ...own.lock, timeoutSeconds, expiresAt } };
  };
  return drive.write(work, { looks: { paths: [path] } });
}

/**
 * UNLOCK (RFC 4918 §9.11). A manager of the drive may take away anybody's lock. Returns false where no lock of that token
 * covers the path. Rejects with `DriveError` `forbidden`.
 */
export function unlock(drive: Drive, path: DrivePath, token: LockToken, { check }: Permit): Promise<boolean> {
  const work = async (transaction: DriveTransaction): Promise<boolean> => {
    const { membership } = transaction;
    checkMayAdd(membership);
    const found = await transaction.find(path);
    await check?.(transaction, found);
    const placed = (await locksCovering(transaction, found)).find(({ lock }) => lock.token === token);
    if (!placed) return false;
    if (placed.lock.userId !== membership.userId) {
      checkMayChange(membership);
      if (membership.role !== 'manager') {
        throw new DriveError('forbidden', 'Only who locked this, or a manager of the drive, can unlock it.');
      }
    }
    await transaction.store.removeLock(token);
    return true;
  };
  return drive.write(work, { looks: { paths: [path] } });
}
