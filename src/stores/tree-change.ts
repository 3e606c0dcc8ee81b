import type { DriveId, NodeId } from './values.js';

/** A node that is there, or one of those that the change makes: -1 for the first of `made`, -2 for the second. */
export type NodeRef = NodeId | number;

/** A state of a node: the one that a revision ended, or the present one (null). */
export interface StateRef {
  readonly nodeId: NodeId;
  readonly toRevision: number | null;
}

export interface MadeNode {
  /** A folder comes before what is made in it. */
  readonly parent: NodeRef;
  readonly name: string;
  /** Whose content, dates and dead properties it gets; null: an empty folder. */
  readonly like: StateRef | null;
  readonly hasProperties: boolean;
  /** Whose history it goes on with; null: none. */
  readonly succeeds: NodeId | null;
}

export interface ChangedNode {
  readonly id: NodeId;
  /** Null: it stays where it is. */
  readonly place: { readonly parent: NodeRef; readonly name: string } | null;
  /** Whose content and dates it gets, and with `setsProperties` its dead properties; null: it keeps its own. */
  readonly like: StateRef | null;
  readonly setsProperties: boolean;
  readonly isCollection: boolean;
  readonly succeeds: NodeId | null;
}

/** How much more a folder counts afterwards: one that is made counted nothing. */
export interface FolderGrowth {
  readonly folder: NodeRef;
  readonly size: number;
  readonly descendants: number;
  readonly propertyBytes: number;
  /** Its date; null: it stays. */
  readonly modified: number | null;
}

/** A change of many nodes of one drive at once. Who makes it sees to it that the sums are right and no name comes twice. */
export interface TreeChange {
  readonly driveId: DriveId;
  /** A present state that is copied must have begun by then, in milliseconds since 1970. */
  readonly moment: number;
  readonly made: readonly MadeNode[];
  readonly changed: readonly ChangedNode[];
  /** Those that leave the trash. */
  readonly untrashed: readonly NodeId[];
  /** All folders in which anything changed, up to the drive's root. */
  readonly grown: readonly FolderGrowth[];
}

/** A state that the change names is not there any more. */
export class StateGoneError extends Error {
  override readonly name = 'StateGoneError';
}
