import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DuePage, DueWork } from '../../src/stores/metadata-store.js';
import type { DriveId, LockToken } from '../../src/stores/values.js';
import { NOW, type OpenEngine, World } from './metadata-fixture.js';

/** Drives beside the world's own two, with higher numbers. */
const DRIVES = [100_003, 100_007, 100_010, 100_011] as readonly number[] as readonly DriveId[];

/** `StoreView.dueDrives`. */
export function dueDrivesSuite(open: OpenEngine): void {
  describe('MetadataStore dueDrives', () => {
    let world: World;

    beforeEach(async () => {
      world = await World.open(open);
      for (const id of DRIVES) {
        await world.engine.accounts.createDrive({ id, name: 'x', quotaBytes: null, uploadMaxBytes: null }, NOW);
      }
    });
    afterEach(async () => {
      expect(await world.problems()).toEqual([]);
      await world.engine.close();
    });

    let numbers = 0;
    const lockOn = (driveId: DriveId, expiresAt: number) => {
      const token = `opaquelocktoken:${driveId}-${numbers++}` as LockToken;
      return world.write((t) => t.insertLock({ ...world.lock(world.home), token, driveId, expiresAt }));
    };
    /** Has a drive have one thing that is due from `at` on. */
    const plant: Record<DueWork | 'vacated locks', (driveId: DriveId, at: number) => Promise<unknown>> = {
      trash: async (driveId, at) => {
        const { commonId, commonBinId } = (await world.engine.accounts.findDrive(driveId))!;
        const name = `${numbers++}`;
        const times = { modified: NOW, created: NOW };
        await world.write(async (t) => {
          const node = await t.insertNode({ driveId, parentId: commonId, name, content: null, ...times }, NOW);
          await t.moveNode(node, { id: commonBinId, driveId }, name, NOW);
          const deletion = { ownerId: null, originalPath: name, deletedBy: null, deletedAt: at };
          await t.insertTrash({ nodeId: node.id, driveId, name, ...deletion });
        });
      },
      locks: lockOn,
      'vacated locks': async (driveId, at) => {
        const { commonId } = (await world.engine.accounts.findDrive(driveId))!;
        const place = { driveId, parentId: commonId, name: `${numbers++}`, modified: NOW, created: NOW };
        await world.write(async (t) => {
          const node = await t.insertNode({ ...place, content: null }, NOW);
          const token = `opaquelocktoken:vacated-${driveId}-${numbers++}` as LockToken;
          const lock = { ...world.lock(node.id), driveId, token, expiresAt: NOW + 9_999 };
          await t.insertLock(lock);
          await t.vacateLocks(node, lock.userId, [token], NOW, at);
          await t.removeLock(token);
        });
      },
      uploads: (driveId, expiresAt) => {
        const key = { driveId, userId: world.anna.userId, scopeId: null, name: `${numbers++}` };
        return world.write((t) => t.uploads.insert({ ...key, size: 1, target: null, expiresAt }, NOW));
      },
      removals: async (driveId, at) => {
        const { commonId } = (await world.engine.accounts.findDrive(driveId))!;
        const place = { driveId, parentId: commonId, name: `${numbers++}`, modified: NOW, created: NOW };
        await world.write(async (t) => t.detachNode(await t.insertNode({ ...place, content: null }, NOW), at));
      },
      past: async (driveId, at) => {
        const { commonId } = (await world.engine.accounts.findDrive(driveId))!;
        const place = { driveId, parentId: commonId, name: `${numbers++}`, modified: NOW, created: NOW };
        const node = await world.write((t) => t.insertNode({ ...place, content: null }, NOW));
        await world.write(async (t) => {
          t.past.sign({ at, userId: null, appPasswordId: null }, 0);
          await t.setTimes(node, { modified: NOW + 1 });
        });
      },
    };
    const page = (what: DueWork, before: number, after: DriveId | null, limit: number): Promise<DuePage> =>
      world.read((view) => view.dueDrives(what, before, after, limit));

    it.each(Object.keys(plant) as (keyof typeof plant)[])(
      '%s — the drives that have some from before then',
      async (kind) => {
        const what = kind === 'vacated locks' ? 'locks' : kind;
        const [early, both, late, bare] = DRIVES as readonly [DriveId, DriveId, DriveId, DriveId];
        expect(await page(what, NOW + 99, null, 9)).toEqual({ due: [], last: null });
        await plant[kind](early, NOW + 1);
        for (const at of [NOW + 1, NOW + 2, NOW + 50]) await plant[kind](both, at);
        await plant[kind](late, NOW + 50);
        // A lock that ends at a time has ended then; what else happened at a time is not from before it.
        const first = what === 'locks' || what === 'past' ? NOW + 1 : NOW + 2;
        expect(await page(what, first - 1, null, 9)).toEqual({ due: [], last: null });
        expect(await page(what, first, null, 9)).toEqual({ due: [early, both], last: null });
        expect(await page(what, NOW + 99, null, 9)).toEqual({ due: [early, both, late], last: null });
        expect(await page(what, NOW + 99, early, 9)).toEqual({ due: [both, late], last: null });
        expect(await page(what, NOW + 99, bare, 9)).toEqual({ due: [], last: null });
      },
    );

    it('goes by pages over the drives that have any, also where few are due', async () => {
      const [first, second, third, fourth] = DRIVES as readonly [DriveId, DriveId, DriveId, DriveId];
      for (const driveId of [first, second, third]) await plant.uploads(driveId, NOW + 50);
      await plant.uploads(fourth, NOW);
      await plant.uploads(world.drive.id, NOW);
      expect(await page('uploads', NOW + 1, null, 2)).toEqual({ due: [world.drive.id], last: first });
      expect(await page('uploads', NOW + 1, first, 2)).toEqual({ due: [], last: third });
      expect(await page('uploads', NOW + 1, third, 2)).toEqual({ due: [fourth], last: null });
      expect(await page('uploads', NOW + 1, third, 1)).toEqual({ due: [fourth], last: fourth });
      expect(await page('uploads', NOW + 1, fourth, 1)).toEqual({ due: [], last: null });
    });

    it('locks — those in force and those that were vacated count together, each drive once', async () => {
      const [first, second, third] = DRIVES as readonly [DriveId, DriveId, DriveId];
      await plant.locks(first, NOW);
      await plant['vacated locks'](first, NOW);
      await plant['vacated locks'](second, NOW);
      await plant.locks(third, NOW);
      expect(await page('locks', NOW, null, 9)).toEqual({ due: [first, second, third], last: null });
      for (const driveId of [first, second, third]) await world.write((t) => t.removeExpiredLocks(driveId, NOW));
      expect(await page('locks', NOW + 99_999, null, 9)).toEqual({ due: [], last: null });
    });
  });
}
