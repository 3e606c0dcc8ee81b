import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NodeRow } from '../../src/stores/metadata-store.js';
import type { NodeId } from '../../src/stores/values.js';
import { LATER, NOW, type OpenEngine, World } from './metadata-fixture.js';

/** Trees that are copied in many transactions. */
export function stagedCopiesSuite(open: OpenEngine): void {
  describe('StagedCopies', () => {
    let world: World;
    let source: NodeRow;

    beforeEach(async () => {
      world = await World.open(open);
      source = await world.grow(world.home, 'source', { 'a.txt': '12345', 'b.txt': '1' });
    });
    afterEach(async () => {
      expect(await world.problems()).toEqual([]);
      await world.engine.close();
    });

    const begin = () => world.write(({ stagedCopies }) => stagedCopies.begin(source, world.drive.id, LATER));
    const add = async (copyId: NodeId, ...names: string[]) => {
      const ids = await Promise.all(names.map(async (name) => (await world.at(`source/${name}`)).id));
      return world.write(({ stagedCopies }) =>
        stagedCopies.add(
          world.drive.id,
          ids.map((id) => ({ id, into: copyId })),
        ),
      );
    };
    const usage = () => world.read((view) => view.usage({ ...world.drive, ...world.anna }));

    it('a copy is in no drive and counts nowhere until it is bound; it is sound all the time', async () => {
      const before = await usage();
      const copyId = await begin();
      const [copied] = await add(copyId, 'a.txt');
      expect(await world.problems()).toEqual([]);
      expect([await usage(), Object.keys(await world.tree(world.home))]).toEqual([before, ['source']]);
      await add(copyId, 'b.txt');
      await world.write(async (transaction) => {
        const node = await transaction.stagedCopies.release(copyId);
        await transaction.moveNode(node!, { id: world.home, driveId: world.drive.id }, 'copy', NOW);
      });
      expect(await world.tree(world.home)).toEqual({
        source: { 'a.txt': '12345', 'b.txt': '1' },
        copy: { 'a.txt': '12345', 'b.txt': '1' },
      });
      expect((await world.at('copy/a.txt')).id).toBe(copied!.copyId);
      expect((await usage()).driveBytes).toBe(before.driveBytes * 2);
    });

    it('takes dead properties along', async () => {
      const file = await world.at('source/a.txt');
      await world.write((t) => t.setProperties(file, [{ namespace: 'n', name: 'p', xml: '<p/>' }]));
      source = await world.at('source');
      const copyId = await begin();
      const copied = await add(copyId, 'a.txt', 'b.txt');
      await world.write(({ stagedCopies }) => stagedCopies.copyProperties(copied.slice(0, 1)));
      const rows = await world.read((view) => view.properties(copied.map((one) => one.copyId)));
      expect(rows).toEqual([{ nodeId: copied[0]!.copyId, namespace: 'n', name: 'p', xml: '<p/>' }]);
    });

    it.each(['abandoned', 'held no longer'])('one that is %s is freed, and can not be had any more', async (how) => {
      const copyId = await begin();
      await add(copyId, 'a.txt');
      await world.engine.blobIndex.dropStagedCopies(LATER);
      expect(await world.write(({ stagedCopies }) => stagedCopies.hold(copyId, LATER))).toBe(true);
      if (how === 'abandoned') await world.write(({ stagedCopies }) => stagedCopies.abandon(copyId));
      else await world.engine.blobIndex.dropStagedCopies(LATER + 1);
      expect(await world.problems()).toEqual([]);
      while (await world.engine.blobIndex.purge(1)) expect(await world.problems()).toEqual([]);
      expect(await world.isThere(copyId)).toBe(false);
      expect(await world.write(({ stagedCopies }) => stagedCopies.hold(copyId, LATER))).toBe(false);
      expect(await world.write(({ stagedCopies }) => stagedCopies.release(copyId))).toBeNull();
      await world.write(({ stagedCopies }) => stagedCopies.abandon(copyId));
      expect(await world.engine.blobIndex.purge(1)).toBe(false);
    });
  });
}
