import type { AccountStore } from '../../stores/account-store.js';
import type { Sweep, SweepId } from '../../stores/blob-index.js';
import type { ChangeLog } from '../../stores/change-log.js';
import type { CommitMark } from '../../stores/commit-watch.js';
import type { ImportStore } from '../../stores/import-store.js';
import type { JobStore } from '../../stores/job-store.js';
import type { LoginFlowStore } from '../../stores/login-flow-store.js';
import {
  type ContentRow,
  type NamedContentRow,
  NameTakenError,
  type NewNode,
  type NodeRow,
  type ParentRef,
  type StoreTransaction,
  type TrashBin,
} from '../../stores/metadata-store.js';
import type { Past } from '../../stores/past.js';
import type { SecurityStore } from '../../stores/security-store.js';
import type { StagedCopies } from '../../stores/staged-copies.js';
import type { ThrottleStore } from '../../stores/throttle-store.js';
import type { UploadTransaction } from '../../stores/uploads.js';
import type { BlobId, Digests, NodeId } from '../../stores/values.js';
import { nominateOfNodes } from './candidate-statements.js';
import { copyTree } from './copy-statements.js';
import { FreeNames } from './free-names.js';
import { bindNode, bindNodeFreely, insertNode, insertNodeFreely } from './name-statements.js';
import { nodeOf } from './node-rows.js';
import * as nodes from './node-statements.js';
import * as records from './record-statements.js';
import { RecordedContents } from './recorded-contents.js';
import { SqlAccountStore } from './sql-account-store.js';
import { SqlChangeLog } from './sql-change-log.js';
import {
  changedUnlessTaken,
  type SqlConnection,
  type TransactionSurroundings,
  UniqueViolation,
} from './sql-database.js';
import { SqlImportStore } from './sql-import-store.js';
import { SqlJobStore } from './sql-job-store.js';
import { SqlLockChanges } from './sql-lock-changes.js';
import { SqlLoginFlowStore } from './sql-login-flow-store.js';
import { SqlPast } from './sql-past.js';
import { SqlSecurityStore } from './sql-security-store.js';
import { SqlStagedCopies } from './sql-staged-copies.js';
import { SqlThrottleStore } from './sql-throttle-store.js';
import { SqlUploadTransaction } from './sql-uploads.js';

/** What a change adds to a collection and those above it. */
const UNCHANGED = { size: 0, descendants: 0, properties: 0 };

export class SqlStoreTransaction extends SqlLockChanges implements StoreTransaction {
  readonly #around: TransactionSurroundings;
  readonly #past: SqlPast;
  readonly #recorded: RecordedContents;
  /** Null where nothing is gained by knowing them, or nobody holds the drives. */
  readonly #names: FreeNames | null;

  constructor(connection: SqlConnection, around: TransactionSurroundings) {
    super(connection);
    this.#around = around;
    this.#past = new SqlPast(connection);
    this.#recorded = new RecordedContents(connection);
    this.#names = connection.facts ? new FreeNames() : null;
  }

  override async resolve(anchorId: NodeId, segments: readonly string[]): Promise<NodeRow[]> {
    const chain = await super.resolve(anchorId, segments);
    this.#names?.noteEnd(chain, segments);
    return chain;
  }

  override async resolveFile(anchorId: NodeId, segments: readonly string[]) {
    const found = await super.resolveFile(anchorId, segments);
    this.#names?.noteEnd(found.chain, segments);
    return found;
  }

  override async takenNames(parentId: NodeId, names: readonly string[]): Promise<Set<string>> {
    const taken = await super.takenNames(parentId, names);
    this.#names?.noteOthers(parentId, names, taken);
    return taken;
  }

  override async takenTrashNames(bin: TrashBin, names: readonly string[]): Promise<Set<string>> {
    const taken = await super.takenTrashNames(bin, names);
    this.#names?.noteOthers(bin.id, names, taken);
    return taken;
  }

  areRightsSame(since: CommitMark): boolean {
    return this.#around.commits?.areRightsSameHere(since) ?? false;
  }

  override get past(): Past {
    return this.#past;
  }

  override get changeLog(): ChangeLog {
    return new SqlChangeLog(this.connection);
  }

