import type { AccountStore, AccountView } from './account-store.js';
import type { ChangeLog, ChangeLogView } from './change-log.js';
import type { CommitMark, CommitWatch } from './commit-watch.js';
import type { ContentTransaction } from './content-transaction.js';
import type { ImportStore, ImportView } from './import-store.js';
import type { JobStore, JobView } from './job-store.js';
import type { LoginFlowStore, LoginFlowView } from './login-flow-store.js';
import type { Past, PastView } from './past.js';
import type { SecurityStore, SecurityView } from './security-store.js';
import type { StagedCopies } from './staged-copies.js';
import type { ThrottleStore } from './throttle-store.js';
import type { UploadTransaction, UploadView } from './uploads.js';
import type { BlobId, BlobPlace, ContentKey, Digests, DriveId, LockToken, NodeId, UserId } from './values.js';

/**
 * All that is kept but the bytes of files: drives with what is on them, accounts, jobs. Times are milliseconds since 1970 and are
 * passed in; sizes are bytes. Knows nothing of views, rights or quota: those are the rules of `drive/`.
 */
export interface MetadataStore {
  /** Runs `work` on one committed snapshot of `drives`. Work awaits nothing but the view. */
  read<T>(drives: readonly DriveId[], work: (view: StoreView) => Promise<T>): Promise<T>;
  /** As `read`, for work of one statement: it costs no transaction. */
  readOne<T>(drives: readonly DriveId[], work: (view: StoreView) => Promise<T>): Promise<T>;
  /**
   * Runs `work` as one transaction: when it resolves, all of it is on stable storage; when it rejects, with the
   * error of `work`, nothing has happened. `drives` are those whose rows it reads or changes: writes of one drive run one
   * after the other, whichever process began them. Work without a drive runs as if it were alone.
   *
   * Work awaits nothing but the transaction. It may run again where the engine asks for it: what it leaves outside of the
   * transaction it sets again each time. An error that comes out of a statement ends the transaction: work lets it pass.
   *
   * Rejects with `StoreBusyError` when another process holds the store for too long, with `StoreFailingError` while the
   * disk doesn't take what is written, with `OutcomeUnknownError` where nobody can say whether it was committed. Work that changes nothing waits its turn like any other, and writes nothing.
   */
  write<T>(
    drives: readonly DriveId[],
    work: (transaction: StoreTransaction) => Promise<T>,
    options?: WriteOptions,
  ): Promise<T>;
  readonly commits: CommitWatch;
  /** Counts, which cost nothing to read. */
  stats(): TransactionStats;
}

export interface WriteOptions {
  /**
   * It makes room, or keeps order while there is none: where the disk is full it gets some that is kept for this. Its
   * work may then run twice. Where nothing is said: whether it is of no drive.
   */
  readonly mayUseReserve?: boolean;
}

export const MAKES_ROOM: WriteOptions = { mayUseReserve: true };

/** Of this process, since it opened the store; the transactions of the seams that share the store are among them. */
export interface TransactionStats {
  /** Reads that wait for their turn. */
  readonly waitingReads: number;
  /** Writes whose commit has not begun. */
  readonly waitingWrites: number;
  /** Commits that failed, with all of their writes. */
  readonly failedCommits: number;
  /** What was committed and isn't in the database file yet; null where the engine looks after that by itself. */
  readonly logBytes: number | null;
}

export interface NodeRow {
  readonly id: NodeId;
  readonly driveId: DriveId;
  /** Null for a drive's root and for trees that are being destroyed. */
  readonly parentId: NodeId | null;
  /** NFC. Unique among the children of a parent, compared byte by byte. */
  readonly name: string;
  readonly isCollection: boolean;
  /** Null for collections. */
  readonly blobId: BlobId | null;
  /** A file's bytes; for a collection the sum of everything below it. */
  readonly size: number;
  /** How many files and collections are below; 0 for files. */
  readonly descendants: number;
  readonly modified: number;
  readonly created: number;
  /** Raised, to a number never used before on any drive, by each change to the node or anything below it. */
  readonly revision: number;
  /** What the dead properties of it and of everything below take, their names and rows included; no part of `size`. */
  readonly propertyBytes: number;
  /** Of a view `at` a moment: the revision that ended the state; null: it is the present one. */
  readonly toRevision?: number | null;
}

