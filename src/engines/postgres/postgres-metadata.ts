import type { Durability, Loss } from '../../stores/durability.js';
import { StorageFormatError } from '../../stores/storage-errors.js';
import type { MetadataEngine } from '../metadata-engine.js';
import { paced } from '../paced.js';
import { readMigrations } from '../sql/migrate.js';
import { SqlBlobIndex } from '../sql/sql-blob-index.js';
import { SqlBlobLeases } from '../sql/sql-blob-leases.js';
import { SqlClockStore } from '../sql/sql-clock-store.js';
import { SqlClusterStore } from '../sql/sql-cluster-store.js';
import { SqlMetadataCheck } from '../sql/sql-metadata-check.js';
import { SqlMetadataStore } from '../sql/sql-metadata-store.js';
import { SqlScrubStore } from '../sql/sql-scrub-store.js';
import { SqlStorageHistory } from '../sql/sql-storage-history.js';
import { SqlTables } from '../sql/sql-tables.js';
import { lookAtServer } from './check-server.js';
import { DatabaseTime } from './database-time.js';
import { POSTGRES_MIGRATIONS } from './migrate-postgres.js';
import { PostgresDatabase, type PostgresOptions } from './postgres-database.js';

const OWN_MEANS = "The metadata is in PostgreSQL: back it up with PostgreSQL's own means (docs/CLUSTER.md).";
/** A proof that commits become durable holds so long, in milliseconds. */
const PROOF_MS = 5_000;

/** Opens the metadata in PostgreSQL at `url`. Throws `StorageFormatError`, `MigrationError` and `StoreBusyError`. */
export async function openPostgresMetadata(url: string, options: PostgresOptions): Promise<MetadataEngine> {
  const database = await PostgresDatabase.open(url, readMigrations(POSTGRES_MIGRATIONS), options);
  const patient = database.patient();
  const store = new SqlClusterStore(database);
  const time = new DatabaseTime({ ask: () => store.time() });
  const look = () =>
    database.readOne((connection) => lookAtServer((sql) => connection.all(sql, []), options.mayBeUnsafe ?? false));
  try {
    await time.start();
  } catch (error) {
    await database.close();
    throw error;
  }
  return {
    metadata: new SqlMetadataStore(database),
    blobIndex: new SqlBlobIndex(database),
    leases: new SqlBlobLeases(database),
    history: new SqlStorageHistory(database),
    check: new SqlMetadataCheck(patient),
    clock: new SqlClockStore(database),
    scrubStore: new SqlScrubStore(database),
    durability: new PostgresDurability(database),
    cluster: { store, aheadMs: () => time.aheadMs(), look },
    now: time.now,
    tables: new SqlTables(database),
    metrics: () => [],
    copyTo: () => Promise.reject(new StorageFormatError(OWN_MEANS)),
    beginCopy: () => Promise.reject(new StorageFormatError(OWN_MEANS)),
    close: async () => {
      time.stop();
      await Promise.all([database.close(), patient.close()]);
    },
  };
}

/** PostgreSQL keeps its own log and its own room, and ends by itself where its disk fails. */
class PostgresDurability implements Durability {
  readonly lossesAtStart = 0;
  readonly prove: () => Promise<void>;

  constructor(database: PostgresDatabase) {
    this.prove = paced(() => database.prove(), PROOF_MS);
  }

  trouble(): string | null {
    return null;
  }

  emptyLog(): Promise<boolean> {
    return Promise.resolve(true);
  }

  /** Leases on uploads may be those of another server: they run out. */
  async begin(): Promise<void> {}

  async note(): Promise<void> {}

  async keepReserve(): Promise<void> {}

  losses(): Promise<readonly Loss[]> {
    return Promise.resolve([]);
  }

  async forgetLosses(): Promise<void> {}
}
