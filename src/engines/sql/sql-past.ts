import type { ChildPosition, NodeRow, PropertyRow } from '../../stores/metadata-store.js';
import type { ChangeAuthor, DueState, EndedState, HeldState, Past, StateRow } from '../../stores/past.js';
import type { TreeChange } from '../../stores/tree-change.js';
import type { AppPasswordId, DriveId, NodeId, UserId } from '../../stores/values.js';
import { nominateKeys } from './candidate-statements.js';
import { changeTree } from './change-tree.js';
import { nodeOfList } from './node-rows.js';
import type { Signature } from './node-statements.js';
import * as statements from './past-statements.js';
import type { SqlConnection } from './sql-database.js';

const NOBODY: Signature = { at: 0, by: null, with: null };
const BEHIND_ALL = { untilAt: Number.MAX_SAFE_INTEGER, nodeId: 0, toRevision: 0 };
/** No past is known yet. */
const NO_PAST = Number.MAX_SAFE_INTEGER;

export class SqlPast implements Past {
  readonly #connection: SqlConnection;
  #author: ChangeAuthor | null = null;
  #keptMs = 0;
  /** Nodes whose present state began in this transaction: nobody has seen another one of them. */
  readonly #begun = new Set<NodeId>();

  constructor(connection: SqlConnection) {
    this.#connection = connection;
  }

  sign(author: ChangeAuthor, keptMs: number): void {
    this.#author = author;
    this.#keptMs = keptMs;
  }