export interface ContentRow extends Digests {
  /** Absent until it is recorded. */
  readonly key?: ContentKey;
  readonly id: BlobId;
  readonly size: number;
  /** The bytes themselves, where they are few enough to live in the database; else null and a BlobStore has them. */
  readonly bytes: Uint8Array | null;
  /** Where a BlobStore has them; see `BlobRef`. Says nothing where `bytes` are here. */
  readonly place: BlobPlace | null;
}

/** A content that is to be named: with its key, or recorded in the same transaction, or a BlobStore's. */
export type NamedContentRow = Pick<ContentRow, 'id' | 'size' | 'key'>;

export interface PropertyRow {
  readonly nodeId: NodeId;
  readonly namespace: string;
  readonly name: string;
  /** The whole element, serialised so that it stands for itself. */
  readonly xml: string;
}

export interface LockRow {
  readonly token: LockToken;
  readonly driveId: DriveId;
  readonly nodeId: NodeId;
  readonly userId: UserId;
  readonly scope: 'exclusive' | 'shared';
  readonly isDeep: boolean;
  /** The client's owner element, serialised, or null. */
  readonly ownerXml: string | null;
  readonly timeoutSeconds: number;
  readonly expiresAt: number;
}

/** A lock as those see it who meet it. */
export interface HeldLock extends LockRow {
  /** What the user who holds it is called; their e-mail address where they have no name. */
  readonly userName: string;
}

/** A lock of a file that was moved away or deleted, remembered by the place that was locked. */
export interface VacatedLock extends Omit<LockRow, 'nodeId' | 'isDeep'> {
  readonly parentId: NodeId;
  readonly name: string;
}

export interface TrashRow {
  readonly node: NodeRow;
  /** Null when the deleted node was a common one. */
  readonly ownerId: UserId | null;
  /** Segments inside the drive's folder, joined by `/`. */
  readonly originalPath: string;
  readonly deletedBy: UserId | null;
  readonly deletedAt: number;
}

/** A trash folder; `ownerId` is null for the common one. */
export type TrashBin = ParentRef & Pick<TrashRow, 'ownerId'>;

export interface ChildPosition {
  readonly parentId: NodeId;
  readonly name: string;
}