  get stagedCopies(): StagedCopies {
    return new SqlStagedCopies(this.connection, this.#past.signature);
  }

  override get uploads(): UploadTransaction {
    return new SqlUploadTransaction(this.connection, this.#recorded);
  }

  override get accounts(): AccountStore {
    return new SqlAccountStore(this.connection);
  }

  override get security(): SecurityStore {
    return new SqlSecurityStore(this.connection);
  }

  override get jobs(): JobStore {
    return new SqlJobStore(this.connection, this.#around.onSecretRemoved);
  }

  override get imports(): ImportStore {
    return new SqlImportStore(this.connection);
  }

  override get loginFlows(): LoginFlowStore {
    return new SqlLoginFlowStore(this.connection);
  }

  get throttle(): ThrottleStore {
    return new SqlThrottleStore(this.connection);
  }

  async insertNode(node: NewNode, now: number): Promise<NodeRow> {
    const revision = await this.#nextRevision();
    const size = node.content?.size ?? 0;
    const id = await this.#insert(node, size, revision);
    this.#past.beginState(id);
    await this.#touchParent(node.parentId, { size, descendants: 1, properties: 0 }, revision, now);
    return {
      id,
      driveId: node.driveId,
      parentId: node.parentId,
      name: node.name,
      isCollection: node.content === null,
      blobId: node.content?.id ?? null,
      size,
      descendants: 0,
      modified: node.modified,
      created: node.created,
      revision,
      propertyBytes: 0,
    };
  }

  /** Nobody waits for an answer where a number is there, the name is free, and the content recorded. */
  async #insert(node: NewNode, size: number, revision: number): Promise<NodeId> {
    const inserted = {
      drive: node.driveId,
      parent: node.parentId,
      name: node.name,
      isCollection: node.content ? 0 : 1,
      content: node.content?.id ?? null,
      key: node.content && this.#recorded.keyOf(node.content),
      size,
      modified: node.modified,
      created: node.created,
      revision,
      ...this.#past.signature,
    };
    const isFree = this.#names?.take(node.parentId, node.name) ?? false;
    const isSure = isFree && (node.content === null || this.#recorded.isRecorded(node.content.id));
    const id = isSure ? await this.connection.facts!.nodeId() : null;
    if (id !== null) {
      await insertNodeFreely.send(this.connection, { ...inserted, id }, nameTaken);
      return id as NodeId;
    }
    const row = await refuseTakenName(insertNode.first(this.connection, inserted));
    checkRecorded(node.content, row);
    return row.id as NodeId;
  }

  async replaceContent(file: NodeRow, content: NamedContentRow, modified: number): Promise<NodeRow> {
    const revision = await this.#nextRevision();
    const isSame = file.blobId === content.id && file.modified === modified;
    // What the past names has its bytes from there.
    if (isSame || !(await this.#past.remember(file.id, revision))) {
      await nominateOfNodes.send(this.connection, { ids: JSON.stringify([file.id]) });
    }
    const key = this.#recorded.keyOf(content);
    const replaced = { id: file.id, content: content.id, key, size: content.size, modified, revision };
    const changed = { ...replaced, ...this.#past.signatureOf(!isSame) };
    if (this.#recorded.isRecorded(content.id)) await nodes.replaceContent.send(this.connection, changed);
    else {
      const row = await nodes.replaceContent.first(this.connection, changed);
      if (row) checkRecorded(content, row);
    }
    await this.#touchAbove(file, revision, { ...UNCHANGED, size: content.size - file.size });
    return { ...file, blobId: content.id, size: content.size, modified, revision };
  }

  async setTimes(node: NodeRow, times: { modified?: number; created?: number }): Promise<void> {
    const revision = await this.#nextRevision();
    const { modified = node.modified, created = node.created } = times;
    const isSame = modified === node.modified && created === node.created;
    if (!isSame) await this.#past.remember(node.id, revision);
    const signature = this.#past.signatureOf(!isSame);
    await nodes.setTimes.send(this.connection, { id: node.id, modified, created, revision, ...signature });
    await this.#touch(node.id, revision);
  }

  async moveNode(node: NodeRow, parent: ParentRef, name: string, now: number): Promise<NodeRow> {
    const revision = await this.#nextRevision();
    const descendants = node.descendants + 1;
    if (node.parentId !== null) await this.#past.remember(node.id, revision);
    const binding = { id: node.id, parent: parent.id, name, revision, ...this.#past.signature };
    if (this.#names?.take(parent.id, name)) await bindNodeFreely.send(this.connection, binding, nameTaken);
    else await refuseTakenName(bindNode.run(this.connection, binding));
    if (node.parentId !== null) {
      await this.#noteRemoval(node, revision, now);
      const less = { size: -node.size, descendants: -descendants, properties: -node.propertyBytes };
      await this.#touchParent(node.parentId, less, revision, now);
    }
    if (node.driveId !== parent.driveId) {
      await nodes.moveToDrive.send(this.connection, { id: node.id, drive: parent.driveId, revision });
    }
    const more = { size: node.size, descendants, properties: node.propertyBytes };
    await this.#touchParent(parent.id, more, revision, now);
    return { ...node, driveId: parent.driveId, parentId: parent.id, name, revision };
  }

  async copyNode(
    node: NodeRow,
    parent: ParentRef,
    name: string,
    options: { isDeep: boolean; modified?: number },
    now: number,
  ): Promise<NodeRow> {
    const revision = await this.#nextRevision();
    const deep = options.isDeep ? 1 : 0;
    const { signature } = this.#past;
    const made = { id: node.id, drive: parent.driveId, parent: parent.id, name, deep, revision, ...signature };
    this.#names?.take(parent.id, name);
    const copy = nodeOf(await refuseTakenName(copyTree(this.connection, made)));
    this.#past.beginState(copy.id);
    const more = { size: copy.size, descendants: copy.descendants + 1, properties: copy.propertyBytes };
    await this.#touchParent(parent.id, more, revision, now);
    if (options.modified === undefined) return copy;
    const { modified } = options;
    await nodes.setTimes.send(this.connection, {
      id: copy.id,
      modified,
      created: copy.created,
      revision,
      ...signature,
    });
    return { ...copy, modified };
  }

  async detachNode(node: NodeRow, now: number): Promise<void> {
    const revision = await this.#nextRevision();
    await this.#noteRemoval(node, revision, now);
    await this.#past.remember(node.id, revision);
    await this.#touchAbove(node, revision, {
      size: -node.size,
      descendants: -(node.descendants + 1),
      properties: -node.propertyBytes,
    });
    await nodes.cutNode.send(this.connection, { id: node.id });
    await nodes.insertPurges.send(this.connection, { ids: JSON.stringify([node.id]) });
    await records.removeTrash.send(this.connection, { node: node.id });
  }

  async setProperties(
    node: NodeRow,
    changes: readonly { namespace: string; name: string; xml: string | null }[],
  ): Promise<{ own: number; growth: number }> {
    const revision = await this.#nextRevision();
    await this.#past.remember(node.id, revision);
    const before = await this.#ownPropertyBytes(node.id);
    for (const { namespace, name, xml } of changes) {
      if (xml === null) await records.removeProperty.send(this.connection, { node: node.id, namespace, name });
      else await records.putProperty.send(this.connection, { node: node.id, namespace, name, xml });
    }
    await records.markChanged.send(this.connection, { node: node.id, revision, ...this.#past.signature });
    const own = await this.#ownPropertyBytes(node.id);
    const growth = own - before;
    await this.#touch(node.id, revision, { ...UNCHANGED, properties: growth });
    return { own, growth };
  }

  async #ownPropertyBytes(node: NodeId): Promise<number> {
    return (await records.weighProperties.first(this.connection, { node }))?.bytes ?? 0;
  }

  putContent(content: ContentRow, now: number, restoredAfter: SweepId | null = null): Promise<Sweep | null> {
    return this.#recorded.put(content, now, restoredAfter);
  }

  mendContent(content: ContentRow, now: number, restoredAfter: SweepId | null): Promise<Sweep | boolean> {
    return this.#recorded.mend(content, now, restoredAfter);
  }

  noteDigests(content: ContentRow, digests: Digests): Promise<void> {
    return this.#recorded.noteDigests(content, digests);
  }

  async #nextRevision(): Promise<number> {
    return (await this.connection.facts?.revision()) ?? (await nodes.nextRevision.first(this.connection, {}))!.value;
  }

  /** A node and all above it. */
  async #touch(start: NodeId, revision: number, growth = UNCHANGED): Promise<void> {
    const { size, descendants } = growth;
    await nodes.touchUpwards.send(this.connection, { start, revision, size, descendants });
    await this.#addPropertyBytes(start, growth);
  }

  /** A collection whose own members change, and all above it. */
  async #touchParent(start: NodeId, growth: typeof UNCHANGED, revision: number, now: number): Promise<void> {
    const { size, descendants } = growth;
    await nodes.touchParent.send(this.connection, { start, revision, size, descendants, now });
    await this.#addPropertyBytes(start, growth);
  }

  async #addPropertyBytes(start: NodeId, { properties }: typeof UNCHANGED): Promise<void> {
    if (properties !== 0) await nodes.addPropertyBytes.send(this.connection, { start, properties });
  }

  /** Remembers that a name is free now, also for `ChangeLogView.removals`. */
  async #noteRemoval(node: NodeRow, revision: number, now: number): Promise<void> {
    if (node.parentId === null) return;
    this.#names?.note(node.parentId, node.name);
    await nodes.insertRemoval.send(this.connection, {
      drive: node.driveId,
      revision,
      parent: node.parentId,
      name: node.name,
      isCollection: Number(node.isCollection),
      now,
    });
  }

  async #touchAbove(node: NodeRow, revision: number, growth: typeof UNCHANGED): Promise<void> {
    if (node.parentId === null) return;
    await this.#touch(node.parentId, revision, growth);
  }
}

/** A node that names a content without its row would lose the bytes to the collector. */
function checkRecorded(content: { readonly id: BlobId } | null, row: { readonly content_key: number | null }): void {
  if (content && row.content_key === null) throw new Error(`content ${content.id} is not recorded`);
}

/** What a refusal by the index of names is called. */
function nameTaken(error: unknown): unknown {
  return error instanceof UniqueViolation ? new NameTakenError('the name is taken', { cause: error }) : error;
}

function refuseTakenName<T>(change: Promise<T>): Promise<NonNullable<T>> {
  return changedUnlessTaken(change, NameTakenError, 'the name is taken');
}
