import type { WayStep } from '../../stores/change-log.js';
import type { StoreView } from '../../stores/metadata-store.js';
import type { NodeId } from '../../stores/values.js';
import type { DrivePath } from '../names.js';
import type { Anchor } from '../view.js';

/** Where a node is in a folder. */
export interface TreePosition {
  readonly anchor: Anchor;
  readonly path: DrivePath;
  /** The node directly below the anchor, on the way or at its end; null for the anchor itself. */
  readonly top: NodeId | null;
  /** The last move of the node or of one above it, as far as the anchor; 0 for none. */
  readonly moved: number;
}

/** Finds out where nodes are in a folder, of many at once. */
export class Places {
  readonly #anchors: ReadonlyMap<NodeId, Anchor>;
  readonly #steps = new Map<NodeId, Pick<WayStep, 'parentId' | 'name' | 'moved'>>();
  readonly #known = new Map<NodeId, TreePosition | null>();

  constructor(anchors: readonly Anchor[]) {
    this.#anchors = new Map(anchors.map((anchor) => [anchor.id, anchor]));
  }

  isAnchor(id: NodeId): boolean {
    return this.#anchors.has(id);
  }

  /** Learns what is above the nodes. One statement. */
  async load(view: StoreView, ids: Iterable<NodeId>): Promise<void> {
    const unknown = [...new Set(ids)].filter((id) => !this.#steps.has(id));
    if (unknown.length === 0) return;
    for (const step of await view.changeLog.ancestorChains(unknown, [...this.#anchors.keys()])) this.add(step);
  }

  add({ id, parentId, name, moved }: WayStep): void {
    this.#steps.set(id, { parentId, name, moved });
  }

  /** Null for what isn't in the folder, or isn't loaded. */
  find(id: NodeId): TreePosition | null {
    const way: NodeId[] = [];
    let place: TreePosition | null | undefined;
    let next: NodeId | null = id;
    for (; next !== null; next = this.#steps.get(next)?.parentId ?? null) {
      place = this.#known.get(next) ?? this.#placeOfAnchor(next);
      if (place || this.#known.has(next)) break;
      way.push(next);
    }
    let found: TreePosition | null = place ?? null;
    for (const node of way.reverse()) {
      found = found && this.#below(found, node);
      this.#known.set(node, found);
    }
    return found;
  }

  #placeOfAnchor(id: NodeId): TreePosition | undefined {
    const anchor = this.#anchors.get(id);
    return anchor && { anchor, path: anchor.path, top: null, moved: 0 };
  }

  #below(above: TreePosition, id: NodeId): TreePosition {
    const { name, moved } = this.#steps.get(id)!;
    return {
      anchor: above.anchor,
      path: [...above.path, name],
      top: above.top ?? id,
      moved: Math.max(above.moved, moved),
    };
  }
}
