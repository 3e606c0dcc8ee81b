import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Drive } from '../../src/drive/drive.js';
import { Listing } from '../../src/drive/listing.js';
import { NO_TOKENS } from '../../src/drive/permit.js';
import { readResource } from '../../src/drive/resource.js';
import {
  DriveMembers,
  found,
  makeCollection,
  move,
  put,
  remove,
  restoreToOrigin,
  segmentsOf,
  setModified,
  setProperty,
} from '../support/drive-members.js';
import { Replica } from '../support/sync-replica.js';
import { contentOf, type OpenEngine } from './metadata-fixture.js';

/** All that is seen below a path, with content, date and properties of files. */
export function seen(drive: Drive, path: string): Promise<string[]> {
  return drive.read(async (snapshot) => {
    const top = readResource(await snapshot.find(segmentsOf(path)));
    const listing = new Listing(top, { isDeep: true });
    const lines: string[] = [];
    for (let page = await listing.next(snapshot); page; page = await listing.next(snapshot)) {
      const properties = await snapshot.deadProperties(page);
      for (const { path: at, isCollection, etag, modified, created, kind, node } of page) {
        if (kind !== 'node') continue;
        const own = properties.filter(({ nodeId }) => nodeId === node!.id).map(({ xml }) => xml);
        const facts = isCollection ? [created] : [etag, modified, created];
        lines.push([at.join('/') + (isCollection ? '/' : ''), ...facts, ...own].join(' '));
      }
    }
    return lines.sort();
  });
}

