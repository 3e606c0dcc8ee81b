import { SqlMetadataStore } from '../../src/engines/sql/sql-metadata-store.js';
import type { TestPostgres } from '../support/engines.js';
import { storesOf } from '../support/stores.js';
import { accountRightsSuite } from './account-rights.js';
import { accountStoreSuite } from './account-store.js';
import { importStoreSuite } from './import-store.js';
import { jobStoreSuite } from './job-store.js';
import { engineOn, World } from './metadata-fixture.js';
import { metadataStoreSuite } from './metadata-store.js';
import { securityStoreSuite } from './security-store.js';

/** The contracts of all that is kept of drives, on a PostgreSQL. */
export function postgresMetadataSuites(name: string, postgres: TestPostgres): void {
  const open = async () => engineOn(await postgres.open());
  metadataStoreSuite(name, open);

  jobStoreSuite(name, async () => {
    const database = await postgres.open();
    const { jobs, accounts } = storesOf(database);
    const addUser = async (email: string) =>
      (await accounts.createUser({ email, name: email, passwordHash: 'hash', isAdmin: false }, 0)).id;
    return { jobs, addUser, close: () => database.close() };
  });

  importStoreSuite(name, async () => {
    const engine = await open();
    const { drive } = await World.open(async () => engine);
    const { imports, jobs } = storesOf(engine.database);
    return { imports, jobs, driveId: drive.id, close: engine.close };
  });
}

/** The contracts of all that is kept of users. */
export function postgresAccountSuites(name: string, postgres: TestPostgres): void {
  for (const suite of [accountStoreSuite, accountRightsSuite, securityStoreSuite]) {
    suite(name, async () => {
      const database = await postgres.open();
      const { accounts, security } = storesOf(database);
      return { accounts, security, metadata: new SqlMetadataStore(database), close: () => database.close() };
    });
  }
}
