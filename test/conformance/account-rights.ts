import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AccountStore } from '../../src/stores/account-store.js';
import type { StoreView } from '../../src/stores/metadata-store.js';
import type { AppPasswordId, DriveId, LockToken, UserId } from '../../src/stores/values.js';
import type { AccountEngine } from './account-store.js';

const NOW = 1_800_000_000_000;
const NO_SUCH_DRIVE = 999_999_999 as DriveId;
const FALLEN = { stands: false, membership: null, endsAt: null };
const NO_MEMBER = { stands: true, membership: null, endsAt: null };

/** What of `AccountStore` and `DriveView` is about rights that end. */
export function accountRightsSuite(name: string, open: () => Promise<AccountEngine>): void {
  describe(`AccountStore on ${name}, rights that end`, () => {
    let engine: AccountEngine;
    let store: AccountStore;

    beforeEach(async () => {
      engine = await open();
      store = engine.accounts;
    });
    afterEach(() => engine.close());

    const makeUser = (email = 'anna@example.org') =>
      store.createUser({ email, name: 'Anna', passwordHash: 'hash', isAdmin: false }, NOW);
    const makeDrive = () => store.createDrive({ id: null, name: 'Team', quotaBytes: 5e9, uploadMaxBytes: null }, NOW);
    const makeAppPassword = (userId: UserId, expiresAt: number) => {
      const limits = { driveId: null, scopeId: null, allowance: 'full', expiresAt } as const;
      return store.createAppPassword(
        { userId, name: 'rclone', selector: 'abcdefgh', hash: 'hash', mac: null, ...limits },
        NOW,
      );
    };
    const app = (userId: UserId, id: AppPasswordId) => ({ kind: 'app', userId, id }) as const;

    describe('access', () => {
      it('a session stands while it is whole, has not ended and is of the present password', async () => {
        const [user, drive] = [await makeUser(), await makeDrive()];
        await store.putMember(drive.id, user.id, 'viewer', null, NOW);
        const whole = {
          userId: user.id,
          passwordVersion: 1,
          stage: 'full',
          createdAt: NOW,
          expiresAt: NOW + 10,
        } as const;
        const begin = (key: string, change = {}) =>
          engine.security.createSession({ ...whole, key, address: '', client: '', ...change });
        const session = ({ id }: { id: number }, userId = user.id) => ({ kind: 'session', userId, id }) as const;
        const [first, second] = [await begin('one'), await begin('two')];
        const half = await begin('half', { stage: 'second-step' });
        const { stands, membership } = await store.access(session(first), drive.id, NOW);
        expect([stands, membership?.role, membership?.driveId]).toEqual([true, 'viewer', drive.id]);
        expect(await store.access(session(first), NO_SUCH_DRIVE, NOW)).toEqual({ ...NO_MEMBER, endsAt: NOW + 10 });
        expect(await store.access(session(first), drive.id, NOW + 10)).toEqual(FALLEN);
        expect(await store.access(session(half), drive.id, NOW)).toEqual(FALLEN);
        expect(await store.access(session(first, 77 as UserId), drive.id, NOW)).toEqual(FALLEN);
        await engine.security.endSession(user.id, first.id);
        expect(await store.access(session(first), drive.id, NOW)).toEqual(FALLEN);
        await store.setPassword(user.id, 'second', NOW);
        expect(await store.access(session(second), drive.id, NOW)).toEqual(FALLEN);
      });

      it('who somebody is stands while they are enabled', async () => {
        const [user, drive] = [await makeUser(), await makeDrive()];
        const who = { kind: 'user', userId: user.id } as const;
        expect(await store.access(who, drive.id, NOW)).toEqual(NO_MEMBER);
        await store.putMember(drive.id, user.id, 'member', 7, NOW);
        const { membership } = await store.access(who, drive.id, NOW);
        expect(membership).toMatchObject({ role: 'member', allowance: 'full', memberQuotaBytes: 7 });
        await store.updateUser(user.id, { isDisabled: true });
        expect(await store.access(who, drive.id, NOW)).toEqual(FALLEN);
      });

      it('security 4 — a transaction and a snapshot answer it of their own moment', async () => {
        const [user, drive] = [await makeUser(), await makeDrive()];
        await store.putMember(drive.id, user.id, 'member', null, NOW);
        const { id } = await makeAppPassword(user.id, NOW + 10);
        const ask = (view: StoreView, now = NOW) => view.accounts.access(app(user.id, id), drive.id, now);
        const whole = await store.access(app(user.id, id), drive.id, NOW);
        expect(await engine.metadata.read([], ask)).toEqual(whole);
        expect(await engine.metadata.write([], (transaction) => ask(transaction, NOW + 10))).toEqual(FALLEN);
        const revoked = store.revokeAppPassword(user.id, id, NOW);
        // Behind it in the queue, and perhaps in the same commit.
        const asked = engine.metadata.write([], ask);
        expect([await revoked, await asked]).toEqual([true, FALLEN]);
        expect(await engine.metadata.read([], ask)).toEqual(FALLEN);
      });
    });

    describe('what somebody holds who loses their rights', () => {
      const hold = async (driveId: DriveId, userId: UserId) => {
        const { homeId } = (await store.memberships(userId, driveId))[0]!;
        await engine.metadata.write([], async (transaction) => {
          await transaction.insertLock({
            token: `opaquelocktoken:${driveId}-${userId}` as LockToken,
            driveId,
            nodeId: homeId,
            userId,
            scope: 'shared',
            isDeep: false,
            ownerXml: null,
            timeoutSeconds: 60,
            expiresAt: NOW + 60_000,
          });
          const key = { driveId, userId, scopeId: null, name: 'upload' };
          await transaction.uploads.insert({ ...key, size: null, target: null, expiresAt: NOW + 60_000 }, NOW);
        });
      };
      const held = (driveId: DriveId, userId: UserId) =>
        engine.metadata.read([], async (view) => {
          const lock = await view.findLock(`opaquelocktoken:${driveId}-${userId}` as LockToken, NOW);
          const upload = await view.uploads.find({ driveId, userId, scopeId: null, name: 'upload' });
          return [lock !== null, upload !== null && upload.expiresAt > NOW];
        });

      it('locks and uploads go with a membership, locks with the right to write, of this member and drive alone', async () => {
        const [anna, ben] = [await makeUser(), await makeUser('ben@x')];
        const [one, two] = [await makeDrive(), await makeDrive()];
        for (const { id: drive } of [one, two]) {
          for (const { id: user } of [anna, ben]) {
            await store.putMember(drive, user, 'member', null, NOW);
            await hold(drive, user);
          }
        }
        await store.removeMember(one.id, anna.id);
        expect(await held(one.id, anna.id)).toEqual([false, false]);
        expect(await held(two.id, anna.id)).toEqual([true, true]);
        await store.putMember(one.id, ben.id, 'manager', 5, NOW);
        expect(await held(one.id, ben.id)).toEqual([true, true]);
        await store.putMember(one.id, ben.id, 'viewer', 5, NOW);
        expect(await held(one.id, ben.id)).toEqual([false, true]);
        await store.updateUser(anna.id, { isDisabled: true });
        expect(await held(two.id, anna.id)).toEqual([false, true]);
        expect(await held(two.id, ben.id)).toEqual([true, true]);
      });
    });
  });
}
