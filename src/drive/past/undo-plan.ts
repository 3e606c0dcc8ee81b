import type { NodeRow, PropertyRow } from '../../stores/metadata-store.js';
import type { EndedState } from '../../stores/past.js';
import type { NodeRef } from '../../stores/tree-change.js';
import type { NodeId } from '../../stores/values.js';
import type { DrivePath } from '../names.js';
import { AwayFolders } from './away-folders.js';
import type { TreeStep } from './carry-out.js';
import { TreePlan, weightOf } from './tree-plan.js';
import { groupByNode, inPages, PROPERTIES_TOGETHER, propertiesOf, type ReadPage } from './tree-walk.js';
import type { UndoGround } from './undo-ground.js';

/** What stays as it is, and why. */
export interface KeptStep {
  readonly path: DrivePath;
  readonly isCollection: boolean;
  /**
   * `changed-since`: by somebody else, or by another program. `taken`: something else has its name now. `no-place`: its folder is not
   * there any more. `elsewhere`: it comes from, or is, where this is not about. `not-empty`: a folder with something else in it.
   */
  readonly why: 'changed-since' | 'taken' | 'no-place' | 'elsewhere' | 'not-empty';
}

/** A node that becomes what it was. */
interface Wish {
  readonly id: NodeId;
  /** As it was: the state that the first of their last changes ended, or the present one of what is in a destroyed folder. */
  readonly before: NodeRow;
  /** As it is; null: it was destroyed. */
  readonly row: NodeRow | null;
}

/** Thinks out how what one credential did is undone, as far as nobody has gone on with it. */
export class UndoPlan {
  readonly plan: TreePlan;
  readonly away: AwayFolders;
  readonly kept: KeptStep[] = [];
  readonly #ground: UndoGround;
  readonly #wishes = new Map<NodeId, Wish>();
  readonly #dropped = new Set<NodeId>();
  /** Folders that they made and that stay, as something else is in them. */
  readonly #stay = new Set<NodeId>();
  readonly #targets = new Map<NodeId, NodeRef | null>();
  readonly #steps: TreeStep[] = [];
  /** The dead properties that the nodes of the wishes get. */
  readonly #properties = new Map<NodeId, readonly PropertyRow[]>();

  private constructor(ground: UndoGround) {
    this.#ground = ground;
    this.plan = new TreePlan(ground.present);
    this.away = new AwayFolders(this.plan, {
      rows: ground.rows,
      isTop: () => false,
      homeOf: (folder) => (ground.trashed.has(folder) ? ground.anchors[0]!.id : null),
      goesAway: (id) => this.#goesAway(id),
      trashFor: (folder) => ground.trashFor(folder),
    });
  }

  static async make(read: ReadPage, ground: UndoGround): Promise<UndoPlan> {
    const plan = new UndoPlan(ground);
    plan.#wish();
    plan.#settle();
    await plan.#carryOut(read);
    plan.#planAway();
    return plan;
  }

  get counts(): Record<TreeStep['what'], number> {
    const counts = { back: 0, changed: 0, moved: 0, trashed: 0 };
    for (const { what } of this.#steps) counts[what]++;
    return counts;
  }

  steps(limit: number): TreeStep[] {
    return this.#steps.slice(0, limit);
  }

  #wish(): void {
    const { records, rows, present, made, destroyed } = this.#ground;
    for (const [id, { before, isTakenOver }] of records) {
      const row = present.get(id) ?? null;
      const known = row?.parentId ? row : (before?.node ?? null);
      if (isTakenOver) this.#keep(known, 'changed-since');
      else if (before) this.#wishFor(id, before, row);
      else if (rows.has(id)) made.add(id);
    }
    for (const row of destroyed.values()) {
      const record = records.get(row.id);
      const isTheirs = record && !record.isTakenOver;
      if (!isTheirs && !made.has(row.id))
        this.#wishes.set(row.id, { id: row.id, before: { ...row, toRevision: null }, row: null });
    }
  }

