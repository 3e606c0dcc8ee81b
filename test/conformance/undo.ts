import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Drive } from '../../src/drive/drive.js';
import type { ChangesOf } from '../../src/drive/past/undo-record.js';
import { NO_TOKENS } from '../../src/drive/permit.js';
import {
  DriveMembers,
  found,
  makeCollection,
  move,
  put,
  remove,
  segmentsOf,
  setModified,
  setProperty,
} from '../support/drive-members.js';
import { contentOf, type OpenEngine } from './metadata-fixture.js';
import { seen } from './put-back.js';

/** What one credential did is undone: `Past.endedSince`, `begunSince`, `formerProperties` and `changeTree`. */
export function undoSuite(open: OpenEngine): void {
  describe('PRODUCT V5 — what one credential did is undone', () => {
    let members: DriveMembers;
    let anna: Drive;
    let ben: Drive;
    /** Anna, by an app password that leads to the shared folder. */
    let device: Drive;
    beforeEach(async () => {
      members = await DriveMembers.open(open);
      ({ anna, ben } = members);
      device = await members.limitedTo(anna.membership.commonId);
    });
    afterEach(async () => {
      expect(await members.world.problems()).toEqual([]);
      await members.close();
    });

    const pass = () => {
      members.clock += 1_000;
    };
    const all = async (...works: (() => Promise<unknown>)[]) => {
      for (const work of works) {
        await work();
        pass();
      }
    };
    const mark = () => {
      const moment = members.clock;
      pass();
      return moment;
    };
    const COMMON = 'Common documents';
    const byDevice = (): ChangesOf => {
      const { authority } = device;
      if (authority?.kind !== 'app') throw new Error('no app password');
      return { userId: authority.userId, appPasswordId: authority.id };
    };
    const etag = (text: string) => `"${contentOf(text).id.slice(0, 32)}"`;
    const undo = (drive: Drive, since: number, path = COMMON) => drive.undoChanges(segmentsOf(path), since, byDevice());
    const plant = async () => {
      for (const folder of ['in', 'gone', 'lost', 'moved']) await all(() => makeCollection(ben, `${COMMON}/${folder}`));
      const files = [
        'over',
        'renamed',
        'a',
        'b',
        'deleted',
        'destroyed',
        'in/deep',
        'gone/x',
        'lost/y',
        'touched',
        'shared',
      ];
      for (const file of files) await all(() => put(ben, `${COMMON}/${file}`, file));
      await all(() => setProperty(ben, `${COMMON}/over`, '<red/>'));
      return mark();
    };
    const ravage = () =>
      all(
        () => put(device, 'over', 'ransom'),
        () => setProperty(device, 'over', '<blue/>'),
        () => put(device, 'over', 'ransom again'),
        () => move(device, 'renamed', 'renamed.locked'),
        () => move(device, 'a', 'aside'),
        () => move(device, 'b', 'a'),
        () => move(device, 'aside', 'b'),
        () => remove(device, 'deleted'),
        () => put(device, 'deleted', 'ransom'),
        () => put(device, 'temporary', 'ransom'),
        () => move(device, 'temporary', 'destroyed'),
        () => put(device, 'in/deep', 'ransom'),
        () => move(device, 'in', 'inner'),
        () => remove(device, 'gone'),
        () => put(device, 'lost/y', 'ransom'),
        () => remove(device, 'lost'),
        () => move(device, 'moved', 'inner/moved'),
        () => setModified(device, 'touched', 5),
        () => makeCollection(device, 'notes'),
        () => put(device, 'notes/pay', 'ransom'),
      );

    test('all is as it was before, byte for byte; what it made is in the trash, in one folder', async () => {
      const moment = await plant();
      const before = await seen(anna, COMMON);
      await ravage();
      const foreseen = await anna.foreseeUndo([COMMON], moment, byDevice());
      const done = await undo(anna, moment);
      expect(await seen(anna, COMMON)).toEqual(before);
      expect(foreseen).toMatchObject({ counts: done.counts, steps: done.steps, kept: [] });
      expect(done.trash).toHaveLength(1);
      expect((await found(anna, `Trash/${done.trash[0]}/notes/pay`)).etag).toBe(etag('ransom'));
    });

    test('what was emptied out of the trash as well comes back, a folder with all that was in it', async () => {
      await plant();
      await all(() => setProperty(ben, `${COMMON}/lost/y`, '<red/>'));
      const moment = mark();
      const before = await seen(ben, COMMON);
      await all(
        () => remove(anna, `${COMMON}/gone`),
        () => remove(anna, 'Trash/gone'),
        () => put(anna, `${COMMON}/lost/y`, 'ransom'),
        () => put(anna, `${COMMON}/lost/made`, 'ransom'),
        () => remove(anna, `${COMMON}/lost`),
        () => remove(anna, 'Trash/lost'),
      );
      const { kept, counts } = await undoOfAnna(ben, moment);
      expect([kept, counts]).toEqual([[], { back: 4, changed: 0, moved: 0, trashed: 0 }]);
      expect(await seen(ben, COMMON)).toEqual(before);
    });
    const undoOfAnna = (drive: Drive, since: number) => {
      const { userId } = anna.membership;
      return drive.undoChanges([COMMON], since, { userId, appPasswordId: null });
    };

    test('it is itself undone by putting back', async () => {
      const moment = await plant();
      await ravage();
      const ravaged = await seen(anna, COMMON);
      const { undoMoment } = await undo(anna, moment);
      pass();
      await anna.putBack([COMMON], undoMoment!, NO_TOKENS);
      expect(await seen(anna, COMMON)).toEqual(ravaged);
    });

    test('past D5 — what others did meanwhile stays and is told: their versions, their files in its folders, their names', async () => {
      const moment = await plant();
      await ravage();
      await all(
        () => put(ben, `${COMMON}/over`, 'mine'),
        () => put(ben, `${COMMON}/notes/too`, 'mine'),
        () => put(ben, `${COMMON}/renamed`, 'mine'),
        () => put(ben, `${COMMON}/shared`, 'mine'),
      );
      const { kept } = await undo(anna, moment);
      const told = kept.map(({ path, why }) => `${path.slice(-1)}: ${why}`);
      expect(told.sort()).toEqual(['notes: not-empty', 'over: changed-since', 'renamed.locked: taken']);
      for (const path of ['over', 'notes/too', 'renamed', 'shared'])
        expect((await found(ben, `${COMMON}/${path}`)).etag).toBe(etag('mine'));
      expect((await found(ben, `${COMMON}/in/deep`)).etag).toBe(etag('in/deep'));
      await expect(found(ben, `${COMMON}/notes/pay`)).rejects.toMatchObject({ kind: 'not-found' });
    });

    test('of a file that both wrote in turn the last version of the other is there again', async () => {
      const moment = await plant();
      await all(
        () => put(device, 'shared', 'ransom'),
        () => put(ben, `${COMMON}/shared`, 'mended'),
        () => put(device, 'shared', 'ransom again'),
      );
      await undo(anna, moment);
      expect((await found(ben, `${COMMON}/shared`)).etag).toBe(etag('mended'));
    });

    test('past D5 — a viewer undoes nothing; nothing of before the moment, or of another credential, is undone', async () => {
      await plant();
      await all(() => put(device, 'over', 'early'));
      const moment = mark();
      await all(() => put(device, 'a', 'late'));
      const { driveId, userId } = ben.membership;
      await members.world.engine.accounts.putMember(driveId, userId, 'viewer', null, members.clock);
      await expect(undo(ben, moment)).rejects.toMatchObject({ kind: 'forbidden' });
      expect((await undoOfAnna(anna, moment)).steps).toEqual([]);
      expect((await undo(anna, moment)).counts).toEqual({ back: 0, changed: 1, moved: 0, trashed: 0 });
      expect((await found(ben, `${COMMON}/over`)).etag).toBe(etag('early'));
      expect((await found(ben, `${COMMON}/a`)).etag).toBe(etag('a'));
    });

    test('past D6 — a folder that was made again under the old name is another one', async () => {
      const moment = await plant();
      await all(
        () => remove(device, 'in'),
        () => makeCollection(ben, `${COMMON}/in`),
        () => put(ben, `${COMMON}/in/new`, 'mine'),
      );
      const { kept } = await undo(anna, moment);
      expect(kept.map(({ why }) => why)).toEqual(['taken']);
      expect((await found(ben, `${COMMON}/in/new`)).etag).toBe(etag('mine'));
    });

    test('a part of a drive: what was moved out of the folder comes back, what came in from outside stays', async () => {
      const moment = await plant();
      await all(
        () => move(device, 'in/deep', 'gone/deep'),
        () => move(device, 'shared', 'in/shared'),
        () => put(device, 'over', 'ransom'),
      );
      const { kept } = await undo(anna, moment, `${COMMON}/in`);
      expect(kept.map(({ path, why }) => `${path.slice(-1)}: ${why}`)).toEqual(['shared: elsewhere']);
      expect((await found(ben, `${COMMON}/in/deep`)).etag).toBe(etag('in/deep'));
      expect((await found(ben, `${COMMON}/over`)).etag).toBe(etag('ransom'));
    });

    test('past D2 — a lock is in the way, also where something was moved to', async () => {
      const moment = await plant();
      await all(() => move(device, 'in/deep', 'gone/deep'));
      const wish = { scope: 'exclusive', isDeep: false, ownerXml: null, timeoutSeconds: 600 } as const;
      const { lock } = await ben.lock(segmentsOf(`${COMMON}/gone/deep`), wish, NO_TOKENS);
      for (const path of [COMMON, `${COMMON}/in`])
        await expect(undo(anna, moment, path)).rejects.toMatchObject({ kind: 'locked' });
      await ben.unlock(segmentsOf(`${COMMON}/gone/deep`), lock.token, NO_TOKENS);
      await undo(anna, moment, `${COMMON}/in`);
      expect((await found(ben, `${COMMON}/in/deep`)).etag).toBe(etag('in/deep'));
    });
  });
}
