import type { AccountView } from '../../stores/account-store.js';
import type { ChangeLogView } from '../../stores/change-log.js';
import type { ImportView } from '../../stores/import-store.js';
import type { JobView } from '../../stores/job-store.js';
import type { LoginFlowView } from '../../stores/login-flow-store.js';
import type {
  ChildPosition,
  ContentRow,
  DriveRoots,
  DriveTotals,
  DuePage,
  DueWork,
  HeldLock,
  LockRow,
  NodeRow,
  PropertyRow,
  StoreView,
  TrashBin,
  TrashRow,
  Usage,
  VacatedLock,
} from '../../stores/metadata-store.js';
import type { PastView } from '../../stores/past.js';
import type { SecurityView } from '../../stores/security-store.js';
import type { UploadView } from '../../stores/uploads.js';
import type { BlobId, Digests, DriveId, LockToken, NodeId, UserId } from '../../stores/values.js';
import * as contents from './content-statements.js';
import { DUE_DRIVES } from './due-statements.js';
import { heldLockOf, isHeld, lockFactsOf, lockOf, placesBelow } from './lock-rows.js';
import * as locks from './lock-statements.js';
import { contentOf, digestsOf, nodeOf, nodeOfList, trashOf } from './node-rows.js';
import * as nodes from './node-statements.js';
import * as past from './past-statements.js';
import * as records from './record-statements.js';
import { SqlAccountStore } from './sql-account-store.js';
import { SqlChangeLog } from './sql-change-log.js';
import type { SqlConnection } from './sql-database.js';
import { SqlImportStore } from './sql-import-store.js';
import { SqlJobStore } from './sql-job-store.js';
import { SqlLoginFlowStore } from './sql-login-flow-store.js';
import { propertiesIn, SqlPast } from './sql-past.js';
import { SqlSecurityStore } from './sql-security-store.js';
import { SqlUploadView } from './sql-uploads.js';

export class SqlStoreView implements StoreView {
  constructor(protected readonly connection: SqlConnection) {}

  get changeLog(): ChangeLogView {
    return new SqlChangeLog(this.connection);
  }

  get past(): PastView {
    return new SqlPast(this.connection);
  }

  at(moment: number): StoreView {
    return new SqlPastView(this.connection, moment);
  }

  ahead<T>(look: () => Promise<T>): Promise<T> | null {
    if (!this.connection.send) return null;
    const asked = look();
    asked.catch(() => {});
    return asked;
  }

  get uploads(): UploadView {
    return new SqlUploadView(this.connection);
  }

  get accounts(): AccountView {
    return new SqlAccountStore(this.connection);
  }

  get security(): SecurityView {
    return new SqlSecurityStore(this.connection);
  }

  get jobs(): JobView {
    return new SqlJobStore(this.connection, () => {});
  }

  get imports(): ImportView {
    return new SqlImportStore(this.connection);
  }

  get loginFlows(): LoginFlowView {
    return new SqlLoginFlowStore(this.connection);
  }

  async findNodes(ids: readonly NodeId[]): Promise<NodeRow[]> {
    return (await nodes.findNodes.all(this.connection, { ids: JSON.stringify(ids) })).map(nodeOf);
  }

  async resolve(anchorId: NodeId, segments: readonly string[]): Promise<NodeRow[]> {
    const rows = await nodes.resolvePath.lists<nodes.NodeList>(this.connection, {
      anchor: anchorId,
      segments: JSON.stringify(segments),
    });
    return rows.map(nodeOfList);
  }

  async resolveFile(anchorId: NodeId, segments: readonly string[]) {
    const rows = await nodes.resolveFile.lists<nodes.NodeAndContentList>(this.connection, {
      anchor: anchorId,
      segments: JSON.stringify(segments),
      length: segments.length,
    });
    const chain = rows.map(nodeOfList);
    const last = chain[segments.length];
    if (!last?.blobId) return { chain, content: null };
    const row = rows[segments.length]!;
    const size = row[12];
    if (size === null) return { chain, content: null };
    const facts = { sha1: row[13], md5: row[14], bytes: row[15], place: row[16], key: row[17]! };
    return { chain, content: contentOf({ id: last.blobId, size, ...facts }) };
  }

  async ancestors(id: NodeId): Promise<NodeRow[]> {
    return (await nodes.ancestors.all(this.connection, { id })).map(nodeOf);
  }

  async children(parents: readonly NodeId[], after: ChildPosition | null, limit: number): Promise<NodeRow[]> {
    const [only] = parents;
    if (only !== undefined && parents.length === 1) {
      if (after !== null && after.parentId > only) return [];
      const rows = await nodes.childrenOfOne.lists<nodes.NodeList>(this.connection, {
        parent: only,
        after: after?.parentId === only ? after.name : '',
        limit,
      });
      return rows.map(nodeOfList);
    }
    const rows = await nodes.childrenOfMany.lists<nodes.NodeList>(this.connection, {
      parents: JSON.stringify(parents),
      afterParent: after?.parentId ?? -1,
      afterName: after?.name ?? '',
      limit,
    });
    return rows.map(nodeOfList);
  }

