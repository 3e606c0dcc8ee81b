import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Accounts } from '../../src/accounts/accounts.js';
import { Audit } from '../../src/accounts/audit.js';
import { Passwords } from '../../src/accounts/passwords.js';
import { PostgresDatabase } from '../../src/engines/postgres/postgres-database.js';
import { SqlMetadataStore } from '../../src/engines/sql/sql-metadata-store.js';
import type { AppPasswordRow } from '../../src/stores/account-store.js';
import type { MetadataStore, StoreTransaction } from '../../src/stores/metadata-store.js';
import type { DriveId, UserId } from '../../src/stores/values.js';
import { engineOn, insertFolder, World } from '../conformance/metadata-fixture.js';
import { TestPostgres } from '../support/engines.js';
import { POSTGRES } from '../support/postgres-stand.js';

// RACE_ROUNDS=1000: the long form.
const ROUNDS = Number(process.env.RACE_ROUNDS ?? 50);
const postgres = new TestPostgres();

describe(`PostgreSQL: two processes at once, ${ROUNDS} times`, () => {
  const databases: PostgresDatabase[] = [];
  const stores: MetadataStore[] = [];
  let world: World;

  beforeAll(async () => {
    const url = await postgres.makeDatabase();
    for (let number = 0; number < 2; number++) {
      const database = await PostgresDatabase.open(url, POSTGRES, { mayBeUnsafe: true });
      databases.push(database);
      stores.push(new SqlMetadataStore(database));
    }
    world = await World.open(async () => engineOn(databases[0]!));
  });
  afterAll(() => Promise.all(databases.map((database) => database.close())));

  /** What the two were told, errors by their names. */
  async function race<T>(work: (store: MetadataStore, number: number) => Promise<T>): Promise<(T | string)[]> {
    const told = await Promise.allSettled(stores.map(work));
    return told.map((one) => (one.status === 'fulfilled' ? one.value : (one.reason as Error).name));
  }
  async function rounds(work: (round: number) => Promise<void>): Promise<void> {
    for (let round = 0; round < ROUNDS; round++) await work(round);
  }
  const write = <T>(store: MetadataStore, work: (transaction: StoreTransaction) => Promise<T>) => store.write([], work);
  const addUser = (email: string, isAdmin = false) =>
    world.engine.accounts.createUser({ email, name: email, passwordHash: 'hash', isAdmin }, 1);

  it('of two administrators who are made none, one stays', async () => {
    const users = [await addUser('one@x', true), await addUser('two@x', true)];
    await rounds(async () => {
      const told = await race((store, number) =>
        write(store, ({ accounts }) => accounts.updateUser(users[number]!.id, { isAdmin: false })),
      );
      expect(told.sort()).toEqual(['LastAdministratorError', undefined]);
      for (const { id } of users) await world.engine.accounts.updateUser(id, { isAdmin: true });
    });
  });

  it('of two managers who leave a drive, one stays', async () => {
    const accountsOf = (metadata: MetadataStore) =>
      new Accounts(metadata, new Passwords(), { uploadMaxBytes: 1, audit: new Audit(metadata) });
    await world.engine.accounts.putMember(world.drive.id, world.ben.userId, 'manager', null, 1);
    const emails = ['anna@x', 'ben@x'];
    await rounds(async () => {
      const told = await race((store, number) =>
        accountsOf(store)
          .putMember(world.drive.id, emails[number]!, { role: 'member' })
          .then(() => 'done'),
      );
      expect(told.sort()).toEqual(['AccountError', 'done']);
      for (const { userId } of [world.anna, world.ben])
        await world.engine.accounts.putMember(world.drive.id, userId, 'manager', null, 1);
    });
  });

  it('of two passkeys, the only second factors, one stays', async () => {
    const { id: userId } = await addUser('keys@x');
    const add = (id: string) => {
      const key = { id, userId, name: id, publicKey: Buffer.from('key'), counter: 0, transports: [] };
      return write(stores[0]!, ({ security }) => security.addPasskey(key, null, 1));
    };
    await rounds(async (round) => {
      for (const id of ['a', 'b']) await add(`${id}${round}`);
      const told = await race((store, number) =>
        write(store, ({ security }) => security.removePasskey(userId, `${'ab'[number]}${round}`)),
      );
      expect(told.sort()).toEqual(['last', 'removed']);
      await write(stores[0]!, ({ security }) => security.removeSecondFactors(userId));
    });
  });

  it('a job that recurs is there once, and is claimed once', async () => {
    await rounds(async (round) => {
      const kind = `kind ${round}`;
      expect(await race((store) => write(store, ({ jobs }) => jobs.ensureRecurring(kind, 1, 0)))).toEqual([
        undefined,
        undefined,
      ]);
      const claimed = await race((store, number) =>
        write(store, async ({ jobs }) => (await jobs.claim([kind], `owner ${number}`, 70_000, 99_000)) !== null),
      );
      expect(claimed.sort()).toEqual([false, true]);
    });
  });

  it('one drive of a number, with its member', async () => {
    await rounds(async (round) => {
      const id = (200_000 + round) as DriveId;
      const told = await race((store) =>
        write(store, async ({ accounts }) => {
          await accounts.createDrive({ id, name: 'drive', quotaBytes: null, uploadMaxBytes: null }, 1);
          await accounts.putMember(id, world.anna.userId, 'manager', null, 1);
        }),
      );
      expect(told.sort()).toEqual(['DriveIdTakenError', undefined]);
      expect(await world.read((view) => view.accounts.members(id))).toHaveLength(1);
    });
  });

  it('one node of a name: made twice, and made where one is moved to', async () => {
    const { drive, home } = world;
    await rounds(async (round) => {
      const made = await race((store) =>
        store.write([drive.id], (t) => insertFolder(t, home, `made ${round}`, drive.id).then(() => 'made')),
      );
      expect(made.sort()).toEqual(['NameTakenError', 'made']);
      const told = await race((store, number) =>
        store.write([drive.id], async (t) => {
          const [, node] = await t.resolve(home, [`made ${round}`]);
          if (number === 0) await t.moveNode(node!, { id: home, driveId: drive.id }, `moved ${round}`, 1);
          else await insertFolder(t, home, `moved ${round}`, drive.id);
          return 'done';
        }),
      );
      expect(told.sort()).toEqual(['NameTakenError', 'done']);
    });
    expect(await world.problems()).toEqual([]);
  });

  it('a part that comes at one offset twice is taken once', async () => {
    const { drive, anna } = world;
    await rounds(async (round) => {
      const key = { driveId: drive.id, userId: anna.userId, scopeId: null, name: `upload ${round}` };
      const { id } = await stores[0]!.write([drive.id], ({ uploads }) =>
        uploads.insert({ ...key, size: null, target: null, expiresAt: 9 }, 1),
      );
      const told = await race((store, number) =>
        store.write([drive.id], async (t) => {
          const content = { id: `${number}`.repeat(64) as never, size: 5, bytes: Buffer.from('bytes'), place: null };
          await t.putContent(content, 1);
          const part = { name: `${number}`, number: 0, size: 5, blobId: content.id, storedAt: 1 };
          return t.uploads.putPart(id, part, { expiresAt: 9, expectedReceived: 0 });
        }),
      );
      expect(told.sort()).toEqual([false, true]);
    });
  });

  const ends: Record<
    string,
    (transaction: StoreTransaction, user: UserId, password: AppPasswordRow) => Promise<unknown>
  > = {
    'an app password that is revoked': ({ accounts }, user, { id }) => accounts.revokeAppPassword(user, id, 2),
    'app passwords that are all revoked': ({ accounts }, user) => accounts.revokeAppPasswords(user, 2),
    'a user who is disabled': ({ accounts }, user) => accounts.updateUser(user, { isDisabled: true }),
  };
  it.each(Object.keys(ends))('PRODUCT S7 — %s changes nothing once that is answered', async (name) => {
    const { id: userId } = await addUser(`${name}@x`);
    const { drive } = world;
    await world.engine.accounts.putMember(drive.id, userId, 'member', null, 1);
    await rounds(async (round) => {
      await world.engine.accounts.updateUser(userId, { isDisabled: false });
      const limits = { driveId: null, scopeId: null, allowance: 'full', expiresAt: null } as const;
      const row = { userId, name: 'device', selector: `${name} ${round}`, hash: 'hash', mac: null, ...limits };
      const password = await world.engine.accounts.createAppPassword(row, 1);
      let isAnswered = false;
      const told = await race(async (store, number) => {
        if (number === 1) {
          await write(store, (transaction) => ends[name]!(transaction, userId, password));
          isAnswered = true;
          return (await store.read([], (view) => view.takenNames(world.home, [`${name} ${round}`]))).size;
        }
        return store.write([drive.id], async (transaction) => {
          const access = await transaction.accounts.access({ kind: 'app', userId, id: password.id }, drive.id, 1);
          if (!access.stands) return 'refused';
          for (let turn = 0; turn < 20 && !isAnswered; turn++) await transaction.findNodes([]);
          await insertFolder(transaction, world.home, `${name} ${round}`, drive.id);
          return 'written';
        });
      });
      expect([
        ['refused', 0],
        ['written', 1],
      ]).toContainEqual(told);
    });
  });
});
