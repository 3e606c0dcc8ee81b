import type {
  DriveStore,
  StoreTransaction,
  StoreView,
  TransactionStats,
  WriteOptions,
} from '../../stores/drive-store.js';
import type { SqlDatabase } from './sql-database.js';
import { SqlDriveTransaction } from './sql-drive-transaction.js';
import { SqlDriveView } from './sql-drive-view.js';

/** The drive seam over SQL. */
export class SqlDriveStore implements DriveStore {
  readonly #database: SqlDatabase;

  constructor(database: SqlDatabase) {
    this.#database = database;
  }

  read<T>(work: (view: StoreView) => Promise<T>): Promise<T> {
    return this.#database.read((connection) => work(new SqlDriveView(connection)));
  }

  write<T>(work: (transaction: StoreTransaction) => Promise<T>, options?: WriteOptions): Promise<T> {
    return this.#database.write((connection) => work(new SqlDriveTransaction(connection)), options);
  }

  stats(): TransactionStats {
    return this.#database.stats();
  }
}
