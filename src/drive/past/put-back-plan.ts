import type { NodeRow, PropertyRow } from '../../stores/metadata-store.js';
import type { NodeRef } from '../../stores/tree-change.js';
import type { NodeId } from '../../stores/values.js';
import { type DrivePath, numberedName } from '../names.js';
import type { PutBackGround } from './put-back-ground.js';
import { TreePlan, weightOf } from './tree-plan.js';
import { inPages, propertiesOf, type ReadPage } from './tree-walk.js';

/** Nodes that are thought about without a pause. */
const TOGETHER = 2_000;
const PAUSE = async () => {};

/** What becomes of one file or folder. */
export interface TreeStep {
  /** Where it will be; of what goes to the trash where it is. */
  readonly path: DrivePath;
  readonly isCollection: boolean;
  /** `back`: it is there again. `changed`: its content, date or properties. `moved`: its place or name, maybe both. */
  readonly what: 'back' | 'changed' | 'moved' | 'trashed';
}

/** A folder that is made in the trash for what was not there then. */
export interface TrashTop {
  readonly ref: NodeRef;
  readonly space: 'home' | 'common';
}

/** Thinks out how a tree becomes what it was. Nodes keep their numbers, and with them their histories, where they are still at hand. */
export class PutBackPlan {
  readonly plan: TreePlan;
  readonly tops: TrashTop[] = [];
  readonly #ground: PutBackGround;
  /** What each node of then will be. */
  readonly #targets = new Map<NodeId, NodeRef>();
  readonly #carriers = new Map<NodeId, NodeId>();
  readonly #carrying = new Set<NodeId>();
  readonly #away = new Map<NodeId, NodeRef>();
  readonly #steps: { readonly row: NodeRow; readonly what: TreeStep['what'] }[] = [];

  private constructor(ground: PutBackGround) {
    this.#ground = ground;
    this.plan = new TreePlan(ground.present);
  }

  static async make(read: ReadPage, ground: PutBackGround): Promise<PutBackPlan> {
    const plan = new PutBackPlan(ground);
    await plan.#findCarriers(read);
    await plan.#planThen(read);
    plan.#planAway();
    return plan;
  }

  get count(): number {
    return this.#steps.length;
  }

