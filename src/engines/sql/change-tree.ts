import { setImmediate as turn } from 'node:timers/promises';
import {
  type ChangedNode,
  type MadeNode,
  type NodeRef,
  StateGoneError,
  type TreeChange,
} from '../../stores/tree-change.js';
import type { NodeId } from '../../stores/values.js';
import type { Signature } from './node-statements.js';
import type { SqlConnection } from './sql-database.js';
import { copyPropertiesOf, nextNodeIds } from './staged-copy-statements.js';
import * as statements from './tree-change-statements.js';

interface Circumstances extends Signature {
  readonly now: number;
  readonly keptMs: number;
}

/** Rows of one statement. SQLite answers nobody else meanwhile: some 10 ms. For PostgreSQL each statement is a trip. */
const TOGETHER = { sqlite: 300, postgres: 50_000 };
/** Nodes whose dead properties one statement writes: those of each may have 256 KiB. */
const PROPERTIES_TOGETHER = { sqlite: 20, postgres: 2_000 };

/** See `Past.changeTree`. */
export async function changeTree(
  connection: SqlConnection,
  change: TreeChange,
  where: Circumstances,
): Promise<NodeId[]> {
  const ids = change.made.length === 0 ? [] : await nextNodeIds(connection, change.made.length);
  const bound = change.changed.filter(({ place }) => place !== null);
  const revisions = await takeRevisions(connection, bound.length + 1);
  await new ChangingTree(connection, change, where, ids, bound, revisions).carryOut();
  return ids as NodeId[];
}

class ChangingTree {
  readonly #connection: SqlConnection;
  readonly #signature: Signature;
  /** Of those that get another place each has a revision of its own: the change log tells them one after the other. */
  readonly #revisionOf = new Map<number, number>();
  readonly #last: number;

