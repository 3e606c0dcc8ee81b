import type { ChildPosition, NodeRow, PropertyRow } from './metadata-store.js';
import type { TreeChange } from './tree-change.js';
import type { AppPasswordId, DriveId, NodeId, UserId } from './values.js';

/** Who makes the changes of a transaction, and when. */
export interface ChangeAuthor {
  /** Milliseconds since 1970, by the server's clock. */
  readonly at: number;
  /** Null: the operator, or the server itself. */
  readonly userId: UserId | null;
  readonly appPasswordId: AppPasswordId | null;
}

/** A state of a file: from one change of the file itself to the next one. */
export interface StateRow {
  /** As it was; `revision` is the one that began the state. */
  readonly node: NodeRow;
  /** The revision that ended the state, and names it; null: it is the present one. */
  readonly toRevision: number | null;
  readonly fromAt: number;
  readonly untilAt: number | null;
  /** What the user is called that began it, or their e-mail address; null: the operator, or from before the past was kept. */
  readonly madeBy: string | null;
  /** The name of the app password that they used. */
  readonly madeWith: string | null;
  /** All folders above it when it ended. Empty for the present one. */
  readonly above: readonly NodeId[];
}

/** A state that ended, as retention looks at it. */
export interface DueState {
  readonly nodeId: NodeId;
  readonly toRevision: number;
  readonly fromAt: number;
  readonly untilAt: number;
}

/** A state that ended, with who began and ended it; null: the operator, or the server itself. */
export interface EndedState {
  /** As it was. */
  readonly node: NodeRow;
  readonly toRevision: number;
  readonly fromAt: number;
  readonly untilAt: number;
  readonly madeBy: UserId | null;
  readonly madeWith: AppPasswordId | null;
  readonly endedBy: UserId | null;
  readonly endedWith: AppPasswordId | null;
  /** All folders above it when it ended. */
  readonly above: readonly NodeId[];
}

/** A state that ended, and the bytes that nothing there names any more and no later state of the drive does. */
export interface HeldState {
  readonly nodeId: NodeId;
  readonly toRevision: number;
  readonly untilAt: number;
  /** Of its content; of a destroyed tree all that is in it. */
  readonly bytes: number;
}

/** What was. Each change to a node itself, in a transaction that somebody signed, ends a state of it, which is kept. */
export interface PastView {
  /**
   * One page of the states of a file, its own and those of the files whose place it took, the last that ended first: those
   * that ended before revision `before`, or the present one and all.
   */
  states(fileId: NodeId, before: number | null, limit: number): Promise<StateRow[]>;
  /** One page of the states on a drive that retention has to look at, the longest due first. */
  due(driveId: DriveId, now: number, limit: number): Promise<DueState[]>;
  /** Some of the states on a drive that ended before a time. */
  endedBefore(driveId: DriveId, time: number, limit: number): Promise<DueState[]>;
  /** One page of the states on a drive with what each holds, the last that ended first: those before the last one of a page. */
  held(driveId: DriveId, before: HeldState | null, limit: number): Promise<HeldState[]>;
  /** One page of the states on a drive that ended after a moment, in the order in which they did, after the last one of a page. */
  endedSince(driveId: DriveId, since: number, after: EndedState | null, limit: number): Promise<EndedState[]>;
  /** Those nodes of a list whose present state `author` began after `author.at`. */
  begunSince(ids: readonly NodeId[], author: ChangeAuthor): Promise<NodeId[]>;
  /** The dead properties that nodes had in states that ended. */
  formerProperties(states: readonly { readonly nodeId: NodeId; readonly toRevision: number }[]): Promise<PropertyRow[]>;
  /** Of the files of a list those whose place they took, and those before them, as pairs. */
  formerFiles(ids: readonly NodeId[]): Promise<{ readonly id: NodeId; readonly formerId: NodeId }[]>;
  /** Since when the past of a drive is known, in milliseconds since 1970. */
  since(driveId: DriveId): Promise<number>;
}

export interface Past extends PastView {
  /**
   * From now on what changes in this transaction is signed, and what it ends is kept. Retention looks at it `keptMs` after its
   * end. Where nobody signs, nothing is kept.
   */
  sign(author: ChangeAuthor, keptMs: number): void;
  /** The file that was moved away or deleted from there last, by who has signed, no longer ago than `since`; null: none. */
  vacatedBy(place: ChildPosition, since: number): Promise<NodeId | null>;
  /** A file has taken, just now, the place of another one: what that one was until then is its own history, too. */
  succeed(file: Pick<NodeRow, 'id' | 'revision'>, former: NodeId): Promise<void>;
  /**
   * Changes many nodes as the verbs of `StoreTransaction` change one: all is kept, in the change log, and true in the folders above.
   * A fixed number of statements on PostgreSQL, steps of a fixed size on SQLite, between which the process answers others. Throws
   * `StateGoneError`: the transaction has to end then. Resolves with the numbers of `made`.
   */
  changeTree(change: TreeChange, now: number): Promise<NodeId[]>;
  /** Nothing from before then is to be seen any more; a time that is earlier than the one so far changes nothing. */
  begin(driveId: DriveId, since: number): Promise<void>;
  /** Retention lets go of these states. Trees that were destroyed, and that nothing else shows, are freed from then on. */
  letGo(states: readonly Pick<DueState, 'nodeId' | 'toRevision'>[]): Promise<void>;
  /** Retention looks at these states again at `dueAt`. */
  keep(states: readonly (Pick<DueState, 'nodeId' | 'toRevision'> & { readonly dueAt: number })[]): Promise<void>;
}
