import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LockRow, NodeRow } from '../../src/stores/metadata-store.js';
import type { LockToken, NodeId } from '../../src/stores/values.js';
import { NOBODY, NOW, type OpenEngine, World } from './metadata-fixture.js';

/** Locks. That they lie on the right nodes is the store's; what they forbid is the drive's. */
export function driveStoreLocksSuite(open: OpenEngine): void {
  describe('MetadataStore locks', () => {
    let world: World;
    let docs: NodeRow;

    beforeEach(async () => {
      world = await World.open(open);
      docs = await world.grow(world.home, 'docs', { sub: { 'a.txt': 'a', 'b.txt': 'b' } });
    });
    afterEach(async () => {
      expect(await world.problems()).toEqual([]);
      await world.engine.close();
    });

    async function put(nodeId: NodeId, change: Partial<LockRow> = {}): Promise<LockRow> {
      const lock = world.lock(nodeId, change);
      await world.write((transaction) => transaction.insertLock(lock));
      return lock;
    }
    const find = (token: LockToken, now = NOW) => world.read((view) => view.findLock(token, now));
    const on = async (...ids: NodeId[]) =>
      (await world.read((view) => view.locksOn(ids, NOW))).map(({ token }) => token).sort();
    const below = async (id: NodeId, now = NOW) =>
      (await world.read((view) => view.locksBelow(id, now))).map(({ token, path }) => ({ token, path }));

    it('insertLock — is found as it was given', async () => {
      const shared = await put(docs.id, { scope: 'shared', isDeep: false, ownerXml: '<D:owner>ä</D:owner>' });
      expect(await find(shared.token)).toEqual(shared);
      const exclusive = await put(world.home);
      expect(await find(exclusive.token)).toEqual(exclusive);
    });

    it('findLock — is null for an unknown token and from the moment of expiry on', async () => {
      const lock = await put(docs.id, { expiresAt: NOW + 10 });
      expect(await find('opaquelocktoken:no' as LockToken)).toBeNull();
      expect(await find(lock.token, NOW + 9)).toEqual(lock);
      expect(await find(lock.token, NOW + 10)).toBeNull();
    });

    it('locksOn — gives the locks rooted at any of the nodes, several at one, none from above or below', async () => {
      const sub = await world.at('docs/sub');
      const [one, two] = [await put(docs.id, { scope: 'shared' }), await put(docs.id, { scope: 'shared' })];
      const deeper = await put((await world.at('docs/sub/a.txt')).id);
      expect(await on(docs.id)).toEqual([one.token, two.token].sort());
      expect(await on(sub.id)).toEqual([]);
      expect(await on(docs.id, sub.id, deeper.nodeId, NOBODY)).toEqual([one.token, two.token, deeper.token].sort());
      expect(await on()).toEqual([]);
    });

    it('locksOn — leaves out expired ones', async () => {
      await put(docs.id, { expiresAt: NOW });
      expect(await on(docs.id)).toEqual([]);
    });

    it('locksBelow — gives locks anywhere below, each with its path from there, and none at the node', async () => {
      await put(docs.id);
      const sub = await put((await world.at('docs/sub')).id);
      const file = await put((await world.at('docs/sub/a.txt')).id);
      await put((await world.folder(world.home, 'sibling')).id);
      expect(await below(docs.id)).toEqual(
        expect.arrayContaining([
          { token: sub.token, path: ['sub'] },
          { token: file.token, path: ['sub', 'a.txt'] },
        ]),
      );
      expect(await below(docs.id)).toHaveLength(2);
      expect(await below(sub.nodeId)).toEqual([{ token: file.token, path: ['a.txt'] }]);
      expect(await below(file.nodeId)).toEqual([]);
      expect(await below(NOBODY)).toEqual([]);
    });

    it('locksBelow — gives the lock itself as it was put', async () => {
      const lock = await put((await world.at('docs/sub')).id);
      const userName = 'anna@x';
      expect(await world.read((view) => view.locksBelow(docs.id, NOW))).toEqual([
        { ...lock, userName, path: ['sub'], isCollection: true },
      ]);
    });

    it('locksOn, locksBelow — tell what the holder is called, by e-mail address without a name', async () => {
      await put(docs.id, { scope: 'shared', userId: world.ben.userId });
      const names = async () => [
        (await world.read((view) => view.locksOn([docs.id], NOW)))[0]!.userName,
        (await world.read((view) => view.locksBelow(world.home, NOW)))[0]!.userName,
      ];
      await world.engine.accounts.updateUser(world.ben.userId, { name: 'Ben Ö.' });
      expect(await names()).toEqual(['Ben Ö.', 'Ben Ö.']);
      await world.engine.accounts.updateUser(world.ben.userId, { name: '' });
      expect(await names()).toEqual(['ben@x', 'ben@x']);
    });

    it('locksBelow — leaves out expired ones and those of other drives', async () => {
      await put((await world.at('docs/sub')).id, { expiresAt: NOW });
      await put((await world.file(world.elsewhere.homeId, 'x', 'x')).id, { driveId: world.otherDrive.id });
      expect(await below(docs.id)).toEqual([]);
      expect(await below(world.home)).toEqual([]);
    });

    it('refreshLock — sets timeout and expiry and nothing else', async () => {
      const lock = await put(docs.id);
      const other = await put(world.home);
      await world.write((transaction) => transaction.refreshLock(lock.token, 120, NOW + 120_000));
      expect(await find(lock.token)).toEqual({ ...lock, timeoutSeconds: 120, expiresAt: NOW + 120_000 });
      expect(await find(other.token)).toEqual(other);
    });

    it('removeLock — removes that one alone', async () => {
      const [one, two] = [await put(docs.id, { scope: 'shared' }), await put(docs.id, { scope: 'shared' })];
      await world.write((transaction) => transaction.removeLock(one.token));
      expect(await find(one.token)).toBeNull();
      expect(await find(two.token)).toEqual(two);
    });

    it('removeExpiredLocks — removes those of a drive, and no other', async () => {
      const living = await put(docs.id, { expiresAt: NOW + 1 });
      await put(docs.id, { expiresAt: NOW });
      const elsewhere = await world.file(world.elsewhere.homeId, 'x', 'x');
      await put(elsewhere.id, { driveId: world.otherDrive.id, expiresAt: NOW - 1 });
      await world.write((transaction) => transaction.removeExpiredLocks(world.drive.id, NOW));
      expect((await world.dump()).dav_lock).toHaveLength(2);
      await world.write((transaction) => transaction.removeExpiredLocks(world.otherDrive.id, NOW));
      expect((await world.dump()).dav_lock).toHaveLength(1);
      expect(await find(living.token)).toEqual(living);
    });

    it('removeLocksIn — removes those at the node and anywhere below it, expired ones too', async () => {
      const sub = await world.at('docs/sub');
      const [above, sibling] = [await put(docs.id), await put((await world.folder(docs.id, 'sibling')).id)];
      await put(sub.id);
      await put((await world.at('docs/sub/a.txt')).id);
      await put((await world.at('docs/sub/b.txt')).id, { expiresAt: NOW - 1 });
      const elsewhere = await world.file(world.elsewhere.homeId, 'x', 'x');
      const away = await put(elsewhere.id, { driveId: world.otherDrive.id });
      await world.write((transaction) => transaction.removeLocksIn(sub));
      expect((await world.dump()).dav_lock).toHaveLength(3);
      for (const lock of [above, sibling, away]) expect(await find(lock.token)).toEqual(lock);
    });

    it('removeLocksIn — of a single file removes its own', async () => {
      const lock = await put((await world.at('docs/sub/a.txt')).id);
      const neighbour = await put((await world.at('docs/sub/b.txt')).id);
      await world.write((transaction) => transaction.removeLocksIn({ id: lock.nodeId, isCollection: false }));
      expect(await find(lock.token)).toBeNull();
      expect(await find(neighbour.token)).toEqual(neighbour);
    });

    it('rerootLocks — gives the locks of one node to another, and those below stay', async () => {
      const [a, b] = [await world.at('docs/sub/a.txt'), await world.at('docs/sub/b.txt')];
      const [one, two] = [await put(a.id, { scope: 'shared' }), await put(a.id, { scope: 'shared' })];
      const above = await put(docs.id);
      await world.write((transaction) => transaction.rerootLocks(a.id, b.id));
      expect(await on(a.id)).toEqual([]);
      expect(await on(b.id)).toEqual([one.token, two.token].sort());
      expect(await find(one.token)).toEqual({ ...one, nodeId: b.id });
      expect(await find(above.token)).toEqual(above);
    });

    it('a lock goes with its node when the rows are freed', async () => {
      const gone = await put((await world.at('docs/sub/a.txt')).id);
      const kept = await put(world.home);
      await world.write((transaction) => transaction.detachNode(docs, NOW));
      while (await world.engine.blobIndex.purge(100));
      expect(await find(gone.token)).toBeNull();
      expect(await find(kept.token)).toEqual(kept);
    });

    it('moveNode within a drive keeps the locks on the node, with their new path', async () => {
      const lock = await put((await world.at('docs/sub/a.txt')).id);
      const parent = { id: world.drive.commonId, driveId: world.drive.id };
      await world.write((transaction) => transaction.moveNode(docs, parent, 'moved', NOW));
      expect(await below(world.drive.commonId)).toEqual([{ token: lock.token, path: ['moved', 'sub', 'a.txt'] }]);
    });
  });
}