  /** How many of each kind. */
  get counts(): Record<TreeStep['what'], number> {
    const counts = { back: 0, changed: 0, moved: 0, trashed: 0 };
    for (const { what } of this.#steps) counts[what]++;
    return counts;
  }

  /** The first steps. */
  steps(limit: number): TreeStep[] {
    return this.#steps.slice(0, limit).map(({ row, what }) => {
      const { before, now } = this.#ground;
      const path = this.#ground.pathIn(row, what === 'trashed' ? now : before);
      return { path, isCollection: row.isCollection, what };
    });
  }

  /**
   * What lies where something of then lay that is not at hand any more becomes that: a folder, a file that has its content and dates, or
   * one that took its place, as programs do that save. It keeps its history.
   */
  async #findCarriers(read: ReadPage): Promise<void> {
    const { before, now, trashed } = this.#ground;
    const occupants = new Map<string, NodeRow>();
    for (const row of now.values()) if (!before.has(row.id)) occupants.set(`${row.parentId}/${row.name}`, row);
    if (occupants.size === 0) return;
    const wanted = new Map<NodeId, NodeRow>();
    for (const row of before.values()) {
      if (now.has(row.id) && !trashed.has(row.id)) continue;
      const parent = this.#ground.parentOf(row);
      const occupant = occupants.get(`${this.#carriers.get(parent) ?? parent}/${row.name}`);
      if (!occupant || occupant.isCollection !== row.isCollection) continue;
      const isLike = occupant.blobId === row.blobId && occupant.modified === row.modified;
      if (!row.isCollection && !isLike) wanted.set(occupant.id, row);
      else if (!now.has(row.id)) this.#carriers.set(row.id, occupant.id);
    }
    const lines = await inPages(read, [...wanted.keys()], ({ view }, ids) => view.past.formerFiles(ids));
    for (const { id, formerId } of lines) if (wanted.get(id)!.id === formerId) this.#carriers.set(formerId, id);
    for (const id of this.#carriers.values()) this.#carrying.add(id);
  }

  async #planThen(read: ReadPage): Promise<void> {
    const { before, now, moment } = this.#ground;
    const rows = [...before.values()];
    const ended = rows.filter(({ id, toRevision }) => toRevision !== null || this.#carriers.has(id));
    const flagged = rows.filter(({ id, propertyBytes, toRevision }) => {
      const present = now.get(this.#carriers.get(id) ?? id);
      if (!present) return propertyBytes > 0;
      return (toRevision !== null || present.id !== id) && (propertyBytes > 0 || present.propertyBytes > 0);
    });
    const ids = flagged.map(({ id }) => id);
    const own = ended
      .flatMap(({ id }) => now.get(this.#carriers.get(id) ?? id) ?? [])
      .filter((node) => node.propertyBytes);
    const ownIds = own.map(({ id }) => id);
    const former = await propertiesOf(read, ids, ({ view }) => view.at(moment));
    const present = await propertiesOf(read, ownIds, ({ view }) => view);
    for (const [index, row] of rows.entries()) {
      if (index % TOGETHER === 0) await read(PAUSE);
      const carrier = this.#carriers.get(row.id);
      const target = now.get(carrier ?? row.id);
      const properties = former.get(row.id) ?? [];
      if (target) this.#keep(row, target, [properties, present.get(target.id) ?? []]);
      else this.#make(row, weightOf(properties));
      if (row.isCollection) this.plan.dates.set(this.#targets.get(row.id)!, row.modified);
    }
  }

  #keep(row: NodeRow, target: NodeRow, [former, present]: readonly [PropertyRow[], PropertyRow[]]): void {
    this.#targets.set(row.id, target.id);
    const { toRevision = null, id } = row;
    if (toRevision === null && target.id === id) return;
    const parent = this.#parentRef(row);
    const isPlaced = target.parentId === parent && target.name === row.name;
    const sameProperties = textOf(former) === textOf(present);
    const isSame =
      row.created === target.created &&
      (row.isCollection || (row.blobId === target.blobId && row.modified === target.modified)) &&
      sameProperties;
    if (isPlaced && isSame) return;
    const size = row.isCollection ? 0 : row.size - target.size;
    const propertyBytes = sameProperties ? 0 : weightOf(former) - weightOf(present);
    const node = {
      id: target.id,
      place: isPlaced ? null : { parent, name: row.name },
      like: isSame ? null : { nodeId: id, toRevision },
      setsProperties: !sameProperties,
      isCollection: row.isCollection,
      succeeds: null,
    };
    this.plan.change(node, { size, propertyBytes });
    const isBack = this.#ground.trashed.has(target.id);
    if (isBack) this.plan.untrashed.push(target.id);
    this.#steps.push({ row, what: isBack ? 'back' : isPlaced ? 'changed' : 'moved' });
  }

  #make(row: NodeRow, propertyBytes: number): void {
    const like = { nodeId: row.id, toRevision: row.toRevision ?? null };
    const succeeds = row.isCollection || this.#ground.isElsewhere(row.id) ? null : row.id;
    const node = {
      parent: this.#parentRef(row),
      name: row.name,
      like,
      hasProperties: propertyBytes > 0,
      succeeds,
    };
    const { isCollection } = row;
    this.#targets.set(row.id, this.plan.make(node, { size: isCollection ? 0 : row.size, propertyBytes, isCollection }));
    this.#steps.push({ row, what: 'back' });
  }

  #parentRef(row: NodeRow): NodeRef {
    const parent = this.#ground.parentOf(row);
    return this.#targets.get(parent) ?? parent;
  }

  #stays(id: NodeId): boolean {
    return this.#ground.before.has(id) || this.#carrying.has(id);
  }

  /** What was not there then goes to the trash, as one folder with all folders that it was in. */
  #planAway(): void {
    const { now } = this.#ground;
    for (const row of now.values()) {
      if (this.#stays(row.id)) continue;
      const parent = row.parentId!;
      // With the folder that it is in.
      if (now.has(parent) && !this.#stays(parent)) continue;
      const place = { parent: this.#awayFrom(parent), name: row.name };
      const { id, isCollection } = row;
      this.plan.change({ id, place, like: null, setsProperties: false, isCollection, succeeds: null });
      this.#steps.push({ row, what: 'trashed' });
    }
  }

  /** The folder in the trash for what was in a folder. */
  #awayFrom(folder: NodeId): NodeRef {
    const known = this.#away.get(folder);
    if (known !== undefined) return known;
    const ref = this.#makeAway(folder);
    this.#away.set(folder, ref);
    return ref;
  }

  #makeAway(folder: NodeId): NodeRef {
    const { now, trashed } = this.#ground;
    const row = now.get(folder);
    if (!row) return this.#topFor(folder);
    const outer = row.parentId!;
    if (folder === this.#ground.roots.now?.id) return this.#awayFrom(outer);
    const isInAway = now.has(outer) && !this.#stays(outer);
    const parent = isInAway ? outer : this.#awayFrom(trashed.has(folder) ? this.#ground.root : outer);
    const name = trashed.has(folder) ? numberedName(row.name, true, `${folder}`) : row.name;
    const blank = { like: null, hasProperties: false, succeeds: null };
    return this.plan.make({ parent, name, ...blank }, { size: 0, propertyBytes: 0, isCollection: true });
  }

  #topFor(folder: NodeId): NodeRef {
    const { space, bin, name } = this.#ground.trashFor(folder);
    const blank = { like: null, hasProperties: false, succeeds: null };
    const weight = { size: 0, propertyBytes: 0, isCollection: true };
    const ref = this.plan.make({ parent: bin, name, ...blank }, weight);
    this.tops.push({ ref, space });
    return ref;
  }
}

/** The same text for the same properties. */
function textOf(properties: readonly PropertyRow[]): string {
  return JSON.stringify(properties.map(({ namespace, name, xml }) => JSON.stringify([namespace, name, xml])).sort());
}
