import { beforeEach, describe, expect, test } from 'vitest';
import { AccountError } from '../../src/accounts/account-error.js';
import { Accounts } from '../../src/accounts/accounts.js';
import { Audit, OPERATOR } from '../../src/accounts/audit.js';
import { Passkeys } from '../../src/accounts/passkeys.js';
import { SecondFactors } from '../../src/accounts/second-factors.js';
import { SecretBox } from '../../src/accounts/secret-box.js';
import { Sessions } from '../../src/accounts/sessions.js';
import { totpCode } from '../../src/accounts/totp.js';
import { SqlMetadataStore } from '../../src/engines/sql/sql-metadata-store.js';
import { SqliteDatabase } from '../../src/engines/sqlite/sqlite-database.js';
import { Imports } from '../../src/jobs/import/imports.js';
import type { UserRow } from '../../src/stores/account-store.js';
import type { DriveId, UserId } from '../../src/stores/values.js';
import { singleCalls } from '../support/single-calls.js';
import { ANNA, MIGRATIONS, openBench, PASSWORD } from './bench.js';

const ROUNDS = 50;
const BEN = 'ben@example.org';
const STEP_MS = 30_000;
const FRESH = { quotaBytes: null, uploadMaxBytes: null };

type Bench = Awaited<ReturnType<typeof openBench>>;

let bench: Bench;
let stores: ReturnType<typeof singleCalls>;
let audit: Audit;
let anna: UserRow;
let ben: UserRow;

beforeEach(async () => {
  bench = await openBench();
  stores = singleCalls(bench.metadata);
  audit = new Audit(bench.metadata, () => bench.clock.now);
  anna = bench.user;
  ben = await bench.accounts.createUser({ email: BEN, name: 'Ben', password: PASSWORD, isAdmin: false });
});

/** Both at once, and which of them was refused by an `AccountError`: 0 for neither. */
async function together(one: () => Promise<unknown>, other: () => Promise<unknown>): Promise<number> {
  const ends = await Promise.allSettled([one(), other()]);
  const refused = ends.filter((end) => end.status === 'rejected');
  for (const { reason } of refused) expect(reason).toBeInstanceOf(AccountError);
  return refused.length;
}

async function rounds(work: (round: number) => Promise<void>): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) await work(round);
}

const records = async (kind: string, userId?: UserId) =>
  (await stores.security.audit({ kind, ...(userId === undefined ? {} : { userId }) }, null, 10_000)).length;

const makeFactors = () =>
  new SecondFactors(bench.metadata, bench.passwords, new SecretBox(Buffer.alloc(32, 1)), {
    audit,
    issuer: 'Firn',
    onUnreadable: () => {},
    now: () => bench.clock.now,
  });
const makeSessions = () =>
  new Sessions(bench.metadata, audit, {
    idleMinutes: 60,
    longestHours: 24,
    freshMinutes: 15,
    now: () => bench.clock.now,
  });

describe('a drive that had a manager keeps one', () => {
  const managers = async () => (await stores.accounts.members(bench.drive.id)).filter(({ role }) => role === 'manager');

  test('where two managers remove each other at once', () =>
    rounds(async () => {
      for (const email of [ANNA, BEN]) await stores.accounts.putMember(bench.drive.id, idOf(email), 'manager', null, 0);
      const remove = (email: string) => () => bench.accounts.removeMember(bench.drive.id, email);
      expect(await together(remove(ANNA), remove(BEN))).toBe(1);
      expect(await managers()).toHaveLength(1);
    }));

  test('where two managers make each other viewers at once', () =>
    rounds(async () => {
      for (const email of [ANNA, BEN]) await stores.accounts.putMember(bench.drive.id, idOf(email), 'manager', null, 0);
      const demote = (email: string) => () => bench.accounts.putMember(bench.drive.id, email, { role: 'viewer' });
      expect(await together(demote(ANNA), demote(BEN))).toBe(1);
      expect(await managers()).toHaveLength(1);
    }));

  const idOf = (email: string) => (email === ANNA ? anna : ben).id;
});

