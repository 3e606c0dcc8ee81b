import { MAKES_ROOM, type NodeRow } from '../stores/metadata-store.js';
import { type CopyDesk, isLargeCopy, type StagedTree, takeStaged, writeCopy } from './copy-tree.js';
import { checkDepth } from './depth.js';
import type { Drive } from './drive.js';
import { DriveError } from './drive-error.js';
import type { DriveTransaction } from './drive-transaction.js';
import type { FirstLooks } from './foreseen.js';
import { findFreePlace } from './free-place.js';
import { checkLocks } from './locks/locks.js';
import { takeUpLocks, vacateLocks } from './locks/vacated-locks.js';
import { checkNewName, type DrivePath } from './names.js';
import { takeUpHistory } from './past/successions.js';
import type { Permit } from './permit.js';
import { checkNewPlace, checkOrdinary, spaceOf } from './place-checks.js';
import { PROPERTIES_BYTES_MAX } from './properties.js';
import { checkRoom } from './quota.js';
import { type Found, type Resource, readResource, resourceOf } from './resource.js';
import { checkMayAdd, checkMayChange } from './rights.js';
import { moveToTrash, takeOut } from './trash.js';

export interface TransferWish {
  readonly permit: Permit;
  readonly mayOverwrite: boolean;
  /** Takes a free name beside a target that is there. */
  readonly mayRename?: boolean;
  /** Milliseconds since 1970; null or absent: a file's stays, that of a copied collection is now. */
  readonly modified?: number | null;
}

export interface CopyWish extends TransferWish {
  readonly isDeep: boolean;
  /** Ends a large copy before it is there. */
  readonly signal: AbortSignal;
}

/** Where a copy or move leads: on the same drive or another one. */
export interface TransferTarget {
  readonly drive: Drive;
  readonly path: DrivePath;
}

export interface Transferred {
  readonly resource: Resource;
  readonly isNew: boolean;
}

/** Both ends as a transaction sees them. */
interface Transfer extends Pick<TransferWish, 'mayOverwrite' | 'modified'> {
  readonly from: Found;
  readonly to: Found;
  /** Where `to` lies; the transaction itself, or another drive's part of it. */
  readonly destination: DriveTransaction;
}

/**
 * COPY (RFC 4918 §9.8): no bytes move, and all of it happens or nothing. Rejects with `DriveError`: `exists` when the
 * target is there and may not be overwritten, `into-itself`, `parent-missing`, `forbidden`, `locked`, `drive-full`, `too-deep`,
 * `tree-too-large`, `source-changes`; and with the signal's reason.
 */
export function copy(desk: CopyDesk, path: DrivePath, target: TransferTarget, wish: CopyWish): Promise<Transferred> {
  const work = async (transaction: DriveTransaction, staged: StagedTree | null): Promise<Transferred> => {
    const transfer = await openTransfer(transaction, path, target, wish, { isMove: false });
    const copied = await carryOutCopy(transaction, { ...transfer, isDeep: wish.isDeep, staged });
    return takeUp(transfer, copied, wish.permit);
  };
  return writeCopy(desk, { joined: target.drive, looks: looksOf(desk.drive, path, target) }, wish.signal, work);
}

/**
 * MOVE (RFC 4918 §9.9). Into the trash it deletes, out of it it restores (PRODUCT D4). Locks don't move along; those
 * at the destination stay with its URL (§7.6). Rejects as `copy` does.
 */
export function move(drive: Drive, path: DrivePath, target: TransferTarget, wish: TransferWish): Promise<Transferred> {
  const work = async (transaction: DriveTransaction): Promise<Transferred> => {
    const transfer = await openTransfer(transaction, path, target, wish, { isMove: true });
    await vacateLocks(transaction, transfer.from, wish.permit.tokens);
    return takeUp(transfer, await carryOutMove(transaction, transfer), wish.permit);
  };
  return drive.write(work, { ...MAKES_ROOM, joined: target.drive, looks: looksOf(drive, path, target) });
}

function looksOf(drive: Drive, path: DrivePath, target: TransferTarget): FirstLooks {
  const isSame = drive.membership.driveId === target.drive.membership.driveId;
  return isSame ? { paths: [path, target.path], room: true } : { paths: [path] };
}

