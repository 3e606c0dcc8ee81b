import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StorageHistory } from '../../src/stores/storage-history.js';
import { type OpenEngine, World } from './metadata-fixture.js';

/** The contract of `StorageHistory`, clause by clause. */
export function storageHistorySuite(open: OpenEngine): void {
  describe('StorageHistory', () => {
    let world: World;
    let history: StorageHistory;

    beforeEach(async () => {
      world = await World.open(open);
      history = world.engine.history;
    });
    afterEach(() => world.engine.close());

    async function countAll(limit: number): Promise<number> {
      let files = 0;
      for (let after: number | null = 0; after !== null; ) {
        const page: { files: number; last: number | null } = await history.countFiles(after, limit);
        files += page.files;
        after = page.last;
      }
      return files;
    }

    it('usedBytes — what lies on all drives together', async () => {
      expect(await history.usedBytes()).toBe(0);
      await world.file(world.home, 'a.txt', 'four');
      await world.file(world.elsewhere.homeId, 'b.txt', 'three');
      expect(await history.usedBytes()).toBe(9);
    });

    it('countFiles — files and no folders, in parts of any size', async () => {
      expect(await countAll(2)).toBe(0);
      await world.grow(world.home, 'docs', { 'a.txt': 'a', inner: { 'b.txt': 'a', 'c.txt': '' }, empty: {} });
      for (const limit of [1, 3, 1000]) expect(await countAll(limit)).toBe(3);
    });

    it('putPoint, points — one a day, the later one; the last so many days, the earliest first', async () => {
      expect(await history.points(9)).toEqual([]);
      for (const day of ['2027-01-31', '2026-12-31', '2027-02-01']) {
        await history.putPoint({ day, usedBytes: 5e12, files: 1 });
      }
      await history.putPoint({ day: '2027-01-31', usedBytes: 7, files: 2 });
      expect(await history.points(2)).toEqual([
        { day: '2027-01-31', usedBytes: 7, files: 2 },
        { day: '2027-02-01', usedBytes: 5e12, files: 1 },
      ]);
      expect(await history.points(9)).toHaveLength(3);
    });
  });
}
