import type { Membership } from '../../stores/account-store.js';
import type { NodeRow } from '../../stores/metadata-store.js';
import type { NodeId } from '../../stores/values.js';
import { DriveError } from '../drive-error.js';
import { COMMON_NAME, type DrivePath } from '../names.js';
import { type Found, readResource } from '../resource.js';
import type { Snapshot } from '../snapshot.js';
import { type Anchor, anchorsOf } from '../view.js';
import type { Guard } from './carry-out.js';
import { inPages, type ReadPage, walkTree } from './tree-walk.js';
import { type ChangesOf, madeBy, type NodeRecord, recordOf } from './undo-record.js';

/** A folder, what is in it, and what one credential did there. */
export class UndoGround {
  /** All below the folder, as it is. */
  readonly rows = new Map<NodeId, NodeRow>();
  /** `rows`, all nodes of the records that are there, and the folders above of all of them. */
  readonly present = new Map<NodeId, NodeRow>();
  records: ReadonlyMap<NodeId, NodeRecord> = new Map();
  /** What they made, and nobody else has changed. */
  readonly made = new Set<NodeId>();
  /** What is in folders that they have destroyed, as it was when they did. */
  readonly destroyed = new Map<NodeId, NodeRow>();
  readonly guards: Guard[] = [];
  /** Tops of deleted trees, which are in `rows` as well. */
  readonly trashed = new Set<NodeId>();

  private constructor(
    readonly since: number,
    readonly found: Found,
    readonly anchors: readonly Anchor[],
    readonly membership: Membership,
    /** Of the folder in the trash for what was in a folder of that name. */
    readonly awayName: (name: string) => string,
  ) {}

  static async survey(
    read: ReadPage,
    path: DrivePath,
    since: number,
    by: ChangesOf,
    awayName: (name: string) => string,
  ): Promise<UndoGround> {
    const ground = await read(async (snapshot) => {
      const { found, anchors } = await findFolder(snapshot, path);
      const made = new UndoGround(since, found, anchors, snapshot.membership, awayName);
      await made.#noteFrame(snapshot);
      return made;
    });
    const { rows, anchors, membership } = ground;
    const tops = anchors.map(({ id }) => id);
    await walkTree(
      read,
      tops,
      ({ view }) => view,
      rows,
      (id) => rows.get(id)?.descendants ?? Number.POSITIVE_INFINITY,
    );
    const isInside = ({ above }: { readonly above: readonly NodeId[] }) => tops.some((id) => above.includes(id));
    ground.records = await recordOf(read, membership.driveId, since, by, isInside, rows);
    await ground.#findPresent(read);
    for (const id of await madeBy(read, rows, ground.records, since, by)) ground.made.add(id);
    for (const id of await madeBy(read, ground.destroyed, ground.records, since, by)) ground.made.add(id);
    return ground;
  }

