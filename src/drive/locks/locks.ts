import { type LockRow, MAKES_ROOM, type MetadataStore } from '../../stores/metadata-store.js';
import type { LockToken, NodeId } from '../../stores/values.js';
import { DriveError } from '../drive-error.js';
import { workOffDue } from '../due-drives.js';
import type { Found } from '../resource.js';
import type { Snapshot } from '../snapshot.js';
import { anchorsOf } from '../view.js';
import { lockSentence, type PlacedLock } from './lock-sentence.js';

/** On one drive; an office of programs that leave their locks behind stays far below it. */
export const LOCKS_A_USER_MAX = 500;
/** Listings, DELETE and MOVE look at all of them. */
export const LOCKS_A_DRIVE_MAX = 5000;
/** Over one resource, with those above it: each is shown with each member. */
export const SHARED_LOCKS_MAX = 10;

/**
 * Locks that cover what is found, or the place where it would be: its own and the deep ones above (RFC 4918 §6.1).
 */
export function locksCovering(snapshot: Snapshot, found: Found): Promise<PlacedLock[]> {
  const own = found.resource?.node?.id;
  const above = found.above.map((node) => node.id);
  return locksAt(snapshot, found, own === undefined ? above : [...above, own], own);
}

/** The locks that changing the members of the found resource's parent meets. */
function locksCoveringParent(snapshot: Snapshot, found: Found): Promise<PlacedLock[]> {
  const above = found.above.map((node) => node.id);
  return locksAt(snapshot, found, above, above.at(-1));
}

/** Of the locks on `nodes`, which are `found` or above it: those of `target`, and the deep ones of the others. */
async function locksAt(
  snapshot: Snapshot,
  found: Found,
  nodes: readonly NodeId[],
  target: NodeId | undefined,
): Promise<PlacedLock[]> {
  if (nodes.length === 0) return [];
  const locks = await snapshot.view.locksOn(nodes, snapshot.now);
  return locks
    .filter((lock) => lock.isDeep || lock.nodeId === target)
    .map((lock) => {
      const index = found.above.findIndex((node) => node.id === lock.nodeId);
      const up = index < 0 ? 0 : found.above.length - index;
      const path = found.path.slice(0, Math.max(0, found.path.length - up));
      return { lock, path, isCollection: index >= 0 || found.resource?.isCollection === true };
    });
}

export interface LockedOperation {
  /** The tokens that the request submits. */
  readonly tokens: ReadonlySet<string>;
  /** Content or properties of the resource change. */
  readonly changesSelf?: boolean;
  /** The name is bound or unbound, so the parent changes. */
  readonly changesParent?: boolean;
  /** Everything below goes as well. */
  readonly changesBelow?: boolean;
}

/**
 * Throws `DriveError` `locked`, naming the roots of the locks, when the operation meets locks of which the request
 * submits no token of the principal's own. One token among the locks that cover a resource is enough (RFC 4918 §7).
 */
export async function checkLocks(snapshot: Snapshot, found: Found, operation: LockedOperation): Promise<void> {
  const mayPass = (locks: readonly PlacedLock[]) =>
    locks.length === 0 ||
    locks.some(({ lock }) => lock.userId === snapshot.membership.userId && operation.tokens.has(lock.token));
  const inTheWay: PlacedLock[] = [];
  if (operation.changesSelf || operation.changesBelow) {
    const own = await locksCovering(snapshot, found);
    if (!mayPass(own)) inTheWay.push(...own);
  }
  if (operation.changesParent) {
    const outer = await locksCoveringParent(snapshot, found);
    if (!mayPass(outer)) inTheWay.push(...outer);
  }
  if (operation.changesBelow && found.resource?.node?.isCollection) {
    for (const group of Object.values(await locksInside(snapshot, found))) {
      if (!mayPass(group)) inTheWay.push(...group);
    }
  }
  if (inTheWay.length > 0) throw refusal('locked', snapshot, found, inTheWay);
}

/** Locks below the found collection, by the node that they lock. */
async function locksInside(snapshot: Snapshot, found: Found): Promise<Record<number, PlacedLock[]>> {
  const groups: Record<number, PlacedLock[]> = {};
  for (const lock of await snapshot.view.locksBelow(found.resource!.node!.id, snapshot.now)) {
    groups[lock.nodeId] ??= [];
    groups[lock.nodeId]!.push({ lock, path: [...found.path, ...lock.path], isCollection: lock.isCollection });
  }
  return groups;
}

