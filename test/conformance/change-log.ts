import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { skipRevisions } from '../../src/engines/sql/revisions.js';
import type { ChangePosition, ChangeRow } from '../../src/stores/change-log.js';
import type { NodeRow } from '../../src/stores/metadata-store.js';
import type { NodeId } from '../../src/stores/values.js';
import { contentOf, LATER, NOBODY, NOW, namesOf, type OpenEngine, World } from './metadata-fixture.js';

const MANY = 1_000;
const BEFORE_ALL = { parentId: 0 as NodeId, name: '' };

/** The contracts of `ChangeLogView` and `ChangeLog`. */
export function changeLogSuite(open: OpenEngine): void {
  describe('ChangeLog', () => {
    let world: World;
    /** The last revision before the test's own changes. */
    let start: number;

    beforeEach(async () => {
      world = await World.open(open);
      start = (await horizon()).last;
    });
    afterEach(async () => {
      expect(await world.problems()).toEqual([]);
      await world.engine.close();
    });

    const horizon = (revision = 0, driveId = world.drive.id) =>
      world.read((view) => view.changeLog.horizon(driveId, revision));
    const here = () => ({ id: world.home, driveId: world.drive.id });
    const away = () => ({ id: world.elsewhere.homeId, driveId: world.otherDrive.id });
    const changed = (after = start, driveId = world.drive.id, limit = MANY) => {
      const position = { revision: after, id: Number.MAX_SAFE_INTEGER as NodeId };
      return world.read((view) => view.changeLog.changedNodes(driveId, position, limit));
    };
    const changedIds = async (after = start) => (await changed(after)).map(({ node }) => node.id);
    const moved = (after = start, until = Number.MAX_SAFE_INTEGER, limit = MANY) =>
      world.read((view) => view.changeLog.movedCollections(world.drive.id, after, until, limit));
    const removals = (after = start, limit = MANY, driveId = world.drive.id) =>
      world.read((view) => view.changeLog.removals(driveId, after, limit));
    const move = (node: NodeRow, parent = here(), name = node.name, now = NOW) =>
      world.write((transaction) => transaction.moveNode(node, parent, name, now));
    const copy = (node: NodeRow, name: string) =>
      world.write((transaction) => transaction.copyNode(node, here(), name, { isDeep: true }, NOW));

    const ownChanges: Record<string, (file: NodeRow) => Promise<unknown>> = {
      replaceContent: (file) =>
        world.write(async (transaction) => {
          await transaction.putContent(contentOf('new'), NOW);
          await transaction.replaceContent(file, contentOf('new'), NOW);
        }),
      setTimes: (file) => world.write((transaction) => transaction.setTimes(file, { modified: 1 })),
      setProperties: (file) =>
        world.write((transaction) => transaction.setProperties(file, [{ namespace: 'n', name: 'p', xml: '<p/>' }])),
      moveNode: (file) => move(file, { ...here(), id: file.parentId! }, 'renamed'),
    };
    it.each(Object.entries(ownChanges))(
      'changedNodes — %s changes the node itself, with its new revision, and none above it',
      async (_name, change) => {
        const folder = await world.folder(world.home, 'docs');
        const file = await world.file(folder.id, 'a.txt', 'a');
        const { last } = await horizon();
        await change(file);
        const [row, ...others] = await changed(last);
        expect(others).toEqual([]);
        expect(row!.node).toEqual(await world.node(file.id));
        expect(row!.changed).toBe(row!.node.revision);
        expect(row!.changed).toBeGreaterThan(last);
      },
    );

    it('changedNodes — what was made comes, in the order of the changes, each node by its last one', async () => {
      const first = await world.folder(world.home, 'first');
      const second = await world.file(first.id, 'second', 'x');
      expect(await changedIds()).toEqual([first.id, second.id]);
      await world.write((transaction) => transaction.setTimes(first, { modified: 1 }));
      expect(await changedIds()).toEqual([second.id, first.id]);
    });

    it('changedNodes — a copy changes all that was copied, and no node of the original', async () => {
      const top = await world.grow(world.home, 'docs', { sub: { 'a.txt': 'a' } });
      const { last } = await horizon();
      await copy(top, 'copy');
      const rows = await changed(last);
      expect(new Set(namesOf(rows.map(({ node }) => node)))).toEqual(new Set(['copy', 'sub', 'a.txt']));
      expect(new Set(rows.map((row) => row.changed)).size).toBe(1);
    });

    it('changedNodes — pages end and begin anywhere, also between nodes of one revision', async () => {
      await copy(await world.grow(world.home, 'docs', { a: 'a', b: 'b', c: { d: 'd' } }), 'copy');
      const all = await changed();
      expect(all).toHaveLength(10);
      for (const limit of [1, 2, 3, 7]) {
        const rows: ChangeRow[] = [];
        let after: ChangePosition = { revision: start, id: Number.MAX_SAFE_INTEGER as NodeId };
        for (;;) {
          const page = await world.read((view) => view.changeLog.changedNodes(world.drive.id, after, limit));
          expect(page.length).toBeLessThanOrEqual(limit);
          rows.push(...page);
          if (page.length < limit) break;
          after = { revision: page.at(-1)!.changed, id: page.at(-1)!.node.id };
        }
        expect(rows).toEqual(all);
      }
    });

    it('changedNodes — of one drive alone; a tree that came from another drive has changed as a whole', async () => {
      const top = await world.grow(world.home, 'docs', { sub: { 'a.txt': 'a' } });
      expect(await changed(start, world.otherDrive.id)).toEqual([]);
      const { last } = await horizon();
      await move(top, away());
      const rows = await changed(last, world.otherDrive.id);
      expect(new Set(namesOf(rows.map(({ node }) => node)))).toEqual(new Set(['docs', 'sub', 'a.txt']));
      expect(await changed(last)).toEqual([]);
    });

    it('changedNodes — moved is the revision of the last move, 0 for what was made where it is', async () => {
      const file = await world.file(world.home, 'a.txt', 'a');
      expect(await changed()).toMatchObject([{ moved: 0 }]);
      await move(file, here(), 'b.txt');
      const { revision } = await world.node(file.id);
      expect(await changed()).toMatchObject([{ moved: revision }]);
      await world.write((transaction) => transaction.setTimes(file, { modified: 1 }));
      expect(await changed()).toMatchObject([{ moved: revision }]);
      await copy(await world.node(file.id), 'copy.txt');
      expect(await changed()).toMatchObject([{ moved: revision }, { moved: 0 }]);
    });

    it('movedCollections — collections by their last move, the first revision exclusive, the last inclusive', async () => {
      const [one, two] = [await world.folder(world.home, 'one'), await world.folder(world.home, 'two')];
      await world.folder(world.home, 'stays');
      const file = await world.file(world.home, 'file', 'x');
      await move(one, here(), 'one 1');
      await move(two, here(), 'two 1');
      await move(file, here(), 'file 1');
      await move(await world.node(one.id), here(), 'one 2');
      const rows = await moved();
      expect(namesOf(rows.map(({ node }) => node))).toEqual(['two 1', 'one 2']);
      expect(rows.map((row) => row.node)).toEqual([await world.node(two.id), await world.node(one.id)]);
      const [first, last] = rows.map((row) => row.moved) as [number, number];
      expect(last).toBe((await world.node(one.id)).revision);
      expect(await moved(first)).toEqual(rows.slice(1));
      expect(await moved(start, last - 1)).toEqual(rows.slice(0, 1));
      expect(await moved(start, last, 1)).toEqual(rows.slice(0, 1));
      expect(await moved(0)).toEqual(rows);
    });

    it('movedCollections — one that came from another drive, and none that went there', async () => {
      const docs = await world.folder(world.home, 'docs');
      await move(docs, away());
      expect(await moved()).toEqual([]);
      await move(await world.node(docs.id), here(), 'back');
      expect(await moved()).toMatchObject([{ node: { id: docs.id, name: 'back' } }]);
    });

    it('removals — a move and a detachment unbind a name, in order; nothing else does', async () => {
      const folder = await world.folder(world.home, 'docs');
      const file = await world.file(folder.id, 'a.txt', 'a');
      await copy(file, 'copy.txt');
      await ownChanges.replaceContent!(file);
      await ownChanges.setProperties!(file);
      expect(await removals()).toEqual([]);
      const renamed = await move(file, { ...here(), id: folder.id }, 'b.txt');
      const away = await move(await world.node(folder.id), here(), 'papers');
      await world.write(async (transaction) => {
        const [node] = await transaction.findNodes([file.id]);
        await transaction.detachNode(node!, NOW);
      });
      const rows = await removals();
      expect(rows).toEqual([
        { revision: renamed.revision, parentId: folder.id, name: 'a.txt', isCollection: false },
        { revision: away.revision, parentId: world.home, name: 'docs', isCollection: true },
        { revision: (await horizon()).last, parentId: folder.id, name: 'b.txt', isCollection: false },
      ]);
      expect(await removals(renamed.revision)).toEqual(rows.slice(1));
      expect(await removals(start, 2)).toEqual(rows.slice(0, 2));
    });

    it('removals — on the drive that the name was on; the parent may be gone', async () => {
      const folder = await world.folder(world.home, 'docs');
      const file = await world.file(folder.id, 'a.txt', 'a');
      await move(file, away());
      await world.write((transaction) => transaction.detachNode(folder, NOW));
      await world.engine.blobIndex.purge(MANY);
      expect(await world.isThere(folder.id)).toBe(false);
      expect(await removals()).toMatchObject([
        { parentId: folder.id, name: 'a.txt' },
        { parentId: world.home, name: 'docs' },
      ]);
      expect(await removals(start, MANY, world.otherDrive.id)).toEqual([]);
    });

    it('ancestorChains — the nodes that exist and all above them, each once, each with its last move', async () => {
      const top = await world.grow(world.home, 'docs', { sub: { a: 'a' }, b: 'b' });
      const { revision } = await move(top, here(), 'papers');
      const [a, b] = [await world.at('papers/sub/a'), await world.at('papers/b')];
      const steps = await world.read((view) => view.changeLog.ancestorChains([a.id, b.id, a.id, NOBODY], []));
      const above = await world.read((view) => view.ancestors(a.id));
      const expected = [a, b, ...above].map(({ id, parentId, name }) => {
        return { id, parentId, name, moved: id === top.id ? revision : 0 };
      });
      const byId = (one: { id: NodeId }, other: { id: NodeId }) => one.id - other.id;
      expect(steps.sort(byId)).toEqual(expected.sort(byId));
      expect(await world.read((view) => view.changeLog.ancestorChains([], []))).toEqual([]);
    });

    it('ancestorChains — nothing above an anchor, which comes itself', async () => {
      await world.grow(world.home, 'docs', { sub: { a: 'a' } });
      const [docs, sub, a] = [await world.at('docs'), await world.at('docs/sub'), await world.at('docs/sub/a')];
      const ancestorChains = (ids: NodeId[], anchors: NodeId[]) =>
        world
          .read((view) => view.changeLog.ancestorChains(ids, anchors))
          .then((steps) => new Set(steps.map(({ id }) => id)));
      expect(await ancestorChains([a.id], [docs.id])).toEqual(new Set([a.id, sub.id, docs.id]));
      expect(await ancestorChains([sub.id], [sub.id, docs.id])).toEqual(new Set([sub.id]));
      expect(await ancestorChains([docs.id], [sub.id])).toContain(world.home);
    });

    it('membersBelow — everything below the nodes, each once, by parent, then name', async () => {
      await world.grow(world.home, 'docs', { sub: { b: 'b', a: 'a' }, 'B.txt': 'x', empty: {} });
      await world.grow(world.home, 'others', { c: 'c' });
      const [docs, sub] = [await world.at('docs'), await world.at('docs/sub')];
      const below = (ids: NodeId[], after = BEFORE_ALL, limit = MANY) =>
        world.read((view) => view.changeLog.membersBelow(ids, after, limit));
      const all = await below([docs.id]);
      expect(namesOf(all)).toEqual(['B.txt', 'empty', 'sub', 'a', 'b']);
      expect(all[2]).toEqual(await world.node(sub.id));
      expect(await below([sub.id, docs.id, NOBODY])).toEqual(all);
      expect(namesOf(await below([sub.id, (await world.at('others')).id]))).toEqual(['a', 'b', 'c']);
      expect(await below([all[0]!.id, NOBODY])).toEqual([]);
      for (const [index, { parentId, name }] of all.entries()) {
        const after = { parentId: parentId!, name };
        expect(await below([docs.id], after)).toEqual(all.slice(index + 1));
        expect(await below([docs.id], after, 2)).toEqual(all.slice(index + 1, index + 3));
      }
      // A position in a collection that isn't there (any more) is a place in the order all the same.
      expect(await below([docs.id], { parentId: NOBODY, name: 'a' })).toEqual([]);
      expect(await below([sub.id], { parentId: docs.id, name: 'a' })).toEqual(all.slice(3));
    });

    it('bound — those of the places where something is, and whether it is a collection', async () => {
      await world.grow(world.home, 'docs', { a: 'a' });
      const { id } = await world.at('docs');
      const places = [
        { parentId: world.home, name: 'docs' },
        { parentId: id, name: 'a' },
        { parentId: id, name: 'A' },
        { parentId: world.home, name: 'a' },
        { parentId: NOBODY, name: 'docs' },
      ];
      const found = await world.read((view) => view.changeLog.bound(places));
      expect(found).toHaveLength(2);
      expect(found).toContainEqual({ ...places[0], isCollection: true });
      expect(found).toContainEqual({ ...places[1], isCollection: false });
    });

    it('deletions — of the tops of deleted trees, as findTrash gives them', async () => {
      const top = await world.grow(world.home, 'docs', { a: 'a' });
      const inside = await world.at('docs/a');
      const live = await world.file(world.home, 'live', 'x');
      await world.trash(top, world.anna.userId);
      const found = await world.read((view) => view.changeLog.deletions([top.id, inside.id, live.id, NOBODY]));
      expect(found).toEqual([await world.read((view) => view.findTrash(top.id))]);
    });

    it('horizon — the last revision that was given out', async () => {
      const { revision } = await world.folder(world.home, 'docs');
      expect(await horizon()).toEqual({ last: revision, forgotten: 0, isLost: false });
    });

    it('horizon — revisions that were left out are lost, those before and after are not', async () => {
      const { revision: before } = await world.folder(world.home, 'before');
      expect(await world.read((view) => view.changeLog.lastRestoration())).toBeNull();
      await skipRevisions(world.engine.database, 50);
      const first = await world.read((view) => view.changeLog.lastRestoration());
      const { revision: after } = await world.folder(world.home, 'after');
      // A transaction may have left out one or two that it didn't need.
      expect(after - before).toBeGreaterThan(50);
      const isLost = async (revision: number) => (await horizon(revision)).isLost;
      expect(await Promise.all([before, after - 50, after - 2, after].map(isLost))).toEqual([false, true, true, false]);
      await skipRevisions(world.engine.database, 50);
      expect(await world.read((view) => view.changeLog.lastRestoration())).toBeGreaterThan(first!);
      expect(await isLost(after - 50)).toBe(true);
      expect(await isLost(after + 2)).toBe(true);
    });

    it('prune — forgets the oldest removals of a drive from before a time, and remembers to where', async () => {
      const names = ['a', 'b', 'c', 'd'];
      const [a, b, c, d] = await Promise.all(names.map((name) => world.folder(world.home, name)));
      const elsewhere = await world.folder(world.elsewhere.homeId, 'e');
      await move(a!, here(), 'a 2', NOW + 1);
      await move(elsewhere, away(), 'e 2', NOW + 2);
      const { revision } = await move(b!, here(), 'b 2', NOW + 3);
      await move(c!, here(), 'c 2', LATER);
      await move(d!, here(), 'd 2', LATER + 1);
      const prune = (before: number, limit: number, driveId = world.drive.id) =>
        world.write((transaction) => transaction.changeLog.prune(driveId, before, limit));
      expect(await prune(NOW + 1, MANY)).toBe(0);
      expect((await horizon()).forgotten).toBe(0);
      expect(await prune(LATER, 1)).toBe(1);
      expect(namesOf(await removals())).toEqual(['b', 'c', 'd']);
      expect((await horizon()).forgotten).toBe((await world.node(a!.id)).revision);
      expect(await prune(LATER, MANY)).toBe(1);
      expect(namesOf(await removals())).toEqual(['c', 'd']);
      expect(await horizon()).toMatchObject({ forgotten: revision, isLost: false });
      expect(namesOf(await removals(start, MANY, world.otherDrive.id))).toEqual(['e']);
      expect((await horizon(0, world.otherDrive.id)).forgotten).toBe(0);
      expect(await prune(LATER, MANY, world.otherDrive.id)).toBe(1);
      expect(await removals(start, MANY, world.otherDrive.id)).toEqual([]);
      expect((await horizon(0, world.otherDrive.id)).forgotten).toBe((await world.node(elsewhere.id)).revision);
      expect(await prune(LATER, MANY)).toBe(0);
      expect((await horizon()).forgotten).toBe(revision);
    });

    it('prune — the point to where is the greatest revision, whatever the order of the times', async () => {
      const [early, late] = [await world.folder(world.home, 'early'), await world.folder(world.home, 'late')];
      await move(early, here(), 'early 2', LATER);
      await move(late, here(), 'late 2', NOW);
      const [first, second] = [await world.node(early.id), await world.node(late.id)];
      const prune = (limit: number) =>
        world.write((transaction) => transaction.changeLog.prune(world.drive.id, LATER + 1, limit));
      expect(await prune(1)).toBe(1);
      expect(namesOf(await removals())).toEqual(['early']);
      expect((await horizon()).forgotten).toBe(second.revision);
      expect(await prune(MANY)).toBe(1);
      expect((await horizon()).forgotten).toBe(second.revision);
      expect(second.revision).toBeGreaterThan(first.revision);
    });

    it('what rolls back was no change', async () => {
      const file = await world.file(world.home, 'a.txt', 'a');
      const { last } = await horizon();
      const work = world.write(async (transaction) => {
        await transaction.moveNode(file, here(), 'b.txt', NOW);
        throw new Error('given up');
      });
      await expect(work).rejects.toThrow('given up');
      expect(await removals()).toEqual([]);
      expect(await changed(last)).toEqual([]);
      expect((await horizon()).last).toBe(last);
    });
  });
}
