import type { Membership } from '../../stores/account-store.js';
import type { NodeRow } from '../../stores/metadata-store.js';
import type { NodeId } from '../../stores/values.js';
import { DriveError } from '../drive-error.js';
import { COMMON_NAME, type DrivePath } from '../names.js';
import type { Found, Resource } from '../resource.js';
import { Snapshot } from '../snapshot.js';
import { anchorsOf } from '../view.js';
import type { Guard } from './carry-out.js';
import { inPages, type ReadPage, walkTree } from './tree-walk.js';

/** The folders of a drive in which members of the tree lie that aren't nodes of it. */
interface Roots {
  readonly present: Found;
  /** Of the drive's own folders; empty where the tree has a root of its own. */
  readonly anchors: readonly { readonly id: NodeId; readonly path: DrivePath }[];
  readonly before: NodeRow | null;
  readonly now: NodeRow | null;
  /** In which the root is, or is to be. */
  readonly parent: NodeRow | null;
}

/** A tree as it was and as it is, with all that is needed to make the one of the other. */
export class PutBackGround {
  /** As it was, a folder before its members. */
  readonly before = new Map<NodeId, NodeRow>();
  /** As it is, with what was in it then and lies in the trash. */
  readonly now = new Map<NodeId, NodeRow>();
  /** Those of then that were deleted themselves. */
  readonly trashed = new Set<NodeId>();
  /** All of `now`, and the folders above. */
  readonly present = new Map<NodeId, NodeRow>();
  readonly guards: Guard[] = [];
  /** Nodes of then that are not in `now`, as they are. */
  readonly #elsewhere = new Map<NodeId, NodeRow>();

  private constructor(
    readonly moment: number,
    readonly path: DrivePath,
    readonly roots: Roots,
    readonly membership: Membership,
    /** Of the folder in the trash for what was in a folder of that name. */
    readonly awayName: (name: string) => string,
  ) {}

