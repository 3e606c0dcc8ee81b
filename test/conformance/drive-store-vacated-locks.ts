import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LockRow, NodeRow } from '../../src/stores/metadata-store.js';
import type { DriveId, LockToken, UserId } from '../../src/stores/values.js';
import { LATER, NOW, type OpenEngine, World } from './metadata-fixture.js';

const KEPT_UNTIL = NOW + 1_000;

/** Vacated locks. For whom and how long they count is the drive's. */
export function driveStoreVacatedLocksSuite(open: OpenEngine): void {
  describe('MetadataStore vacated locks', () => {
    let world: World;
    let docs: NodeRow;
    let file: NodeRow;

    beforeEach(async () => {
      world = await World.open(open);
      docs = await world.grow(world.home, 'docs', { 'a.txt': 'a', 'b.txt': 'b' });
      file = await world.at('docs/a.txt');
    });
    afterEach(async () => {
      expect(await world.problems()).toEqual([]);
      await world.engine.close();
    });

    async function put(change: Partial<LockRow> = {}, node = file): Promise<LockRow> {
      const lock = world.lock(node.id, { scope: 'shared', isDeep: false, ...change });
      await world.write((transaction) => transaction.insertLock(lock));
      return lock;
    }
    const vacate = (tokens: readonly string[], now = NOW, keptUntil = KEPT_UNTIL, userId: UserId = world.anna.userId) =>
      world.write((transaction) => transaction.vacateLocks(file, userId, tokens, now, keptUntil));
    const find = (tokens: readonly string[], now = NOW, userId: UserId = world.anna.userId) =>
      world.read((view) => view.vacatedLocks(userId, tokens, now));
    const kept = async () => (await world.dump()).vacated_lock!.length;

    it('vacateLocks — remembers the lock as it was, by the place of the file, and leaves the lock itself', async () => {
      const lock = await put({ scope: 'exclusive', ownerXml: '<D:owner>ä</D:owner>' });
      await vacate([lock.token]);
      const { nodeId: _node, isDeep: _deep, ...facts } = lock;
      expect(await find([lock.token])).toEqual([{ ...facts, parentId: docs.id, name: 'a.txt' }]);
      expect(await world.read((view) => view.findLock(lock.token, NOW))).toEqual(lock);
    });

    it('vacateLocks — of these tokens, this user and this file alone, and none that has expired', async () => {
      const own = await put();
      const unsaid = await put();
      const bens = await put({ userId: world.ben.userId });
      const expired = await put({ expiresAt: NOW });
      const other = await put({}, await world.at('docs/b.txt'));
      const said = [own, bens, expired, other].map(({ token }) => token);
      await vacate([...said, 'opaquelocktoken:no']);
      expect((await find([...said, unsaid.token])).map(({ token }) => token)).toEqual([own.token]);
      expect(await kept()).toBe(1);
    });

    it('removeExpiredLocks — forgets what was kept long enough, on that drive alone', async () => {
      const [first, second] = [await put(), await put()];
      await vacate([first.token]);
      await vacate([second.token], KEPT_UNTIL, KEPT_UNTIL + 1);
      const expire = (driveId: DriveId, now: number) =>
        world.write((transaction) => transaction.removeExpiredLocks(driveId, now));
      await expire(world.drive.id, KEPT_UNTIL - 1);
      await expire(world.otherDrive.id, KEPT_UNTIL + 1);
      expect(await kept()).toBe(2);
      await expire(world.drive.id, KEPT_UNTIL);
      expect((await find([first.token, second.token], NOW)).map(({ token }) => token)).toEqual([second.token]);
      expect(await kept()).toBe(1);
    });

    it('vacatedLocks — finds none of another user, none from `keptUntil` on, none that has expired', async () => {
      const lock = await put();
      const short = await put({ expiresAt: NOW + 500 });
      await vacate([lock.token, short.token]);
      expect(await find([lock.token], NOW, world.ben.userId)).toEqual([]);
      expect(await find([lock.token, short.token], NOW + 499)).toHaveLength(2);
      expect((await find([lock.token, short.token], NOW + 500)).map(({ token }) => token)).toEqual([lock.token]);
      expect(await find([lock.token], KEPT_UNTIL)).toEqual([]);
      expect(await find([])).toEqual([]);
      expect(await find(['opaquelocktoken:no'])).toEqual([]);
    });

    it('forgetVacatedLock — forgets that one', async () => {
      const [one, two] = [await put(), await put()];
      await vacate([one.token, two.token]);
      await world.write((transaction) => transaction.forgetVacatedLock(one.token));
      await world.write((transaction) => transaction.forgetVacatedLock('opaquelocktoken:no' as LockToken));
      expect((await find([one.token, two.token])).map(({ token }) => token)).toEqual([two.token]);
    });

    it('a vacated lock outlives its file and the folder that it was in', async () => {
      const lock = await put();
      await vacate([lock.token]);
      await world.write((transaction) => transaction.detachNode(docs, LATER));
      while (await world.engine.blobIndex.purge(100));
      expect(await find([lock.token])).toHaveLength(1);
    });
  });
}
