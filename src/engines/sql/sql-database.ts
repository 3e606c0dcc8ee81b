import type { TransactionStats, WriteOptions } from '../../stores/metadata-store.js';

/** One connection as the statements see it. Rows come with the columns' names; booleans are 0 and 1. */
export interface SqlConnection {
  readonly dialect: Dialect;
  /** Rows of a SELECT or of a RETURNING clause. Throws `UniqueViolation` where a unique index refuses. */
  all<Row>(sql: string, parameters: readonly unknown[]): Promise<Row[]>;
  /** As `all`, each row as the list of its values: half the cost where there are thousands of rows. */
  lists<List extends readonly unknown[]>(sql: string, parameters: readonly unknown[]): Promise<List[]>;
  /** For statements without rows; gives how many rows changed. Throws as `all` does. */
  run(sql: string, parameters: readonly unknown[]): Promise<number>;
}

export type Dialect = 'sqlite';

export interface SqlDatabase {
  /** Runs `work` on one committed snapshot. */
  read<T>(work: (connection: SqlConnection) => Promise<T>): Promise<T>;
  /** For work of one statement: as `read`, without the cost of a transaction. */
  readOne<T>(work: (connection: SqlConnection) => Promise<T>): Promise<T>;
  /** Runs `work` as one durable transaction; waiting writes may share one commit but never each other's failure. */
  write<T>(work: (connection: SqlConnection) => Promise<T>, options?: WriteOptions): Promise<T>;
  stats(): TransactionStats;
  /** Sees to it that what was removed before is in no file any more. False where it could not: it is tried again later. */
  wipeRemoved(): Promise<boolean>;
  close(): Promise<void>;
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
