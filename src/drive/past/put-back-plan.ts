import type { NodeRow, PropertyRow } from '../../stores/metadata-store.js';
import type { NodeRef } from '../../stores/tree-change.js';
import type { NodeId } from '../../stores/values.js';
import { AwayFolders } from './away-folders.js';
import type { TreeStep } from './carry-out.js';
import type { PutBackGround } from './put-back-ground.js';
import { TreePlan, weightOf } from './tree-plan.js';
import { inPages, propertiesOf, type ReadPage } from './tree-walk.js';

/** Nodes that are thought about without a pause. */
const TOGETHER = 2_000;
const PAUSE = async () => {};

/** Thinks out how a tree becomes what it was. Nodes keep their numbers, and with them their histories, where they are still at hand. */
export class PutBackPlan {
  readonly plan: TreePlan;
  readonly away: AwayFolders;
  readonly #ground: PutBackGround;
  /** What each node of then will be. */
  readonly #targets = new Map<NodeId, NodeRef>();
  readonly #carriers = new Map<NodeId, NodeId>();
  readonly #carrying = new Set<NodeId>();
  readonly #steps: { readonly row: NodeRow; readonly what: TreeStep['what'] }[] = [];

  private constructor(ground: PutBackGround) {
    this.#ground = ground;
    this.plan = new TreePlan(ground.present);
    this.away = new AwayFolders(this.plan, {
      rows: ground.now,
      isTop: (folder) => folder === ground.roots.now?.id,
      homeOf: (folder) => (ground.trashed.has(folder) ? ground.root : null),
      goesAway: (id) => !this.#stays(id),
      trashFor: (folder) => ground.trashFor(folder),
    });
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

  #keep(row: NodeRow, target: NodeRow, properties: readonly [PropertyRow[], PropertyRow[]]): void {
    this.#targets.set(row.id, target.id);
    if ((row.toRevision ?? null) === null && target.id === row.id) return;
    const what = this.plan.become(target, row, this.#parentRef(row), properties);
    if (what === 'same') return;
    const isBack = this.#ground.trashed.has(target.id);
    if (isBack) this.plan.untrashed.push(target.id);
    this.#steps.push({ row, what: isBack ? 'back' : what });
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
      this.plan.bindAway(row, this.away.for(parent));
      this.#steps.push({ row, what: 'trashed' });
    }
  }
}
