import type { ChildPosition, NodeRow, TrashRow } from './metadata-store.js';
import type { DriveId, NodeId } from './values.js';

/**
 * What changed on a drive since a revision. A change is a node's own: it was made, got other content, properties or
 * times, or was moved; what changes below a collection doesn't change it (that is `NodeRow.revision`).
 */
export interface ChangeLogView {
  /** What the change log can say of the time since a revision on a drive. */
  horizon(driveId: DriveId, revision: number): Promise<Horizon>;
  /** One page of the nodes of a drive by their last change, then by number, after `after`. */
  changedNodes(driveId: DriveId, after: ChangePosition, limit: number): Promise<ChangeRow[]>;
  /** One page of the collections that came to their place by a move in these revisions, the first exclusive, in order. */
  movedCollections(driveId: DriveId, after: number, until: number, limit: number): Promise<ChangeRow[]>;
  /** One page of the names on a drive that were unbound after a revision, in order; one revision unbinds one at most. */
  removals(driveId: DriveId, after: number, limit: number): Promise<RemovalRow[]>;
  /**
   * Those of the nodes that exist and all above them, each once, in no order. Nothing above an anchor, which comes
   * itself.
   */
  ancestorChains(ids: readonly NodeId[], anchors: readonly NodeId[]): Promise<WayStep[]>;
  /** One page of everything below the nodes, each once, ordered by parent, then name (byte order), after `after`. */
  membersBelow(ids: readonly NodeId[], after: ChildPosition, limit: number): Promise<NodeRow[]>;
  /** Those of the places where something is bound, and whether it is a collection. */
  bound(places: readonly ChildPosition[]): Promise<(ChildPosition & { readonly isCollection: boolean })[]>;
  /** Those of the nodes that are tops of deleted trees. */
  deletions(ids: readonly NodeId[]): Promise<TrashRow[]>;
  /** A number that no other restoration of any backup has; null where these data never were restored. */
  lastRestoration(): Promise<number | null>;
}

export interface ChangeLog extends ChangeLogView {
  /**
   * Forgets up to `limit` removals of a drive from before `removedBefore` (milliseconds since 1970), oldest first, and
   * remembers to which revision. Returns how many.
   */
  prune(driveId: DriveId, removedBefore: number, limit: number): Promise<number>;
}

/** A place in the order of changes. */
export interface ChangePosition {
  readonly revision: number;
  readonly id: NodeId;
}

export interface ChangeRow {
  readonly node: NodeRow;
  /** The revision of the node's own last change. */
  readonly changed: number;
  /** The revision at which it came to its place by a move, 0 where it was made there. */
  readonly moved: number;
}

export interface RemovalRow {
  readonly revision: number;
  /** It may be gone, too. */
  readonly parentId: NodeId;
  readonly name: string;
  readonly isCollection: boolean;
}

export interface WayStep {
  readonly id: NodeId;
  readonly parentId: NodeId | null;
  readonly name: string;
  readonly moved: number;
}

export interface Horizon {
  /** The last revision given out. */
  readonly last: number;
  /** The drive's removals up to this revision may be forgotten. */
  readonly forgotten: number;
  /** The revision was given out by a server whose later changes are lost: a backup from before it was restored. */
  readonly isLost: boolean;
}
