import type { MetadataSnapshot } from '../stores/backup-place.js';
import type { BlobIndex, MetadataCheck } from '../stores/blob-index.js';
import type { BlobLeases } from '../stores/blob-leases.js';
import type { ClockStore } from '../stores/clock-store.js';
import type { ClusterEngine } from '../stores/cluster-store.js';
import type { Durability, Tell } from '../stores/durability.js';
import type { EngineHistogram } from '../stores/engine-histogram.js';
import type { MetadataStore } from '../stores/metadata-store.js';
import type { ScrubStore } from '../stores/scrub-store.js';
import type { StorageCopy } from '../stores/storage-copy.js';
import type { StorageHistory } from '../stores/storage-history.js';
import type { TurnLender, WriteTurns } from '../stores/write-turns.js';
import type { SqlTables } from './sql/sql-tables.js';

/** The seams that one database stands behind. */
export interface MetadataEngine {
  readonly metadata: MetadataStore;
  readonly blobIndex: BlobIndex;
  readonly leases: BlobLeases;
  readonly history: StorageHistory;
  readonly check: MetadataCheck;
  readonly clock: ClockStore;
  readonly scrubStore: ScrubStore;
  readonly durability: Durability;
  /** Null where one server alone can have the storage. */
  readonly cluster: ClusterEngine | null;
  /** The time that all processes on the storage go by, in milliseconds since 1970. */
  now(): number;
  /** All of its rows, for `firn migrate-storage`. */
  readonly tables: SqlTables;
  /** For each worker of a server; absent where processes write beside each other without. */
  lendTurns?(): TurnLender;
  /** What this engine alone counts. */
  metrics(): readonly EngineHistogram[];
  /** Takes the metadata as of one moment to the new `file`, also while others write. Rejects where the database has means of its own. */
  copyTo(file: string): Promise<MetadataSnapshot>;
  /**
   * Takes the metadata to `folder`, which is empty, or a backup, or one that was broken off. Throws `StorageFormatError`,
   * `StorageClaimedError` and `MigrationError`.
   */
  beginCopy(folder: string): Promise<StorageCopy>;
  close(): Promise<void>;
}

export interface WorkerOptions {
  /** What its uploads are called by, so that they can be told from those of others. */
  readonly name: string;
  readonly turns: WriteTurns;
}

export interface EngineOptions {
  /** Makes the storage where its folder is missing or empty. */
  readonly mayMake?: boolean;
  /** Makes this process the one server of the storage, until it is closed. */
  readonly isServer?: boolean;
  /** Of a server that has workers: they claim the storage beside it, and open it afterwards. */
  readonly hasWorkers?: boolean;
  /** Makes this process a worker of the server that has claimed the storage. */
  readonly worker?: WorkerOptions;
  /** A command beside a server: it leaves the write lock to the server between its own transactions. */
  readonly isCommand?: boolean;
  /** Of `firn migrate-storage`, which opens also what nobody is to serve. A target's blobs may come before the rows that name them. */
  readonly half?: 'source' | 'target';
  readonly tell?: Tell;
  /** Ends the process at once; called when the disk failed and only a new start helps. */
  readonly end?: () => void;
}
