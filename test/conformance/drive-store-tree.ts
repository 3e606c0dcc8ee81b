import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NameTakenError, type NodeRow } from '../../src/stores/metadata-store.js';
import type { NodeId } from '../../src/stores/values.js';
import {
  CREATED,
  contentOf,
  insertFile,
  insertFolder,
  LATER,
  largeContentOf,
  MODIFIED,
  NOW,
  type OpenEngine,
  World,
} from './metadata-fixture.js';

/** Changes to the tree in one place: insert, replace, times, detach. */
export function driveStoreTreeSuite(open: OpenEngine): void {
  describe('DriveTransaction, the tree', () => {
    let world: World;

    beforeEach(async () => {
      world = await World.open(open);
    });
    afterEach(async () => {
      expect(await world.problems()).toEqual([]);
      await world.engine.close();
    });

    const newestRevision = async () => {
      const read = world.engine.database.read((connection) =>
        connection.all<{ newest: number }>('SELECT max(revision) AS newest FROM node', []),
      );
      return (await read)[0]!.newest;
    };
    const above = (id: NodeId) => world.read((view) => view.ancestors(id));

    /** Runs a change and checks that all of `changed` got a revision that no node had before, and `others` did not. */
    async function expectTouched(
      change: () => Promise<unknown>,
      changed: readonly NodeId[],
      others: readonly NodeRow[] = [],
    ) {
      const before = await newestRevision();
      await change();
      for (const id of changed) expect((await world.node(id)).revision).toBeGreaterThan(before);
      for (const other of others) expect(await world.node(other.id)).toEqual(other);
    }

    describe('insertNode', () => {
      it('gives the node as it is stored', async () => {
        const folder = await world.folder(world.home, 'docs');
        expect(folder).toMatchObject({
          driveId: world.drive.id,
          parentId: world.home,
          name: 'docs',
          isCollection: true,
          blobId: null,
          size: 0,
          descendants: 0,
          modified: MODIFIED,
          created: CREATED,
          propertyBytes: 0,
        });
        const file = await world.file(folder.id, 'a.txt', 'text');
        expect(file).toMatchObject({ isCollection: false, blobId: contentOf('text').id, size: 4, descendants: 0 });
        expect(await world.node(file.id)).toEqual(file);
      });

      it('throws NameTakenError when the parent has such a child, and not for another spelling', async () => {
        await world.file(world.home, 'a', 'first');
        await expect(world.file(world.home, 'a', 'second')).rejects.toThrow(NameTakenError);
        await expect(world.folder(world.home, 'a')).rejects.toThrow(NameTakenError);
        await world.folder(world.home, 'A');
        expect(await world.tree(world.home)).toEqual({ A: {}, a: 'first' });
      });

      it('counts in all ancestors', async () => {
        const docs = await world.grow(world.home, 'docs', { sub: {} });
        const sub = await world.at('docs/sub');
        const before = await above(sub.id);
        await world.file(sub.id, 'a.txt', '12345');
        for (const old of before) {
          expect(await world.node(old.id)).toMatchObject({ size: old.size + 5, descendants: old.descendants + 1 });
        }
        expect(await world.node(docs.id)).toMatchObject({ size: 5, descendants: 2 });
        expect(await world.node(sub.id)).toMatchObject({ size: 5, descendants: 1 });
      });

      it('gives itself and all ancestors a new revision, and nobody else', async () => {
        const docs = await world.grow(world.home, 'docs', { sub: {} });
        const sibling = await world.folder(world.home, 'sibling');
        const sub = await world.at('docs/sub');
        let inserted: NodeRow | undefined;
        const change = async () => {
          inserted = await world.file(sub.id, 'a.txt', 'a');
        };
        await expectTouched(change, [sub.id, docs.id, world.home, world.drive.rootId], [sibling]);
        expect(inserted!.revision).toBe((await world.node(world.drive.rootId)).revision);
      });

      it('sets modified of the parent to now, and of no other ancestor', async () => {
        const docs = await world.grow(world.home, 'docs', { sub: {} });
        const sub = await world.at('docs/sub');
        const place = { driveId: world.drive.id, parentId: sub.id, name: 'x', content: null, modified: 1, created: 2 };
        await world.write((transaction) => transaction.insertNode(place, LATER));
        expect((await world.node(sub.id)).modified).toBe(LATER);
        expect((await world.node(docs.id)).modified).toBe(docs.modified);
      });

      it('refuses to name a content that was not recorded: nobody would keep its bytes', async () => {
        const place = { driveId: world.drive.id, parentId: world.home, name: 'x', modified: 1, created: 2 };
        const content = contentOf('never recorded');
        await expect(world.write((transaction) => transaction.insertNode({ ...place, content }, 1))).rejects.toThrow();
        const file = await world.file(world.home, 'a', 'a');
        await expect(world.write((transaction) => transaction.replaceContent(file, content, 1))).rejects.toThrow();
        expect(await world.tree(world.home)).toEqual({ a: 'a' });
      });

      it('never gives a number twice, also after the newest node was destroyed', async () => {
        const gone = await world.file(world.home, 'a', 'a');
        await world.write((transaction) => transaction.detachNode(gone, NOW));
        await purgeAll();
        expect((await world.file(world.home, 'b', 'b')).id).toBeGreaterThan(gone.id);
      });
    });

    describe('replaceContent', () => {
      it('gives a file other content, and the ancestors the difference of the sizes', async () => {
        const docs = await world.grow(world.home, 'docs', { 'a.txt': '12345' });
        const file = await world.at('docs/a.txt');
        const replaced = await world.write(async (transaction) => {
          await transaction.putContent(contentOf('12'), NOW);
          return transaction.replaceContent(file, contentOf('12'), LATER);
        });
        expect(await world.node(file.id)).toEqual(replaced);
        expect(replaced).toMatchObject({ blobId: contentOf('12').id, size: 2, modified: LATER, created: CREATED });
        expect(await world.node(docs.id)).toMatchObject({ size: 2, descendants: 1, modified: docs.modified });
      });

      it('gives the file and all ancestors a new revision', async () => {
        const docs = await world.grow(world.home, 'docs', { 'a.txt': '1' });
        const file = await world.at('docs/a.txt');
        const change = () =>
          world.write(async (transaction) => {
            const content = await transaction.findContent(file);
            return transaction.replaceContent(file, content!, LATER);
          });
        await expectTouched(change, [file.id, docs.id, world.home, world.drive.rootId]);
      });
    });

    describe('setTimes', () => {
      it('sets those that are given and leaves the other', async () => {
        const file = await world.file(world.home, 'a', 'a');
        await world.write((transaction) => transaction.setTimes(file, { modified: 5 }));
        const changed = await world.node(file.id);
        expect(changed).toEqual({ ...file, modified: 5, revision: changed.revision });
        await world.write((transaction) => transaction.setTimes(changed, { created: 6 }));
        expect(await world.node(file.id)).toMatchObject({ modified: 5, created: 6 });
      });

      it('gives the node and all ancestors a new revision, and leaves their times', async () => {
        const docs = await world.grow(world.home, 'docs', { 'a.txt': '1' });
        const file = await world.at('docs/a.txt');
        const change = () => world.write((transaction) => transaction.setTimes(file, { modified: 7 }));
        await expectTouched(change, [file.id, docs.id, world.home]);
        expect((await world.node(docs.id)).modified).toBe(docs.modified);
      });
    });

    const purgeAll = async (limit = 1_000) => {
      let steps = 0;
      while (await world.engine.blobIndex.purge(limit)) steps++;
      return steps;
    };
    const countNodes = async () => (await world.dump()).node!.length;

    describe('detachNode', () => {
      it('takes the tree out of its drive at once: names, counters and usage', async () => {
        const docs = await world.grow(world.home, 'docs', { 'a.txt': '12345', sub: { 'b.txt': '123' } });
        const before = await world.read((view) => view.usage({ ...world.drive, ...world.anna }));
        await expectTouched(
          () => world.write((transaction) => transaction.detachNode(docs, NOW)),
          [world.home, world.drive.rootId],
        );
        expect(await world.tree(world.home)).toEqual({});
        expect(await world.read((view) => view.usage({ ...world.drive, ...world.anna }))).toEqual({
          driveBytes: before.driveBytes - 8,
          memberBytes: before.memberBytes - 8,
        });
        expect(await world.node(world.home)).toMatchObject({ size: 0, descendants: 0 });
      });

      it('leaves the name free for another', async () => {
        const old = await world.file(world.home, 'a', 'old');
        await world.write(async (transaction) => {
          await transaction.detachNode(old, NOW);
          await insertFile(transaction, world.home, 'a', 'new', world.drive.id);
        });
        expect(await world.tree(world.home)).toEqual({ a: 'new' });
      });

      it('of something in the trash also forgets its deletion', async () => {
        const file = await world.file(world.home, 'a', 'a');
        const deleted = await world.trash(file, world.anna.userId);
        await world.write((transaction) => transaction.detachNode(deleted, NOW));
        expect(await world.read((view) => view.findTrash(file.id))).toBeNull();
        expect(await world.read((view) => view.expiredTrash(world.drive.id, NOW * 2, 10))).toEqual([]);
      });
    });

    describe('purge', () => {
      it('frees the rows of a big tree in steps of at most the limit, and says when nothing is left', async () => {
        const big = await world.folder(world.home, 'big');
        await world.write(async (transaction) => {
          for (let index = 0; index < 12; index++) {
            const folder = await insertFolder(transaction, big.id, `folder ${index}`, world.drive.id);
            for (let file = 0; file < 20; file++) {
              await insertFile(transaction, folder.id, `file ${file}`, `${index} ${file}`, world.drive.id);
            }
          }
        });
        const kept = await countNodes();
        await world.write(async (transaction) =>
          transaction.detachNode(await first(transaction.findNodes([big.id])), NOW),
        );
        expect(await countNodes()).toBe(kept);
        let last = kept;
        while (await world.engine.blobIndex.purge(50)) {
          const count = await countNodes();
          expect(last - count).toBeLessThanOrEqual(50);
          last = count;
        }
        expect(last).toBe(kept - (1 + 12 * 21));
        expect(await world.engine.blobIndex.purge(50)).toBe(false);
      });

      it('takes many small folders of a tree together: not one transaction each', async () => {
        const big = await world.folder(world.home, 'big');
        await world.write(async (transaction) => {
          for (let index = 0; index < 200; index++) {
            const folder = await insertFolder(transaction, big.id, `folder ${index}`, world.drive.id);
            await insertFile(transaction, folder.id, 'only', 'only', world.drive.id);
          }
        });
        await world.write(async (transaction) =>
          transaction.detachNode(await first(transaction.findNodes([big.id])), NOW),
        );
        // A step also has a time, and a busy machine does less in it.
        expect(await purgeAll(1_000)).toBeLessThan(100);
        expect(await world.isThere(big.id)).toBe(false);
      });

      it.each([1, 2, 3])('makes its way through a deep and a wide tree in steps of %d', async (limit) => {
        const top = await world.grow(world.home, 'top', { a: { b: { c: { d: {} } } }, e: '1', f: {}, g: { h: '2' } });
        const kept = await countNodes();
        await world.write((transaction) => transaction.detachNode(top, NOW));
        await purgeAll(limit);
        expect(await countNodes()).toBe(kept - 9);
      });

      it('frees several trees, with their properties and locks, and touches no living node', async () => {
        const alive = await world.grow(world.home, 'alive', { 'a.txt': 'a' });
        const trees = [await world.grow(world.home, 'x', { 'y.txt': 'y' }), await world.file(world.home, 'z', 'z')];
        const file = await world.at('x/y.txt');
        await world.write(async (transaction) => {
          await transaction.setProperties(file, [{ namespace: 'n', name: 'p', xml: '<p/>' }]);
          await transaction.insertLock(world.lock(file.id));
        });
        for (const { id } of trees) {
          await world.write(async (transaction) =>
            transaction.detachNode(await first(transaction.findNodes([id])), NOW),
          );
        }
        await purgeAll();
        const { property, dav_lock, purge } = await world.dump();
        expect({ property, dav_lock, purge }).toEqual({ property: [], dav_lock: [], purge: [] });
        expect(await world.node(alive.id)).toEqual(alive);
        expect(await world.tree(world.home)).toEqual({ alive: { 'a.txt': 'a' } });
      });

      it('makes its contents unnamed, except where another node names them', async () => {
        const tree = await world.write(async (transaction) => {
          const folder = await insertFolder(transaction, world.home, 'x', world.drive.id);
          await insertFile(transaction, folder.id, 'own', largeContentOf('own'), world.drive.id);
          await insertFile(transaction, folder.id, 'shared', largeContentOf('shared'), world.drive.id);
          await insertFile(transaction, world.home, 'other', largeContentOf('shared'), world.drive.id);
          return first(transaction.findNodes([folder.id]));
        });
        await world.write((transaction) => transaction.detachNode(tree, NOW));
        const named = async () => (await world.engine.blobIndex.named(null, 10)).map(({ id }) => id).sort();
        const [own, shared] = [contentOf('own').id, contentOf('shared').id];
        expect(await named()).toEqual([own, shared].sort());
        await purgeAll();
        expect(await named()).toEqual([shared]);
      });
    });
  });
}

async function first(rows: Promise<NodeRow[]>): Promise<NodeRow> {
  return (await rows)[0]!;
}
