import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ScrubStore } from '../../src/stores/scrub-store.js';
import type { NewAuditRecord } from '../../src/stores/security-store.js';
import { contentOf, insertFile, LATER, largeContentOf, NOW, type OpenEngine, World } from './metadata-fixture.js';

/** The contract of `ScrubStore`, clause by clause. */
export function scrubStoreSuite(open: OpenEngine): void {
  describe('ScrubStore', () => {
    let world: World;
    let scrub: ScrubStore;

    beforeEach(async () => {
      world = await World.open(open);
      scrub = world.engine.scrub;
    });
    afterEach(() => world.engine.close());

    const record = (kind: string): NewAuditRecord => {
      return { at: NOW, kind, userId: null, actor: 'server', address: '', client: 'firn', details: {} };
    };
    const damage = (text: string, foundAt = NOW) => {
      return { contentId: contentOf(text).id, kind: 'wrong-hash', message: `${text} is wrong`, foundAt };
    };
    const audited = async () => {
      const rows = await world.engine.metadata.readOne([], ({ security }) => security.audit({}, null, 99));
      return rows.map(({ kind }) => kind);
    };

    it('noteVerified, verifiedAt — the last one of each part', async () => {
      expect(await scrub.verifiedAt()).toEqual(new Map());
      for (const [digits, at] of [
        ['00', 1],
        ['ff', NOW],
        ['00', 2],
      ] as const)
        await scrub.noteVerified(digits, at);
      expect(await scrub.verifiedAt()).toEqual(
        new Map<string, number>([
          ['00', 2],
          ['ff', NOW],
        ]),
      );
    });

    it('noteDamage — once for a content, with one record', async () => {
      expect(await scrub.noteDamage(damage('b', LATER), record('damaged'))).toBe(true);
      expect(await scrub.noteDamage(damage('a'), record('damaged'))).toBe(true);
      expect(await scrub.noteDamage({ ...damage('a'), message: 'again' }, record('damaged'))).toBe(false);
      expect(await scrub.countDamages()).toBe(2);
      expect(await scrub.damages(1)).toEqual([{ ...damage('a'), toldAt: null }]);
      expect((await scrub.damages(9)).map(({ contentId }) => contentId)).toEqual([
        contentOf('a').id,
        contentOf('b').id,
      ]);
      expect(await audited()).toEqual(['damaged', 'damaged']);
    });

    it('forgetDamage — with one record, where it was known', async () => {
      expect(await scrub.forgetDamage(contentOf('a').id, record('repaired'))).toBe(false);
      await scrub.noteDamage(damage('a'), record('damaged'));
      expect(await scrub.forgetDamage(contentOf('a').id, record('repaired'))).toBe(true);
      await scrub.noteDamage(damage('b'), record('damaged'));
      expect(await scrub.forgetDamage(contentOf('b').id, null)).toBe(true);
      expect(await scrub.countDamages()).toBe(0);
      expect(await audited()).toEqual(['damaged', 'repaired', 'damaged']);
    });

    it('noteTold — of those alone', async () => {
      for (const text of ['a', 'b']) await scrub.noteDamage(damage(text), record('damaged'));
      await scrub.noteTold([contentOf('b').id], LATER);
      const told = (await scrub.damages(9)).map(({ contentId, toldAt }) => [contentId, toldAt] as const);
      expect(new Map(told)).toEqual(
        new Map([
          [contentOf('a').id, null],
          [contentOf('b').id, LATER],
        ]),
      );
    });

    it('damagesByDrive — each content once on each drive that names it, or did', async () => {
      const [here, there] = [
        { id: world.home, driveId: world.drive.id },
        { id: world.elsewhere.homeId, driveId: world.otherDrive.id },
      ];
      for (const [{ id, driveId }, name, text] of [
        [here, 'a.txt', 'a'],
        [here, 'a too.txt', 'a'],
        [here, 'well.txt', 'well'],
        [there, 'a.txt', 'a'],
        [there, 'b.txt', 'b'],
      ] as const) {
        await world.write((transaction) => insertFile(transaction, id, name, largeContentOf(text), driveId));
      }
      for (const text of ['a', 'b', 'nobody has this']) await scrub.noteDamage(damage(text), record('damaged'));
      expect(await scrub.damagesByDrive()).toEqual(
        new Map([
          [world.drive.id, 1],
          [world.otherDrive.id, 2],
        ]),
      );
    });
  });
}
