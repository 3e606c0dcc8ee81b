import { SqlBlobIndex } from '../../src/engines/sql/sql-blob-index.js';
import { SqlMetadataCheck } from '../../src/engines/sql/sql-metadata-check.js';
import { SqlMetadataStore } from '../../src/engines/sql/sql-metadata-store.js';
import { SqlStorageHistory } from '../../src/engines/sql/sql-storage-history.js';
import { TestPostgres } from '../support/engines.js';
import { storesOf } from '../support/stores.js';
import { importStoreSuite } from './import-store.js';
import { jobStoreSuite } from './job-store.js';
import { type MetadataEngine, World } from './metadata-fixture.js';
import { metadataStoreSuite } from './metadata-store.js';

const postgres = new TestPostgres();

async function open(): Promise<MetadataEngine> {
  const database = await postgres.open();
  return {
    database,
    metadata: new SqlMetadataStore(database),
    accounts: storesOf(database).accounts,
    blobIndex: new SqlBlobIndex(database),
    check: new SqlMetadataCheck(database),
    history: new SqlStorageHistory(database),
    close: () => database.close(),
  };
}

metadataStoreSuite('PostgreSQL', open);

jobStoreSuite('PostgreSQL', async () => {
  const database = await postgres.open();
  const { jobs, accounts } = storesOf(database);
  const addUser = async (email: string) =>
    (await accounts.createUser({ email, name: email, passwordHash: 'hash', isAdmin: false }, 0)).id;
  return { jobs, addUser, close: () => database.close() };
});

importStoreSuite('PostgreSQL', async () => {
  const engine = await open();
  const { drive } = await World.open(async () => engine);
  const { imports, jobs } = storesOf(engine.database);
  return { imports, jobs, driveId: drive.id, close: engine.close };
});
