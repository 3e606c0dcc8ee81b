import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NameTakenError, type NodeRow } from '../../src/stores/metadata-store.js';
import type { NodeId } from '../../src/stores/values.js';
import { LATER, MODIFIED, NOW, type OpenEngine, type Tree, World } from './metadata-fixture.js';

const TREE: Tree = { 'a.txt': '12345', sub: { 'b.txt': '123', deep: { 'c.txt': '1', empty: {} } } };
/** Nodes of TREE, and its bytes. */
const TREE_NODES = 6;
const TREE_BYTES = 9;

/** Moving and copying. */
export function driveStoreTransferSuite(open: OpenEngine): void {
  describe('DriveTransaction, transfers', () => {
    let world: World;
    let source: NodeRow;
    let target: NodeRow;

    beforeEach(async () => {
      world = await World.open(open);
      source = await world.grow(world.home, 'source', TREE);
      target = await world.folder(world.drive.commonId, 'target');
    });
    afterEach(async () => {
      expect(await world.problems()).toEqual([]);
      await world.engine.close();
    });

    const at = (id: NodeId) => ({ id, driveId: world.drive.id });
    const away = () => ({ id: world.elsewhere.homeId, driveId: world.otherDrive.id });
    const move = (node: NodeRow, parent: { id: NodeId; driveId: NodeRow['driveId'] }, name: string, now = LATER) =>
      world.write((transaction) => transaction.moveNode(node, parent, name, now));
    const copy = (
      node: NodeRow,
      parent: { id: NodeId; driveId: NodeRow['driveId'] },
      name: string,
      options: { isDeep: boolean; modified?: number } = { isDeep: true },
    ) => world.write((transaction) => transaction.copyNode(node, parent, name, options, LATER));
    /** The node and everything below it. */
    async function allOf(id: NodeId): Promise<NodeRow[]> {
      const children = await world.read((view) => view.children([id], null, 100));
      return [await world.node(id), ...(await Promise.all(children.map((child) => allOf(child.id)))).flat()];
    }

    describe('moveNode', () => {
      it('gives the node as it is stored, and keeps its id and times', async () => {
        const moved = await move(source, at(target.id), 'moved');
        expect(await world.node(source.id)).toEqual(moved);
        expect(moved).toEqual({ ...source, parentId: target.id, name: 'moved', revision: moved.revision });
      });

      it('within one parent is another name, and the counters stay', async () => {
        const before = await world.node(world.home);
        await move(source, at(world.home), 'renamed');
        expect(await world.tree(world.home)).toEqual({ renamed: TREE });
        expect(await world.node(world.home)).toMatchObject({ size: before.size, descendants: before.descendants });
      });

      it('to another parent brings everything below, and counts there instead of here', async () => {
        await move(source, at(target.id), 'moved');
        expect(await world.tree(world.home)).toEqual({});
        expect(await world.tree(target.id)).toEqual({ moved: TREE });
        expect(await world.node(world.home)).toMatchObject({ size: 0, descendants: 0 });
        expect(await world.node(target.id)).toMatchObject({ size: TREE_BYTES, descendants: TREE_NODES + 1 });
        const root = await world.node(world.drive.rootId);
        expect(root.size).toBe(TREE_BYTES);
      });

      it('upwards and downwards in one tree keeps the counters of all between', async () => {
        const deep = await world.at('source/sub/deep');
        await move(deep, at(world.home), 'up');
        expect(await world.node(source.id)).toMatchObject({ size: 8, descendants: 3 });
        expect(await world.node(world.home)).toMatchObject({ size: TREE_BYTES, descendants: TREE_NODES + 1 });
        await move(await world.node(deep.id), at((await world.at('source/sub')).id), 'deep');
        expect(await world.tree(source.id)).toEqual(TREE);
      });

      it('gives the node and the ancestors of both places a new revision', async () => {
        const before = Math.max(...(await allOf(world.drive.rootId)).map(({ revision }) => revision));
        await move(source, at(target.id), 'moved');
        for (const id of [source.id, world.home, target.id, world.drive.commonId, world.drive.rootId]) {
          expect((await world.node(id)).revision).toBeGreaterThan(before);
        }
      });

      it('sets modified of both parents to now, and of nothing else', async () => {
        const root = await world.node(world.drive.rootId);
        const common = await world.node(world.drive.commonId);
        await move(source, at(target.id), 'moved');
        expect((await world.node(world.home)).modified).toBe(LATER);
        expect((await world.node(target.id)).modified).toBe(LATER);
        expect((await world.node(common.id)).modified).toBe(common.modified);
        expect((await world.node(root.id)).modified).toBe(root.modified);
      });

      it('to another drive: everything below belongs there, has a new revision and counts there', async () => {
        const before = Math.max(...(await allOf(world.drive.rootId)).map(({ revision }) => revision));
        const moved = await move(source, away(), 'moved');
        expect(await world.node(source.id)).toEqual(moved);
        for (const node of await allOf(source.id)) {
          expect(node.driveId).toBe(world.otherDrive.id);
          expect(node.revision).toBeGreaterThan(before);
        }
        expect(await world.tree(world.elsewhere.homeId)).toEqual({ moved: TREE });
        expect((await world.node(world.drive.rootId)).size).toBe(0);
        expect((await world.node(world.otherDrive.rootId)).size).toBe(TREE_BYTES);
      });

      it('throws NameTakenError when the new parent has such a child, and nothing moves', async () => {
        await world.folder(target.id, 'taken');
        const before = await world.dump();
        await expect(move(source, at(target.id), 'taken')).rejects.toThrow(NameTakenError);
        expect(await world.dump()).toEqual(before);
      });

      it('onto its own place changes no name and no counter', async () => {
        await move(source, at(world.home), 'source');
        expect(await world.tree(world.home)).toEqual({ source: TREE });
      });

      it('leaves properties where they are: they belong to the node', async () => {
        const file = await world.at('source/a.txt');
        await setProperty(file, 'kept');
        await move(await world.node(source.id), away(), 'moved');
        expect(await world.read((view) => view.properties([file.id]))).toHaveLength(1);
      });
    });

    const setProperty = (node: NodeRow, name: string) =>
      world.write((transaction) => transaction.setProperties(node, [{ namespace: 'urn:x', name, xml: `<${name}/>` }]));

    describe('copyNode', () => {
      it('deep copies three levels and more, under numbers never used before', async () => {
        const before = await allOf(source.id);
        const top = await copy(source, at(target.id), 'copy');
        expect(await world.tree(target.id)).toEqual({ copy: TREE });
        expect(await world.tree(source.id)).toEqual(TREE);
        const copies = await allOf(top.id);
        expect(copies).toHaveLength(TREE_NODES + 1);
        expect(Math.min(...copies.map(({ id }) => id))).toBeGreaterThan(Math.max(...before.map(({ id }) => id)));
        const next = await world.folder(world.home, 'next');
        expect(next.id).toBeGreaterThan(Math.max(...copies.map(({ id }) => id)));
      });

      it('gives the copy as it is stored', async () => {
        const top = await copy(source, at(target.id), 'copy', { isDeep: true, modified: 77 });
        expect(await world.node(top.id)).toEqual(top);
        expect(top).toMatchObject({ parentId: target.id, name: 'copy', driveId: world.drive.id, modified: 77 });
        expect(top).toMatchObject({ size: TREE_BYTES, descendants: TREE_NODES });
      });

      it('shallow copies a collection without its members', async () => {
        await setProperty(source, 'mine');
        await setProperty(await world.at('source/a.txt'), 'not-mine');
        const top = await copy(await world.node(source.id), at(target.id), 'copy', { isDeep: false });
        expect(await world.node(top.id)).toEqual(top);
        expect(top).toMatchObject({ isCollection: true, size: 0, descendants: 0, propertyBytes: 100 + 5 + 4 + 7 });
        expect(await world.tree(target.id)).toEqual({ copy: {} });
        expect((await world.node(target.id)).descendants).toBe(1);
        const rows = await world.read((view) => view.properties([top.id]));
        expect(rows.map(({ name }) => name)).toEqual(['mine']);
      });

      it.each([true, false])('copies a file, which names the same content (deep: %s)', async (isDeep) => {
        const file = await world.at('source/a.txt');
        const made = await copy(file, at(target.id), 'copy.txt', { isDeep });
        expect(await world.node(made.id)).toEqual(made);
        expect(made).toMatchObject({ blobId: file.blobId, size: file.size, isCollection: false, descendants: 0 });
        expect(await world.tree(target.id)).toEqual({ 'copy.txt': '12345' });
        expect(await world.engine.blobIndex.named(null, 9)).toHaveLength(3);
      });

      it('counts in the ancestors of the copy and raises their revision; modified of the parent alone', async () => {
        const before = Math.max(...(await allOf(world.drive.rootId)).map(({ revision }) => revision));
        const common = await world.node(world.drive.commonId);
        const top = await copy(source, at(target.id), 'copy');
        const changed = [await world.node(target.id), await world.node(common.id)];
        expect(changed[0]).toMatchObject({ size: TREE_BYTES, descendants: TREE_NODES + 1, modified: LATER });
        expect(changed[1]).toMatchObject({ size: TREE_BYTES, modified: common.modified });
        for (const { revision } of [...changed, ...(await allOf(top.id))]) expect(revision).toBeGreaterThan(before);
        for (const node of await allOf(source.id)) expect(node.revision).toBeLessThanOrEqual(before);
      });

      it('keeps modified and created below, and gives the copy itself modified where it is given', async () => {
        const file = await world.at('source/sub/b.txt');
        await world.write((transaction) => transaction.setTimes(file, { modified: 11, created: 12 }));
        await copy(source, at(target.id), 'as it was');
        await copy(source, at(target.id), 'dated', { isDeep: true, modified: 33 });
        expect((await world.at('as it was', target.id)).modified).toBe(source.modified);
        expect((await world.at('dated', target.id)).modified).toBe(33);
        expect(await world.at('dated/sub/b.txt', target.id)).toMatchObject({ modified: 11, created: 12 });
        expect((await world.at('dated/a.txt', target.id)).modified).toBe(MODIFIED);
      });

      it('copies dead properties, at every level, and leaves those of the source', async () => {
        for (const path of ['source', 'source/sub', 'source/sub/deep/c.txt'])
          await setProperty(await world.at(path), 'p');
        await copy(await world.node(source.id), at(target.id), 'copy');
        for (const path of ['copy', 'copy/sub', 'copy/sub/deep/c.txt']) {
          const node = await world.at(path, target.id);
          expect(node.propertyBytes).toBe(110 * (3 - ['copy', 'copy/sub', 'copy/sub/deep/c.txt'].indexOf(path)));
          expect(await world.read((view) => view.properties([node.id]))).toEqual([
            { nodeId: node.id, namespace: 'urn:x', name: 'p', xml: '<p/>' },
          ]);
        }
        const plain = await world.at('copy/a.txt', target.id);
        expect(plain.propertyBytes).toBe(0);
        expect(await world.read((view) => view.properties([source.id]))).toHaveLength(1);
      });

      it('copies no locks', async () => {
        const locks = [world.lock(source.id), world.lock((await world.at('source/a.txt')).id)];
        await world.write(async (transaction) => {
          for (const lock of locks) await transaction.insertLock(lock);
        });
        const top = await copy(source, at(target.id), 'copy');
        const ids = (await allOf(top.id)).map(({ id }) => id);
        expect(await world.read((view) => view.locksOn(ids, NOW))).toEqual([]);
        expect(await world.read((view) => view.locksBelow(source.id, NOW))).toHaveLength(1);
      });

      it('to another drive: every copy belongs there', async () => {
        const top = await copy(source, away(), 'copy');
        expect(new Set((await allOf(top.id)).map(({ driveId }) => driveId))).toEqual(new Set([world.otherDrive.id]));
        expect(await world.tree(world.elsewhere.homeId)).toEqual({ copy: TREE });
        expect(new Set((await allOf(source.id)).map(({ driveId }) => driveId))).toEqual(new Set([world.drive.id]));
      });

      it('of a tree whose folders are younger than their members, copies it as well', async () => {
        const young = await world.folder(world.home, 'young');
        await move(source, at(young.id), 'old');
        const top = await copy(await world.node(young.id), at(target.id), 'copy');
        expect(await world.tree(top.id)).toEqual({ old: TREE });
      });

      it('twice in one transaction makes two whole copies', async () => {
        await world.write(async (transaction) => {
          for (const name of ['one', 'two']) {
            await transaction.copyNode(source, at(target.id), name, { isDeep: true }, LATER);
          }
        });
        expect(await world.tree(target.id)).toEqual({ one: TREE, two: TREE });
      });

      it('throws NameTakenError when the parent has such a child, and nothing is copied', async () => {
        await world.folder(target.id, 'taken');
        const before = await world.dump();
        await expect(copy(source, at(target.id), 'taken')).rejects.toThrow(NameTakenError);
        expect(await world.dump()).toEqual(before);
      });
    });
  });
}