  async takenNames(parentId: NodeId, names: readonly string[]): Promise<Set<string>> {
    const rows = await nodes.takenNames.all(this.connection, { parent: parentId, names: JSON.stringify(names) });
    return new Set(rows.map((row) => row.name));
  }

  async findContent({ id, blobId }: Pick<NodeRow, 'id' | 'blobId'>): Promise<ContentRow | null> {
    if (blobId === null) return null;
    const row = await contents.contentOfFile.first(this.connection, { node: id, id: blobId });
    return row ? contentOf(row) : null;
  }

  digests(files: readonly NodeId[]): Promise<Map<BlobId, Digests>> {
    return this.digestsBy(contents.digests, files);
  }

  protected async digestsBy(asked: typeof contents.digests, files: readonly NodeId[]): Promise<Map<BlobId, Digests>> {
    const rows = await asked.all(this.connection, { nodes: JSON.stringify(files) });
    return new Map(rows.map((row) => [row.id as BlobId, digestsOf(row)]));
  }

  async properties(nodeIds: readonly NodeId[]): Promise<PropertyRow[]> {
    const rows = await records.properties.all(this.connection, { nodes: JSON.stringify(nodeIds) });
    return rows.map((row) => ({
      nodeId: row.node_id as NodeId,
      namespace: row.namespace,
      name: row.name,
      xml: row.xml,
    }));
  }

  async nodesWithProperties(
    driveId: DriveId,
    { namespace, name }: { namespace: string; name: string },
    after: NodeId,
    limit: number,
  ) {
    const wanted = { drive: driveId, namespace, name, after, limit };
    const rows = await records.nodesWithProperties.all(this.connection, wanted);
    return rows.map((row) => ({ node: nodeOf(row), xml: row.xml }));
  }

  /** Whether there is no lock to be found, as far as the transaction knows. */
  protected async areUnlocked(): Promise<boolean> {
    return (await this.connection.facts?.areUnlocked()) ?? false;
  }

  async locksOn(nodeIds: readonly NodeId[], now: number): Promise<HeldLock[]> {
    if (await this.areUnlocked()) return [];
    return (await locks.locksOn.all(this.connection, { nodes: JSON.stringify(nodeIds), now })).map(heldLockOf);
  }

  async locksBelow(nodeId: NodeId, now: number) {
    if (await this.areUnlocked()) return [];
    const rows = await locks.locksBelow.all(this.connection, { node: nodeId, now });
    const places = placesBelow(nodeId, rows);
    return rows.flatMap((row) => {
      // The walk goes up to the root of the drive, from all of its locks.
      const place = places.get(row.id as NodeId);
      return place && isHeld(row) ? [{ ...heldLockOf(row), ...place }] : [];
    });
  }

  async countLocks(driveId: DriveId, userId: UserId) {
    return (await locks.lockCounts.first(this.connection, { drive: driveId, user: userId }))!;
  }

  async findLock(token: LockToken, now: number): Promise<LockRow | null> {
    const row = await locks.findLock.first(this.connection, { token, now });
    return row ? lockOf(row) : null;
  }

  async vacatedLocks(userId: UserId, tokens: readonly string[], now: number): Promise<VacatedLock[]> {
    if (await this.areUnlocked()) return [];
    const rows = await locks.vacatedLocks.all(this.connection, { user: userId, tokens: JSON.stringify(tokens), now });
    return rows.map((row) => ({ ...lockFactsOf(row), parentId: row.parent_id as NodeId, name: row.name }));
  }

  async trash(bins: readonly NodeId[], after: string | null, limit: number): Promise<TrashRow[]> {
    const [bin, otherBin] = bins;
    if (bin === undefined) return [];
    if (bins.length > 2) throw new RangeError('a page shows two trash folders at most');
    const rows = await records.trashPage.all(this.connection, {
      bin,
      otherBin: otherBin ?? bin,
      after: after ?? '',
      limit,
    });
    return rows.map(trashOf);
  }

  async findTrash(nodeId: NodeId): Promise<TrashRow | null> {
    const row = await records.findTrash.first(this.connection, { node: nodeId });
    return row ? trashOf(row) : null;
  }

  async takenTrashNames({ driveId, ownerId }: TrashBin, names: readonly string[]): Promise<Set<string>> {
    const rows = await records.takenTrashNames.all(this.connection, {
      drive: driveId,
      owner: ownerId,
      names: JSON.stringify(names),
    });
    return new Set(rows.map((row) => row.name));
  }

  async expiredTrash(driveId: DriveId, deletedBefore: number, limit: number): Promise<TrashRow[]> {
    const wanted = { drive: driveId, before: deletedBefore, limit };
    return (await records.expiredTrash.all(this.connection, wanted)).map(trashOf);
  }

  async dueDrives(what: DueWork, before: number, after: DriveId | null, limit: number): Promise<DuePage> {
    const rows = await DUE_DRIVES[what].all(this.connection, { before, after: after ?? -1, limit });
    return {
      due: rows.flatMap((row) => (row.is_due === 1 ? [row.id as DriveId] : [])),
      last: rows.length < limit ? null : (rows.at(-1)!.id as DriveId),
    };
  }

