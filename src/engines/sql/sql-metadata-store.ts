import { type CommitWatch, UNWATCHED } from '../../stores/commit-watch.js';
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

  readonly commits: CommitWatch;

  /** `isWatched` false: nobody learns from commits whether what was read before still holds. */
  constructor(database: SqlDatabase, isWatched = true) {
    this.#database = database;
    this.commits = (isWatched && database.commits) || UNWATCHED;
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
        const onSecretRemoved = () => {
          hasRemovedSecret = true;
        };
        return work(new SqlStoreTransaction(connection, { onSecretRemoved, commits: this.#database.commits }));
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