/** Finds both ends, and checks conditions and locks there. */
async function openTransfer(
  transaction: DriveTransaction,
  path: DrivePath,
  target: TransferTarget,
  { permit: { tokens, check }, mayOverwrite, mayRename, modified }: TransferWish,
  { isMove }: { readonly isMove: boolean },
): Promise<Transfer> {
  const destination = await target.drive.join(transaction, { paths: [target.path], room: true });
  const from = await transaction.find(path);
  const source = readResource(from);
  const wanted = await destination.find(target.path);
  const isSame = isMove && wanted.resource?.node?.id === source.node?.id;
  const to = mayRename && !isSame ? await findFreePlace(destination, wanted, source.isCollection) : wanted;
  await check?.(transaction, from, to);
  if (isMove) await checkLocks(transaction, from, { tokens, changesParent: true, changesBelow: true });
  const isNew = to.resource === null;
  await checkLocks(destination, to, { tokens, changesParent: isNew, changesBelow: !isNew });
  return { from, to, destination, mayOverwrite, modified: modified ?? null };
}

/** What takes the place of a file that a program has moved away takes up its locks (docs/decisions/0007). */
async function takeUp({ to, destination }: Transfer, done: Transferred, { tokens }: Permit): Promise<Transferred> {
  const { kind, node } = done.resource;
  if (kind === 'node') await takeUpLocks(destination, to, node!, tokens);
  return done;
}

/** Throws as `copy`, and `LargeCopyError`: see `writeCopy`. */
async function carryOutCopy(
  transaction: DriveTransaction,
  transfer: Transfer & { readonly isDeep: boolean; readonly staged: StagedTree | null },
): Promise<Transferred> {
  const { from, to, destination } = transfer;
  const source = sourceNode(from);
  checkTarget(transfer, source);
  if (transfer.isDeep && to.above.some((node) => node.id === source.id)) {
    throw new DriveError('into-itself', "A folder can't be copied into itself.");
  }
  const isDeep = transfer.isDeep && source.isCollection;
  if (isDeep) await checkDepth(transaction, source, from, to);
  const isShallow = source.isCollection && !isDeep;
  const bytes = isShallow ? Math.min(source.propertyBytes, PROPERTIES_BYTES_MAX) : source.size + source.propertyBytes;
  await checkRoom(destination, spaceOf(to), bytes);
  const parent = to.parent!.node!;
  const large =
    isDeep && isLargeCopy(source) ? await takeStaged(transaction, source, parent.driveId, transfer.staged) : null;
  const replaced = await makeWay(transfer);
  const modified = transfer.modified ?? (source.isCollection ? transaction.now : source.modified);
  const copied = large
    ? await bindStaged(transaction, large, transfer, modified)
    : await transaction.store.copyNode(source, parent, to.name, { isDeep, modified }, transaction.now);
  if (replaced) await passOn(transaction, replaced, copied);
  return { resource: resourceOf(copied, 'node', to.path), isNew: to.resource === null };
}

async function bindStaged(
  transaction: DriveTransaction,
  node: NodeRow,
  { to }: Transfer,
  modified: number,
): Promise<NodeRow> {
  const { now, store } = transaction;
  const bound = await store.moveNode(node, to.parent!.node!, to.name, now);
  await store.setTimes(bound, { modified, created: node.created });
  return { ...bound, modified };
}

async function carryOutMove(transaction: DriveTransaction, transfer: Transfer): Promise<Transferred> {
  const { from, to, destination } = transfer;
  checkMayChange(transaction.membership);
  if (from.resource?.kind === 'trashed' || from.resource?.kind === 'in-trash') {
    if (to.space === 'trash') throw new DriveError('forbidden', "What is in the trash can't be renamed.");
    return restoreTo(transaction, transfer);
  }
  const source = checkOrdinary(readResource(from), 'moved');
  if (to.space === 'trash') return trashByMove(transaction, transfer, source);
  checkTarget(transfer, source);
  if (to.above.some((node) => node.id === source.id)) {
    throw new DriveError('into-itself', "A folder can't be moved into itself.");
  }
  await checkDepth(transaction, source, from, to);
  const changesOwner = from.space !== to.space || transaction.membership.driveId !== destination.membership.driveId;
  if (changesOwner) await checkRoomForMove(transfer, source);
  const { store, now } = transaction;
  await store.removeLocksIn(source);
  const replaced = await makeWay(transfer);
  const moved = await store.moveNode(source, to.parent!.node!, to.name, now);
  const modified = transfer.modified ?? moved.modified;
  if (modified !== moved.modified) await store.setTimes(moved, { modified });
  if (replaced) await passOn(transaction, replaced, moved);
  else await takeUpHistory(destination, moved);
  return { resource: resourceOf({ ...moved, modified }, 'node', to.path), isNew: to.resource === null };
}