  #note(rows: readonly NodeRow[]): void {
    for (const row of rows) this.present.set(row.id, row);
  }

  /** The folders from a node, which is known, up to where nothing more is. */
  lineOf(folder: NodeId): NodeId[] {
    const line: NodeId[] = [];
    for (let at: NodeId | null = folder; at !== null; at = this.present.get(at)?.parentId ?? null) line.push(at);
    return line;
  }

  /** Whether a node is where the principal sees it, and not in the trash. */
  isSeen(id: NodeId): boolean {
    const line = this.lineOf(id);
    return line.includes(this.membership.homeId) || line.includes(this.membership.commonId);
  }

  isInTrash(id: NodeId): boolean {
    const line = this.lineOf(id);
    return line.includes(this.membership.binId) || line.includes(this.membership.commonBinId);
  }

  trashFor(folder: NodeId): { readonly space: 'home' | 'common'; readonly bin: NodeId; readonly name: string } {
    const { commonId, commonBinId, binId, driveName } = this.membership;
    const isCommon = this.lineOf(folder).includes(commonId);
    const own = isCommon ? COMMON_NAME : driveName;
    const name = this.awayName(this.found.resource!.kind === 'node' ? this.found.name : own);
    return isCommon ? { space: 'common', bin: commonBinId, name } : { space: 'home', bin: binId, name };
  }

  /** Where the principal sees, or will see, something in a folder. */
  pathOf(parent: NodeId, name: string): DrivePath {
    const names = [name];
    for (let at: NodeId | null = parent; at !== null; at = this.present.get(at)?.parentId ?? null) {
      const anchor = this.anchors.find(({ id }) => id === at);
      if (anchor) return [...anchor.path, ...names.reverse()];
      names.push(this.present.get(at)?.name ?? '');
    }
    return names.reverse();
  }

  async #findPresent(read: ReadPage): Promise<void> {
    this.#note([...this.rows.values()]);
    const wanted = [...this.records.keys()].filter((id) => !this.rows.has(id));
    const outside = await inPages(read, wanted, ({ view }, ids) => view.findNodes(ids));
    this.#note(outside);
    await this.#openTrashed(read, outside);
    const isTheirs = ({ id }: NodeRow) => this.records.get(id)?.isTakenOver === false;
    const lost = outside.filter((row) => row.parentId === null && row.isCollection && isTheirs(row));
    await walkTree(
      read,
      lost.map(({ id }) => id),
      ({ view }) => view,
      this.destroyed,
      () => Number.POSITIVE_INFINITY,
    );
    // What lies in folders that are not known yet, with all of these.
    const parents = [...outside.map(({ parentId }) => parentId), ...this.#formerParents()].filter(
      (id): id is NodeId => id !== null && !this.present.has(id),
    );
    const chains = await inPages(read, [...new Set(parents)], ({ view }, ids) =>
      view.changeLog.ancestorChains(ids, []),
    );
    const above = [...new Set(chains.map(({ id }) => id))].filter((id) => !this.present.has(id));
    this.#note(await inPages(read, above, ({ view }, ids) => view.findNodes(ids)));
  }

  /** What they deleted comes back without what they had put into it. */
  async #openTrashed(read: ReadPage, outside: readonly NodeRow[]): Promise<void> {
    const { binId, commonBinId } = this.membership;
    const tops = outside.filter(({ id, parentId }) => {
      const { before = null, isTakenOver = true } = this.records.get(id) ?? {};
      return (parentId === binId || parentId === commonBinId) && before !== null && !isTakenOver;
    });
    for (const top of tops) this.trashed.add(top.id);
    const folders = tops.filter(({ isCollection }) => isCollection).map(({ id }) => id);
    const inside = new Map<NodeId, NodeRow>();
    const membersOf = (id: NodeId) => (this.present.get(id) ?? inside.get(id))?.descendants ?? 0;
    await walkTree(read, folders, ({ view }) => view, inside, membersOf);
    for (const row of [...tops, ...inside.values()]) this.rows.set(row.id, row);
    this.#note([...inside.values()]);
  }

  /** What is above all that the principal sees, and mustn't change meanwhile. */
  async #noteFrame({ view, membership }: Snapshot): Promise<void> {
    const { rootId, homeId, commonId, binId, commonBinId } = membership;
    this.#note(await view.findNodes([rootId, homeId, commonId, binId, commonBinId]));
    for (const id of [homeId, commonId, binId, commonBinId])
      this.guards.push({ id, revision: this.present.get(id)!.revision });
    for (const { id } of this.anchors) this.#note([...(await view.findNodes([id])), ...(await view.ancestors(id))]);
  }

  #formerParents(): (NodeId | null)[] {
    return [...this.records.values()].map(({ before }) => before?.node.parentId ?? null);
  }
}

async function findFolder(
  snapshot: Snapshot,
  path: DrivePath,
): Promise<{ readonly found: Found; readonly anchors: readonly Anchor[] }> {
  const found = await snapshot.find(path);
  const resource = readResource(found);
  if (!resource.isCollection)
    throw new DriveError('not-a-collection', 'This is a file. Give the folder that it is in.');
  if (!['root', 'home', 'common', 'scope', 'node'].includes(resource.kind))
    throw new DriveError('forbidden', 'What is in the trash is not undone. Restore it.');
  return { found, anchors: anchorsOf(resource, snapshot.membership).filter(({ memberKind }) => memberKind === 'node') };
}