export interface StoreView {
  /** What changed since when. */
  readonly changeLog: ChangeLogView;
  /** Uploads that come in parts. */
  readonly uploads: UploadView;
  readonly past: PastView;
  readonly accounts: AccountView;
  readonly security: SecurityView;
  readonly jobs: JobView;
  readonly imports: ImportView;
  readonly loginFlows: LoginFlowView;
  /**
   * The trees of all drives as they were at a moment (milliseconds since 1970), as far as their past is kept: nodes with their
   * properties, and no locks. Folders count nothing, and their revision is the moment. All else is as it is now.
   */
  at(moment: number): StoreView;
  /** Where an answer takes a trip, asks at once for what work may want soon; else null: it costs less when it is wanted. */
  ahead<T>(look: () => Promise<T>): Promise<T> | null;
  /** Those of the nodes that exist, in the order of `ids`. */
  findNodes(ids: readonly NodeId[]): Promise<NodeRow[]>;
  /**
   * Walks down from the node `anchorId` along `segments`: the anchor first, then each node found, as far as they
   * exist. So the target exists when the answer has `segments.length + 1` rows. Empty when the anchor is gone.
   */
  resolve(anchorId: NodeId, segments: readonly string[]): Promise<NodeRow[]>;
  /** The same, together with the last node's content where the whole path exists and is a file. */
  resolveFile(anchorId: NodeId, segments: readonly string[]): Promise<{ chain: NodeRow[]; content: ContentRow | null }>;
  /** The node's ancestors, parent first, the drive's root last. */
  ancestors(id: NodeId): Promise<NodeRow[]>;
  /** One page of the children of all `parents`, ordered by parent, then name (byte order), after `after`. */
  children(parents: readonly NodeId[], after: ChildPosition | null, limit: number): Promise<NodeRow[]>;
  /** Which of `names` are taken below `parentId`. */
  takenNames(parentId: NodeId, names: readonly string[]): Promise<Set<string>>;
  /** The content of a file as it is, or as it was: the one that it was found to have. Null where that is gone. */
  findContent(file: Pick<NodeRow, 'id' | 'blobId'>): Promise<ContentRow | null>;
  /** Digests known for the contents of these files. */
  digests(files: readonly NodeId[]): Promise<Map<BlobId, Digests>>;
  /** All dead properties of these nodes, ordered by node, namespace, name. */
  properties(nodes: readonly NodeId[]): Promise<PropertyRow[]>;
  /**
   * One page of a drive's nodes that have dead properties, or have something below that does, by number after `after`; each
   * with its property of that name, null where it has no such.
   */
  nodesWithProperties(
    driveId: DriveId,
    name: { readonly namespace: string; readonly name: string },
    after: NodeId,
    limit: number,
  ): Promise<{ readonly node: NodeRow; readonly xml: string | null }[]>;
  /** Unexpired locks rooted at any of these nodes. */
  locksOn(nodes: readonly NodeId[], now: number): Promise<HeldLock[]>;
  /** Unexpired locks rooted anywhere below `nodeId`, not at it, each with its path from there. */
  locksBelow(
    nodeId: NodeId,
    now: number,
  ): Promise<(HeldLock & { readonly path: readonly string[]; readonly isCollection: boolean })[]>;
  /** How many locks there are on a drive, and this user's of them; expired ones that nobody has removed count. */
  countLocks(driveId: DriveId, userId: UserId): Promise<{ readonly drive: number; readonly user: number }>;
  /** Null when the token is unknown or expired. */
  findLock(token: LockToken, now: number): Promise<LockRow | null>;
  /** Those of the tokens that are vacated locks of this user, neither expired nor kept long enough. */
  vacatedLocks(userId: UserId, tokens: readonly string[], now: number): Promise<VacatedLock[]>;
  /** One page of what lies directly in these trash folders, by name, after the name `after`. */
  trash(bins: readonly NodeId[], after: string | null, limit: number): Promise<TrashRow[]>;
  /** What is known of a deletion; null when the node isn't the top of a deleted tree. */
  findTrash(nodeId: NodeId): Promise<TrashRow | null>;
  /** Which of `names` are taken in the trash as the bin's owner sees it: in theirs and the common one; for that, in anybody's. */
  takenTrashNames(bin: TrashBin, names: readonly string[]): Promise<Set<string>>;
  /** Up to `limit` nodes of a drive that were deleted before `deletedBefore`, oldest first. */
  expiredTrash(driveId: DriveId, deletedBefore: number, limit: number): Promise<TrashRow[]>;
  /**
   * Looks at the next `limit` drives after `after`, by number, that have any `what` at all. Returns those on which some of it
   * is due: deleted, removed or expired before `before`, and locks that end by then. `last`: where to go on; null at the end.
   */
  dueDrives(what: DueWork, before: number, after: DriveId | null, limit: number): Promise<DuePage>;
  /**
   * Whether collections are nested more than `levels` deep below the node. Looks at a bounded number of them, the deepest
   * first, and says no where none of these is.
   */
  isNestedDeeper(id: NodeId, levels: number): Promise<boolean>;
  usage(roots: DriveRoots): Promise<Usage>;
  /** Over all drives; costs as much as there are drives. */
  totals(): Promise<DriveTotals>;
}

/** What expires on a drive. `removals`: what the change log remembers of them. `past`: what retention has to look at. */
export type DueWork = 'trash' | 'locks' | 'uploads' | 'removals' | 'past';

export interface DuePage {
  readonly due: readonly DriveId[];
  readonly last: DriveId | null;
}

export interface DriveTotals {
  readonly drives: number;
  /** Files and collections, trash and the drives' own folders included. */
  readonly nodes: number;
  /** Sizes of all files, trash included; equal contents count each time. */
  readonly bytes: number;
}

/** Where a node is to be bound. */
export type ParentRef = Pick<NodeRow, 'id' | 'driveId'>;

/** The nodes whose sizes say how full a drive is. */
export interface DriveRoots {
  readonly rootId: NodeId;
  readonly homeId: NodeId;
  readonly binId: NodeId;
}

export interface Usage {
  /** Everything on the drive, trash and dead properties included. */
  readonly driveBytes: number;
  /** One member's personal files and trash. */
  readonly memberBytes: number;
}

export interface NewNode {
  readonly driveId: DriveId;
  readonly parentId: NodeId;
  readonly name: string;
  /** Null makes a collection. */
  readonly content: NamedContentRow | null;
  readonly modified: number;
  readonly created: number;
}

/**
 * All changes also give the node and its ancestors a new revision, keep their sizes, counts and `propertyBytes` true, and are found in the
 * change log; what they end is kept where the transaction is signed (`past`). A change that changes nothing of a node ends no state.
 */