  async isNestedDeeper(id: NodeId, levels: number): Promise<boolean> {
    const row = await nodes.deepestBelow.first(this.connection, { id, levels });
    return (row?.depth ?? 0) > levels;
  }

  async usage(roots: DriveRoots): Promise<Usage> {
    const row = await nodes.usage.first(this.connection, {
      root: roots.rootId,
      home: roots.homeId,
      bin: roots.binId,
    });
    return { driveBytes: row?.drive ?? 0, memberBytes: row?.member ?? 0 };
  }

  async totals(): Promise<DriveTotals> {
    return (await nodes.totals.first(this.connection, {}))!;
  }
}

/** Trees as they were at a moment; see `StoreView.at`. */
class SqlPastView extends SqlStoreView {
  readonly #moment: number;

  constructor(connection: SqlConnection, moment: number) {
    super(connection);
    this.#moment = moment;
  }

  override async findNodes(ids: readonly NodeId[]): Promise<NodeRow[]> {
    const wanted = { ids: JSON.stringify(ids), moment: this.#moment };
    const rows = await past.nodesAt.lists<past.FormerList>(this.connection, wanted);
    const byId = new Map(rows.map((row) => [row[0], row]));
    return ids.flatMap((id) => {
      const row = byId.get(id);
      return row ? [this.#shown(row)] : [];
    });
  }

  override async resolve(anchorId: NodeId, segments: readonly string[]): Promise<NodeRow[]> {
    const rows = await past.pathAt.all(this.connection, {
      anchor: anchorId,
      segments: JSON.stringify(segments),
      length: segments.length,
      moment: this.#moment,
    });
    return this.findNodes(rows.map(({ id }) => id as NodeId));
  }

  override async resolveFile(
    anchorId: NodeId,
    segments: readonly string[],
  ): Promise<{ chain: NodeRow[]; content: ContentRow | null }> {
    const chain = await this.resolve(anchorId, segments);
    const last = chain[segments.length];
    return { chain, content: last ? await this.findContent(last) : null };
  }

  override digests(files: readonly NodeId[]): Promise<Map<BlobId, Digests>> {
    return this.digestsBy(contents.digestsAt, files);
  }

  override async ancestors(id: NodeId): Promise<NodeRow[]> {
    const rows = await past.ancestorsAt.all(this.connection, { id, moment: this.#moment });
    return this.findNodes(rows.map((row) => row.id as NodeId));
  }

  override async children(parents: readonly NodeId[], after: ChildPosition | null, limit: number): Promise<NodeRow[]> {
    const page = await this.#childrenPage(parents, after, limit);
    const rows = page.filter((row, index) => !isOneName(row, page[index - 1]));
    const last = rows.at(-1);
    if (page.length < limit || rows.length === limit || !last) return rows;
    const rest = await this.children(parents, { parentId: last.parentId!, name: last.name }, limit - rows.length);
    return [...rows, ...rest];
  }

  async #childrenPage(parents: readonly NodeId[], after: ChildPosition | null, limit: number): Promise<NodeRow[]> {
    const moment = this.#moment;
    const [only] = parents;
    if (only !== undefined && parents.length === 1) {
      if (after !== null && after.parentId > only) return [];
      const position = { parent: only, after: after?.parentId === only ? after.name : '' };
      const wanted = { ...position, moment, limit };
      const rows = await past.childrenOfOneAt.lists<past.FormerList>(this.connection, wanted);
      return rows.map((row) => this.#shown(row));
    }
    const rows = await past.childrenOfManyAt.lists<past.FormerList>(this.connection, {
      parents: JSON.stringify(parents),
      afterParent: after?.parentId ?? -1,
      afterName: after?.name ?? '',
      moment,
      limit,
    });
    return rows.map((row) => this.#shown(row));
  }

  override async properties(nodeIds: readonly NodeId[]): Promise<PropertyRow[]> {
    const wanted = { nodes: JSON.stringify(nodeIds), moment: this.#moment };
    const present = await past.presentPropertiesAt.all(this.connection, wanted);
    const ended = await past.pastPropertiesAt.all(this.connection, wanted);
    const rows = present.map(({ node_id: id, namespace, name, xml }) => ({
      nodeId: id as NodeId,
      namespace,
      name,
      xml,
    }));
    for (const { node_id: id, properties } of ended) {
      rows.push(...propertiesIn(id as NodeId, properties));
    }
    return rows;
  }

  override async locksOn(): Promise<never[]> {
    return [];
  }

  override async locksBelow(): Promise<never[]> {
    return [];
  }

  /** What is counted of a folder is as of now, so it isn't shown. */
  #shown(row: past.FormerList): NodeRow {
    const node = { ...nodeOfList(row), toRevision: row[12] };
    if (!node.isCollection) return node;
    const modified = Math.min(node.modified, this.#moment);
    return { ...node, size: 0, descendants: 0, revision: this.#moment, modified };
  }
}

/** Where the server's clock went back, two states can have had one name: the later one comes first, and counts. */
function isOneName(row: NodeRow, before: NodeRow | undefined): boolean {
  return before?.name === row.name && before.parentId === row.parentId;
}
