import type { PlacedLock } from '../../drive/locks/lock-sentence.js';
import type { Resource } from '../../drive/resource.js';
import type { NodeId } from '../../stores/values.js';

/** The locks of an answer, by what they lock, so that each member looks at its own alone. */
export class LockIndex {
  readonly #own = new Map<NodeId, PlacedLock[]>();
  /** Those that reach everything below, by their root's path. */
  readonly #deep = new Map<string, PlacedLock[]>();

  constructor(locks: readonly PlacedLock[]) {
    for (const placed of locks) {
      add(this.#own, placed.lock.nodeId, placed);
      if (placed.lock.isDeep) add(this.#deep, keyOf(placed.path), placed);
    }
  }

  get isEmpty(): boolean {
    return this.#own.size === 0;
  }

  /** The locks on the resource and the deep ones above it. */
  covering({ node, path }: Resource): readonly PlacedLock[] {
    const own = (node && this.#own.get(node.id)) ?? [];
    if (this.#deep.size === 0) return own;
    const covering = [...own];
    let key = '';
    for (let depth = 0; depth <= path.length; depth++) {
      if (depth > 0) key += `/${path[depth - 1]}`;
      // Of a password limited to a folder, locks above the folder have its own path.
      for (const placed of this.#deep.get(key) ?? []) if (placed.lock.nodeId !== node?.id) covering.push(placed);
    }
    return covering;
  }
}

function keyOf(path: readonly string[]): string {
  return path.length === 0 ? '' : `/${path.join('/')}`;
}

function add<Key>(map: Map<Key, PlacedLock[]>, key: Key, placed: PlacedLock): void {
  const others = map.get(key);
  if (others) others.push(placed);
  else map.set(key, [placed]);
}
