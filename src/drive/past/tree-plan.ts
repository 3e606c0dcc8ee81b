import type { NodeRow, PropertyRow } from '../../stores/metadata-store.js';
import type { ChangedNode, FolderGrowth, MadeNode, NodeRef, TreeChange } from '../../stores/tree-change.js';
import { type DriveId, type NodeId, PROPERTY_ROW_BYTES } from '../../stores/values.js';

/** What a node counts by itself, without what is below it. */
interface OwnWeight {
  readonly size: number;
  readonly propertyBytes: number;
}

const NOTHING: OwnWeight = { size: 0, propertyBytes: 0 };

interface Growth {
  size: number;
  descendants: number;
  propertyBytes: number;
}

/** A change of many nodes while it is thought out, with what it adds to each folder. */
export class TreePlan {
  readonly made: MadeNode[] = [];
  readonly changed = new Map<NodeId, ChangedNode>();
  readonly untrashed: NodeId[] = [];
  /** The dates of folders afterwards, where it isn't the time of the change. */
  readonly dates = new Map<NodeRef, number>();
  readonly #madeWeight: (OwnWeight & { readonly isCollection: boolean })[] = [];
  readonly #growthOf = new Map<NodeId, OwnWeight>();

  /** `present`: all nodes that change, and all folders above what changes, up to the drive's root, as they are. */
  constructor(readonly present: ReadonlyMap<NodeId, NodeRow>) {}

  get isEmpty(): boolean {
    return this.made.length === 0 && this.changed.size === 0;
  }

  make(node: MadeNode, weight: OwnWeight & { readonly isCollection: boolean }): NodeRef {
    this.made.push(node);
    this.#madeWeight.push(weight);
    return -this.made.length;
  }

  /** `growth`: how much more the node counts by itself afterwards. */
  change(node: ChangedNode, growth: OwnWeight = NOTHING): void {
    this.changed.set(node.id, node);
    this.#growthOf.set(node.id, growth);
  }

  treeChange(driveId: DriveId, moment: number, now: number): TreeChange {
    const { made, changed, untrashed } = this;
    return { driveId, moment, made, changed: [...changed.values()], untrashed, grown: this.#grown(now) };
  }

  /**
   * A node becomes what one was before, in a folder. `properties`: the dead ones of then, and its own. Says what that changes.
   */
  become(
    target: NodeRow,
    before: NodeRow,
    parent: NodeRef,
    [former, present]: readonly [readonly PropertyRow[], readonly PropertyRow[]],
  ): 'same' | 'moved' | 'changed' {
    const isPlaced = target.parentId === parent && target.name === before.name;
    const hasProperties = textOf(former) === textOf(present);
    const isLike =
      before.created === target.created &&
      (before.isCollection || (before.blobId === target.blobId && before.modified === target.modified)) &&
      hasProperties;
    if (isPlaced && isLike) return 'same';
    const { id, isCollection } = target;
    const node = {
      ...{ id, isCollection, setsProperties: !hasProperties, succeeds: null },
      place: isPlaced ? null : { parent, name: before.name },
      like: isLike ? null : { nodeId: before.id, toRevision: before.toRevision ?? null },
    };
    const propertyBytes = hasProperties ? 0 : weightOf(former) - weightOf(present);
    this.change(node, { size: isCollection ? 0 : before.size - target.size, propertyBytes });
    return isPlaced ? 'changed' : 'moved';
  }

  /** A node goes into a folder of the trash. */
  bindAway({ id, name, isCollection }: NodeRow, parent: NodeRef): void {
    this.change({ id, place: { parent, name }, like: null, setsProperties: false, isCollection, succeeds: null });
  }

  #grown(now: number): FolderGrowth[] {
    const sums = new Sums();
    const touched = new Set<NodeRef>();
    const folders = new Set<NodeRef>();
    for (const node of this.changed.values()) {
      const row = this.present.get(node.id)!;
      const growth = this.#growthOf.get(node.id)!;
      if (node.place) {
        touched.add(row.parentId!).add(node.place.parent);
        sums.add(row.parentId!, -row.size, -row.descendants - 1, -row.propertyBytes);
      }
      if (row.isCollection) {
        folders.add(node.id);
        sums.add(node.id, 0, 0, growth.propertyBytes);
      } else if (node.place) {
        sums.add(node.place.parent, row.size + growth.size, 1, row.propertyBytes + growth.propertyBytes);
      } else sums.add(row.parentId!, growth.size, 0, growth.propertyBytes);
    }
    for (const [index, { parent }] of this.made.entries()) {
      const { isCollection, size, propertyBytes } = this.#madeWeight[index]!;
      touched.add(parent);
      if (isCollection) {
        folders.add(-index - 1);
        sums.add(-index - 1, 0, 0, propertyBytes);
      } else sums.add(parent, size, 1, propertyBytes);
    }
    for (const folder of sums.folders) folders.add(folder);
    for (const folder of this.#carryUp(folders, sums)) folders.add(folder);
    return [...folders].map((folder) => {
      const date = this.dates.get(folder);
      return { folder, ...sums.of(folder), modified: date ?? (touched.has(folder) ? now : null) };
    });
  }

  /** Adds what each folder counts more to those above it, the deepest first. Returns all of them. */
  #carryUp(folders: ReadonlySet<NodeRef>, sums: Sums): NodeRef[] {
    const depths = new Map<NodeRef, number>();
    for (const folder of folders) this.#depthOf(folder, depths);
    const order = [...depths].sort(([, one], [, other]) => other - one).map(([folder]) => folder);
    for (const folder of order) {
      const parent = this.#parentOf(folder);
      if (parent === null) continue;
      const { size, descendants, propertyBytes } = sums.of(folder);
      if (folder < 0) sums.add(parent, size, descendants + 1, propertyBytes);
      else if (this.changed.get(folder as NodeId)?.place) {
        const row = this.present.get(folder as NodeId)!;
        sums.add(parent, row.size + size, row.descendants + descendants + 1, row.propertyBytes + propertyBytes);
      } else sums.add(parent, size, descendants, propertyBytes);
    }
    return order;
  }

