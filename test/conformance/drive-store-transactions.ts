import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { insertFile, insertFolder, NOW, namesOf, type OpenEngine, World } from './metadata-fixture.js';

/** `read` and `write`. */
export function driveStoreTransactionsSuite(open: OpenEngine): void {
  describe('MetadataStore transactions', () => {
    let world: World;

    beforeEach(async () => {
      world = await World.open(open);
    });
    afterEach(async () => {
      expect(await world.problems()).toEqual([]);
      await world.engine.close();
    });

    it('stats — what waits', async () => {
      const { metadata } = world.engine;
      const writes = Array.from({ length: 5 }, () => metadata.write([], async () => {}));
      expect(metadata.stats().waitingWrites).toBe(5);
      await Promise.all(writes);
      await metadata.write([], () => Promise.reject(new Error('rolled back'))).catch(() => {});
      const { waitingReads, waitingWrites, failedCommits } = metadata.stats();
      expect([waitingReads, waitingWrites, failedCommits]).toEqual([0, 0, 0]);
    });

    it('read — sees one committed snapshot, whatever is committed meanwhile', async () => {
      const { id } = await world.folder(world.home, 'docs');
      let written: Promise<unknown> = Promise.resolve();
      const [before, after] = await world.read(async (view) => {
        const first = await view.children([id], null, 10);
        let isCommitted = false;
        written = world.file(id, 'new.txt', 'new').then(() => {
          isCommitted = true;
        });
        // An engine whose reads keep writes waiting commits after this read: it gets the time to show that too.
        for (let turn = 0; turn < 200 && !isCommitted; turn++) await new Promise(setImmediate);
        return [first, await view.children([id], null, 10)];
      });
      expect(after).toEqual(before);
      await written;
      expect(namesOf(await world.read((view) => view.children([id], null, 10)))).toEqual(['new.txt']);
    });

    it('read — gives what work gives, rejects with its error, and the next read goes on', async () => {
      const failure = new Error('work failed');
      await expect(world.read(() => Promise.reject(failure))).rejects.toBe(failure);
      expect(await world.read(async () => 'answer')).toBe('answer');
    });

    it('read — never sees a write that fails later, nor a part of one', async () => {
      const seen: string[][] = [];
      const failing = world.write(async (transaction) => {
        await insertFolder(transaction, world.home, 'half', world.drive.id);
        await insertFolder(transaction, world.home, 'whole', world.drive.id);
        throw new Error('given up');
      });
      const reads = Promise.all(
        Array.from({ length: 5 }, async () => {
          seen.push(namesOf(await world.read((view) => view.children([world.home], null, 10))));
        }),
      );
      await expect(failing).rejects.toThrow('given up');
      await reads;
      expect(seen).toEqual([[], [], [], [], []]);
    });

    it('write — what it resolved to have done is seen by the next read', async () => {
      const node = await world.write((transaction) => insertFile(transaction, world.home, 'a', 'text', world.drive.id));
      expect(await world.node(node.id)).toEqual(node);
    });

    it('write — sees its own changes before they are committed', async () => {
      const seen = await world.write(async (transaction) => {
        const node = await insertFile(transaction, world.home, 'a', 'text', world.drive.id);
        return { node, chain: await transaction.resolve(world.home, ['a']) };
      });
      expect(seen.chain[1]).toEqual(seen.node);
    });

    it('write — rejects with the error of work and then nothing has happened', async () => {
      const docs = await world.grow(world.home, 'docs', { 'a.txt': 'a', sub: { 'b.txt': 'b' } });
      const before = await world.dump();
      const failure = new Error('no room');
      const attempt = world.write(async (transaction) => {
        const file = await insertFile(transaction, docs.id, 'new.txt', 'new', world.drive.id);
        await transaction.setProperties(file, [{ namespace: 'n', name: 'p', xml: '<p/>' }]);
        await transaction.insertLock(world.lock(docs.id));
        const parent = { id: world.home, driveId: world.drive.id };
        await transaction.copyNode(docs, parent, 'copy', { isDeep: true }, 1);
        await transaction.moveNode(docs, parent, 'moved', 1);
        await transaction.detachNode(docs, NOW);
        throw failure;
      });
      await expect(attempt).rejects.toBe(failure);
      expect(await world.dump()).toEqual(before);
    });

    it('write — one that fails does not hurt those that share its commit', async () => {
      const outcomes = await Promise.allSettled(
        Array.from({ length: 40 }, (_, index) =>
          world.write(async (transaction) => {
            const name = `file ${String(index).padStart(2, '0')}`;
            await insertFile(transaction, world.home, name, name, world.drive.id);
            if (index % 4 === 1) throw new Error(`${index} fails`);
            // Fails in the database, and not by an error of work's own.
            if (index % 4 === 3) await insertFile(transaction, world.home, 'file 00', name, world.drive.id);
          }),
        ),
      );
      expect(outcomes.map(({ status }) => status === 'fulfilled')).toEqual(outcomes.map((_, index) => index % 2 === 0));
      const names = namesOf(await world.read((view) => view.children([world.home], null, 100)));
      expect(names).toEqual(Array.from({ length: 20 }, (_, index) => `file ${String(index * 2).padStart(2, '0')}`));
    });

    it('write — a refusal of the database that work gets over leaves the rest of work in force', async () => {
      const taken = await world.file(world.home, 'taken', 'old');
      const other = await world.grow(world.home, 'other', { 'x.txt': 'x' });
      await world.write(async (transaction) => {
        const parent = { id: world.home, driveId: world.drive.id };
        await expect(insertFile(transaction, world.home, 'taken', 'new', world.drive.id)).rejects.toThrow();
        await expect(transaction.moveNode(other, parent, 'taken', 1)).rejects.toThrow();
        await expect(transaction.copyNode(other, parent, 'taken', { isDeep: true }, 1)).rejects.toThrow();
        await insertFile(transaction, world.home, 'free', 'new', world.drive.id);
      });
      expect(await world.tree(world.home)).toEqual({ free: 'new', other: { 'x.txt': 'x' }, taken: 'old' });
      expect(await world.node(taken.id)).toEqual(taken);
    });

    it('write — writes run one after the other, in the order of their calls', async () => {
      const steps: string[] = [];
      await Promise.all(
        ['a', 'b', 'c'].map((name) =>
          world.write(async (transaction) => {
            steps.push(`${name} begins`);
            await insertFolder(transaction, world.home, name, world.drive.id);
            await transaction.findNodes([world.home]);
            steps.push(`${name} ends`);
          }),
        ),
      );
      expect(steps).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
    });

    it('write — sees what was committed before it, so that a check and its change are one', async () => {
      const claims = await Promise.all(
        Array.from({ length: 10 }, () =>
          world.write(async (transaction) => {
            const taken = await transaction.takenNames(world.home, ['one']);
            if (taken.size > 0) return false;
            await insertFolder(transaction, world.home, 'one', world.drive.id);
            return true;
          }),
        ),
      );
      expect(claims.filter(Boolean)).toHaveLength(1);
    });
  });
}
