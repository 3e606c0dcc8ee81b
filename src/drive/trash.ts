import type { Membership } from '../stores/account-store.js';
import {
  MAKES_ROOM,
  type MetadataStore,
  type NodeRow,
  type StoreTransaction,
  type TrashBin,
  type TrashRow,
} from '../stores/metadata-store.js';
import type { DriveId, NodeId } from '../stores/values.js';
import { checkDepth } from './depth.js';
import type { Drive } from './drive.js';
import { DriveError } from './drive-error.js';
import type { DriveTransaction } from './drive-transaction.js';
import { workOffDue } from './due-drives.js';
import { openFolder } from './folders.js';
import { checkLocks } from './locks/locks.js';
import { vacateLocks } from './locks/vacated-locks.js';
import { type DrivePath, freeName } from './names.js';
import { sign } from './past/retention.js';
import { NO_TOKENS, type Permit } from './permit.js';
import { type Found, type Resource, readResource, resourceOf } from './resource.js';
import { checkMayAdd, checkMayChange } from './rights.js';

/**
 * DELETE: into the trash, or out of it for good (PRODUCT D4); all of the paths or none. One short transaction whatever the
 * size of the trees. A path inside another one goes with it. Resolves with the names in the trash of what went there.
 */
export function remove(drive: Drive, paths: readonly DrivePath[], permit: Permit): Promise<string[]> {
  const wanted = topmost(paths);
  const work = async (transaction: DriveTransaction): Promise<string[]> => {
    const names: string[] = [];
    for (const path of wanted) {
      const found = await transaction.find(path);
      await permit.check?.(transaction, found);
      await checkLocks(transaction, found, { tokens: permit.tokens, changesParent: true, changesBelow: true });
      await vacateLocks(transaction, found, permit.tokens);
      const name = await unbind(transaction, found);
      if (name !== null) names.push(name);
    }
    return names;
  };
  return drive.write(work, { ...MAKES_ROOM, looks: { paths: wanted.slice(0, 1) } });
}

/** Without those that lie in another one of them, and each once. */
function topmost(paths: readonly DrivePath[]): DrivePath[] {
  const all = new Map(paths.map((path) => [path.join('/'), path]));
  const isBelow = (path: DrivePath) =>
    path.some((_name, depth) => depth > 0 && all.has(path.slice(0, depth).join('/')));
  return [...all.values()].filter((path) => !isBelow(path));
}

/** Returns the name in the trash; null where it is gone for good. */
async function unbind(transaction: DriveTransaction, found: Found): Promise<string | null> {
  const resource = readResource(found);
  checkMayChange(transaction.membership);
  switch (resource.kind) {
    case 'node':
      await transaction.store.removeLocksIn(resource.node!);
      return moveToTrash(transaction, found, resource.node!);
    case 'trashed':
    case 'in-trash':
      await transaction.store.removeLocksIn(resource.node!);
      await transaction.store.detachNode(resource.node!, transaction.now);
      return null;
    default:
      throw new DriveError('forbidden', `"${resource.name}" is one of the drive's own folders and can't be deleted.`);
  }
}

/** The trash that what is in a space goes to when it is deleted. */
export function binOf(membership: Membership, space: Found['space']): TrashBin {
  const { driveId, userId, binId, commonBinId } = membership;
  return space === 'common' ? { driveId, id: commonBinId, ownerId: null } : { driveId, id: binId, ownerId: userId };
}

/**
 * Puts a live node into the trash that its place belongs to, under a name that is free there. Its locks are the
 * caller's to remove.
 */
export async function moveToTrash(
  transaction: DriveTransaction,
  found: Found,
  node: NodeRow,
  wish = node.name,
): Promise<string> {
  const { membership, now, store } = transaction;
  const bin = binOf(membership, found.space);
  const name = await freeName(wish, node.isCollection, now, (names) => store.takenTrashNames(bin, names));
  await store.moveNode(node, bin, name, now);
  await store.insertTrash({
    nodeId: node.id,
    driveId: membership.driveId,
    ownerId: bin.ownerId,
    name,
    originalPath: found.originalPath,
    deletedBy: membership.userId,
    deletedAt: now,
  });
  return name;
}

/**
 * Takes something out of the trash, with everything it had. Where the name is occupied it becomes `name (2)` when
 * `mayRename`, else `DriveError` `exists`.
 */
export async function takeOut(
  transaction: DriveTransaction,
  from: Found,
  to: Found,
  options: { readonly mayRename: boolean },
): Promise<Resource> {
  const { now, store } = transaction;
  const node = readResource(from).node!;
  checkMayChange(transaction.membership);
  await checkDepth(transaction, node, from, to);
  const parent = to.parent!.node!;
  let name = to.name;
  if (to.resource) {
    if (!options.mayRename)
      throw new DriveError('exists', 'There is a file or folder of that name already. Take another name.');
    name = await freeName(name, node.isCollection, now, (names) => store.takenNames(parent.id, names));
  }
  const restored = await store.moveNode(node, parent, name, now);
  await store.removeTrash(node.id);
  return resourceOf(restored, 'node', [...to.path.slice(0, -1), name]);
}

