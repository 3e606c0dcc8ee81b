import { onTestFinished } from 'vitest';
import { Accounts } from '../../src/accounts/accounts.js';
import { Audit } from '../../src/accounts/audit.js';
import { Authenticator } from '../../src/accounts/authenticator.js';
import { Passwords } from '../../src/accounts/passwords.js';
import { readMigrations } from '../../src/engines/sql/migrate.js';
import { SqlMetadataStore } from '../../src/engines/sql/sql-metadata-store.js';
import { SqliteDatabase } from '../../src/engines/sqlite/sqlite-database.js';
import type { DriveId } from '../../src/stores/values.js';
import { KEY_BOX, throttleOn } from '../support/guess-throttle.js';
import { singleCalls } from '../support/single-calls.js';

export const MIGRATIONS = readMigrations(new URL('../../migrations/sqlite', import.meta.url).pathname);
export const ANNA = 'anna@example.org';
export const PASSWORD = 'seven green lamps';
export const ADDRESS = '192.0.2.1';

/** A real store with a user and a drive of theirs, and a clock that the test moves. */
export async function openBench(path = ':memory:') {
  const database = SqliteDatabase.open(path, MIGRATIONS);
  const clock = { now: Date.parse('2027-01-01T00:00:00Z') };
  const now = () => clock.now;
  const metadata = new SqlMetadataStore(database);
  const { accounts: store, security } = singleCalls(metadata);
  // The cost has a test of its own; here only the number of runs matters.
  const passwords = new Passwords({ memoryKib: 1024, passes: 1 });
  const audit = new Audit(metadata, now);
  const accounts = new Accounts(metadata, passwords, { uploadMaxBytes: 100e9, audit, now });
  const errors: unknown[] = [];
  const throttle = throttleOn(metadata, now);
  const authenticator = new Authenticator(metadata, passwords, {
    audit,
    throttle,
    box: KEY_BOX,
    onError: (error) => errors.push(error),
    now,
  });
  onTestFinished(async () => {
    await authenticator.close();
    await database.close();
  });
  const user = await accounts.createUser({ email: ANNA, name: 'Anna', password: PASSWORD, isAdmin: false });
  const drive = await accounts.createDrive({
    id: null,
    name: 'Team',
    ownerEmail: ANNA,
    quotaBytes: null,
    uploadMaxBytes: null,
  });
  const tools = { database, metadata, clock, store, security, passwords, accounts, authenticator, errors, user, drive };
  return {
    ...tools,
    /** Authenticates as Anna unless told otherwise. */
    signIn: (password: string, change: { user?: string; driveId?: DriveId; address?: string; client?: string } = {}) =>
      authenticator.authenticate(
        { userName: change.user ?? ANNA, password },
        change.driveId ?? drive.id,
        change.address ?? ADDRESS,
        change.client ?? 'test/1',
      ),
    /** The answer, and how often argon2 ran for it. */
    counting: async <T>(work: () => Promise<T>) => {
      const before = passwords.runs;
      const answer = await work();
      return { answer, runs: passwords.runs - before };
    },
    makeAppPassword: (change: { driveId?: number; expiresAt?: number; allowance?: 'read-only' } = {}) =>
      accounts.createAppPassword({
        email: ANNA,
        name: 'rclone',
        driveId: change.driveId ?? null,
        scopeId: null,
        allowance: change.allowance ?? 'full',
        expiresAt: change.expiresAt ?? null,
      }),
  };
}
