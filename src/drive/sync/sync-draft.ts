import type { NodeRow, TrashRow } from '../../stores/metadata-store.js';
import type { NodeId } from '../../stores/values.js';
import { DEPTH_MAX, type DrivePath } from '../names.js';
import { type Resource, resourceOf } from '../resource.js';
import type { Snapshot } from '../snapshot.js';
import { type Anchor, anchorsOf, madePaths } from '../view.js';
import type { RemovedPath, SyncOptions } from './sync-page.js';
import { Places, type TreePosition } from './tree-positions.js';

/** A page of changes while it is filled: what it says of which path, and how much room is left. */
export class SyncDraft {
  readonly anchors: readonly Anchor[];
  readonly places: Places;
  readonly #removed = new Map<string, RemovedPath>();
  readonly #changed = new Map<NodeId, { readonly node: NodeRow; readonly place: TreePosition }>();
  /** Members of the folder that count as changed because of what is below them; their rows are to be read. */
  readonly #touched = new Map<NodeId, TreePosition>();
  readonly #made = new Map<string, DrivePath>();

  constructor(
    readonly snapshot: Snapshot,
    readonly folder: Resource,
    readonly options: SyncOptions,
  ) {
    this.anchors = anchorsOf(folder, snapshot.membership);
    this.places = new Places(this.anchors);
  }

  /** How many more paths the page takes. */
  get room(): number {
    return this.options.limit - this.#removed.size - this.#changed.size - this.#touched.size - this.#made.size;
  }

  get removed(): RemovedPath[] {
    return [...this.#removed.values()];
  }

  /** Whether what is directly in there is a member of the folder itself. */
  isFolder({ path }: Pick<TreePosition, 'path'>): boolean {
    return path.length === this.folder.path.length;
  }

  /** Of several that were at the path one after the other, any may be what is known. */
  remove(path: DrivePath, wasCollection: boolean): void {
    const key = JSON.stringify(path);
    const isCollection = wasCollection || this.#removed.get(key)?.isCollection === true;
    this.#removed.set(key, { path, isCollection });
  }

  /** The node as it is now, in that place. */
  report(node: NodeRow, place: TreePosition): void {
    // As in listings: what is deeper has no address.
    if (place.path.length >= DEPTH_MAX) return;
    this.#touched.delete(node.id);
    this.#changed.set(node.id, { node, place });
  }

  /** One of `madeFolders`. */
  reportMade(path: DrivePath): void {
    this.#made.set(JSON.stringify(path), path);
  }

  /** Something at or below the place changed: so did the member of the folder that is on the way. */
  touch(place: TreePosition): void {
    const { length } = this.folder.path;
    if (place.anchor.path.length > length) this.reportMade(place.path.slice(0, length + 1));
    else if (!this.#changed.has(place.top!)) this.#touched.set(place.top!, place);
  }

  /** Paths of the folders in this one that the drive itself makes, as deep as the page is. */
  madeFolders(): DrivePath[] {
    return madePaths(this.folder, this.snapshot.membership, this.options.isDeep);
  }

  /** What changed, as the principal sees it. */
  async changed(): Promise<Resource[]> {
    await this.#readTouched();
    const made: Resource[] = [];
    for (const path of this.#made.values()) made.push((await this.snapshot.find(path)).resource!);
    const told = [...this.#changed.values()];
    const deletions = await this.#deletions(told);
    const resources = told.map(({ node, place }) => {
      const { memberKind, innerKind } = place.anchor;
      const kind = place.top === null ? memberKind : innerKind;
      const trash =
        kind === 'in-trash' && memberKind === kind ? this.folder.trash : deletions.get(place.top ?? node.id);
      return resourceOf(node, kind, [...place.path, node.name], trash ?? null);
    });
    return [...made, ...resources];
  }

  async #readTouched(): Promise<void> {
    if (this.#touched.size === 0) return;
    for (const node of await this.snapshot.view.findNodes([...this.#touched.keys()])) {
      const place = this.places.find(node.parentId!)!;
      // Gone and there again, it comes by itself on another page.
      const isRemoved = this.#removed.has(JSON.stringify([...place.path, node.name]));
      if (!isRemoved) this.#changed.set(node.id, { node, place });
    }
  }

  /** What is known of the deleted trees that something changed in, by their tops. */
  async #deletions(told: readonly { node: NodeRow; place: TreePosition }[]): Promise<ReadonlyMap<NodeId, TrashRow>> {
    const tops = told.flatMap(({ node, place }) =>
      place.anchor.memberKind === 'trashed' ? [place.top ?? node.id] : [],
    );
    if (tops.length === 0) return new Map();
    const rows = await this.snapshot.view.changeLog.deletions([...new Set(tops)]);
    return new Map(rows.map((row) => [row.node.id, row]));
  }
}