/**
 * Takes deleted trees back to where they were, all or none: folders that are gone are made, a taken name gets a number.
 * Resolves with where they are now. Rejects with `DriveError` where a path isn't the top of a deleted tree, or its place
 * can't be had again.
 */
export function restore(drive: Drive, paths: readonly DrivePath[]): Promise<DrivePath[]> {
  return drive.write(async (transaction) => {
    const places: DrivePath[] = [];
    for (const path of paths) places.push((await takeBack(transaction, path)).path);
    return places;
  }, MAKES_ROOM);
}

async function takeBack(transaction: DriveTransaction, path: DrivePath): Promise<Resource> {
  const from = await transaction.find(path);
  if (!from.resource) throw new DriveError('not-found', 'There is nothing of that name in the trash.');
  const { kind, trash } = from.resource;
  if (!trash || kind !== 'trashed')
    throw new DriveError('forbidden', 'Only what was deleted itself can be restored, not a part of it.');
  checkMayAdd(transaction.membership);
  // By way of the drive's folder no name has another meaning.
  const target = [transaction.membership.driveName, ...trash.originalPath.split('/')];
  await openFolder(transaction, target.slice(0, -1));
  const to = await transaction.find(target);
  await checkLocks(transaction, to, { ...NO_TOKENS, changesParent: true });
  return takeOut(transaction, from, to, { mayRename: true });
}

/**
 * Deletes for good what has lain in the trash of any drive since before `deletedBefore`, in short transactions. Resolves
 * with the number of things removed; rejects with the signal's reason.
 */
export async function expireTrash(
  metadata: MetadataStore,
  deletedBefore: number,
  now: number,
  signal?: AbortSignal,
): Promise<number> {
  let removed = 0;
  await workOffDue(metadata, { what: 'trash', before: deletedBefore, signal }, async (driveId) => {
    const expire = async (transaction: StoreTransaction) =>
      destroyUnasked(transaction, await transaction.expiredTrash(driveId, deletedBefore, EXPIRE_TOGETHER), now);
    const count = await metadata.write([driveId], expire, MAKES_ROOM);
    removed += count;
    return count === EXPIRE_TOGETHER;
  });
  return removed;
}

/** Deleted trees that one transaction removes; each costs a few statements whatever its size. */
const EXPIRE_TOGETHER = 100;

/** Empties some trash folders of a drive, whose ever they are. Resolves with the number of things removed. */
export function emptyTrash(
  metadata: MetadataStore,
  driveId: DriveId,
  bins: readonly NodeId[],
  now: number,
): Promise<number> {
  return emptyBins(bins, (bin) =>
    metadata.write([driveId], async (store) => destroyUnasked(store, await firstOf(store, bin), now), MAKES_ROOM),
  );
}

/**
 * Empties what a member sees of the trash: their own files, and what members share. Resolves with the number of things
 * removed. Rejects with `DriveError` `forbidden`, also in its middle.
 */
export function emptySeenTrash(drive: Drive): Promise<number> {
  const { binId, commonBinId } = drive.membership;
  return emptyBins([binId, commonBinId], (bin) =>
    drive.write(async ({ membership, store, now }) => {
      checkMayChange(membership);
      return destroySome(store, bin, now);
    }, MAKES_ROOM),
  );
}

async function emptyBins(bins: readonly NodeId[], step: (bin: NodeId) => Promise<number>): Promise<number> {
  let removed = 0;
  for (const bin of bins) {
    for (;;) {
      const count = await step(bin);
      removed += count;
      if (count < EXPIRE_TOGETHER) break;
    }
  }
  return removed;
}

async function destroySome(store: StoreTransaction, bin: NodeId, now: number): Promise<number> {
  return destroy(store, await firstOf(store, bin), now);
}

function firstOf(store: StoreTransaction, bin: NodeId): Promise<TrashRow[]> {
  return store.trash([bin], null, EXPIRE_TOGETHER);
}

/** By the operator, or by the server itself. */
function destroyUnasked(store: StoreTransaction, rows: readonly TrashRow[], now: number): Promise<number> {
  sign(store, null, now);
  return destroy(store, rows, now);
}

async function destroy(store: StoreTransaction, rows: readonly TrashRow[], now: number): Promise<number> {
  for (const row of rows) await store.detachNode(await fresh(store, row), now);
  return rows.length;
}

/** Sizes in a list grow stale while the list is worked through. */
async function fresh(store: StoreTransaction, row: TrashRow): Promise<NodeRow> {
  const [node] = await store.findNodes([row.node.id]);
  return node ?? row.node;
}