function refusal(
  kind: 'locked' | 'lock-conflict',
  { membership, now }: Snapshot,
  { path }: Found,
  locks: readonly PlacedLock[],
): DriveError {
  return new DriveError(kind, lockSentence(locks, path, membership.userId, now), { places: distinctPlaces(locks) });
}

/** Throws `DriveError` `lock-conflict` when a new lock can't stand beside those that are there (RFC 4918 §6.2). */
export async function checkLockable(
  snapshot: Snapshot,
  found: Found,
  wanted: { readonly scope: 'exclusive' | 'shared'; readonly isDeep: boolean },
): Promise<void> {
  const locks = await locksCovering(snapshot, found);
  if (wanted.isDeep && found.resource?.node?.isCollection) {
    for (const group of Object.values(await locksInside(snapshot, found))) locks.push(...group);
  }
  const inTheWay = conflictsOf(locks, wanted.scope);
  if (inTheWay.length > 0) throw refusal('lock-conflict', snapshot, found, inTheWay);
  // Of shared ones alone there may be several. Those below count too, so that nothing ever lies under more.
  if (locks.length >= SHARED_LOCKS_MAX) {
    throw new DriveError('too-many', `This has ${locks.length} locks already, and no more can be shared here.`);
  }
}

/** Locks that cover what is found, and all below it that its member sees; their number bounds the work. */
export async function locksAround(snapshot: Snapshot, found: Found): Promise<PlacedLock[]> {
  const { view, membership, now } = snapshot;
  const folders = found.resource?.isCollection ? anchorsOf(found.resource, membership) : [];
  // What is deleted loses its locks.
  const anchors = folders.filter(({ memberKind }) => memberKind !== 'trashed');
  const [locks, ...below] = await Promise.all([
    locksCovering(snapshot, found),
    ...anchors.map(({ id }) => view.locksBelow(id, now)),
  ]);
  for (const [index, { path }] of anchors.entries()) {
    for (const lock of below[index]!) {
      locks.push({ lock, path: [...path, ...lock.path], isCollection: lock.isCollection });
    }
  }
  return locks;
}

/** Removes the locks of all drives that have ended, in short transactions. Rejects with the signal's reason. */
export function expireLocks(metadata: MetadataStore, now: number, signal?: AbortSignal): Promise<void> {
  return workOffDue(metadata, { what: 'locks', before: now, signal }, async (driveId) => {
    await metadata.write([driveId], (transaction) => transaction.removeExpiredLocks(driveId, now), MAKES_ROOM);
    return false;
  });
}

/** How many more locks the principal may have. */
export async function locksLeft({ view, membership }: Snapshot): Promise<number> {
  const { drive, user } = await view.countLocks(membership.driveId, membership.userId);
  return Math.max(0, Math.min(LOCKS_A_USER_MAX - user, LOCKS_A_DRIVE_MAX - drive));
}

/** Throws `DriveError` `too-many` where the principal, or the drive, has as many locks as there may be. */
export async function checkLockNumber({ view, membership }: Snapshot): Promise<void> {
  const { drive, user } = await view.countLocks(membership.driveId, membership.userId);
  if (user >= LOCKS_A_USER_MAX) {
    throw new DriveError('too-many', `You hold ${user} locks on this drive. Close files, or wait until locks end.`);
  }
  if (drive >= LOCKS_A_DRIVE_MAX) {
    throw new DriveError('too-many', `This drive has ${drive} locks. Lock this when some have ended.`);
  }
}

/** Which of the locks allow no new one of that scope beside them. */
export function conflictsOf(locks: readonly PlacedLock[], scope: LockRow['scope']): PlacedLock[] {
  return locks.filter(({ lock }) => scope === 'exclusive' || lock.scope === 'exclusive');
}

/** Names so many places at most: an answer needn't list thousands of locks. */
const PLACES_MAX = 20;

function distinctPlaces(locks: readonly PlacedLock[]): PlacedLock[] {
  return [...new Map(locks.map((placed) => [placed.path.join('/'), placed])).values()].slice(0, PLACES_MAX);
}

export function makeLockToken(): LockToken {
  return `opaquelocktoken:${crypto.randomUUID()}` as LockToken;
}
