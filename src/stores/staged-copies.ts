import type { NodeRow } from './metadata-store.js';
import type { DriveId, NodeId } from './values.js';

/** A node, and the collection of a staged copy that its copy is to be in. */
export interface StagedMember {
  readonly id: NodeId;
  readonly into: NodeId;
}

/** A node, and its copy. */
export interface CopiedNode {
  readonly id: NodeId;
  readonly copyId: NodeId;
}

/**
 * Trees that are copied in many transactions, out of sight: they hang from no drive, count nowhere and are in no list of
 * changes until `bind`. A staged copy that nobody holds any more is freed like a destroyed tree.
 */
export interface StagedCopies {
  /** Copies the collection alone, for a drive. Times are milliseconds since 1970. */
  begin(source: NodeRow, driveId: DriveId, heldUntil: number): Promise<NodeId>;
  /** False when the copy has been given up. */
  hold(copyId: NodeId, heldUntil: number): Promise<boolean>;
  /** Copies nodes, without their members and dead properties, in the order of `members`. Each counts what its source counts. */
  add(driveId: DriveId, members: readonly StagedMember[]): Promise<CopiedNode[]>;
  copyProperties(nodes: readonly CopiedNode[]): Promise<void>;
  /** Lets the caller bind the copy, by `moveNode`. Null when it has been given up. */
  release(copyId: NodeId): Promise<NodeRow | null>;
  /** Leaves it to `purge`. */
  abandon(copyId: NodeId): Promise<void>;
}