  static async survey(
    read: ReadPage,
    moment: number,
    path: DrivePath,
    awayName: (name: string) => string,
  ): Promise<PutBackGround> {
    const { ground, above } = await read(async (snapshot) => {
      const roots = await findRoots(snapshot, moment, path);
      const made = new PutBackGround(moment, path, roots, snapshot.membership, awayName);
      return { ground: made, above: await made.#above(snapshot) };
    });
    const { before, now, parent, anchors } = ground.roots;
    for (const row of above) ground.present.set(row.id, row);
    for (const { id } of anchors) ground.guards.push(guardOf(ground.present.get(id)!));
    // Where nothing is at the place, all that is beside it might change it.
    if (parent) ground.guards.push(guardOf(now ?? parent));
    const tops = anchors.map(({ id }) => id);
    if (before) ground.before.set(before.id, before);
    if (now) ground.now.set(now.id, now);
    await walkTree(read, now ? [now.id] : tops, ({ view }) => view, ground.now, ground.#membersOf);
    await walkTree(read, before ? [before.id] : tops, ({ view }) => view.at(moment), ground.before, ground.#membersOf);
    await ground.#findMissing(read);
    for (const row of ground.now.values()) ground.present.set(row.id, row);
    return ground;
  }

  readonly #membersOf = (folder: NodeId): number => this.now.get(folder)?.descendants ?? Number.POSITIVE_INFINITY;

  /** The folder that all hangs from. */
  get root(): NodeId {
    const { parent, anchors } = this.roots;
    return parent?.id ?? anchors[0]!.id;
  }

  /** The folder in which a node of then is to be, by its number of then. */
  parentOf(row: NodeRow): NodeId {
    return row.id === this.roots.before?.id ? this.roots.parent!.id : row.parentId!;
  }

  /** Whether a node that is not at hand lives on somewhere else. */
  isElsewhere(id: NodeId): boolean {
    const parentId = this.#elsewhere.get(id)?.parentId;
    return parentId !== null && parentId !== undefined;
  }

  /** Where the principal sees, or will see, a node of one of the two trees. */
  pathIn(row: NodeRow, tree: ReadonlyMap<NodeId, NodeRow>): DrivePath {
    const names: string[] = [];
    for (let at: NodeRow | undefined = row; at; at = tree.get(at.parentId!)) {
      if (at.id === this.roots.before?.id || at.id === this.roots.now?.id) return [...this.path, ...names.reverse()];
      names.push(at.name);
      const anchor = this.roots.anchors.find(({ id }) => id === at!.parentId);
      if (anchor) return [...anchor.path, ...names.reverse()];
    }
    return [...this.path, ...names.reverse()];
  }

  /** Into which trash goes what was in a folder that is no node of the tree. */
  trashFor(folder: NodeId): { readonly space: 'home' | 'common'; readonly bin: NodeId; readonly name: string } {
    const { commonId, commonBinId, binId, driveName } = this.membership;
    const isCommon = this.#lineOf(folder).includes(commonId);
    const isOwn = this.roots.present.originalPath === '';
    const name = this.awayName(isOwn ? (isCommon ? COMMON_NAME : driveName) : this.roots.present.name);
    return isCommon ? { space: 'common', bin: commonBinId, name } : { space: 'home', bin: binId, name };
  }

  #lineOf(folder: NodeId): NodeId[] {
    const line: NodeId[] = [];
    for (let at: NodeId | null = folder; at !== null; at = this.present.get(at)?.parentId ?? null) line.push(at);
    return line;
  }

  async #above({ view, membership }: Snapshot): Promise<NodeRow[]> {
    const { rootId, homeId, commonId, binId, commonBinId } = membership;
    const { parent, anchors } = this.roots;
    const lowest = parent ? [parent.id] : anchors.map(({ id }) => id);
    const rows = await view.findNodes([rootId, homeId, commonId, binId, commonBinId, ...lowest]);
    for (const id of lowest) rows.push(...(await view.ancestors(id)));
    return rows;
  }

  /** Looks for what is not where it was: in the trash, or moved to somewhere else. */
  async #findMissing(read: ReadPage): Promise<void> {
    const missing = [...this.before.keys()].filter((id) => !this.now.has(id));
    if (missing.length === 0) return;
    const { binId, commonBinId } = this.membership;
    for (const bin of [binId, commonBinId]) this.guards.push(guardOf(this.present.get(bin)!));
    const deleted = await inPages(read, missing, ({ view }, ids) => view.changeLog.deletions([...ids]));
    const tops = deleted
      .map(({ node }) => node)
      .filter(({ parentId }) => parentId === binId || parentId === commonBinId);
    for (const top of tops) {
      this.now.set(top.id, top);
      this.trashed.add(top.id);
    }
    const folders = tops.filter(({ isCollection }) => isCollection).map(({ id }) => id);
    await walkTree(read, folders, ({ view }) => view, this.now, this.#membersOf);
    const gone = missing.filter((id) => !this.now.has(id));
    for (const row of await inPages(read, gone, ({ view }, ids) => view.findNodes(ids)))
      this.#elsewhere.set(row.id, row);
  }
}

const guardOf = ({ id, revision }: NodeRow): Guard => ({ id, revision });

async function findRoots(snapshot: Snapshot, moment: number, path: DrivePath): Promise<Roots> {
  const { view, membership, now } = snapshot;
  const present = await snapshot.find(path);
  const { resource } = present;
  if (resource && resource.kind !== 'node')
    return { present, before: null, now: null, parent: null, anchors: own(resource, snapshot) };
  const before = await new Snapshot(view.at(moment), membership, now, moment).find(path);
  const then = before.resource;
  if (then?.kind !== 'node') throw new DriveError('not-found', 'There was nothing of that name then.');
  const parent = present.parent?.isCollection ? present.parent.node : null;
  if (!parent)
    throw new DriveError('parent-missing', 'The folder that this was in is not there any more. Put that one back.');
  return { present, before: then.node, now: resource?.node ?? null, parent, anchors: [] };
}

function own(resource: Resource, { membership }: Snapshot): Roots['anchors'] {
  if (!['root', 'home', 'common', 'scope'].includes(resource.kind))
    throw new DriveError('forbidden', 'What is in the trash is not put back. Restore it.');
  return anchorsOf(resource, membership).filter(({ memberKind }) => memberKind === 'node');
}