describe('somebody stays administrator', () => {
  test.each([
    ['lose the role', { isAdmin: false }],
    ['are disabled', { isDisabled: true }],
  ])('where the two there are %s at once', (_title, change) =>
    rounds(async () => {
      for (const { id } of [anna, ben]) await stores.accounts.updateUser(id, { isAdmin: true, isDisabled: false });
      const take = (email: string) => () => bench.accounts.changeUser(email, change);
      expect(await together(take(ANNA), take(BEN))).toBe(1);
      const left = (await stores.accounts.listUsers(null, 9)).filter(
        ({ isAdmin, isDisabled }) => isAdmin && !isDisabled,
      );
      expect(left).toHaveLength(1);
    }),
  );
});

describe('what is made once', () => {
  test('a storage has one first administrator with one drive', () =>
    rounds(async () => {
      const database = SqliteDatabase.open(':memory:', MIGRATIONS);
      const metadata = new SqlMetadataStore(database);
      const empty = new Accounts(metadata, bench.passwords, { uploadMaxBytes: 100e9, audit: new Audit(metadata) });
      const first = { email: 'admin@x', name: 'Administrator', password: PASSWORD, driveName: 'Firn' };
      const drives = await Promise.all([empty.createFirst(first), empty.createFirst(first)]);
      expect(drives.filter((drive) => drive !== null)).toHaveLength(1);
      const { accounts } = singleCalls(metadata);
      expect(await accounts.listUsers(null, 9)).toHaveLength(1);
      const [drive, ...others] = await accounts.listDrives(null, 9);
      expect(others).toEqual([]);
      expect(await accounts.members(drive!.id)).toMatchObject([{ email: 'admin@x', role: 'manager' }]);
      await database.close();
    }));

  test('an e-mail address is one user’s, and there is one record of that', () =>
    rounds(async (round) => {
      const email = `new${round}@example.org`;
      const make = () => bench.accounts.createUser({ email, name: null, password: PASSWORD, isAdmin: false });
      expect(await together(make, make)).toBe(1);
      expect(await records('user-made')).toBe(3 + round);
    }));

  test('a drive has its ID alone, and its first member', () =>
    rounds(async (round) => {
      const id = 200_000 + round;
      const make = (ownerEmail: string) => () => bench.accounts.createDrive({ id, name: 'New', ownerEmail, ...FRESH });
      expect(await together(make(ANNA), make(BEN))).toBe(1);
      expect(await stores.accounts.members(id as DriveId)).toMatchObject([{ role: 'manager' }]);
      expect(await records('drive-made')).toBe(2 + round);
    }));

  test('an app password is revoked once', () =>
    rounds(async (round) => {
      const { row } = await bench.makeAppPassword();
      const revoke = () => bench.accounts.revokeAppPassword(ANNA, row.id);
      expect(await together(revoke, revoke)).toBe(1);
      expect(await records('app-password-revoked')).toBe(1 + round);
    }));

  test('the rule for everyone is switched once, and recorded once', () =>
    rounds(async (round) => {
      const isRequired = round % 2 === 0;
      const change = () => bench.accounts.requireSecondFactor(isRequired);
      expect(await together(change, change)).toBe(0);
      expect(await stores.security.isSecondFactorRequired()).toBe(isRequired);
      expect(await records('second-factor-rule')).toBe(1 + round);
    }));

  test('second factors are taken away once', () =>
    rounds(async (round) => {
      await addPasskey(anna, `key ${round}`);
      const reset = () => bench.accounts.resetSecondFactor(ANNA);
      expect(await together(reset, reset)).toBe(1);
      expect(await records('second-factor-reset')).toBe(1 + round);
    }));

  test('one import of the same folders goes on, and a user has no more than may be open', () =>
    rounds(async (round) => {
      const imports = new Imports({
        metadata: bench.metadata,
        box: new SecretBox(Buffer.alloc(32, 1)),
        allowed: { hosts: [], networks: [] },
        idleSeconds: 1,
        now: () => bench.clock.now,
      });
      const start = (from: string) => () =>
        imports.start(
          {
            ...{ url: 'https://cloud.example.org/', from, user: 'anna', password: 'p', to: '', conflict: 'skip' },
            ...{ driveId: bench.drive.id, userId: anna.id },
          },
          2,
        );
      const same = await Promise.allSettled([start('one')(), start('one')()]);
      expect(same.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      const more = await Promise.allSettled([start('two')(), start('three')()]);
      expect(more.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      const jobs = await stores.jobs.list({ kind: 'import' }, null, 1000);
      expect(jobs).toHaveLength(2 * (round + 1));
      for (const { id } of jobs) await imports.cancel(id);
    }));

  test('a job that recurs is there once', () =>
    rounds(async (round) => {
      const ensure = () => stores.jobs.ensureRecurring(`job ${round}`, 60, 0);
      await Promise.all([ensure(), ensure()]);
      expect(await stores.jobs.list({ kind: `job ${round}` }, null, 9)).toHaveLength(1);
    }));
});

describe('second factors', () => {
  test('of the last two passkeys one stays', () =>
    rounds(async (round) => {
      const keys = new Passkeys(bench.metadata, bench.passwords, { audit, name: 'Firn', publicUrl: null });
      for (const name of ['a', 'b']) await addPasskey(anna, `${name} ${round}`);
      const remove = (name: string) => () => keys.remove(anna.id, `${name} ${round}`, OPERATOR);
      expect(await together(remove('a'), remove('b'))).toBe(1);
      expect(await stores.security.passkeys(anna.id)).toHaveLength(1);
      expect(await records('passkey-removed')).toBe(round + 1);
      await stores.security.removeSecondFactors(anna.id);
    }));

  test('a code of the authenticator is good once', async () => {
    const { secret } = await turnOn();
    const factors = makeFactors();
    await rounds(async () => {
      bench.clock.now += STEP_MS;
      const code = totpCode(secret, bench.clock.now);
      const verify = () => factors.verify(anna.id, code, OPERATOR);
      const kinds = (await Promise.all([verify(), verify()])).map(({ kind }) => kind);
      expect(kinds.sort()).toEqual(['good', 'wrong']);
    });
  });

  test('a recovery code is good once, and recorded once with how many are left', async () => {
    const factors = makeFactors();
    let { codes } = await turnOn();
    await rounds(async (round) => {
      if (round % 10 === 0 && round > 0) codes = await factors.renewRecoveryCodes(anna.id, OPERATOR);
      const verify = () => factors.verify(anna.id, codes[round % 10]!, OPERATOR);
      const kinds = (await Promise.all([verify(), verify()])).map(({ kind }) => kind);
      expect(kinds.sort()).toEqual(['good', 'wrong']);
      const used = await stores.security.audit({ kind: 'recovery-code-used' }, null, 1000);
      expect([used.length, used[0]!.details]).toEqual([round + 1, { left: 9 - (round % 10) }]);
    });
  });

  test('recovery codes that are renewed while the factor goes, go', () =>
    rounds(async () => {
      await turnOn();
      const factors = makeFactors();
      await together(
        () => factors.renewRecoveryCodes(anna.id, OPERATOR),
        () => factors.remove(anna.id, OPERATOR),
      );
      expect(await stores.security.countRecoveryCodes(anna.id)).toBe(0);
    }));

  test('no session is whole that begins while the factor is switched on, but the one that switched it on', () =>
    rounds(async (round) => {
      const [factors, sessions] = [makeFactors(), makeSessions()];
      const own = (await sessions.find(await sessions.begin(anna, null, OPERATOR), ''))!;
      const { secret } = await factors.begin(anna);
      const code = totpCode(secret, bench.clock.now);
      const confirming = factors.confirm(anna, code, { actor: OPERATOR, sessionId: own.session.id });
      // Who has just given the right password is known as of before.
      if (round % 2 === 0) await confirming;
      const token = await sessions.begin(anna, null, OPERATOR);
      await confirming;
      const other = await sessions.find(token, '');
      expect(other?.session.stage ?? 'ended').not.toBe('full');
      const whole = (await sessions.list(anna.id)).filter(({ stage }) => stage === 'full');
      expect(whole.map(({ id }) => id)).toEqual([own.session.id]);
      await stores.security.removeSecondFactors(anna.id);
      await stores.security.endSessions(anna.id, null);
      bench.clock.now += STEP_MS;
    }));

  test('a code of an authenticator that was begun again confirms none', () =>
    rounds(async () => {
      const factors = makeFactors();
      const { secret } = await factors.begin(anna);
      const by = { actor: OPERATOR, sessionId: 0 };
      const [again, confirmed] = await Promise.allSettled([
        factors.begin(anna),
        factors.confirm(anna, totpCode(secret, bench.clock.now), by),
      ]);
      const { isTotpOn } = await factors.state(anna.id);
      expect(isTotpOn).toBe(confirmed.status === 'fulfilled');
      if (isTotpOn) expect(again.status).toBe('rejected');
      await stores.security.removeSecondFactors(anna.id);
      bench.clock.now += STEP_MS;
    }));
});

describe('nothing changes without its record', () => {
  const failing = () => {
    const broken = new Audit(bench.metadata, () => bench.clock.now);
    broken.noteIn = () => Promise.reject(new Error('no record'));
    return broken;
  };
  const attempts: Record<string, (accounts: Accounts) => Promise<unknown>> = {
    'a user is made': (accounts) =>
      accounts.createUser({ email: 'new@x', name: null, password: PASSWORD, isAdmin: false }),
    'a user is changed': (accounts) => accounts.changeUser(BEN, { isAdmin: true }),
    'a password is set': (accounts) => accounts.setPassword(BEN, 'six yellow lamps of old'),
    'a drive is made': (accounts) => accounts.createDrive({ id: null, name: 'New', ownerEmail: BEN, ...FRESH }),
    'a drive is changed': (accounts) => accounts.changeDrive(bench.drive.id, { name: 'Other' }),
    'a member is added': (accounts) => accounts.putMember(bench.drive.id, BEN, {}),
    'an app password is made': (accounts) =>
      accounts.createAppPassword({
        ...{ email: BEN, name: 'x', driveId: null, scopeId: null, allowance: 'full', expiresAt: null },
      }),
    'the rule for everyone is switched': (accounts) => accounts.requireSecondFactor(true),
  };

  test.each(Object.keys(attempts))('%s', async (title) => {
    const options = { uploadMaxBytes: 100e9, audit: failing(), now: () => bench.clock.now };
    const all = () =>
      bench.database.read(async (connection) => {
        const rows: unknown[] = [];
        for (const table of ['app_user', 'drive', 'member', 'app_password', 'organization', 'node', 'audit']) {
          rows.push(await connection.all(`SELECT * FROM ${table}`, []));
        }
        return rows;
      });
    const before = await all();
    const accounts = new Accounts(bench.metadata, bench.passwords, options);
    await expect(attempts[title]!(accounts)).rejects.toThrow('no record');
    expect(await all()).toEqual(before);
  });
});

async function addPasskey(user: UserRow, id: string): Promise<void> {
  const passkey = { id, userId: user.id, name: id, publicKey: Buffer.alloc(1), counter: 0, transports: [] };
  await stores.security.addPasskey(passkey, null, bench.clock.now);
}

/** Switches an authenticator on for Anna, and goes on to its next code. */
async function turnOn(): Promise<{ secret: string; codes: readonly string[] }> {
  const factors = makeFactors();
  const { secret } = await factors.begin(anna);
  const by = { actor: OPERATOR, sessionId: 0 };
  const codes = await factors.confirm(anna, totpCode(secret, bench.clock.now), by);
  bench.clock.now += STEP_MS;
  return { secret, codes };
}
