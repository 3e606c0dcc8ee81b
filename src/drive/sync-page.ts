import type { ChangeRow, RemovalRow } from '../stores/change-log.js';
import type { NodeRow } from '../stores/drive-store.js';
import type { NodeId } from '../stores/values.js';
import { COMMON_NAME, type DrivePath, TRASH_NAME } from './names.js';
import { type Resource, resourceOf } from './resource.js';
import type { Snapshot } from './snapshot.js';
import { type Anchor, anchorsOf, type Place, Places } from './sync-places.js';
import { cursorAt, isWhole, type MovedWalk, type SyncCursor } from './sync-token.js';

/** Changes a page, and rows of the change log that are looked at for it: 2,000 take some 20 ms. */
export const SYNC_PAGE_MAX = 2000;
/** Collections whose members one statement lists together. */
const COLLECTIONS_TOGETHER = 2000;

export interface RemovedPath {
  readonly path: DrivePath;
  /** What was there. */
  readonly isCollection: boolean;
}

/** Some of what changed in a folder. A path comes once. */
export interface SyncPage {
  /** With all that was below them. */
  readonly removed: readonly RemovedPath[];
  readonly changed: readonly Resource[];
  /** What is known now. */
  readonly cursor: SyncCursor;
  /** Whether this was all. */
  readonly isComplete: boolean;
}

export interface SyncOptions {
  /** Everything below the folder, each by its own changes; else its members, a collection by those below it, too. */
  readonly isDeep: boolean;
  /** Removed and changed together; at most `SYNC_PAGE_MAX`. */
  readonly limit: number;
}

/**
 * What changed in a folder since a cursor, in three parts, so that each sees what the one before it did: names that were
 * unbound; collections that came by a move, with all that is in them; all else. A page that says of a path that it is
 * gone, although something else is there now, ends before that: whoever knew what was below mustn't keep it.
 * A fixed number of statements.
 */
export async function nextPage(
  snapshot: Snapshot,
  folder: Resource,
  cursor: SyncCursor,
  options: SyncOptions,
): Promise<SyncPage> {
  if (isWhole(cursor) && cursor.removals >= folder.revision) {
    return { removed: [], changed: [], cursor, isComplete: true };
  }
  return new Page(snapshot, folder, cursor, options).fill();
}

class Page {
  readonly #snapshot: Snapshot;
  readonly #folder: Resource;
  readonly #options: SyncOptions;
  readonly #anchors: readonly Anchor[];
  readonly #places: Places;
  #cursor: SyncCursor;
  readonly #removed = new Map<string, RemovedPath>();
  readonly #changed = new Map<NodeId, { readonly node: NodeRow; readonly place: Place }>();
  /** Members of the folder itself that count as changed because of what is below them; their rows are to be read. */
  readonly #touched = new Map<NodeId, Place>();
  /** Of the folders that the drive itself makes, the last segments of those that changed. */
  readonly #made = new Set<string>();

  constructor(snapshot: Snapshot, folder: Resource, cursor: SyncCursor, options: SyncOptions) {
    this.#snapshot = snapshot;
    this.#folder = folder;
    this.#cursor = cursor;
    this.#options = options;
    this.#anchors = anchorsOf(folder, snapshot.membership);
    this.#places = new Places(this.#anchors);
  }

  async fill(): Promise<SyncPage> {
    const isComplete = (await this.#takeRemovals()) && (await this.#takeMoves()) && (await this.#takeChanges());
    return {
      removed: [...this.#removed.values()],
      changed: await this.#resources(),
      cursor: isComplete ? cursorAt(Math.max(this.#folder.revision, this.#cursor.removals)) : this.#cursor,
      isComplete,
    };
  }

  get #left(): number {
    const { size } = this.#touched;
    return this.#options.limit - this.#removed.size - this.#changed.size - size - this.#made.size;
  }

  get #log() {
    return this.#snapshot.view.changeLog;
  }

  /** The first part. False where the page ends with it. */
  async #takeRemovals(): Promise<boolean> {
    const { driveId } = this.#snapshot.membership;
    const rows = await this.#log.removals(driveId, this.#cursor.removals, SYNC_PAGE_MAX);
    await this.#places.load(
      this.#snapshot.view,
      rows.map(({ parentId }) => parentId),
    );
    const bound = await this.#boundNow(rows);
    let isReplaced = false;
    for (const row of rows) {
      if (this.#left <= 0) return false;
      isReplaced = this.#takeRemoval(row, bound) || isReplaced;
      this.#cursor = { ...this.#cursor, removals: row.revision };
    }
    if (rows.length < SYNC_PAGE_MAX) {
      this.#cursor = { ...this.#cursor, removals: Math.max(this.#cursor.removals, this.#folder.revision) };
    }
    return !isReplaced && rows.length < SYNC_PAGE_MAX;
  }

  /** Tells whether a path is reported although something is there. */
  #takeRemoval(row: RemovalRow, bound: ReadonlyMap<string, boolean>): boolean {
    const place = this.#placeOfRemoval(row);
    if (!place) return false;
    if (!this.#options.isDeep && !this.#isMemberOf(place)) {
      this.#touch(place);
      return false;
    }
    const isCollectionNow = this.#neighbours(place, row.parentId)
      .map((parentId) => bound.get(`${parentId}/${row.name}`))
      .find((isCollection) => isCollection !== undefined);
    if (isCollectionNow !== undefined) {
      // A file in the place of a file is that path's change. What was below a collection nobody else would tell.
      const isSame = row.isCollection === isCollectionNow && !(row.isCollection && this.#options.isDeep);
      if (isSame) return false;
    }
    const path = [...place.path, row.name];
    this.#removed.set(JSON.stringify(path), { path, isCollection: row.isCollection });
    return isCollectionNow !== undefined;
  }

  /** Null for what isn't in the folder, or came to where it is after it lost the name. */
  #placeOfRemoval({ parentId, revision }: RemovalRow): Place | null {
    const place = this.#places.find(parentId);
    return place && place.moved < revision ? place : null;
  }

