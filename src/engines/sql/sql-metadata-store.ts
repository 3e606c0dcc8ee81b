import type {
  MetadataStore,
  StoreTransaction,
  StoreView,
  TransactionStats,
  WriteOptions,
} from '../../stores/metadata-store.js';
import type { DriveId } from '../../stores/values.js';
import type { SqlDatabase } from './sql-database.js';
import { SqlStoreTransaction } from './sql-store-transaction.js';
import { SqlStoreView } from './sql-store-view.js';

/** Transactions over SQL. */
export class SqlMetadataStore implements MetadataStore {
  readonly #database: SqlDatabase;

  constructor(database: SqlDatabase) {
    this.#database = database;
  }

  read<T>(_drives: readonly DriveId[], work: (view: StoreView) => Promise<T>): Promise<T> {
    return this.#database.read((connection) => work(new SqlStoreView(connection)));
  }

  readOne<T>(_drives: readonly DriveId[], work: (view: StoreView) => Promise<T>): Promise<T> {
    return this.#database.readOne((connection) => work(new SqlStoreView(connection)));
  }

  async write<T>(
    drives: readonly DriveId[],
    work: (transaction: StoreTransaction) => Promise<T>,
    { mayUseReserve = drives.length === 0 }: WriteOptions = {},
  ): Promise<T> {
    let hasRemovedSecret = false;
    const answer = await this.#database.write(
      (connection) => {
        hasRemovedSecret = false;
        return work(
          new SqlStoreTransaction(connection, () => {
            hasRemovedSecret = true;
          }),
        );
      },
      { mayUseReserve, drives },
    );
    if (hasRemovedSecret) await this.#database.wipeRemoved();
    return answer;
  }

  stats(): TransactionStats {
    return this.#database.stats();
  }
}