  #wishFor(id: NodeId, before: EndedState, row: NodeRow | null): void {
    const ground = this.#ground;
    const { anchors, rows, destroyed } = ground;
    const isHere = anchors.some((anchor) => before.above.includes(anchor.id));
    const isAlive = row !== null && row.parentId !== null && !destroyed.has(id);
    const isAtHand = !isAlive || rows.has(id) || ground.isSeen(id) || ground.isInTrash(id);
    if (!isHere || !isAtHand) this.#keep(isAlive && isAtHand ? row : before.node, 'elsewhere');
    else this.#wishes.set(id, { id, before: before.node, row: isAlive ? row : null });
  }

  #keep(row: NodeRow | null, why: KeptStep['why']): void {
    if (!row?.parentId) return;
    this.kept.push({ path: this.#ground.pathOf(row.parentId, row.name), isCollection: row.isCollection, why });
  }

  /** Drops wishes until those that are left go together. */
  #settle(): void {
    const { rows } = this.#ground;
    const occupants = new Map<string, NodeId>();
    for (const { id, parentId, name } of rows.values()) occupants.set(`${parentId}/${name}`, id);
    for (let isSettled = false; !isSettled; ) {
      isSettled = true;
      this.#findStaying();
      const claims = new Map<string, NodeId>();
      for (const wish of this.#inOrder()) {
        const why = this.#obstacle(wish, occupants, claims);
        if (why === null) continue;
        this.#dropped.add(wish.id);
        this.#keep(wish.row ?? wish.before, why);
        isSettled = false;
      }
    }
  }

  /** What is there comes before what has to be made. */
  #inOrder(): Wish[] {
    const wishes = [...this.#wishes.values()].filter(({ id }) => !this.#dropped.has(id));
    return [...wishes.filter(({ row }) => row !== null), ...wishes.filter(({ row }) => row === null)];
  }

  #obstacle(
    { id, before }: Wish,
    occupants: ReadonlyMap<string, NodeId>,
    claims: Map<string, NodeId>,
  ): 'no-place' | 'taken' | null {
    const parent = before.parentId!;
    if (!this.#isPlace(parent, new Set([id]))) return 'no-place';
    const key = `${parent}/${before.name}`;
    const occupant = occupants.get(key);
    if (occupant !== undefined && occupant !== id && !this.#leaves(occupant)) return 'taken';
    if (claims.has(key)) return 'taken';
    claims.set(key, id);
    return null;
  }

  /** Whether a folder is, or will be, in the tree. */
  #isPlace(folder: NodeId, below: Set<NodeId>): boolean {
    const { rows, anchors } = this.#ground;
    if (anchors.some(({ id }) => id === folder)) return true;
    if (below.has(folder)) return false;
    below.add(folder);
    const wish = this.#dropped.has(folder) ? undefined : this.#wishes.get(folder);
    if (wish) return this.#isPlace(wish.before.parentId!, below);
    const row = rows.get(folder);
    if (!row || this.#goesAway(folder)) return false;
    return this.#isPlace(row.parentId!, below);
  }

  #leaves(id: NodeId): boolean {
    if (this.#goesAway(id)) return true;
    const wish = this.#dropped.has(id) ? undefined : this.#wishes.get(id);
    if (!wish?.row) return false;
    return wish.before.parentId !== wish.row.parentId || wish.before.name !== wish.row.name;
  }

  #goesAway(id: NodeId): boolean {
    return this.#ground.made.has(id) && !this.#stay.has(id);
  }

  /** From below: a folder comes before its members. */
  #findStaying(): void {
    const { rows, made } = this.#ground;
    for (const row of [...rows.values()].reverse()) {
      if (this.#leaves(row.id) || !made.has(row.parentId!) || this.#stay.has(row.parentId!)) continue;
      this.#stay.add(row.parentId!);
      this.#keep(rows.get(row.parentId!)!, 'not-empty');
    }
  }

  async #carryOut(read: ReadPage): Promise<void> {
    const wishes = this.#inOrder();
    const ended = wishes.filter(({ before }) => before.toRevision !== null && before.propertyBytes > 0);
    const states = ended.map(({ before }) => ({ nodeId: before.id, toRevision: before.toRevision! }));
    const rows = await inPages(read, states, ({ view }, some) => view.past.formerProperties(some), PROPERTIES_TOGETHER);
    const former = groupByNode(rows);
    const own = wishes.filter(
      ({ row, before }) => (row ?? before).propertyBytes > 0 && (row || before.toRevision === null),
    );
    const present = await propertiesOf(
      read,
      own.map(({ id }) => id),
      ({ view }) => view,
    );
    for (const { id, before } of wishes)
      this.#properties.set(id, (before.toRevision === null ? present : former).get(id) ?? []);
    const replaceable = this.#replaceable();
    for (const { id, before, row } of wishes) {
      const carrier = row ? null : (replaceable.get(`${before.parentId}/${before.name}`) ?? null);
      const target = row ?? (before.isCollection ? null : carrier);
      if (!target) {
        this.#refOf(id);
        continue;
      }
      const parent = this.#refOf(before.parentId!);
      const what = this.plan.become(target, before, parent!, [
        this.#properties.get(id)!,
        row ? (present.get(id) ?? []) : [],
      ]);
      if (!row) this.#ground.made.delete(target.id);
      const isBack = row !== null && this.#ground.isInTrash(row.id);
      if (isBack && [this.#ground.membership.binId, this.#ground.membership.commonBinId].includes(row.parentId!))
        this.plan.untrashed.push(row.id);
      if (what !== 'same') this.#tell(before, isBack ? 'back' : what);
    }
  }

  /** Files that they made, by their places: they become what was destroyed there. */
  #replaceable(): Map<string, NodeRow> {
    const { made, rows } = this.#ground;
    const files = [...made]
      .flatMap((id) => rows.get(id) ?? [])
      .filter((row) => !row.isCollection && !row.propertyBytes);
    return new Map(files.map((row) => [`${row.parentId}/${row.name}`, row]));
  }

  /** What a node will be; one that was destroyed is made, after the folder that it is in. */
  #refOf(id: NodeId): NodeRef | null {
    const known = this.#targets.get(id);
    if (known !== undefined) return known;
    const wish = this.#dropped.has(id) ? undefined : this.#wishes.get(id);
    const ref = wish && !wish.row ? this.#make(wish) : id;
    this.#targets.set(id, ref);
    return ref;
  }

  #make({ id, before }: Wish): NodeRef {
    const propertyBytes = weightOf(this.#properties.get(id)!);
    const { isCollection, name, toRevision = null, size } = before;
    const node = {
      parent: this.#refOf(before.parentId!)!,
      name,
      like: { nodeId: id, toRevision },
      hasProperties: propertyBytes > 0,
      succeeds: isCollection ? null : id,
    };
    this.#tell(before, 'back');
    return this.plan.make(node, { size: isCollection ? 0 : size, propertyBytes, isCollection });
  }

  #planAway(): void {
    const { rows } = this.#ground;
    for (const row of rows.values()) {
      const parent = row.parentId!;
      if (!this.#goesAway(row.id) || (rows.has(parent) && this.#goesAway(parent))) continue;
      this.plan.bindAway(row, this.away.for(parent));
      this.#tell(row, 'trashed');
    }
  }

  #tell(row: NodeRow, what: TreeStep['what']): void {
    const { name, parentId, isCollection } = row;
    this.#steps.push({ path: this.#ground.pathOf(parentId!, name), isCollection, what });
  }
}
