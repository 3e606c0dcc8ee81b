import type { CommitMark, CommitWatch } from '../../stores/commit-watch.js';
import type { TransactionStats, WriteOptions } from '../../stores/metadata-store.js';
import type { DriveId } from '../../stores/values.js';
import type { Dialect } from './dialect.js';

/** One connection as the statements see it. Rows come with the columns' names; booleans are 0 and 1. */
export interface SqlConnection {
  readonly dialect: Dialect;
  /** Rows of a SELECT or of a RETURNING clause. Throws `UniqueViolation` where a unique index refuses. */
  all<Row>(sql: string, parameters: readonly unknown[]): Promise<Row[]>;
  /** As `all`, each row as the list of its values: half the cost where there are thousands of rows. */
  lists<List extends readonly unknown[]>(sql: string, parameters: readonly unknown[]): Promise<List[]>;
  /** For statements without rows; returns how many rows changed. Throws as `all` does. */
  run(sql: string, parameters: readonly unknown[]): Promise<number>;
  /**
   * Where an answer takes a trip: runs a statement before all that are asked later, and waits for nothing. What it throws, the transaction
   * ends with, as `told` calls it.
   */
  send?(sql: string, parameters: readonly unknown[], told?: (error: unknown) => unknown): void;
  /** The same: what came with the beginning of the transaction. */
  readonly facts?: DriveFacts | null;
}

/** Of the drives of a transaction, which holds them. */
export interface DriveFacts {
  /** Returns a revision, as often as some came; then null. */
  revision(): Promise<number | null>;
  /** Returns a node's number, once; then null. */
  nodeId(): Promise<number | null>;
  /** Whether none of the drives has a lock, or a vacated one. */
  areUnlocked(): Promise<boolean>;
  /** From here on one of them has. */
  noteLock(): void;
}

export interface SqlCommitWatch extends CommitWatch {
  /** As `areRightsSame`, in the transaction under way. */
  areRightsSameHere(since: CommitMark): boolean;
}

/** What a transaction needs of its store. */
export interface TransactionSurroundings {
  readonly onSecretRemoved: () => void;
  readonly commits: SqlCommitWatch | undefined;
}

export interface SqlDatabase {
  /** Absent where what others commit is known by asking alone. */
  readonly commits?: SqlCommitWatch;
  /** Runs `work` on one committed snapshot. */
  read<T>(work: (connection: SqlConnection) => Promise<T>): Promise<T>;
  /** For work of one statement: as `read`, without the cost of a transaction. */
  readOne<T>(work: (connection: SqlConnection) => Promise<T>): Promise<T>;
  /** Runs `work` as one durable transaction; waiting writes may share one commit but never each other's failure. */
  write<T>(work: (connection: SqlConnection) => Promise<T>, options?: SqlWriteOptions): Promise<T>;
  stats(): TransactionStats;
  /** Sees to it that what was removed before is in no file any more. False where it could not: it is tried again later. */
  wipeRemoved(): Promise<boolean>;
  close(): Promise<void>;
}

export interface SqlWriteOptions extends WriteOptions {
  /** Whose rows the work reads or changes; where nothing is said, it may be all, and it runs as if it were alone. SQLite runs all so. */
  readonly drives?: readonly DriveId[];
}

/** The same database for writes that keep order while the disk is full (`WriteOptions.mayUseReserve`): all of them small. */
export function withReserve(database: SqlDatabase): SqlDatabase {
  return {
    read: (work) => database.read(work),
    readOne: (work) => database.readOne(work),
    write: (work) => database.write(work, { mayUseReserve: true }),
    stats: () => database.stats(),
    wipeRemoved: () => database.wipeRemoved(),
    close: () => database.close(),
  };
}

export class UniqueViolation extends Error {
  override readonly name = 'UniqueViolation';
}

/**
 * What a statement changed that a unique index may refuse. Throws `Taken` there: SQLite refuses the statement, PostgreSQL, which would
 * end the transaction, changes nothing (`Fragments.skipsTaken`).
 */
export async function changedUnlessTaken<T>(
  change: Promise<T>,
  Taken: new (message: string, options: ErrorOptions) => Error,
  message: string,
): Promise<NonNullable<T>> {
  try {
    const changed = await change;
    if (changed === undefined || changed === null || changed === 0) throw new UniqueViolation('nothing was changed');
    return changed;
  } catch (error) {
    throw error instanceof UniqueViolation ? new Taken(message, { cause: error }) : error;
  }
}
