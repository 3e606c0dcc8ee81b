import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type AccountStore,
  type CredentialRef,
  DriveIdTakenError,
  EmailTakenError,
  LastAdministratorError,
  type NewAppPassword,
  SelectorTakenError,
} from '../../src/stores/account-store.js';
import type { MetadataStore } from '../../src/stores/metadata-store.js';
import type { SecurityStore } from '../../src/stores/security-store.js';
import type { AppPasswordId, DriveId, NodeId, UserId } from '../../src/stores/values.js';

export interface AccountEngine {
  readonly accounts: AccountStore;
  readonly security: SecurityStore;
  readonly metadata: MetadataStore;
  close(): Promise<void>;
}

const NOW = 1_800_000_000_000;
const NO_SUCH_DRIVE = 999_999_999 as DriveId;

/** The contract of `AccountStore`, clause by clause, for one engine. */
export function accountStoreSuite(name: string, open: () => Promise<AccountEngine>): void {
  describe(`AccountStore on ${name}`, () => {
    let engine: AccountEngine;
    let store: AccountStore;

    beforeEach(async () => {
      engine = await open();
      store = engine.accounts;
    });
    afterEach(() => engine.close());

    const makeUser = (email = 'anna@example.org') =>
      store.createUser({ email, name: 'Anna', passwordHash: `hash of ${email}`, isAdmin: false }, NOW);
    const makeDrive = (id: number | null = null) =>
      store.createDrive({ id: id as DriveId | null, name: 'Team', quotaBytes: 5e9, uploadMaxBytes: null }, NOW);
    const newAppPassword = (userId: UserId, change: Partial<NewAppPassword> = {}): NewAppPassword => ({
      userId,
      name: 'rclone',
      selector: 'abcdefgh',
      hash: 'hash',
      mac: null,
      driveId: null,
      scopeId: null,
      allowance: 'full',
      expiresAt: null,
      ...change,
    });
    const nodes = (...ids: NodeId[]) => engine.metadata.read([], (view) => view.findNodes(ids));

    describe('users', () => {
      it('findUser — finds by e-mail in any case and normalization, keeps the spelling, else null', async () => {
        const user = await makeUser('Zoë@Example.org');
        expect(await store.findUser('ZOE\u0308@example.ORG')).toEqual(user);
        expect(user).toMatchObject({ email: 'Zoë@Example.org', passwordVersion: 1, isAdmin: false, createdAt: NOW });
        expect(await store.findUser('zoe@example.org')).toBeNull();
      });

      it('createUser — throws EmailTakenError for another spelling of a taken address', async () => {
        await makeUser('anna@example.org');
        await expect(makeUser('ANNA@example.org')).rejects.toThrow(EmailTakenError);
      });

      it('listUsers — pages by e-mail address, whatever its case', async () => {
        for (const email of ['carl@x', 'Anna@x', 'ben@x']) await makeUser(email);
        const first = await store.listUsers(null, 2);
        expect(first.map((user) => user.email)).toEqual(['Anna@x', 'ben@x']);
        const rest = await store.listUsers(first[1]!.email, 2);
        expect(rest.map((user) => user.email)).toEqual(['carl@x']);
      });

      it('updateUser — changes what is given and leaves the rest', async () => {
        const user = await makeUser();
        await store.updateUser(user.id, { isDisabled: true });
        await store.updateUser(user.id, { name: 'Anna K.', isAdmin: true });
        expect(await store.findUser(user.email)).toEqual({ ...user, name: 'Anna K.', isAdmin: true, isDisabled: true });
      });

      it('updateUser — throws LastAdministratorError and changes nothing where nobody would be left to administer', async () => {
        const anna = await makeUser();
        await store.updateUser(anna.id, { isAdmin: true });
        const last = { ...anna, isAdmin: true };
        for (const change of [{ isAdmin: false }, { isDisabled: true, name: 'X' }]) {
          await expect(store.updateUser(anna.id, change)).rejects.toThrow(LastAdministratorError);
        }
        expect(await store.findUser(anna.email)).toEqual(last);
        const ben = await makeUser('ben@x');
        await store.updateUser(ben.id, { isDisabled: true, isAdmin: true });
        await expect(store.updateUser(anna.id, { isAdmin: false })).rejects.toThrow(LastAdministratorError);
        await store.updateUser(ben.id, { isDisabled: false });
        const both = await Promise.allSettled([anna, ben].map(({ id }) => store.updateUser(id, { isAdmin: false })));
        expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
        await store.updateUser(anna.id, { isDisabled: true });
      });

      it('listUsersWithDrives — as listUsers, with the number of drives; those without a second factor alone', async () => {
        const [anna, ben, carl] = [await makeUser('Anna@x'), await makeUser('ben@x'), await makeUser('carl@x')];
        const drives = [await makeDrive(), await makeDrive()];
        for (const { id } of drives) await store.putMember(id, ben.id, 'member', null, NOW);
        await store.putMember(drives[0]!.id, anna.id, 'viewer', null, NOW);
        const all = { isWithoutSecondFactor: false };
        const first = await store.listUsersWithDrives(all, null, 2);
        expect(first).toEqual([
          { ...anna, drives: 1 },
          { ...ben, drives: 2 },
        ]);
        expect(await store.listUsersWithDrives(all, 'BEN@x', 2)).toEqual([{ ...carl, drives: 0 }]);
        const without = async () => {
          const users = await store.listUsersWithDrives({ isWithoutSecondFactor: true }, null, 9);
          expect(await store.countWithoutSecondFactor()).toBe(users.length);
          return users.map(({ email }) => email);
        };
        expect(await without()).toEqual(['Anna@x', 'ben@x', 'carl@x']);
        await store.updateUser(ben.id, { isDisabled: true });
        await engine.security.putPendingTotp(anna.id, 'secret', NOW);
        expect(await without()).toEqual(['Anna@x', 'carl@x']);
        await engine.security.confirmTotp(anna.id, 1, [], NOW);
        expect(await without()).toEqual(['carl@x']);
      });

      it('setPassword — raises the version and keeps the former hashes, newest first', async () => {
        const user = await makeUser();
        for (const hash of ['second', 'third']) await store.setPassword(user.id, hash, NOW);
        expect(await store.findUser(user.email)).toMatchObject({ passwordHash: 'third', passwordVersion: 3 });
        expect(await store.formerPasswords(user.id, 5)).toEqual(['second', user.passwordHash]);
        expect(await store.formerPasswords(user.id, 1)).toEqual(['second']);
      });

      it('noteFormerPassword — is seen at the user', async () => {
        const user = await makeUser();
        await store.noteFormerPassword(user.id, NOW + 1, 'old phone');
        expect(await store.findUser(user.email)).toEqual({ ...user, refusedAt: NOW + 1, refusedClient: 'old phone' });
      });
    });

    describe('drives', () => {
      it('createDrive — takes the ID it is given, and throws DriveIdTakenError the second time', async () => {
        const drive = await makeDrive(123_456);
        expect(drive).toMatchObject({ id: 123_456, name: 'Team', quotaBytes: 5e9, uploadMaxBytes: null });
        expect(await store.findDrive(drive.id)).toEqual(drive);
        await expect(makeDrive(123_456)).rejects.toThrow(DriveIdTakenError);
        expect(await store.listDrives(null, 10)).toEqual([drive]);
      });

      it('createDrive — else gives a free ID of six digits or more', async () => {
        const ids = await Promise.all(Array.from({ length: 50 }, async () => (await makeDrive()).id));
        expect(new Set(ids).size).toBe(50);
        for (const id of ids) expect(id).toBeGreaterThanOrEqual(100_000);
      });

      it('createDrive — makes the root with the shared folder and the common trash, counted in the root', async () => {
        const drive = await makeDrive();
        const [root, common, bin] = await nodes(drive.rootId, drive.commonId, drive.commonBinId);
        expect(root).toMatchObject({ parentId: null, name: '', isCollection: true, size: 0, descendants: 2 });
        expect(common).toMatchObject({ parentId: drive.rootId, driveId: drive.id, isCollection: true, descendants: 0 });
        expect(bin).toMatchObject({ parentId: drive.rootId, driveId: drive.id, isCollection: true, blobId: null });
      });

      it('findDrive — null when there is none', async () => {
        expect(await store.findDrive(NO_SUCH_DRIVE)).toBeNull();
      });

      it('listDrives — pages by ID', async () => {
        for (const id of [300_000, 100_000, 200_000]) await makeDrive(id);
        const first = await store.listDrives(null, 2);
        expect(first.map((drive) => drive.id)).toEqual([100_000, 200_000]);
        expect((await store.listDrives(first[1]!.id, 2)).map((drive) => drive.id)).toEqual([300_000]);
      });

      it('updateDrive — changes what is given, null takes a limit away', async () => {
        const drive = await makeDrive();
        await store.updateDrive(drive.id, { name: 'Club', uploadMaxBytes: 7 });
        await store.updateDrive(drive.id, { quotaBytes: null });
        expect(await store.findDrive(drive.id)).toEqual({
          ...drive,
          name: 'Club',
          uploadMaxBytes: 7,
          quotaBytes: null,
        });
      });
    });

    describe('members', () => {
      it('putMember — makes personal files and trash, counted in the root, whose revision rises', async () => {
        const [user, drive] = [await makeUser(), await makeDrive()];
        const [before] = await nodes(drive.rootId);
        const member = await store.putMember(drive.id, user.id, 'member', 7, NOW);
        const [root, home, bin] = await nodes(drive.rootId, member.homeId, member.binId);
        expect(root).toMatchObject({ descendants: 4, size: 0 });
        expect(root!.revision).toBeGreaterThan(before!.revision);
        expect(home).toMatchObject({ parentId: drive.rootId, driveId: drive.id, isCollection: true });
        expect(bin).toMatchObject({ parentId: drive.rootId, driveId: drive.id, isCollection: true });
        expect(home!.name).toContain('/');
        expect(bin!.name).toContain('/');
      });

      it('putMember — changes role and quota of a member, who keeps the files', async () => {
        const [user, drive] = [await makeUser(), await makeDrive()];
        const first = await store.putMember(drive.id, user.id, 'viewer', null, NOW);
        const second = await store.putMember(drive.id, user.id, 'manager', 9, NOW);
        expect(second).toEqual({ ...first, role: 'manager', quotaBytes: 9 });
        const members = await store.members(drive.id);
        expect(members).toEqual([{ ...second, email: user.email, name: user.name }]);
      });

      it('removeMember — ends the membership; who comes back finds the personal files of before', async () => {
        const [user, drive] = [await makeUser(), await makeDrive()];
        const before = await store.putMember(drive.id, user.id, 'member', null, NOW);
        expect(await store.removeMember(drive.id, user.id)).toBe(true);
        expect(await store.removeMember(drive.id, user.id)).toBe(false);
        expect(await store.members(drive.id)).toEqual([]);
        expect(await nodes(before.homeId, before.binId)).toHaveLength(2);
        expect(await store.putMember(drive.id, user.id, 'member', null, NOW)).toEqual(before);
        expect((await nodes(drive.rootId))[0]).toMatchObject({ descendants: 4 });
      });

      it('drivesOf — the drives of a user with the role on each', async () => {
        const user = await makeUser();
        const [one, two] = [await makeDrive(100_001), await makeDrive(100_002)];
        await makeDrive(100_003);
        await store.putMember(one.id, user.id, 'viewer', null, NOW);
        await store.putMember(two.id, user.id, 'manager', null, NOW);
        expect(await store.drivesOf(user.id)).toEqual([
          { ...one, role: 'viewer' },
          { ...two, role: 'manager' },
        ]);
      });
    });

    describe('memberships', () => {
      it('say what a credential with all rights would, by drive ID, or of one drive', async () => {
        const user = await makeUser();
        const [two, one, foreign] = [await makeDrive(200_000), await makeDrive(100_000), await makeDrive(300_000)];
        await store.putMember(two.id, user.id, 'viewer', 7, NOW);
        await store.putMember(one.id, user.id, 'manager', null, NOW);
        const credential: CredentialRef = { kind: 'account', userId: user.id, passwordVersion: 1 };
        const expected = [];
        for (const { id } of [one, two]) expected.push((await store.access(credential, id, NOW)).membership);
        expect(await store.memberships(user.id, null)).toEqual(expected);
        expect(await store.memberships(user.id, two.id)).toEqual([expected[1]]);
        expect(await store.memberships(user.id, foreign.id)).toEqual([]);
        expect(await store.memberships(user.id, NO_SUCH_DRIVE)).toEqual([]);
      });

      it('are none for a disabled user, and where the membership has ended', async () => {
        const [user, drive] = [await makeUser(), await makeDrive()];
        await store.putMember(drive.id, user.id, 'member', null, NOW);
        await store.updateUser(user.id, { isDisabled: true });
        expect(await store.memberships(user.id, drive.id)).toEqual([]);
        await store.updateUser(user.id, { isDisabled: false });
        expect(await store.memberships(user.id, drive.id)).toHaveLength(1);
        await store.removeMember(drive.id, user.id);
        expect(await store.memberships(user.id, null)).toEqual([]);
      });
    });

    describe('app passwords', () => {
      it('createAppPassword — is found by selector and listed, and a taken selector throws', async () => {
        const user = await makeUser();
        const row = await store.createAppPassword(newAppPassword(user.id, { expiresAt: NOW + 5 }), NOW);
        expect(row).toMatchObject({ ...newAppPassword(user.id), expiresAt: NOW + 5, createdAt: NOW, revokedAt: null });
        expect(await store.findAppPassword('abcdefgh')).toEqual(row);
        expect(await store.findAppPassword('hgfedcba')).toBeNull();
        expect(await store.listAppPasswords(user.id)).toEqual([row]);
        await expect(store.createAppPassword(newAppPassword(user.id), NOW)).rejects.toThrow(SelectorTakenError);
      });

      it('revokeAppPassword — true once, only for the owner; the row stays to be found', async () => {
        const [anna, ben] = [await makeUser(), await makeUser('ben@example.org')];
        const { id } = await store.createAppPassword(newAppPassword(anna.id), NOW);
        expect(await store.revokeAppPassword(ben.id, id, NOW)).toBe(false);
        expect(await store.revokeAppPassword(anna.id, id, NOW + 1)).toBe(true);
        expect(await store.revokeAppPassword(anna.id, id, NOW + 2)).toBe(false);
        expect(await store.findAppPassword('abcdefgh')).toMatchObject({ revokedAt: NOW + 1 });
      });

      it("revokeAppPasswords — all of one user's that are in force, and says how many", async () => {
        const [anna, ben] = [await makeUser(), await makeUser('ben@example.org')];
        const first = await store.createAppPassword(newAppPassword(anna.id, { selector: 'one' }), NOW);
        await store.createAppPassword(newAppPassword(anna.id, { selector: 'two' }), NOW);
        await store.createAppPassword(newAppPassword(anna.id, { selector: 'three' }), NOW);
        await store.createAppPassword(newAppPassword(ben.id, { selector: 'four' }), NOW);
        await store.revokeAppPassword(anna.id, first.id, NOW);
        expect(await store.revokeAppPasswords(anna.id, NOW + 1)).toBe(2);
        expect(await store.findAppPassword('one')).toMatchObject({ revokedAt: NOW });
        expect(await store.findAppPassword('four')).toMatchObject({ revokedAt: null });
      });

      it('noteUse and noteRefusal — are seen in the list; an earlier use does not undo a later one', async () => {
        const user = await makeUser();
        const { id } = await store.createAppPassword(newAppPassword(user.id), NOW);
        await store.noteUse([{ id, at: NOW + 9, client: 'rclone' }]);
        await store.noteUse([{ id, at: NOW + 5, client: 'Joplin' }]);
        await store.noteRefusal(id, NOW + 10, 'curl');
        const [row] = await store.listAppPasswords(user.id);
        expect(row).toMatchObject({ lastUsedAt: NOW + 9, lastClient: 'rclone' });
        expect(row).toMatchObject({ refusedAt: NOW + 10, refusedClient: 'curl' });
      });
    });

    describe('access', () => {
      const account = (userId: UserId, passwordVersion = 1): CredentialRef => ({
        kind: 'account',
        userId,
        passwordVersion,
      });
      const app = (userId: UserId, id: AppPasswordId): CredentialRef => ({ kind: 'app', userId, id });
      const FALLEN = { stands: false, membership: null, endsAt: null };
      const NO_MEMBER = { stands: true, membership: null, endsAt: null };

      it('an account password stands while it is of that version and the user is enabled', async () => {
        const [user, drive] = [await makeUser(), await makeDrive()];
        await store.putMember(drive.id, user.id, 'member', null, NOW);
        expect((await store.access(account(user.id), drive.id, NOW)).stands).toBe(true);
        await store.setPassword(user.id, 'second', NOW);
        expect(await store.access(account(user.id), drive.id, NOW)).toEqual(FALLEN);
        expect((await store.access(account(user.id, 2), drive.id, NOW)).stands).toBe(true);
        await store.updateUser(user.id, { isDisabled: true });
        expect(await store.access(account(user.id, 2), drive.id, NOW)).toEqual(FALLEN);
        expect(await store.access(account(77 as UserId), drive.id, NOW)).toEqual(FALLEN);
      });

      it('an app password stands while it is neither revoked nor expired and the user is enabled', async () => {
        const [user, drive] = [await makeUser(), await makeDrive()];
        const { id } = await store.createAppPassword(newAppPassword(user.id, { expiresAt: NOW + 10 }), NOW);
        const credential = app(user.id, id);
        expect(await store.access(credential, drive.id, NOW)).toEqual({ ...NO_MEMBER, endsAt: NOW + 10 });
        expect(await store.access(credential, drive.id, NOW + 10)).toEqual(FALLEN);
        await store.updateUser(user.id, { isDisabled: true });
        expect(await store.access(credential, drive.id, NOW)).toEqual(FALLEN);
        await store.updateUser(user.id, { isDisabled: false });
        await store.setPassword(user.id, 'second', NOW);
        expect((await store.access(credential, drive.id, NOW)).stands).toBe(true);
        const ben = await makeUser('ben@example.org');
        expect(await store.access(app(ben.id, id), drive.id, NOW)).toEqual(FALLEN);
        await store.revokeAppPassword(user.id, id, NOW);
        expect(await store.access(credential, drive.id, NOW)).toEqual(FALLEN);
      });

      it('membership says everything a request needs', async () => {
        const [user, drive] = [await makeUser(), await makeDrive()];
        const member = await store.putMember(drive.id, user.id, 'viewer', 7, NOW);
        const common = {
          userId: user.id,
          email: user.email,
          driveId: drive.id,
          driveName: 'Team',
          role: 'viewer',
          driveQuotaBytes: 5e9,
          memberQuotaBytes: 7,
          uploadMaxBytes: null,
          rootId: drive.rootId,
          commonId: drive.commonId,
          commonBinId: drive.commonBinId,
          homeId: member.homeId,
          binId: member.binId,
        };
        expect((await store.access(account(user.id), drive.id, NOW)).membership).toEqual({
          ...common,
          allowance: 'full',
          scopeId: null,
        });
        const scopeId = member.homeId;
        const limits = { driveId: drive.id, scopeId, allowance: 'add-only' } as const;
        const { id } = await store.createAppPassword(newAppPassword(user.id, limits), NOW);
        expect((await store.access(app(user.id, id), drive.id, NOW)).membership).toEqual({
          ...common,
          allowance: 'add-only',
          scopeId,
        });
      });

      it('membership is null without such a drive, without membership, and for an app password of another drive', async () => {
        const user = await makeUser();
        const [one, two, three] = [await makeDrive(), await makeDrive(), await makeDrive()];
        await store.putMember(one.id, user.id, 'member', null, NOW);
        await store.putMember(two.id, user.id, 'member', null, NOW);
        const { id } = await store.createAppPassword(newAppPassword(user.id, { driveId: one.id }), NOW);
        expect((await store.access(app(user.id, id), one.id, NOW)).membership).not.toBeNull();
        expect(await store.access(app(user.id, id), two.id, NOW)).toEqual(NO_MEMBER);
        expect(await store.access(account(user.id), three.id, NOW)).toEqual(NO_MEMBER);
        expect(await store.access(account(user.id), NO_SUCH_DRIVE, NOW)).toEqual(NO_MEMBER);
        await store.removeMember(two.id, user.id);
        expect(await store.access(account(user.id), two.id, NOW)).toEqual(NO_MEMBER);
      });
    });
  });
}