/** `Past.changeTree`, by the verb that needs it. */
export function putBackSuite(open: OpenEngine): void {
  describe('a tree is put back', () => {
    let members: DriveMembers;
    let anna: Drive;
    let ben: Drive;
    beforeEach(async () => {
      members = await DriveMembers.open(open);
      ({ anna, ben } = members);
    });
    afterEach(async () => {
      expect(await members.world.problems()).toEqual([]);
      await members.close();
    });

    const pass = (ms = 1_000) => {
      members.clock += ms;
      return members.clock;
    };
    /** Changes a drive at a time of its own. */
    const all = async (...works: (() => Promise<unknown>)[]) => {
      for (const work of works) {
        await work();
        pass();
      }
    };
    /** Ends a moment that is gone back to. */
    const mark = () => {
      const moment = members.clock;
      pass();
      return moment;
    };
    const at = (drive: Drive, moment: number) => drive.at(moment);
    const names = async (drive: Drive, path: string) =>
      (await seen(drive, path)).map((line) => line.split(' ')[0]!.slice(path.length + 1));
    const etag = (text: string) => `"${contentOf(text).id.slice(0, 32)}"`;
    const putBack = (drive: Drive, path: string, moment: number) => drive.putBack(segmentsOf(path), moment, NO_TOKENS);

    /** A folder with all that can happen to it since; returns the moment before. */
    async function plantAndChange(drive: Drive): Promise<number> {
      await all(
        () => makeCollection(drive, 'd'),
        () => makeCollection(drive, 'd/in'),
        () => makeCollection(drive, 'd/out'),
        () => makeCollection(drive, 'd/gone'),
        () => makeCollection(drive, 'other'),
      );
      for (const name of [
        'same',
        'over',
        'renamed',
        'a',
        'b',
        'leaves',
        'deleted',
        'destroyed',
        'in/deep',
        'out/x',
        'gone/y',
      ])
        await all(() => put(drive, `d/${name}`, name));
      await all(() => setProperty(drive, 'd/over', '<red/>'));
      const moment = mark();
      await all(
        () => put(drive, 'd/over', 'other bytes'),
        () => setProperty(drive, 'd/over', '<blue/>'),
        () => move(drive, 'd/renamed', 'd/new name'),
        () => move(drive, 'd/a', 'd/aside'),
        () => move(drive, 'd/b', 'd/a'),
        () => move(drive, 'd/aside', 'd/b'),
        () => move(drive, 'd/leaves', 'other/left'),
        () => put(drive, 'other/left', 'went on'),
        () => remove(drive, 'd/deleted'),
        () => remove(drive, 'd/destroyed'),
        () => remove(drive, 'Trash/destroyed'),
        () => put(drive, 'd/in/made since', 'new'),
        () => move(drive, 'd/in', 'd/inner'),
        () => move(drive, 'd/out', 'other/out'),
        () => remove(drive, 'd/gone'),
        () => remove(drive, 'Trash/gone'),
        () => put(drive, 'd/new', 'new'),
        () => makeCollection(drive, 'd/wrap'),
        () => move(drive, 'd/same', 'd/wrap/same'),
        () => put(drive, 'd/wrap/too', 'new'),
        () => setModified(drive, 'd/new name', 5),
      );
      return moment;
    }

    describe('PRODUCT V5 — a folder is put back as it was', () => {
      test('past D4 — the exact set is there again: names, bytes, dates, properties; nothing else is', async () => {
        const moment = await plantAndChange(anna);
        const then = await seen(await at(anna, moment), 'd');
        const foreseen = await anna.foreseePutBack(['d'], moment);
        const done = await putBack(anna, 'd', moment);
        expect(await seen(anna, 'd')).toEqual(then);
        expect(foreseen.steps).toEqual(done.steps);
        expect(done.counts).toEqual({ back: 7, changed: 1, moved: 5, trashed: 3 });
      });

      test('nothing is lost: what came since is in the trash, in one folder; what was moved away stays there', async () => {
        const moment = await plantAndChange(anna);
        const { trash } = await putBack(anna, 'd', moment);
        expect(trash).toHaveLength(1);
        expect((await found(anna, `Trash/${trash[0]}/inner/made since`)).etag).toBe(etag('new'));
        expect((await found(anna, `Trash/${trash[0]}/wrap/too`)).etag).toBe(etag('new'));
        expect((await found(anna, `Trash/${trash[0]}/new`)).etag).toBe(etag('new'));
        expect((await found(anna, 'other/left')).etag).toBe(etag('went on'));
        expect((await found(anna, 'd/leaves')).etag).toBe(etag('leaves'));
        expect(await names(anna, 'other')).toEqual(['left', 'out/', 'out/x']);
        await restoreToOrigin(anna, `Trash/${trash[0]}`);
        expect((await found(anna, `${trash[0]}/wrap/too`)).etag).toBe(etag('new'));
      });

      test('it is undone by going back to the moment before it', async () => {
        const moment = await plantAndChange(anna);
        const before = await seen(anna, 'd');
        const done = await putBack(anna, 'd', moment);
        pass();
        await putBack(anna, 'd', done.undoMoment!);
        expect(await seen(anna, 'd')).toEqual(before);
      });

      test('a second time changes nothing', async () => {
        const moment = await plantAndChange(anna);
        await putBack(anna, 'd', moment);
        const before = await members.world.dump();
        expect(await putBack(anna, 'd', moment)).toMatchObject({ steps: [], undoMoment: null });
        expect(await members.world.dump()).toEqual(before);
      });

      test('nodes keep their numbers, so that histories go on', async () => {
        await all(
          () => makeCollection(anna, 'd'),
          () => put(anna, 'd/f', 'one'),
        );
        const { node } = await found(anna, 'd/f');
        const moment = mark();
        await all(
          () => put(anna, 'd/f', 'two'),
          () => move(anna, 'd/f', 'd/g'),
          () => remove(anna, 'd/g'),
        );
        await putBack(anna, 'd', moment);
        expect((await found(anna, 'd/f')).node!.id).toBe(node!.id);
        expect((await anna.versions(['d', 'f'])).versions.map((version) => version.etag)).toEqual(
          ['one', 'two', 'one'].map(etag),
        );
      });

      test('a file that a program saved by replacing it goes on with its history', async () => {
        await all(
          () => makeCollection(anna, 'd'),
          () => put(anna, 'd/f', 'one'),
        );
        const moment = mark();
        await all(
          () => put(anna, 'd/temporary', 'two'),
          () => move(anna, 'd/temporary', 'd/f'),
        );
        const { node } = await found(anna, 'd/f');
        expect((await putBack(anna, 'd', moment)).trash).toEqual([]);
        expect((await found(anna, 'd/f')).node!.id).toBe(node!.id);
        const { versions } = await anna.versions(['d', 'f']);
        expect(versions[0]!.etag).toBe(etag('one'));
        expect(versions.map((version) => version.etag)).toContain(etag('two'));
      });

      test('past D1 — clients see it: sync-collection tells each change, and all folders above have another ETag', async () => {
        const moment = await plantAndChange(anna);
        const replicas = [true, false].flatMap((isDeep) =>
          ['', 'd', 'Trash'].map((path) => new Replica(anna, path, { isDeep })),
        );
        for (const replica of replicas) await replica.complete(7);
        const { etag: before } = await found(anna, 'Team');
        await putBack(anna, 'd', moment);
        expect((await found(anna, 'Team')).etag).not.toBe(before);
        // Each compares what it knows with a listing.
        for (const replica of replicas) await replica.complete(3);
      });

      test('past D2 — a lock on anything in it is in the way, and nothing is changed', async () => {
        const moment = await plantAndChange(anna);
        const wish = { scope: 'exclusive', isDeep: false, ownerXml: null, timeoutSeconds: 600 } as const;
        const { lock } = await anna.lock(segmentsOf('d/inner/deep'), wish, NO_TOKENS);
        const before = await members.world.dump();
        await expect(putBack(anna, 'd', moment)).rejects.toMatchObject({ kind: 'locked' });
        expect(await members.world.dump()).toEqual(before);
        await anna.putBack(['d'], moment, { tokens: new Set([lock.token]) });
      });

      test('past D3 — dates are those that a copy out of the past gets', async () => {
        const moment = await plantAndChange(anna);
        const then = await at(anna, moment);
        const dated = async (drive: Drive, path: string) => {
          const { modified, created } = await found(drive, path);
          return { modified, created };
        };
        await then.copy(
          ['d'],
          { drive: anna, path: ['copy'] },
          {
            ...{ permit: NO_TOKENS, mayOverwrite: false, isDeep: true, signal: new AbortController().signal },
          },
        );
        await putBack(anna, 'd', moment);
        for (const path of ['d/over', 'd/in', 'd/gone', 'd'])
          expect(await dated(anna, path), path).toEqual(await dated(anna, path.replace(/^d/, 'copy')));
      });

      test('past D5 — a viewer, and who lost the right meanwhile, puts nothing back', async () => {
        await all(() => put(anna, 'Common documents/f', 'one'));
        const moment = mark();
        await all(() => put(anna, 'Common documents/f', 'two'));
        const { driveId, userId } = ben.membership;
        await members.world.engine.accounts.putMember(driveId, userId, 'viewer', null, members.clock);
        await expect(putBack(ben, 'Common documents', moment)).rejects.toMatchObject({ kind: 'forbidden' });
        expect((await found(anna, 'Common documents/f')).etag).toBe(etag('two'));
      });

      test('past D6 — a folder that was made since under the old name goes to the trash; the one of then is there again', async () => {
        await all(
          () => makeCollection(anna, 'd'),
          () => put(anna, 'd/f', 'one'),
        );
        const { node } = await found(anna, 'd');
        const moment = mark();
        await all(
          () => remove(anna, 'd'),
          () => makeCollection(anna, 'd'),
          () => put(anna, 'd/g', 'other'),
        );
        const { trash } = await putBack(anna, 'd', moment);
        expect(await names(anna, 'd')).toEqual(['f']);
        expect((await found(anna, 'd')).node!.id).toBe(node!.id);
        expect((await found(anna, `Trash/${trash[0]}/d/g`)).etag).toBe(etag('other'));
      });

      test('a folder that is gone comes back; where its own folder is gone too, that one is asked for', async () => {
        await all(
          () => makeCollection(anna, 'd'),
          () => makeCollection(anna, 'd/e'),
          () => put(anna, 'd/e/f', 'one'),
        );
        const moment = mark();
        const then = await seen(anna, 'd');
        await all(() => remove(anna, 'd'));
        await expect(putBack(anna, 'd/e', moment)).rejects.toMatchObject({ kind: 'parent-missing' });
        await putBack(anna, 'd', moment);
        expect(await seen(anna, 'd')).toEqual(then);
        await expect(putBack(anna, 'never', moment)).rejects.toMatchObject({ kind: 'not-found' });
        await expect(putBack(anna, 'Trash', moment)).rejects.toMatchObject({ kind: 'forbidden' });
      });

      test('the whole drive as its member sees it; the files of others stay', async () => {
        await all(
          () => put(anna, 'mine', 'one'),
          () => put(ben, 'his', 'one'),
          () => put(ben, 'Common documents/ours', 'one'),
        );
        const moment = mark();
        await all(
          () => put(anna, 'mine', 'two'),
          () => put(ben, 'his', 'two'),
          () => put(ben, 'Common documents/ours', 'two'),
          () => put(ben, 'Common documents/new', 'two'),
          () => put(anna, 'new', 'two'),
        );
        const { trash } = await putBack(anna, '', moment);
        expect((await found(anna, 'mine')).etag).toBe(etag('one'));
        expect((await found(ben, 'Common documents/ours')).etag).toBe(etag('one'));
        expect((await found(ben, 'his')).etag).toBe(etag('two'));
        expect(trash).toHaveLength(2);
        await expect(found(ben, `Trash/${trash.find((name) => name.startsWith('Team'))!}`)).rejects.toMatchObject({
          kind: 'not-found',
        });
      });

      test('PRODUCT V6 — a full drive is put back all the same', async () => {
        await all(
          () => makeCollection(anna, 'd'),
          () => put(anna, 'd/f', 'a long text'),
        );
        const moment = mark();
        await all(
          () => remove(anna, 'd/f'),
          () => remove(anna, 'Trash/f'),
          () => put(anna, 'other', 'another text'),
        );
        const { driveId, userId } = anna.membership;
        await members.world.engine.accounts.putMember(driveId, userId, 'manager', 12, members.clock);
        await putBack(anna, 'd', moment);
        expect((await found(anna, 'd/f')).etag).toBe(etag('a long text'));
      });

      test.each([
        ['is planned again', 4, 2],
        ['is planned in the transaction at last', 1_000, 4],
      ])('what somebody else changes meanwhile %s', async (_title, most, wanted) => {
        await all(
          () => makeCollection(anna, 'Common documents/d'),
          () => put(anna, 'Common documents/d/f', 'one'),
        );
        const moment = mark();
        await all(() => put(anna, 'Common documents/d/f', 'two'));
        const read = anna.read.bind(anna);
        let count = 0;
        // Between any two pages of the plan.
        anna.read = async <T>(work: Parameters<typeof read<T>>[0]) => {
          await put(ben, `Common documents/beside`, `${++count}`);
          if (count < most) await put(ben, `Common documents/d/new ${count}`, 'new');
          return read(work);
        };
        let tries = 0;
        const check = async () => void tries++;
        await anna.putBack(segmentsOf('Common documents/d'), moment, { ...NO_TOKENS, check });
        expect(tries).toBe(wanted);
        anna.read = read;
        expect(await seen(anna, 'Common documents/d')).toHaveLength(1);
        expect((await found(anna, 'Common documents/d/f')).etag).toBe(etag('one'));
      });
    });
  });
}
