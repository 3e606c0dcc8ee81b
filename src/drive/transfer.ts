import type { NodeRow } from '../stores/metadata-store.js';
import { isLargeCopy, type StagedTree, takeStaged } from './copy-tree.js';
import { checkDepth } from './depth.js';
import { DriveError } from './drive-error.js';
import {
  checkNewPlace,
  checkOrdinary,
  type DriveTransaction,
  existing,
  PROPERTIES_BYTES_MAX,
  spaceOf,
} from './drive-transaction.js';
import { checkNewName } from './names.js';
import { checkRoom } from './quota.js';
import { type Found, type Resource, resourceOf } from './resource.js';
import { checkMayAdd, checkMayChange } from './rights.js';
import { moveToTrash, restore } from './trash.js';

export interface Transfer {
  readonly from: Found;
  readonly to: Found;
  /** Where `to` lies; the same drive's changes, or another drive's in the same transaction. */
  readonly destination: DriveTransaction;
  readonly mayOverwrite: boolean;
  /** Milliseconds since 1970, where the client gives a modification time. */
  readonly modified?: number;
}

export interface Transferred {
  readonly resource: Resource;
  readonly isNew: boolean;
}

/**
 * COPY (RFC 4918 §9.8): no bytes move, and all of it happens or nothing. Throws `DriveError`: `exists` when the
 * target is there and may not be overwritten, `into-itself`, `parent-missing`, `forbidden`, `drive-full`, `too-deep`, `tree-too-large`;
 * and `LargeCopyError`, see `writeCopy`.
 */
export async function copy(
  changes: DriveTransaction,
  transfer: Transfer & { readonly isDeep: boolean; readonly staged: StagedTree | null },
): Promise<Transferred> {
  const { from, to, destination } = transfer;
  const source = sourceNode(from);
  checkTarget(transfer, source);
  if (transfer.isDeep && to.above.some((node) => node.id === source.id)) {
    throw new DriveError('into-itself', "A folder can't be copied into itself.");
  }
  const isDeep = transfer.isDeep && source.isCollection;
  if (isDeep) await checkDepth(changes, source, from, to);
  const isShallow = source.isCollection && !isDeep;
  const bytes = isShallow ? Math.min(source.propertyBytes, PROPERTIES_BYTES_MAX) : source.size + source.propertyBytes;
  await checkRoom(destination, spaceOf(to), bytes);
  const parent = to.parent!.node!;
  const large =
    isDeep && isLargeCopy(source) ? await takeStaged(changes, source, parent.driveId, transfer.staged) : null;
  const replaced = await makeWay(transfer);
  const modified = transfer.modified ?? (source.isCollection ? changes.now : source.modified);
  const copied = large
    ? await bindStaged(changes, large, transfer, modified)
    : await changes.transaction.copyNode(source, parent, to.name, { isDeep, modified }, changes.now);
  if (replaced) await changes.transaction.rerootLocks(replaced.id, copied.id);
  await finishReplacement(changes, replaced);
  return { resource: resourceOf(copied, 'node', to.path), isNew: to.resource === null };
}

async function bindStaged(
  changes: DriveTransaction,
  node: NodeRow,
  { to }: Transfer,
  modified: number,
): Promise<NodeRow> {
  const { now, transaction } = changes;
  const bound = await transaction.moveNode(node, to.parent!.node!, to.name, now);
  await transaction.setTimes(bound, { modified, created: node.created });
  return { ...bound, modified };
}

/**
 * MOVE (RFC 4918 §9.9). Into the trash it deletes, out of it it restores (PRODUCT D4). Locks don't move along; those
 * at the destination stay with its URL (§7.6). Throws as `copy` does.
 */
export async function move(changes: DriveTransaction, transfer: Transfer): Promise<Transferred> {
  const { from, to, destination } = transfer;
  checkMayChange(changes.membership);
  if (from.resource?.kind === 'trashed' || from.resource?.kind === 'in-trash') {
    if (to.space === 'trash') throw new DriveError('forbidden', "What is in the trash can't be renamed.");
    return restoreTo(changes, transfer);
  }
  const source = checkOrdinary(existing(from), 'moved');
  if (to.space === 'trash') return trashByMove(changes, transfer, source);
  checkTarget(transfer, source);
  if (to.above.some((node) => node.id === source.id)) {
    throw new DriveError('into-itself', "A folder can't be moved into itself.");
  }
  await checkDepth(changes, source, from, to);
  const changesOwner = from.space !== to.space || changes.membership.driveId !== destination.membership.driveId;
  if (changesOwner) await checkRoomForMove(transfer, source);
  await changes.transaction.removeLocksIn(source);
  const replaced = await makeWay(transfer);
  const moved = await changes.transaction.moveNode(source, to.parent!.node!, to.name, changes.now);
  if (transfer.modified !== undefined) await changes.transaction.setTimes(moved, { modified: transfer.modified });
  if (replaced) await changes.transaction.rerootLocks(replaced.id, moved.id);
  await finishReplacement(changes, replaced);
  const node = { ...moved, modified: transfer.modified ?? moved.modified };
  return { resource: resourceOf(node, 'node', to.path), isNew: to.resource === null };
}

/** The quota of the same drive counts a moved file already; a member's own, or another drive's, doesn't. */
async function checkRoomForMove(transfer: Transfer, source: NodeRow): Promise<void> {
  const { destination, to, from } = transfer;
  const { membership } = destination;
  const sameDrive = from.resource?.node?.driveId === membership.driveId;
  if (sameDrive && (membership.memberQuotaBytes === null || spaceOf(to) === 'common')) return;
  await checkRoom(destination, spaceOf(to), source.size + source.propertyBytes);
}

async function restoreTo(changes: DriveTransaction, transfer: Transfer): Promise<Transferred> {
  const { from, to, destination } = transfer;
  checkMayAdd(destination.membership);
  if (to.resource) checkOrdinary(to.resource, 'overwritten');
  checkNewPlace(to);
  const source = from.resource!.node!;
  if (source.driveId !== destination.membership.driveId) await checkRoomForMove(transfer, source);
  const resource = await restore(changes, from, to, { mayRename: transfer.mayOverwrite });
  return { resource, isNew: true };
}

async function trashByMove(changes: DriveTransaction, transfer: Transfer, source: NodeRow): Promise<Transferred> {
  const { to, from } = transfer;
  if (to.parent?.kind !== 'trash') {
    throw new DriveError('forbidden', 'Things go into the trash itself, not into folders in it.');
  }
  if (changes.membership.driveId !== transfer.destination.membership.driveId) {
    throw new DriveError('forbidden', 'What is deleted goes to the trash of its own drive.');
  }
  checkNewName(to.name);
  await changes.transaction.removeLocksIn(source);
  const name = await moveToTrash(changes, from, source, to.name);
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
 * Gives it, because its locks are still wanted.
 */
async function makeWay(transfer: Transfer): Promise<NodeRow | null> {
  const { to, destination } = transfer;
  const target = to.resource?.node;
  if (!target) return null;
  if (target.isCollection) await moveToTrash(destination, to, target);
  else await destination.transaction.detachNode(target, destination.now);
  return target;
}

async function finishReplacement(changes: DriveTransaction, replaced: NodeRow | null): Promise<void> {
  if (replaced) await changes.transaction.removeLocksIn(replaced);
}

function sourceNode(from: Found): NodeRow {
  const resource = existing(from);
  if (!resource.node || resource.kind === 'home') {
    throw new DriveError('forbidden', "The drive's own folders can't be copied as a whole. Copy what is in them.");
  }
  return resource.node;
}
