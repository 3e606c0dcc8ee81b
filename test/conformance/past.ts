import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pastRoom } from '../../src/drive/past/room.js';
import {
  type ContentRow,
  NameTakenError,
  type NodeRow,
  type StoreTransaction,
} from '../../src/stores/metadata-store.js';
import type { NodeId } from '../../src/stores/values.js';
import {
  contentOf,
  insertFile,
  insertFolder,
  largeContentOf,
  NOW,
  type OpenEngine,
  World,
} from './metadata-fixture.js';

const KEPT_MS = 1_000;

/** `Past`, `StoreView.at`, and what keeps the contents that states name. */
export function pastSuite(open: OpenEngine): void {
  describe('MetadataStore past', () => {
    let world: World;
    let clock = NOW;

    beforeEach(async () => {
      world = await World.open(open);
      clock = NOW;
    });
    afterEach(async () => {
      expect(await world.problems()).toEqual([]);
      await world.engine.close();
    });

    /** A transaction of Anna's, ten milliseconds after the one before. */
    const signed = <T>(work: (transaction: StoreTransaction) => Promise<T>, at = clock + 10) => {
      clock = Math.max(clock, at);
      return world.write((transaction) => {
        transaction.past.sign({ at, userId: world.anna.userId, appPasswordId: null }, KEPT_MS);
        return work(transaction);
      });
    };
    const make = (parent: NodeId, name: string, text: string | ContentRow) =>
      signed((t) => insertFile(t, parent, name, text, world.drive.id));
    const folder = (parent: NodeId, name: string) => signed((t) => insertFolder(t, parent, name, world.drive.id));
    const overwrite = (file: NodeRow, text: string | ContentRow, modified = clock) =>
      signed(async (t) => {
        const content = typeof text === 'string' ? contentOf(text) : text;
        await t.putContent(content, NOW);
        const [now] = await t.findNodes([file.id]);
        return t.replaceContent(now!, content, modified);
      });
    const place = (id: NodeId) => ({ id, driveId: world.drive.id });
    const move = (node: NodeRow, parent: NodeId, name: string) =>
      signed(async (t) => {
        const [now] = await t.findNodes([node.id]);
        return t.moveNode(now!, place(parent), name, clock);
      });
    const destroy = (node: NodeRow) =>
      signed(async (t) => {
        const [now] = await t.findNodes([node.id]);
        await t.detachNode(now!, clock);
      });
    const rows = async () =>
      ((await world.dump()).node_past as string[]).map((row) => JSON.parse(row) as Record<string, unknown>);
    /** The tree at a moment, a file as its content's text. */
    const treeAt = async (moment: number, id: NodeId = world.home): Promise<Record<string, unknown>> => {
      const members = await world.read((view) => view.at(moment).children([id], null, 1_000));
      const tree: Record<string, unknown> = {};
      for (const row of members) {
        if (row.isCollection) tree[row.name] = await treeAt(moment, row.id);
        else tree[row.name] = Buffer.from((await world.read((v) => v.findContent(row)))!.bytes!).toString();
      }
      return tree;
    };
    const now = () => clock;

    it('PRODUCT V1 — each change to a node keeps one state, a new one none, a whole tree one', async () => {
      const docs = await folder(world.home, 'docs');
      const file = await make(docs.id, 'a', '1');
      await make(docs.id, 'b', '1');
      expect(await rows()).toEqual([]);
      await overwrite(file, '2');
      expect(await rows()).toHaveLength(1);
      await signed((t) => t.setTimes(file, { modified: 5 }));
      expect(await rows()).toHaveLength(2);
      await signed((t) => t.setProperties(file, [{ namespace: 'n', name: 'p', xml: '<p/>' }]));
      expect(await rows()).toHaveLength(3);
      await move(docs, world.home, 'other');
      expect(await rows()).toHaveLength(4);
      await destroy(docs);
      expect(await rows()).toHaveLength(5);
    });

    it('several changes of one transaction end one state, and none of what it made', async () => {
      const file = await make(world.home, 'a', '1');
      await signed(async (t) => {
        const moved = await t.moveNode(file, place(world.home), 'b', clock);
        await t.setTimes(moved, { modified: 7 });
        const made = await insertFile(t, world.home, 'new', 'x', world.drive.id);
        await t.setTimes(made, { modified: 8 });
      });
      expect(await rows()).toMatchObject([{ name: 'a', from_at: NOW + 10, until_at: NOW + 20 }]);
    });

    it('what nobody has signed keeps nothing', async () => {
      const file = await world.file(world.home, 'a', '1');
      await world.write((t) => t.moveNode(file, place(world.home), 'b', NOW));
      expect(await rows()).toEqual([]);
    });

    it('past A2 — a state is kept with the change or not at all', async () => {
      const file = await make(world.home, 'a', '1');
      await make(world.home, 'b', '2');
      const before = await world.dump();
      await expect(
        signed(async (t) => {
          await t.setTimes(file, { modified: 7 });
          throw new Error('no');
        }),
      ).rejects.toThrow('no');
      await expect(move(file, world.home, 'b')).rejects.toThrow(NameTakenError);
      expect(await world.dump()).toEqual(before);
    });

    it('past B6 — a write that changes nothing ends no state', async () => {
      const file = await make(world.home, 'a', '1');
      await overwrite(file, '1', file.modified);
      await signed((t) => t.setTimes(file, { modified: file.modified, created: file.created }));
      expect(await rows()).toEqual([]);
      expect(await treeAt(NOW + 10)).toEqual({ a: '1' });
    });

    it('at — shows what was there then: names, contents, places, and nothing that came later', async () => {
      const docs = await folder(world.home, 'docs');
      const inner = await folder(docs.id, 'inner');
      const file = await make(inner.id, 'a', '1');
      const first = now();
      await overwrite(file, '2');
      const second = now();
      await move(inner, world.home, 'moved');
      const third = now();
      await make(docs.id, 'late', 'x');
      await move(docs, world.anna.binId, 'docs');
      const fourth = now();
      await destroy(docs);
      await overwrite(file, '3');
      expect(await treeAt(first)).toEqual({ docs: { inner: { a: '1' } } });
      expect(await treeAt(second)).toEqual({ docs: { inner: { a: '2' } } });
      expect(await treeAt(third)).toEqual({ docs: {}, moved: { a: '2' } });
      expect(await treeAt(fourth)).toEqual({ moved: { a: '2' } });
      expect(await treeAt(fourth, world.anna.binId)).toEqual({ docs: { late: 'x' } });
      expect(await treeAt(now())).toEqual({ moved: { a: '3' } });
      expect(await treeAt(NOW)).toEqual({});
      const found = await world.read((view) => view.at(first).resolveFile(world.home, ['docs', 'inner', 'a']));
      expect(found.chain.map(({ id }) => id)).toEqual([world.home, docs.id, inner.id, file.id]);
      expect(found.content?.id).toBe(contentOf('1').id);
      expect(await world.read((view) => view.at(second).resolve(world.home, ['moved', 'a']))).toHaveLength(1);
      const above = await world.read((view) => view.at(first).ancestors(file.id));
      expect(above.map(({ id }) => id)).toEqual([inner.id, docs.id, world.home, world.drive.rootId]);
      const later = await world.read((view) => view.at(third).ancestors(file.id));
      expect(later.map(({ id }) => id)).toEqual([inner.id, world.home, world.drive.rootId]);
    });

    it('at — pages of one folder and of several come whole, in order', async () => {
      const one = await folder(world.home, 'one');
      const two = await folder(world.home, 'two');
      const made: NodeRow[] = [];
      for (const [index, parent] of [one.id, two.id, one.id, two.id, one.id].entries()) {
        made.push(await make(parent, `${index}`, 'x'));
      }
      const then = now();
      for (const [index, file] of made.entries()) if (index % 2 === 0) await overwrite(file, 'y');
      await move(made[1]!, one.id, '9');
      await destroy(made[3]!);
      const namesIn = async (parents: NodeId[]) => {
        const names: string[] = [];
        let after: { parentId: NodeId; name: string } | null = null;
        for (;;) {
          const page: NodeRow[] = await world.read((view) => view.at(then).children(parents, after, 2));
          names.push(...page.map((row) => row.name));
          const last = page.at(-1);
          if (!last || page.length < 2) return names;
          after = { parentId: last.parentId!, name: last.name };
        }
      };
      expect(await namesIn([one.id])).toEqual(['0', '2', '4']);
      expect(await namesIn([one.id, two.id])).toEqual(['0', '2', '4', '1', '3']);
    });

    it('PRODUCT V2 — dates and dead properties are those of the moment', async () => {
      const file = await make(world.home, 'a', '1');
      const set = (xml: string | null) =>
        signed(async (t) => {
          const [row] = await t.findNodes([file.id]);
          await t.setProperties(row!, [{ namespace: 'n', name: 'p', xml }]);
        });
      const bare = now();
      await set('<p>ü "1"</p>');
      const first = now();
      await set('<p>2</p>');
      await signed((t) => t.setTimes(file, { modified: 77 }));
      const second = now();
      await destroy(file);
      while (await world.engine.blobIndex.purge(10));
      const seen = (moment: number) =>
        world.read(async (view) => {
          const [row] = await view.at(moment).findNodes([file.id]);
          const properties = await view.at(moment).properties([file.id]);
          return { modified: row?.modified, xml: properties.map(({ xml }) => xml) };
        });
      expect(await seen(bare)).toEqual({ modified: file.modified, xml: [] });
      expect(await seen(first)).toEqual({ modified: file.modified, xml: ['<p>ü "1"</p>'] });
      expect(await seen(second)).toEqual({ modified: 77, xml: ['<p>2</p>'] });
      expect(await seen(now())).toEqual({ xml: [] });
    });

    it('past B2 — changes of one millisecond, and of a clock that went back, are states of their own in their order', async () => {
      const file = await make(world.home, 'a', '1');
      const same = clock;
      for (const [text, at] of [
        ['2', same],
        ['3', same],
        ['4', same - 5],
        ['5', same + 5],
      ] as const) {
        await signed(async (t) => {
          await t.putContent(contentOf(text), NOW);
          await t.replaceContent(await nodeOf(t, file), contentOf(text), clock);
        }, at);
      }
      const states = await world.read((view) => view.past.states(file.id, null, 9));
      expect(states.map(({ node }) => node.blobId)).toEqual(
        ['5', '4', '3', '2', '1'].map((text) => contentOf(text).id),
      );
      expect(new Set(states.map(({ toRevision }) => toRevision)).size).toBe(5);
      expect(await treeAt(same)).toEqual({ a: '4' });
      expect(await treeAt(same + 5)).toEqual({ a: '5' });
    });

    it('states — pages of what a file was, with who made it, and of the files whose place it took', async () => {
      const old = await make(world.home, 'a', '1');
      await overwrite(old, '2');
      const fresh = await make(world.home, 'a.tmp', '3');
      await signed(async (t) => {
        await t.detachNode(await nodeOf(t, old), clock);
        await t.past.succeed(await t.moveNode(fresh, place(world.home), 'a', clock), old.id);
      });
      const page = (before: number | null, limit: number) =>
        world.read((view) => view.past.states(fresh.id, before, limit));
      const all = await page(null, 9);
      expect(all.map(({ node }) => node.name)).toEqual(['a', 'a.tmp', 'a', 'a']);
      expect(all.map(({ untilAt }) => untilAt === null)).toEqual([true, false, false, false]);
      expect(all.map(({ madeBy }) => madeBy)).toEqual(Array(4).fill('anna@x'));
      expect(all[1]!.above).toEqual([world.home, world.drive.rootId]);
      const [first, second] = [await page(null, 2), await page(all[1]!.toRevision, 2)];
      expect([...first, ...second]).toEqual(all);
      expect(await page(all[3]!.toRevision, 9)).toEqual([]);
    });

    it('past B7 — what a state names is no garbage, until retention lets go of it', async () => {
      const file = await signed((t) => insertFile(t, world.home, 'a', largeContentOf('old'), world.drive.id));
      await overwrite(file, 'new');
      const { blobIndex } = world.engine;
      expect(await blobIndex.condemn(9, NOW)).toBeNull();
      expect((await blobIndex.named(null, 9)).map(({ id }) => id)).toContain(contentOf('old').id);
      const due = await world.read((view) => view.past.due(world.drive.id, clock + KEPT_MS, 9));
      expect(due).toMatchObject([{ nodeId: file.id, fromAt: NOW + 10, untilAt: NOW + 20 }]);
      expect(await world.read((view) => view.past.due(world.drive.id, clock + KEPT_MS - 1, 9))).toEqual([]);
      await world.write((t) => t.past.keep([{ ...due[0]!, dueAt: clock + 5_000 }]));
      expect(await world.read((view) => view.past.due(world.drive.id, clock + 4_999, 9))).toEqual([]);
      await world.write((t) => t.past.letGo(due));
      expect(await rows()).toEqual([]);
      expect(await blobIndex.condemn(9, NOW)).toBe(1);
    });

    it('a destroyed tree stays as long as the past shows it, and is freed then', async () => {
      const docs = await folder(world.home, 'docs');
      const inner = await folder(docs.id, 'inner');
      const file = await make(inner.id, 'a', '1');
      const moved = await folder(docs.id, 'moved');
      await make(moved.id, 'b', '2');
      await move(moved, inner.id, 'there');
      const then = now();
      await destroy(docs);
      const { blobIndex } = world.engine;
      expect(await blobIndex.purge(10)).toBe(false);
      expect(await treeAt(then)).toEqual({ docs: { inner: { a: '1', there: { b: '2' } } } });
      const due = await world.read((view) => view.past.due(world.drive.id, clock + KEPT_MS, 9));
      expect(due.map(({ nodeId }) => nodeId).sort()).toEqual([docs.id, moved.id].sort());
      await world.write((t) => t.past.letGo(due.filter(({ nodeId }) => nodeId === docs.id)));
      while (await blobIndex.purge(10));
      expect(await world.isThere(file.id)).toBe(false);
      // It was somewhere else once, with what is in it.
      expect(await world.isThere(moved.id)).toBe(true);
      await world.write((t) => t.past.letGo(due.filter(({ nodeId }) => nodeId === moved.id)));
      while (await blobIndex.purge(10));
      expect(await world.isThere(moved.id)).toBe(false);
    });

    it('a destroyed file is freed at once: all of it is in its state', async () => {
      const file = await make(world.home, 'a', '1');
      const then = now();
      await destroy(file);
      while (await world.engine.blobIndex.purge(10));
      expect(await world.isThere(file.id)).toBe(false);
      expect(await treeAt(then)).toEqual({ a: '1' });
      expect(await world.engine.blobIndex.condemn(9, NOW)).toBe(0);
      expect(await treeAt(then)).toEqual({ a: '1' });
    });

    it('PRODUCT V6 — says what the past alone names, and before when it has to end to be less', async () => {
      const file = await make(world.home, 'a', '1');
      const kept = await make(world.home, 'kept', largeContentOf('22'));
      await overwrite(file, largeContentOf('22'));
      await overwrite(file, '333');
      const second = now();
      await overwrite(file, '4444');
      const docs = await folder(world.home, 'docs');
      await make(docs.id, 'b', '55555');
      await destroy(docs);
      const room = (most: number) => pastRoom(world.engine.metadata, world.drive.id, most);
      expect(await room(9)).toEqual({ held: 9, endBefore: null });
      expect(await room(8)).toEqual({ held: 9, endBefore: NOW + 31 });
      expect(await room(7)).toEqual({ held: 9, endBefore: second + 11 });
      expect(await room(0)).toEqual({ held: 9, endBefore: now() + 1 });
      await destroy(kept);
      expect((await room(0)).held).toBe(11);
      expect(await pastRoom(world.engine.metadata, world.otherDrive.id, 0)).toEqual({ held: 0, endBefore: null });
      expect(await world.read((view) => view.past.endedBefore(world.drive.id, NOW + 31, 9))).toHaveLength(1);
      await world.write((t) => t.past.begin(world.drive.id, NOW + 7));
      await world.write((t) => t.past.begin(world.drive.id, NOW + 3));
      expect(await world.read((view) => view.past.since(world.drive.id))).toBe(NOW + 7);
    });

    it('past F6 — fsck sees a state whose content is of another size, and a tree that waits for nothing', async () => {
      const docs = await folder(world.home, 'docs');
      const file = await make(docs.id, 'a', '1');
      await overwrite(file, '2');
      await destroy(docs);
      await world.corrupt('UPDATE node_past SET size = 99 WHERE node_id = ?', file.id);
      expect(await world.problems()).toEqual(['past']);
      await world.corrupt('DELETE FROM node_past');
      expect(await world.problems()).toContain('purge');
      expect(await world.problems(true)).toContain('purge');
      while (await world.engine.blobIndex.purge(10));
      expect(await world.isThere(docs.id)).toBe(false);
      await world.problems(true);
    });
  });
}

async function nodeOf(transaction: StoreTransaction, { id }: NodeRow): Promise<NodeRow> {
  return (await transaction.findNodes([id]))[0]!;
}