/** The quota of the same drive counts a moved file already; a member's own, or another drive's, doesn't. */
async function checkRoomForMove(transfer: Transfer, source: NodeRow): Promise<void> {
  const { destination, to, from } = transfer;
  const { membership } = destination;
  const sameDrive = from.resource?.node?.driveId === membership.driveId;
  if (sameDrive && (membership.memberQuotaBytes === null || spaceOf(to) === 'common')) return;
  await checkRoom(destination, spaceOf(to), source.size + source.propertyBytes);
}

async function restoreTo(transaction: DriveTransaction, transfer: Transfer): Promise<Transferred> {
  const { from, to, destination } = transfer;
  checkMayAdd(destination.membership);
  if (to.resource) checkOrdinary(to.resource, 'overwritten');
  checkNewPlace(to);
  const source = from.resource!.node!;
  if (source.driveId !== destination.membership.driveId) await checkRoomForMove(transfer, source);
  const resource = await takeOut(transaction, from, to, { mayRename: transfer.mayOverwrite });
  return { resource, isNew: true };
}

async function trashByMove(transaction: DriveTransaction, transfer: Transfer, source: NodeRow): Promise<Transferred> {
  const { to, from } = transfer;
  if (to.parent?.kind !== 'trash') {
    throw new DriveError('forbidden', 'Things go into the trash itself, not into folders in it.');
  }
  if (transaction.membership.driveId !== transfer.destination.membership.driveId) {
    throw new DriveError('forbidden', 'What is deleted goes to the trash of its own drive.');
  }
  checkNewName(to.name);
  await transaction.store.removeLocksIn(source);
  const name = await moveToTrash(transaction, from, source, to.name);
  const path = [...to.path.slice(0, -1), name];
  return { resource: resourceOf({ ...source, name }, 'trashed', path), isNew: true };
}

function checkTarget(transfer: Transfer, source: NodeRow): void {
  const { to, destination } = transfer;
  checkMayAdd(destination.membership);
  if (!to.resource) {
    checkNewPlace(to);
    return;
  }
  const target = checkOrdinary(to.resource, 'overwritten');
  if (target.id === source.id) throw new DriveError('forbidden', 'Source and destination are the same.');
  if (!transfer.mayOverwrite)
    throw new DriveError('exists', 'There is a file or folder of that name already. Take another name.');
  checkMayChange(destination.membership);
  if (transfer.from.above.some((node) => node.id === target.id)) {
    throw new DriveError('into-itself', "A folder can't be replaced by something inside it.");
  }
}

/**
 * Unbinds what is to be overwritten: a file for good, as a PUT would; a collection into the trash, as a DELETE would.
 * Returns it, because its locks are still wanted.
 */
async function makeWay(transfer: Transfer): Promise<NodeRow | null> {
  const { to, destination } = transfer;
  const target = to.resource?.node;
  if (!target) return null;
  if (target.isCollection) await moveToTrash(destination, to, target);
  else await destination.store.detachNode(target, destination.now);
  return target;
}

/** The locks of what was replaced stay with its URL; those below it end. A file's history goes on. */
async function passOn({ store }: DriveTransaction, replaced: NodeRow, node: NodeRow): Promise<void> {
  await store.rerootLocks(replaced.id, node.id);
  await store.removeLocksIn(replaced);
  if (!replaced.isCollection && !node.isCollection) await store.past.succeed(node, replaced.id);
}

function sourceNode(from: Found): NodeRow {
  const resource = readResource(from);
  if (!resource.node || resource.kind === 'home') {
    throw new DriveError('forbidden', "The drive's own folders can't be copied as a whole. Copy what is in them.");
  }
  return resource.node;
}
