import type { SqlDatabase } from '../../src/engines/sql/sql-database.js';
import { SqlMetadataStore } from '../../src/engines/sql/sql-metadata-store.js';
import { type Stores, singleCalls } from './single-calls.js';

/** The stores on a database, with each call a transaction of its own. */
export function storesOf(database: SqlDatabase): Stores {
  return singleCalls(new SqlMetadataStore(database));
}
