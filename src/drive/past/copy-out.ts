import type { ContentRow, NodeRow, PropertyRow } from '../../stores/metadata-store.js';
import type { NodeId } from '../../stores/values.js';
import { COPY_TOGETHER_MAX } from '../copy-tree.js';
import type { Drive } from '../drive.js';
import { DriveError } from '../drive-error.js';
import type { DriveTransaction } from '../drive-transaction.js';
import { Listing } from '../listing.js';
import { checkLocks } from '../locks/locks.js';
import { DEPTH_MAX, type DrivePath } from '../names.js';
import { checkNewPlace, checkOrdinary, spaceOf } from '../place-checks.js';
import { checkRoom } from '../quota.js';
import { type Found, type Resource, readResource, resourceOf } from '../resource.js';
import { checkMayAdd, checkMayChange } from '../rights.js';
import { Snapshot } from '../snapshot.js';
import type { CopyWish, Transferred, TransferTarget } from '../transfer.js';
import { moveToTrash } from '../trash.js';

/** What is to be copied: the resource and everything below it, a folder before its members. */
type Tree = readonly Resource[];

/**
 * COPY out of the past, with dates and properties, in one transaction. A file that is there gets the content and the date of
 * then, as by a PUT; a folder that is there goes to the trash. `present`: the drive of the source as it is now. Rejects with
 * `DriveError`; nothing is changed then.
 */
export function copyOut(
  present: Drive,
  moment: number,
  path: DrivePath,
  target: TransferTarget,
  wish: CopyWish,
): Promise<Transferred> {
  return present.write(
    async (transaction) => {
      const destination = await target.drive.join(transaction);
      const then = new Snapshot(transaction.store.at(moment), transaction.membership, transaction.now, moment);
      const from = await then.find(path);
      const tree = await readTree(then, sourceOf(from), wish.isDeep);
      const to = await destination.find(target.path);
      const { check, tokens } = wish.permit;
      await check?.(then, from, to);
      const isNew = to.resource === null;
      await checkLocks(destination, to, { tokens, changesSelf: !isNew, changesParent: isNew, changesBelow: !isNew });
      checkTarget(destination, to, wish.mayOverwrite);
      const bytes = tree.reduce((sum, { isCollection, size }) => sum + (isCollection ? 0 : size), 0);
      const replaced = to.resource?.isCollection === false && !tree[0]!.isCollection ? to.resource.size : 0;
      await checkRoom(destination, spaceOf(to), bytes - replaced);
      const node = await plant(destination, then, tree, to);
      return { resource: resourceOf(node, 'node', to.path), isNew };
    },
    { joined: target.drive },
  );
}

function sourceOf(from: Found): Resource {
  const resource = readResource(from);
  if (resource.kind === 'node' || resource.kind === 'common' || resource.kind === 'scope') return resource;
  throw new DriveError('forbidden', "The drive's own folders can't be copied as a whole. Copy what is in them.");
}

function checkTarget({ membership }: DriveTransaction, to: Found, mayOverwrite: boolean): void {
  checkMayAdd(membership);
  if (!to.resource) {
    checkNewPlace(to);
    return;
  }
  checkOrdinary(to.resource, 'overwritten');
  if (!mayOverwrite)
    throw new DriveError('exists', 'There is a file or folder of that name already. Take another name.');
  checkMayChange(membership);
}

async function readTree(then: Snapshot, top: Resource, isDeep: boolean): Promise<Tree> {
  const tree = [top];
  if (!top.isCollection || !isDeep) return tree;
  const listing = new Listing(top, { isDeep: true });
  for (let page = await listing.next(then); page !== null; page = await listing.next(then)) {
    tree.push(...page);
    if (tree.length <= COPY_TOGETHER_MAX) continue;
    const most = COPY_TOGETHER_MAX.toLocaleString('en');
    throw new DriveError(
      'tree-too-large',
      `One copy out of the past takes at most ${most} files and folders. Copy it in parts.`,
    );
  }
  return tree;
}

async function plant(transaction: DriveTransaction, then: Snapshot, tree: Tree, to: Found): Promise<NodeRow> {
  const [top, ...members] = tree as readonly [Resource, ...Resource[]];
  const properties = new Map<NodeId, PropertyRow[]>();
  for (const row of await then.deadProperties(tree)) {
    const rows = properties.get(row.nodeId);
    if (rows) rows.push(row);
    else properties.set(row.nodeId, [row]);
  }
  const copy = async (source: Resource, place: Parameters<DriveTransaction['insert']>[0]): Promise<NodeRow> => {
    const node = await transaction.insert(place, await contentOf(then, source), source.modified);
    await transaction.store.setTimes(node, { created: source.created });
    const dead = properties.get(source.node!.id);
    if (dead) await transaction.store.setProperties(node, dead);
    return node;
  };
  const old = to.resource?.node ?? null;
  if (old && !old.isCollection && !top.isCollection) {
    return transaction.store.replaceContent(old, (await contentOf(then, top))!, top.modified);
  }
  if (old) await moveToTrash(transaction, to, old);
  const made = new Map([[top.path.join('/'), await copy(top, to)]]);
  for (const member of members) {
    const depth = to.path.length + member.path.length - top.path.length;
    if (depth >= DEPTH_MAX)
      throw new DriveError('too-deep', `Folders can be nested ${DEPTH_MAX} deep, and this would be deeper.`);
    const folder = made.get(member.path.slice(0, -1).join('/'))!;
    const parent = resourceOf(folder, 'node', []);
    made.set(member.path.join('/'), await copy(member, { ...to, resource: null, parent, name: member.name }));
  }
  // Its date was that of its last member until now.
  const node = made.get(top.path.join('/'))!;
  if (top.isCollection) await setDates(transaction, tree, made);
  return node;
}

async function setDates({ store }: DriveTransaction, tree: Tree, made: ReadonlyMap<string, NodeRow>): Promise<void> {
  for (const { path, isCollection, modified, created } of tree) {
    if (isCollection) await store.setTimes(made.get(path.join('/'))!, { modified, created });
  }
}

async function contentOf({ view }: Snapshot, { node }: Resource): Promise<ContentRow | null> {
  if (!node || node.blobId === null) return null;
  const content = await view.findContent(node);
  if (!content) throw new Error(`content ${node.blobId} of a state is not recorded`);
  return content;
}