  #depthOf(folder: NodeRef, depths: Map<NodeRef, number>): number {
    const way: NodeRef[] = [];
    let depth = -1;
    for (let at: NodeRef | null = folder; at !== null; at = this.#parentOf(at)) {
      const known = depths.get(at);
      if (known !== undefined) {
        depth = known;
        break;
      }
      way.push(at);
    }
    for (const each of way.reverse()) {
      depths.set(each, ++depth);
    }
    return depth;
  }

  #parentOf(folder: NodeRef): NodeRef | null {
    if (folder < 0) return this.made[-folder - 1]!.parent;
    const place = this.changed.get(folder as NodeId)?.place;
    if (place) return place.parent;
    const row = this.present.get(folder as NodeId);
    if (!row) throw new Error(`folder ${folder} of a plan is not known`);
    return row.parentId;
  }
}

class Sums {
  readonly #sums = new Map<NodeRef, Growth>();

  get folders(): Iterable<NodeRef> {
    return this.#sums.keys();
  }

  add(folder: NodeRef, size: number, descendants: number, propertyBytes: number): void {
    const sum = this.#sums.get(folder);
    if (!sum) {
      this.#sums.set(folder, { size, descendants, propertyBytes });
      return;
    }
    sum.size += size;
    sum.descendants += descendants;
    sum.propertyBytes += propertyBytes;
  }

  of(folder: NodeRef): Growth {
    return this.#sums.get(folder) ?? { size: 0, descendants: 0, propertyBytes: 0 };
  }
}

/** The same text for the same properties. */
function textOf(properties: readonly PropertyRow[]): string {
  return JSON.stringify(properties.map(({ namespace, name, xml }) => JSON.stringify([namespace, name, xml])).sort());
}

/** What dead properties take, as the store counts them. */
export function weightOf(properties: readonly PropertyRow[]): number {
  const bytes = (text: string) => Buffer.byteLength(text);
  return properties.reduce(
    (sum, { namespace, name, xml }) => sum + PROPERTY_ROW_BYTES + bytes(namespace) + bytes(name) + bytes(xml),
    0,
  );
}
