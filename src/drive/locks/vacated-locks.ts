import type { NodeRow, VacatedLock } from '../../stores/metadata-store.js';
import type { DriveTransaction } from '../drive-transaction.js';
import type { Found } from '../resource.js';
import type { Snapshot } from '../snapshot.js';
import { conflictsOf, locksCovering, locksLeft, SHARED_LOCKS_MAX } from './locks.js';

/** Office renames twice within a second; a slow line takes longer. */
const KEPT_MS = 60_000;

/**
 * To be called before a file is moved away or deleted: remembers its locks of which the request submits the token, for the
 * file that a program puts in its place next (Office, KeePass; docs/decisions/0007). Nobody is locked out by them.
 */
export async function vacateLocks(
  transaction: DriveTransaction,
  found: Found,
  tokens: ReadonlySet<string>,
): Promise<void> {
  const { membership, now, store } = transaction;
  if (tokens.size === 0 || found.resource?.kind !== 'node' || found.resource.isCollection) return;
  await store.vacateLocks(found.resource.node!, membership.userId, [...tokens], now, now + KEPT_MS);
}

/** The user's vacated locks among these tokens. Each counts at its place as long as nothing is there: see `isAt`. */
export async function findVacatedLocks(snapshot: Snapshot, tokens: ReadonlySet<string>): Promise<VacatedLock[]> {
  return tokens.size === 0 ? [] : snapshot.view.vacatedLocks(snapshot.membership.userId, [...tokens], snapshot.now);
}

export function isAt(lock: VacatedLock, found: Found): boolean {
  return found.resource === null && found.parent?.node?.id === lock.parentId && found.name === lock.name;
}

/**
 * To be called when a file was made, or moved to, where `found` had found nothing: it takes up the vacated locks of this
 * place whose tokens the request submits, unless they conflict with a lock that was made above meanwhile, or would be
 * more than there may be.
 */
export async function takeUpLocks(
  transaction: DriveTransaction,
  found: Found,
  node: NodeRow,
  tokens: ReadonlySet<string>,
): Promise<void> {
  if (found.resource !== null || node.isCollection) return;
  const vacated = (await findVacatedLocks(transaction, tokens)).filter((lock) => isAt(lock, found));
  if (vacated.length === 0) return;
  const above = await locksCovering(transaction, found);
  const most = Math.min(await locksLeft(transaction), SHARED_LOCKS_MAX - above.length);
  for (const { parentId: _parent, name: _name, ...lock } of vacated.slice(0, Math.max(0, most))) {
    if (conflictsOf(above, lock.scope).length > 0) continue;
    await transaction.store.insertLock({ ...lock, nodeId: node.id, isDeep: false });
    await transaction.store.forgetVacatedLock(lock.token);
  }
}