  constructor(
    connection: SqlConnection,
    readonly change: TreeChange,
    readonly where: Circumstances,
    readonly ids: readonly number[],
    readonly bound: readonly ChangedNode[],
    revisions: readonly number[],
  ) {
    this.#connection = connection;
    this.#signature = { at: where.at, by: where.by, with: where.with };
    bound.forEach(({ id }, index) => void this.#revisionOf.set(id, revisions[index]!));
    this.#last = revisions.at(-1)!;
  }

  async carryOut(): Promise<void> {
    const { change, bound, where } = this;
    const { changed } = change;
    const signature = this.#signature;
    const revised = ({ id }: ChangedNode) => [id, this.#revision(id)];
    const kept = where.keptMs;
    await this.#send(changed, revised, (states) =>
      statements.rememberStates.run(this.#connection, { states, kept, ...signature }),
    );
    await this.#send(bound, revised, (nodes) =>
      statements.noteRemovals.run(this.#connection, { nodes, now: where.now }),
    );
    const numbered = ({ id }: ChangedNode) => id;
    await this.#send(bound, numbered, (nodes) => statements.unbindNodes.run(this.#connection, { ids: nodes }));
    await this.#make();
    await this.#send(
      bound,
      ({ id, place }) => [id, this.#idOf(place!.parent), place!.name, this.#revision(id)],
      (nodes) => statements.bindNodes.run(this.#connection, { nodes, ...signature }),
    );
    await this.#takeStates();
    await this.#setProperties();
    await this.#finish();
  }

  async #make(): Promise<void> {
    const { driveId: drive, moment, made } = this.change;
    const { now } = this.where;
    const list = ({ parent, name, like }: MadeNode, index: number) => [
      ...[this.ids[index], this.#idOf(parent), name, like?.nodeId ?? null, like?.toRevision ?? null, this.#last],
    ];
    const count = await this.#send(made, list, (nodes) =>
      statements.makeNodes.run(this.#connection, { nodes, drive, moment, now, ...this.#signature }),
    );
    if (count !== made.length) throw new StateGoneError('a state to be copied is not there any more');
  }

  async #takeStates(): Promise<void> {
    const { moment } = this.change;
    const taking = this.change.changed.filter(({ like }) => like !== null);
    const count = await this.#send(
      taking,
      ({ id, like }) => [id, like!.nodeId, like!.toRevision, this.#revision(id)],
      (nodes) => statements.takeStates.run(this.#connection, { nodes, moment, ...this.#signature }),
    );
    if (count !== taking.length) throw new StateGoneError('a state to be taken up is not there any more');
  }

  async #setProperties(): Promise<void> {
    const { changed, made } = this.change;
    const set = changed.filter(({ setsProperties }) => setsProperties);
    const size = PROPERTIES_TOGETHER[this.#connection.dialect];
    const drop = (ids: string) => statements.dropProperties.run(this.#connection, { ids });
    await this.#send(set, ({ id }) => id, drop, size);
    const own = made.flatMap((node, index) => (node.hasProperties ? [{ id: this.ids[index]!, ...node.like! }] : []));
    const all = [...set.map(({ id, like }) => ({ id: id as number, ...like! })), ...own];
    await this.#send(
      all.filter(({ toRevision }) => toRevision !== null),
      ({ id, nodeId, toRevision }) => [id, nodeId, toRevision],
      (nodes) => statements.putFormerProperties.run(this.#connection, { nodes }),
      size,
    );
    await this.#send(
      all.filter(({ toRevision }) => toRevision === null),
      ({ id, nodeId }) => [nodeId, id],
      (copies) => copyPropertiesOf.run(this.#connection, { copies }),
      size,
    );
    const isFolder = new Set(this.change.grown.map(({ folder }) => this.#idOf(folder)));
    const files = [...set.filter(({ isCollection }) => !isCollection), ...own.filter(({ id }) => !isFolder.has(id))];
    await this.#send(
      files,
      ({ id }) => id,
      (ids) => statements.weighFiles.run(this.#connection, { ids }),
      size,
    );
  }

  async #finish(): Promise<void> {
    const { changed, grown, made, untrashed } = this.change;
    const revision = this.#last;
    await this.#send(
      grown,
      ({ folder, size, descendants, modified }) => [this.#idOf(folder), size, descendants, 0, modified],
      (folders) => statements.growFolders.run(this.#connection, { folders, revision }),
    );
    await this.#send(
      grown.filter(({ propertyBytes }) => propertyBytes !== 0),
      ({ folder, propertyBytes }) => [this.#idOf(folder), propertyBytes],
      (folders) => statements.growProperties.run(this.#connection, { folders }),
    );
    const heirs = [
      ...made.map(({ succeeds }, index) => ({ id: this.ids[index]!, succeeds })),
      ...changed.map(({ id, succeeds }) => ({ id: id as number, succeeds })),
    ].filter(({ succeeds }) => succeeds !== null);
    await this.#send(
      heirs,
      ({ id, succeeds }) => [id, succeeds, revision],
      (nodes) => statements.insertSuccessions.run(this.#connection, { nodes }),
    );
    await this.#send(
      untrashed,
      (id) => id,
      (ids) => statements.leaveTrash.run(this.#connection, { ids }),
    );
  }

  #idOf(ref: NodeRef): number {
    return ref < 0 ? this.ids[-ref - 1]! : ref;
  }

  #revision(id: number): number {
    return this.#revisionOf.get(id) ?? this.#last;
  }

  /** Runs a statement on all of these, some at a time. Returns how many rows it changed. */
  async #send<T>(
    rows: readonly T[],
    list: (row: T, index: number) => unknown,
    run: (json: string) => Promise<number>,
    size = TOGETHER[this.#connection.dialect],
  ): Promise<number> {
    let count = 0;
    for (let start = 0; start < rows.length; start += size) {
      const some = rows.slice(start, start + size).map((row, index) => list(row, start + index));
      count += await run(JSON.stringify(some));
      // Nothing of the transaction waits for it, and others are answered.
      if (this.#connection.dialect === 'sqlite' && rows.length > size) await turn();
    }
    return count;
  }
}

async function takeRevisions(connection: SqlConnection, count: number): Promise<number[]> {
  const rows = await statements.takeRevisions.all(connection, { count });
  if (connection.dialect === 'postgres') return rows.map(({ value }) => value);
  return Array.from({ length: count }, (_, index) => rows[0]!.value + index);
}
