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
  TrashRow,
  Usage,
  VacatedLock,
} from '../../stores/metadata-store.js';
import type { SecurityView } from '../../stores/security-store.js';
import type { UploadView } from '../../stores/uploads.js';
import type { BlobId, BlobPlace, Digests, DriveId, LockToken, NodeId, UserId } from '../../stores/values.js';
import { DUE_DRIVES } from './due-statements.js';
import * as locks from './lock-statements.js';
import { nodeOf, nodeOfList, trashOf } from './node-rows.js';
import * as nodes from './node-statements.js';
import * as records from './record-statements.js';
import { SqlAccountStore } from './sql-account-store.js';
import { SqlChangeLog } from './sql-change-log.js';
import type { SqlConnection } from './sql-database.js';
import { SqlImportStore } from './sql-import-store.js';
import { SqlJobStore } from './sql-job-store.js';
import { SqlLoginFlowStore } from './sql-login-flow-store.js';
import { SqlSecurityStore } from './sql-security-store.js';
import { SqlUploadView } from './sql-uploads.js';

export class SqlStoreView implements StoreView {
  constructor(protected readonly connection: SqlConnection) {}

  get changeLog(): ChangeLogView {
    return new SqlChangeLog(this.connection);
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
    const facts = { sha1: row[13], md5: row[14], bytes: row[15], place: row[16] };
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

  async findContent(id: BlobId): Promise<ContentRow | null> {
    const row = await records.findContent.first(this.connection, { id });
    return row ? contentOf(row) : null;
  }

  async digests(ids: readonly BlobId[]): Promise<Map<BlobId, Digests>> {
    const rows = await records.digests.all(this.connection, { ids: JSON.stringify(ids) });
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

  async locksOn(nodeIds: readonly NodeId[], now: number): Promise<HeldLock[]> {
    return (await locks.locksOn.all(this.connection, { nodes: JSON.stringify(nodeIds), now })).map(heldLockOf);
  }

  async locksBelow(nodeId: NodeId, now: number) {
    const places = await this.lockedPlaces(nodeId, now);
    if (places.size === 0) return [];
    const held = await this.locksOn([...places.keys()], now);
    return held.map((lock) => ({ ...lock, ...places.get(lock.nodeId)! }));
  }

  async countLocks(driveId: DriveId, userId: UserId) {
    return (await locks.lockCounts.first(this.connection, { drive: driveId, user: userId }))!;
  }

  /** Locked nodes below a node, and those between, with their paths from there. */
  protected async lockedPlaces(nodeId: NodeId, now: number): Promise<Map<NodeId, LockedPlace>> {
    const rows = await locks.lockedPlaces.all(this.connection, { node: nodeId, now });
    return placesBelow(nodeId, rows);
  }

  async findLock(token: LockToken, now: number): Promise<LockRow | null> {
    const row = await locks.findLock.first(this.connection, { token, now });
    return row ? lockOf(row) : null;
  }

  async vacatedLocks(userId: UserId, tokens: readonly string[], now: number): Promise<VacatedLock[]> {
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

  async takenTrashNames(driveId: DriveId, ownerId: UserId | null, names: readonly string[]): Promise<Set<string>> {
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

export interface LockedPlace {
  readonly path: readonly string[];
  readonly isCollection: boolean;
}

function placesBelow(top: NodeId, rows: readonly locks.LockedPlaceRecord[]): Map<NodeId, LockedPlace> {
  const byParent = new Map<number | null, locks.LockedPlaceRecord[]>();
  for (const row of rows) {
    const others = byParent.get(row.parent_id);
    if (others) others.push(row);
    else byParent.set(row.parent_id, [row]);
  }
  const places = new Map<NodeId, LockedPlace>();
  const waiting: { readonly id: number; readonly path: readonly string[] }[] = [{ id: top, path: [] }];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    for (const { id, name, is_collection: isCollection } of byParent.get(folder.id) ?? []) {
      const path = [...folder.path, name];
      places.set(id as NodeId, { path, isCollection: isCollection === 1 });
      waiting.push({ id, path });
    }
  }
  return places;
}

type ContentRecord = {
  id: string;
  size: number;
  sha1: string | null;
  md5: string | null;
  bytes: Uint8Array | null;
  place: string | null;
};

function contentOf(row: ContentRecord): ContentRow {
  const { id, size, bytes, place } = row;
  return { id: id as BlobId, size, bytes, place: place as BlobPlace | null, ...digestsOf(row) };
}

function digestsOf(row: { sha1: string | null; md5: string | null }): Digests {
  if (row.sha1 === null && row.md5 === null) return {};
  return { ...(row.sha1 === null ? {} : { sha1: row.sha1 }), ...(row.md5 === null ? {} : { md5: row.md5 }) };
}

function heldLockOf(row: locks.HeldLockRecord): HeldLock {
  return { ...lockOf(row), userName: row.user_name };
}

function lockOf(row: locks.LockRecord): LockRow {
  return { ...lockFactsOf(row), nodeId: row.node_id as NodeId, isDeep: row.is_deep === 1 };
}

/** What a lock keeps when its file is moved away. */
function lockFactsOf(row: locks.LockRecord | locks.VacatedLockRecord): Omit<LockRow, 'nodeId' | 'isDeep'> {
  return {
    token: row.token as LockToken,
    driveId: row.drive_id as DriveId,
    userId: row.user_id as UserId,
    scope: row.scope,
    ownerXml: row.owner_xml,
    timeoutSeconds: row.timeout_seconds,
    expiresAt: row.expires_at,
  };
}