  /** What a statement that changes a node writes of its author: 0, and nobody, where nobody has signed. */
  get signature(): Signature {
    if (this.#author === null) return NOBODY;
    const { at, userId, appPasswordId } = this.#author;
    return { at, by: userId, with: appPasswordId };
  }

  /** The same of a change that may change nothing of the node. */
  signatureOf(isChange: boolean): Signature {
    return isChange ? this.signature : NOBODY;
  }

  /** To be called for each node that is made. */
  beginState(id: NodeId): void {
    this.#begun.add(id);
  }

  /** Keeps the state of a node that a change, of this revision, is about to end. Says whether it did. */
  async remember(id: NodeId, revision: number): Promise<boolean> {
    if (this.#author === null) return false;
    if (this.#begun.has(id)) return true;
    this.#begun.add(id);
    await statements.rememberState.send(this.#connection, { id, revision, kept: this.#keptMs, ...this.signature });
    return true;
  }

  async states(fileId: NodeId, before: number | null, limit: number): Promise<StateRow[]> {
    const rows = await statements.states.lists<statements.StateList>(this.#connection, { id: fileId, before, limit });
    const states = rows.map((row) => ({
      node: nodeOfList(row),
      toRevision: row[12],
      fromAt: row[13],
      untilAt: row[14],
      madeBy: row[15],
      madeWith: row[16],
      above: numbersIn(row[17]),
    }));
    const end = ({ toRevision }: StateRow) => toRevision ?? Number.POSITIVE_INFINITY;
    return states.sort((one, other) => (end(one) < end(other) ? 1 : -1)).slice(0, limit);
  }

  async due(driveId: DriveId, now: number, limit: number): Promise<DueState[]> {
    return (await statements.dueStates.all(this.#connection, { drive: driveId, now, limit })).map(dueStateOf);
  }

  async endedBefore(driveId: DriveId, time: number, limit: number): Promise<DueState[]> {
    return (await statements.endedBefore.all(this.#connection, { drive: driveId, time, limit })).map(dueStateOf);
  }

  async held(driveId: DriveId, before: HeldState | null, limit: number): Promise<HeldState[]> {
    const { untilAt: until, nodeId: node, toRevision: revision } = before ?? BEHIND_ALL;
    const rows = await statements.heldStates.all(this.#connection, { drive: driveId, until, node, revision, limit });
    return rows.map((row) => ({
      nodeId: row.node_id as NodeId,
      toRevision: row.to_revision,
      untilAt: row.until_at,
      bytes: row.bytes,
    }));
  }

  async since(driveId: DriveId): Promise<number> {
    return (await statements.pastSince.first(this.#connection, { drive: driveId }))?.past_since ?? NO_PAST;
  }

  async vacatedBy({ parentId, name }: ChildPosition, since: number): Promise<NodeId | null> {
    const { by, with: device } = this.signature;
    if (by === null) return null;
    const wanted = { parent: parentId, name, since, by, with: device };
    return ((await statements.vacatedBy.first(this.#connection, wanted))?.node_id ?? null) as NodeId | null;
  }

  async succeed({ id, revision }: Pick<NodeRow, 'id' | 'revision'>, former: NodeId): Promise<void> {
    await statements.insertSuccession.send(this.#connection, { id, former, revision });
  }

  async endedSince(driveId: DriveId, since: number, after: EndedState | null, limit: number): Promise<EndedState[]> {
    const position = after
      ? { since: after.untilAt, node: after.node.id, revision: after.toRevision }
      : { since, node: Number.MAX_SAFE_INTEGER, revision: 0 };
    const wanted = { drive: driveId, ...position, limit };
    return (await statements.endedSince.lists<statements.EndedList>(this.#connection, wanted)).map(endedStateOf);
  }

  async begunSince(ids: readonly NodeId[], { at, userId, appPasswordId }: ChangeAuthor): Promise<NodeId[]> {
    const wanted = { ids: JSON.stringify(ids), since: at, by: userId, with: appPasswordId };
    return (await statements.begunSince.all(this.#connection, wanted)).map(({ id }) => id as NodeId);
  }

  async formerProperties(states: readonly { nodeId: NodeId; toRevision: number }[]): Promise<PropertyRow[]> {
    const wanted = JSON.stringify(states.map(({ nodeId, toRevision }) => [nodeId, toRevision]));
    const rows = await statements.formerProperties.all(this.#connection, { states: wanted });
    return rows.flatMap(({ node_id: id, properties }) => propertiesIn(id as NodeId, properties));
  }

  async formerFiles(ids: readonly NodeId[]): Promise<{ id: NodeId; formerId: NodeId }[]> {
    const rows = await statements.formerFiles.all(this.#connection, { ids: JSON.stringify(ids) });
    return rows.map(({ id, former_id: formerId }) => ({ id: id as NodeId, formerId: formerId as NodeId }));
  }

  changeTree(change: TreeChange, now: number): Promise<NodeId[]> {
    return changeTree(this.#connection, change, { now, keptMs: this.#keptMs, ...this.signature });
  }

  async begin(driveId: DriveId, since: number): Promise<void> {
    await statements.beginPast.run(this.#connection, { drive: driveId, since });
  }

  async letGo(states: readonly Pick<DueState, 'nodeId' | 'toRevision'>[]): Promise<void> {
    if (states.length === 0) return;
    const wanted = JSON.stringify(states.map(({ nodeId, toRevision }) => [nodeId, toRevision]));
    const gone = await statements.forgetStates.all(this.#connection, { states: wanted });
    const keys = gone.flatMap(({ content_key: key }) => (key === null ? [] : [key]));
    await nominateKeys.run(this.#connection, { keys: JSON.stringify([...new Set(keys)]) });
    const ids = JSON.stringify([...new Set(states.map(({ nodeId }) => nodeId))]);
    await statements.releasePurges.run(this.#connection, { ids });
  }

  async keep(states: readonly (Pick<DueState, 'nodeId' | 'toRevision'> & { readonly dueAt: number })[]): Promise<void> {
    if (states.length === 0) return;
    const wanted = JSON.stringify(states.map(({ nodeId, toRevision, dueAt }) => [nodeId, toRevision, dueAt]));
    await statements.postponeStates.run(this.#connection, { states: wanted });
  }
}

/** Of a node, as a state keeps them. */
export function propertiesIn(nodeId: NodeId, json: string): PropertyRow[] {
  const list = JSON.parse(json) as [namespace: string, name: string, xml: string][];
  return list.map(([namespace, name, xml]) => ({ nodeId, namespace, name, xml }));
}

function numbersIn(above: string): NodeId[] {
  return above.split('/').flatMap((id) => (id === '' ? [] : [Number(id) as NodeId]));
}

function endedStateOf(row: statements.EndedList): EndedState {
  return {
    node: { ...nodeOfList(row), toRevision: row[12] },
    toRevision: row[12],
    fromAt: row[13],
    untilAt: row[14],
    madeBy: row[15] as UserId | null,
    madeWith: row[16] as AppPasswordId | null,
    endedBy: row[17] as UserId | null,
    endedWith: row[18] as AppPasswordId | null,
    above: numbersIn(row[19]),
  };
}

function dueStateOf(row: { node_id: number; to_revision: number; from_at: number; until_at: number }): DueState {
  const { node_id: nodeId, to_revision: toRevision, from_at: fromAt, until_at: untilAt } = row;
  return { nodeId: nodeId as NodeId, toRevision, fromAt, untilAt };
}