export interface StoreTransaction extends StoreView, ContentTransaction {
  readonly changeLog: ChangeLog;
  readonly uploads: UploadTransaction;
  readonly past: Past;
  readonly accounts: AccountStore;
  readonly security: SecurityStore;
  readonly jobs: JobStore;
  readonly imports: ImportStore;
  readonly loginFlows: LoginFlowStore;
  readonly throttle: ThrottleStore;
  readonly stagedCopies: StagedCopies;
  /** Whether `accounts.access` would answer here as it did after `since`, but for what ends by time. */
  areRightsSame(since: CommitMark): boolean;
  /** Throws `NameTakenError` when the parent has such a child. Sets the parent's `modified` to `now`. */
  insertNode(node: NewNode, now: number): Promise<NodeRow>;
  /** Gives a file other content. */
  replaceContent(file: NodeRow, content: NamedContentRow, modified: number): Promise<NodeRow>;
  setTimes(node: NodeRow, times: { readonly modified?: number; readonly created?: number }): Promise<void>;
  /**
   * Binds the node elsewhere, also on another drive; everything below comes with it. Locks don't: the caller removes
   * them. Throws `NameTakenError`. The caller makes sure that `parent` isn't inside `node`.
   */
  moveNode(node: NodeRow, parent: ParentRef, name: string, now: number): Promise<NodeRow>;
  /**
   * Copies the node, with `isDeep` everything below it, dead properties included, locks not. `modified` and `created`
   * are kept below; the copy itself gets `modified` where it is given. Throws `NameTakenError`.
   */
  copyNode(
    node: NodeRow,
    parent: ParentRef,
    name: string,
    options: { readonly isDeep: boolean; readonly modified?: number },
    now: number,
  ): Promise<NodeRow>;
  /** Takes the tree out of its drive for good, at once, whatever its size. `purge` frees the rows later. */
  detachNode(node: NodeRow, now: number): Promise<void>;

  /**
   * Sets (a string) or removes (null) one dead property each. Returns how many
   * bytes the node's own properties take then, and how many more that is than before.
   */
  setProperties(
    node: NodeRow,
    changes: readonly { readonly namespace: string; readonly name: string; readonly xml: string | null }[],
  ): Promise<{ readonly own: number; readonly growth: number }>;

  insertLock(lock: LockRow): Promise<void>;
  /** Of a drive; forgets its vacated locks that were kept long enough as well. */
  removeExpiredLocks(driveId: DriveId, now: number): Promise<void>;
  refreshLock(token: LockToken, timeoutSeconds: number, expiresAt: number): Promise<void>;
  removeLock(token: LockToken): Promise<void>;
  /** Removes the locks rooted at the node or anywhere below it. */
  removeLocksIn(node: Pick<NodeRow, 'id' | 'isCollection'>): Promise<void>;
  /** Gives the locks rooted at `from` to `to`: the URL stays locked when another node takes it. */
  rerootLocks(from: NodeId, to: NodeId): Promise<void>;
  /**
   * Remembers the unexpired locks of these tokens that this user has on the file, by the place of the file, until
   * `keptUntil`. The locks themselves are the caller's to remove.
   */
  vacateLocks(file: NodeRow, userId: UserId, tokens: readonly string[], now: number, keptUntil: number): Promise<void>;
  forgetVacatedLock(token: LockToken): Promise<void>;

  insertTrash(row: {
    readonly nodeId: NodeId;
    readonly driveId: DriveId;
    readonly ownerId: UserId | null;
    readonly name: string;
    readonly originalPath: string;
    readonly deletedBy: UserId | null;
    readonly deletedAt: number;
  }): Promise<void>;
  removeTrash(nodeId: NodeId): Promise<void>;
}

export class NameTakenError extends Error {
  override readonly name = 'NameTakenError';
}

export class StoreBusyError extends Error {
  override readonly name: string = 'StoreBusyError';
}

/** Nothing has happened. */
export class StoreUnreachableError extends StoreBusyError {
  override readonly name = 'StoreUnreachableError';
}

/** The connection to the database broke while it committed: the change may have happened, or not. */
export class OutcomeUnknownError extends Error {
  override readonly name = 'OutcomeUnknownError';
}

/** A disk or the object storage failed. Nothing is acknowledged until what was acknowledged before is safe. */
export class StoreFailingError extends Error {
  override readonly name = 'StoreFailingError';
  readonly part: 'disk' | 'database' | 'object storage';

  constructor(
    message: string,
    { part = 'disk', ...options }: ErrorOptions & Partial<Pick<StoreFailingError, 'part'>> = {},
  ) {
    super(message, options);
    this.part = part;
  }
}
