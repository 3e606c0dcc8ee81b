import type { NodeRow } from '../../stores/metadata-store.js';
import type { NodeRef } from '../../stores/tree-change.js';
import type { NodeId } from '../../stores/values.js';
import { numberedName } from '../names.js';
import type { TreePlan } from './tree-plan.js';

/** A folder that is made in the trash for what goes there. */
export interface TrashTop {
  readonly ref: NodeRef;
  readonly space: 'home' | 'common';
}

/** What the folders in the trash are made from. */
export interface AwayGround {
  /** All nodes of the tree, as they are. */
  readonly rows: ReadonlyMap<NodeId, NodeRow>;
  /** Whether a folder is the one that all this is about. */
  isTop(folder: NodeId): boolean;
  /** A folder of the tree that lies in the trash: the folder that it would be in. */
  homeOf(folder: NodeId): NodeId | null;
  /** Whether a node goes to the trash with all that stays in it. */
  goesAway(id: NodeId): boolean;
  /** Where what was in a folder goes that is none of `rows`. */
  trashFor(folder: NodeId): { readonly space: 'home' | 'common'; readonly bin: NodeId; readonly name: string };
}

const BLANK = { like: null, hasProperties: false, succeeds: null };
const EMPTY = { size: 0, propertyBytes: 0, isCollection: true };

/** Makes, in a plan, one folder in the trash, with all folders that the things in it were in. */
export class AwayFolders {
  readonly tops: TrashTop[] = [];
  readonly #made = new Map<NodeId, NodeRef>();

  constructor(
    readonly plan: TreePlan,
    readonly ground: AwayGround,
  ) {}

  /** The folder in the trash for what was in a folder. */
  for(folder: NodeId): NodeRef {
    const known = this.#made.get(folder);
    if (known !== undefined) return known;
    const ref = this.#make(folder);
    this.#made.set(folder, ref);
    return ref;
  }

  #make(folder: NodeId): NodeRef {
    const { ground, plan } = this;
    const row = ground.rows.get(folder);
    if (!row) return this.#makeTop(folder);
    const outer = row.parentId!;
    if (ground.isTop(folder)) return this.for(outer);
    const home = ground.homeOf(folder);
    const isInAway = ground.rows.has(outer) && ground.goesAway(outer);
    const parent = isInAway ? outer : this.for(home ?? outer);
    const name = home === null ? row.name : numberedName(row.name, true, `${folder}`);
    return plan.make({ parent, name, ...BLANK }, EMPTY);
  }

  #makeTop(folder: NodeId): NodeRef {
    const { space, bin, name } = this.ground.trashFor(folder);
    const ref = this.plan.make({ parent: bin, name, ...BLANK }, EMPTY);
    this.tops.push({ ref, space });
    return ref;
  }
}