  async #boundNow(rows: readonly RemovalRow[]): Promise<ReadonlyMap<string, boolean>> {
    const wanted = rows.flatMap((row) => {
      const place = this.#placeOfRemoval(row);
      return place ? this.#neighbours(place, row.parentId).map((parentId) => ({ parentId, name: row.name })) : [];
    });
    if (wanted.length === 0) return new Map();
    const found = await this.#log.bound(wanted);
    return new Map(found.map(({ parentId, name, isCollection }) => [`${parentId}/${name}`, isCollection]));
  }

  /** The nodes whose members have the same paths: of the trash there are two. */
  #neighbours(place: Place, id: NodeId): NodeId[] {
    if (place.top !== null) return [id];
    return this.#anchors.filter(({ path }) => isSamePath(path, place.path)).map((anchor) => anchor.id);
  }

  /** The second part. */
  async #takeMoves(): Promise<boolean> {
    const until = this.#cursor.removals;
    const { moves } = this.#cursor;
    // By its own changes alone a member shows, wherever it came from.
    if (moves > 0 && !this.#options.isDeep) return true;
    if (this.#cursor.walk === null && moves >= until) return true;
    let walk: MovedWalk = this.#cursor.walk ?? { until, position: null };
    if (this.#left <= 0) return false;
    const places = new Places(this.#anchors);
    let tops: readonly NodeId[];
    if (moves === 0) {
      tops = this.#startFromAnchors(walk);
    } else {
      const rows = await this.#movedIn(walk, places);
      if (walk.position === null && rows.length === this.#left) walk = { ...walk, until: rows.at(-1)!.moved };
      tops = this.#startFromMoved(rows, walk, places);
    }
    const position = await this.#walk(tops, walk.position ?? { parentId: 0 as NodeId, name: '' }, places);
    this.#cursor = position
      ? { ...this.#cursor, walk: { ...walk, position } }
      : { ...this.#cursor, moves: walk.until, walk: null };
    return position === null && walk.until >= until;
  }

  /** So few that they fit the page, once; a walk under way finds them again. */
  async #movedIn(walk: MovedWalk, places: Places): Promise<ChangeRow[]> {
    const { driveId } = this.#snapshot.membership;
    const limit = walk.position === null ? this.#left : SYNC_PAGE_MAX;
    const rows = await this.#log.movedCollections(driveId, this.#cursor.moves, walk.until, limit);
    await places.load(
      this.#snapshot.view,
      rows.map(({ node }) => node.id),
    );
    return rows;
  }

  #startFromMoved(rows: readonly ChangeRow[], { position }: MovedWalk, places: Places): NodeId[] {
    const visible = rows.filter(({ node }) => !places.isAnchor(node.id) && places.find(node.id));
    if (position === null) for (const { node } of visible) this.#report(node, places.find(node.parentId!)!);
    return visible.map(({ node }) => node.id);
  }

  #startFromAnchors({ position }: MovedWalk): NodeId[] {
    if (position === null) for (const name of this.#madeFolders()) this.#made.add(name);
    const anchors = this.#options.isDeep
      ? this.#anchors
      : this.#anchors.filter(({ path }) => isSamePath(path, this.#folder.path));
    return anchors.map(({ id }) => id);
  }

  /**
   * Reports the members of collections, with everything below where the page is deep, by collection, then by name. Gives
   * how far it came; null: to the end.
   */
  async #walk(tops: readonly NodeId[], after: Position, places: Places): Promise<Position | null> {
    if (tops.length === 0) return null;
    let ids = [...tops];
    if (this.#options.isDeep) {
      const collections = await this.#log.collectionsIn(tops);
      for (const collection of collections) places.add({ ...collection, moved: 0 });
      ids = collections.map(({ id }) => id);
    }
    ids = ids.filter((id) => id >= after.parentId).sort((a, b) => a - b);
    let position = after;
    for (let start = 0; start < ids.length; start += COLLECTIONS_TOGETHER) {
      const together = ids.slice(start, start + COLLECTIONS_TOGETHER);
      const limit = this.#left;
      if (limit <= 0) return position;
      const rows = await this.#snapshot.view.children(together, position, limit);
      for (const row of rows) this.#report(row, places.find(row.parentId!)!);
      const last = rows.at(-1);
      if (last && rows.length === limit) return { parentId: last.parentId!, name: last.name };
      position = { parentId: (together.at(-1)! + 1) as NodeId, name: '' };
    }
    return null;
  }

  /** The third part. */
  async #takeChanges(): Promise<boolean> {
    const { driveId } = this.#snapshot.membership;
    // A little more than the page takes, because some are others' or told already.
    const limit = Math.min(SYNC_PAGE_MAX, this.#left * 2 + 100);
    if (this.#left <= 0) return false;
    const rows = await this.#log.changedNodes(driveId, this.#cursor.changes, limit);
    await this.#places.load(
      this.#snapshot.view,
      rows.flatMap(({ node }) => (node.parentId === null ? [] : [node.parentId])),
    );
    for (const row of rows) {
      if (this.#left <= 0) return false;
      this.#takeChange(row);
      this.#cursor = { ...this.#cursor, changes: { revision: row.changed, id: row.node.id } };
    }
    return rows.length < limit;
  }

  #takeChange({ node, changed, moved }: ChangeRow): void {
    const place = node.parentId === null ? null : this.#places.find(node.parentId);
    if (!place || this.#places.isAnchor(node.id)) return;
    if (!this.#options.isDeep && !this.#isMemberOf(place)) {
      this.#touch(place);
      return;
    }
    // With what was moved it has been told.
    const isTold = place.moved >= changed || (node.isCollection && moved === changed);
    if (!isTold || !this.#options.isDeep) this.#report(node, place);
  }

  /** Whether what is at a place, directly in there, is a member of the folder itself. */
  #isMemberOf({ anchor, top }: Place): boolean {
    return top === null && isSamePath(anchor.path, this.#folder.path);
  }

  /** Something at or below the place changed: so did the member of the folder that is on the way. */
  #touch(place: Place): void {
    const name = place.anchor.path[this.#folder.path.length];
    if (name !== undefined) this.#made.add(name);
    else if (!this.#changed.has(place.top!)) this.#touched.set(place.top!, place);
  }

  #report(node: NodeRow, place: Place): void {
    this.#touched.delete(node.id);
    this.#changed.set(node.id, { node, place });
  }

  /** The rows become what the principal sees. */
  async #resources(): Promise<Resource[]> {
    const { view } = this.#snapshot;
    if (this.#touched.size > 0) {
      for (const node of await view.findNodes([...this.#touched.keys()])) {
        const { anchor } = this.#touched.get(node.id)!;
        this.#changed.set(node.id, { node, place: { anchor, path: anchor.path, top: null, moved: 0 } });
      }
    }
    const made: Resource[] = [];
    for (const name of this.#made) made.push(...(await this.#madeFolder(name)));
    const resources = [...this.#changed.values()].map(({ node, place }) => {
      const { memberKind, innerKind } = place.anchor;
      return resourceOf(node, place.top === null ? memberKind : innerKind, [...place.path, node.name]);
    });
    return [...made, ...(await this.#withDeletions(resources))];
  }

  async #withDeletions(resources: readonly Resource[]): Promise<readonly Resource[]> {
    const trashed = resources.flatMap(({ kind, node }) => (kind === 'trashed' ? [node!.id] : []));
    if (trashed.length === 0) return resources;
    const deletions = new Map((await this.#log.deletions(trashed)).map((row) => [row.node.id, row]));
    return resources.map((resource) =>
      resource.kind === 'trashed' ? { ...resource, trash: deletions.get(resource.node!.id) ?? null } : resource,
    );
  }

  /** Names of the folders in this one that the drive itself makes (PRODUCT D1, D2). */
  #madeFolders(): string[] {
    if (this.#folder.kind === 'root') return [this.#snapshot.membership.driveName, TRASH_NAME];
    return this.#folder.kind === 'home' ? [COMMON_NAME] : [];
  }

  async #madeFolder(name: string): Promise<Resource[]> {
    const path = [...this.#folder.path, name];
    if (this.#folder.kind === 'home') return [await this.#snapshot.common(path)];
    if (name === TRASH_NAME) return [await this.#snapshot.trash(path)];
    const home = await this.#snapshot.home(path);
    return this.#options.isDeep ? [home, await this.#snapshot.common([...path, COMMON_NAME])] : [home];
  }
}

type Position = NonNullable<MovedWalk['position']>;

function isSamePath(one: DrivePath, other: DrivePath): boolean {
  return one.length === other.length && one.every((segment, index) => segment === other[index]);
}
