import type { LockRow, NodeRow, StoreTransaction } from '../../stores/metadata-store.js';
import type { DriveId, LockToken, NodeId, UserId } from '../../stores/values.js';
import * as locks from './lock-statements.js';
import * as records from './record-statements.js';
import { SqlStoreView } from './sql-store-view.js';

/** A time to which no lock has expired. */
const BEFORE_ALL = -1;

/** The part of a transaction that changes locks, and what is known of the trash. */
export class SqlLockChanges extends SqlStoreView {
  async insertLock(lock: LockRow): Promise<void> {
    this.connection.facts?.noteLock();
    await locks.insertLock.send(this.connection, {
      token: lock.token,
      drive_id: lock.driveId,
      node_id: lock.nodeId,
      user_id: lock.userId,
      scope: lock.scope,
      is_deep: Number(lock.isDeep),
      owner_xml: lock.ownerXml,
      timeout_seconds: lock.timeoutSeconds,
      expires_at: lock.expiresAt,
    });
  }

  async removeExpiredLocks(driveId: DriveId, now: number): Promise<void> {
    await locks.removeExpiredLocks.send(this.connection, { drive: driveId, now });
    await locks.forgetKeptLocks.send(this.connection, { drive: driveId, now });
  }

  async refreshLock(token: LockToken, timeoutSeconds: number, expiresAt: number): Promise<void> {
    await locks.refreshLock.send(this.connection, { token, timeout: timeoutSeconds, expires: expiresAt });
  }

  async removeLock(token: LockToken): Promise<void> {
    await locks.removeLock.send(this.connection, { token });
  }

  async removeLocksIn(node: Pick<NodeRow, 'id' | 'isCollection'>): Promise<void> {
    if (await this.areUnlocked()) return;
    const below = node.isCollection ? await this.locksBelow(node.id, BEFORE_ALL) : [];
    const locked = [node.id, ...below.map(({ nodeId }) => nodeId)];
    await locks.removeLocksOn.send(this.connection, { nodes: JSON.stringify(locked) });
  }

  async rerootLocks(from: NodeId, to: NodeId): Promise<void> {
    await locks.rerootLocks.send(this.connection, { from, to });
  }

  async vacateLocks(
    file: NodeRow,
    userId: UserId,
    tokens: readonly string[],
    now: number,
    keptUntil: number,
  ): Promise<void> {
    if (file.parentId === null) return;
    await locks.vacateLocks.send(this.connection, {
      node: file.id,
      parent: file.parentId,
      name: file.name,
      user: userId,
      tokens: JSON.stringify(tokens),
      now,
      until: keptUntil,
    });
  }

  async forgetVacatedLock(token: LockToken): Promise<void> {
    await locks.forgetVacatedLock.send(this.connection, { token });
  }

  async insertTrash(row: Parameters<StoreTransaction['insertTrash']>[0]): Promise<void> {
    await records.insertTrash.send(this.connection, {
      node_id: row.nodeId,
      drive_id: row.driveId,
      owner_id: row.ownerId,
      name: row.name,
      original_path: row.originalPath,
      deleted_by: row.deletedBy,
      deleted_at: row.deletedAt,
    });
  }

  async removeTrash(nodeId: NodeId): Promise<void> {
    await records.removeTrash.send(this.connection, { node: nodeId });
  }
}
