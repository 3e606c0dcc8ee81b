import { SqlMetadataStore } from '../../src/engines/sql/sql-metadata-store.js';
import { TestPostgres } from '../support/engines.js';
import { storesOf } from '../support/stores.js';
import { accountRightsSuite } from './account-rights.js';
import { accountStoreSuite } from './account-store.js';
import { securityStoreSuite } from './security-store.js';

const postgres = new TestPostgres();

for (const suite of [accountStoreSuite, accountRightsSuite, securityStoreSuite]) {
  suite('PostgreSQL', async () => {
    const database = await postgres.open();
    const { accounts, security } = storesOf(database);
    return { accounts, security, metadata: new SqlMetadataStore(database), close: () => database.close() };
  });
}
