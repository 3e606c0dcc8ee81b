import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NodeRow, TrashBin } from '../../src/stores/metadata-store.js';
import type { NodeId } from '../../src/stores/values.js';
import { NOBODY, NOW, namesOf, type OpenEngine, World } from './metadata-fixture.js';

type Change = { namespace: string; name: string; xml: string | null };

/** Dead properties, trash and usage. */
export function driveStoreRecordsSuite(open: OpenEngine): void {
  describe('MetadataStore records', () => {
    let world: World;

    beforeEach(async () => {
      world = await World.open(open);
    });
    afterEach(async () => {
      expect(await world.problems()).toEqual([]);
      await world.engine.close();
    });

    describe('properties', () => {
      const set = (node: NodeRow, ...changes: Change[]) =>
        world.write((transaction) => transaction.setProperties(node, changes));
      const propertiesOf = (...ids: NodeId[]) => world.read((view) => view.properties(ids));
      const xmlOf = async (id: NodeId) => (await propertiesOf(id)).map(({ xml }) => xml);

      it('setProperties — sets, replaces and removes', async () => {
        const file = await world.file(world.home, 'a', 'a');
        await set(file, { namespace: 'n', name: 'p', xml: '<p>1</p>' }, { namespace: 'n', name: 'q', xml: '<q/>' });
        expect(await xmlOf(file.id)).toEqual(['<p>1</p>', '<q/>']);
        await set(file, { namespace: 'n', name: 'p', xml: '<p>2</p>' }, { namespace: 'n', name: 'q', xml: null });
        expect(await propertiesOf(file.id)).toEqual([{ nodeId: file.id, namespace: 'n', name: 'p', xml: '<p>2</p>' }]);
      });

      it('setProperties — goes in the order of the changes', async () => {
        const file = await world.file(world.home, 'a', 'a');
        const change = (xml: string | null) => ({ namespace: 'n', name: 'p', xml });
        await set(file, change('<p>1</p>'), change(null), change('<p>2</p>'));
        expect(await xmlOf(file.id)).toEqual(['<p>2</p>']);
        await set(file, change('<p>3</p>'), change(null));
        expect(await xmlOf(file.id)).toEqual([]);
      });

      it('setProperties — removing what is not there is no error', async () => {
        const file = await world.file(world.home, 'a', 'a');
        await set(file, { namespace: 'n', name: 'p', xml: null });
        expect(await propertiesOf(file.id)).toEqual([]);
      });

      it('nodesWithProperties — pages of one drive by number, folders above included, with the property asked for', async () => {
        const folder = await world.folder(world.home, 'marked');
        const [file, other] = [await world.file(folder.id, 'a', 'a'), await world.file(folder.id, 'b', 'b')];
        await world.file(folder.id, 'plain', 'c');
        const away = await world.file(world.elsewhere.homeId, 'away', 'd');
        for (const node of [file, away]) await set(node, { namespace: 'n', name: 'p', xml: '<p/>' });
        await set(other, { namespace: 'n', name: 'q', xml: '<q/>' });
        const page = async (after: number, limit: number) => {
          const wanted = { namespace: 'n', name: 'p' };
          const rows = await world.read((view) =>
            view.nodesWithProperties(world.drive.id, wanted, after as typeof file.id, limit),
          );
          return rows.map(({ node, xml }) => [node.id, xml]);
        };
        const all = [
          [folder.id, null],
          [file.id, '<p/>'],
          [other.id, null],
        ];
        expect(await page(folder.id - 1, 9)).toEqual(all);
        expect(await page(folder.id, 1)).toEqual(all.slice(1, 2));
        expect(await page(other.id, 9)).toEqual([]);
        const [row] = await world.read((view) =>
          view.nodesWithProperties(world.drive.id, { namespace: 'n', name: 'p' }, folder.id, 1),
        );
        expect(row!.node).toEqual(await world.node(file.id));
      });

      it('setProperties — counts what they take, at the node and at all above, and in what is used', async () => {
        const folder = await world.folder(world.home, 'counted');
        const file = await world.file(folder.id, 'a', 'abc');
        const used = async () => (await world.read((view) => view.usage({ ...world.drive, ...world.anna }))).driveBytes;
        const before = await used();
        const expectCounted = async (bytes: number) => {
          for (const id of [file.id, folder.id]) {
            expect(await world.node(id)).toMatchObject({ size: 3, propertyBytes: bytes });
          }
          expect(await used()).toBe(before + bytes);
        };
        const counted = (...changes: Parameters<typeof set>[1][]) =>
          world.write((transaction) => transaction.setProperties(file, changes));
        const one = 100 + 1 + 1 + 4;
        const both = { own: 2 * one + 2, growth: 2 * one + 2 };
        expect(
          await counted({ namespace: 'n', name: 'p', xml: '<p/>' }, { namespace: 'n', name: 'q', xml: '<qä/>' }),
        ).toEqual(both);
        await expectCounted(2 * one + 2);
        expect(await counted({ namespace: 'n', name: 'p', xml: null })).toEqual({ own: one + 2, growth: -one });
        expect(await counted({ namespace: 'n', name: 'q', xml: '<q/>' })).toEqual({ own: one, growth: -2 });
        await expectCounted(one);
        expect(await counted({ namespace: 'n', name: 'q', xml: null })).toEqual({ own: 0, growth: -one });
        await expectCounted(0);
      });

      it('setProperties — gives the node and its ancestors a new revision, and leaves their times', async () => {
        const folder = await world.folder(world.home, 'docs');
        const file = await world.file(folder.id, 'a', 'a');
        const before = await Promise.all([file.id, folder.id, world.home].map((id) => world.node(id)));
        await set(file, { namespace: 'n', name: 'p', xml: '<p/>' });
        const newest = Math.max(...before.map(({ revision }) => revision));
        for (const node of before) {
          const after = await world.node(node.id);
          expect(after.revision).toBeGreaterThan(newest);
          expect(after.modified).toBe(node.modified);
        }
      });

      it('properties — come by node, namespace, name; names and namespaces differ by case', async () => {
        const [a, b] = [await world.file(world.home, 'a', 'a'), await world.file(world.home, 'b', 'b')];
        const names = [
          ['', 'z'],
          ['DAV:', 'a'],
          ['http://x/', 'P'],
          ['http://x/', 'p'],
          ['urn:ä', 'a'],
        ] as const;
        const changes = names.map(([namespace, name]) => ({ namespace, name, xml: `<${name}/>` })).reverse();
        await set(b, ...changes);
        await set(a, ...changes);
        const found = await propertiesOf(b.id, NOBODY, a.id);
        expect(found.map(({ nodeId, namespace, name }) => [nodeId, namespace, name])).toEqual(
          [a.id, b.id].flatMap((id) => names.map(([namespace, name]) => [id, namespace, name])),
        );
        expect(await propertiesOf()).toEqual([]);
      });
    });

    describe('trash', () => {
      const page = (bins: readonly NodeId[], after: string | null, limit: number) =>
        world.read((view) => view.trash(bins, after, limit));

      it('findTrash — tells what is known of a deletion', async () => {
        const file = await world.file(world.home, 'a', 'a');
        await world.trash(file, world.anna.userId, { name: 'a (2)' });
        expect(await world.read((view) => view.findTrash(file.id))).toEqual({
          node: await world.node(file.id),
          ownerId: world.anna.userId,
          originalPath: 'was/a',
          deletedBy: world.anna.userId,
          deletedAt: NOW,
        });
      });

      it('findTrash — is null for what is not the top of a deleted tree', async () => {
        const docs = await world.grow(world.home, 'docs', { 'a.txt': 'a' });
        const file = await world.at('docs/a.txt');
        await world.trash(docs, world.anna.userId);
        for (const id of [file.id, world.home, NOBODY]) {
          expect(await world.read((view) => view.findTrash(id))).toBeNull();
        }
      });

      it('removeTrash — forgets a deletion, as a restore needs it', async () => {
        const file = await world.file(world.home, 'a', 'a');
        const deleted = await world.trash(file, world.anna.userId);
        await world.write(async (transaction) => {
          await transaction.moveNode(deleted, { id: world.home, driveId: world.drive.id }, 'a', NOW);
          await transaction.removeTrash(file.id);
        });
        expect(await world.read((view) => view.findTrash(file.id))).toBeNull();
        expect(await page([world.anna.binId], null, 9)).toEqual([]);
      });

      it.each([1, 2, 3, 6, 9])('pages of %d show a union of two trash folders by name', async (limit) => {
        for (const [index, name] of ['b', 'ä', 'c', 'B', 'a', '😀'].entries()) {
          await world.trash(await world.file(world.home, name, name), index % 2 === 0 ? null : world.anna.userId);
        }
        await world.trash(await world.file(world.ben.homeId, 'of ben', ''), world.ben.userId);
        const names: string[] = [];
        for (;;) {
          const rows = await page([world.anna.binId, world.drive.commonBinId], names.at(-1) ?? null, limit);
          names.push(...rows.map(({ node }) => node.name));
          expect(rows.length).toBeLessThanOrEqual(limit);
          if (rows.length < limit) break;
        }
        expect(names).toEqual(['B', 'a', 'b', 'c', 'ä', '😀']);
      });

      it('pages of one trash folder show it once, and only what lies in it directly', async () => {
        await world.trash(await world.grow(world.home, 'docs', { inner: 'x' }), world.anna.userId);
        await world.trash(await world.file(world.home, 'common', 'y'), null);
        expect((await page([world.anna.binId], null, 9)).map(({ node }) => node.name)).toEqual(['docs']);
        expect(await page([], null, 9)).toEqual([]);
        const both = await page([world.anna.binId, world.anna.binId], null, 9);
        expect(both).toHaveLength(1);
      });

      it('a page tells of each deletion what findTrash tells', async () => {
        const file = await world.file(world.home, 'a', 'a');
        await world.trash(file, null);
        const known = await world.read((view) => view.findTrash(file.id));
        expect(await page([world.anna.binId, world.drive.commonBinId], null, 9)).toEqual([known]);
      });

      describe('takenTrashNames', () => {
        const names = ['common', 'anna', 'ben', 'Anna'];
        const taken = async (bin: TrashBin) =>
          [...(await world.read((view) => view.takenTrashNames(bin, names)))].sort();

        beforeEach(async () => {
          await world.trash(await world.file(world.home, 'anna', ''), world.anna.userId);
          await world.trash(await world.file(world.ben.homeId, 'ben', ''), world.ben.userId);
          await world.trash(await world.file(world.drive.commonId, 'common', ''), null);
        });

        it("for a member's own: that member's and the common ones", async () => {
          expect(await taken(world.binOf(world.anna))).toEqual(['anna', 'common']);
          expect(await taken(world.binOf(world.ben))).toEqual(['ben', 'common']);
        });

        it("for a common one: everybody's, since everybody sees it beside their own", async () => {
          expect(await taken(world.binOf(null))).toEqual(['anna', 'ben', 'common']);
        });

        it('of that drive alone', async () => {
          const { id: driveId, commonBinId: id } = world.otherDrive;
          expect(await taken({ driveId, id, ownerId: null })).toEqual([]);
        });
      });

      it('expiredTrash — returns what was deleted before then on a drive, oldest first', async () => {
        const times = { third: NOW + 30, first: NOW + 10, second: NOW + 20, late: NOW + 40 };
        for (const [name, deletedAt] of Object.entries(times)) {
          await world.trash(await world.file(world.home, name, name), null, { deletedAt });
        }
        const other = await world.file(world.elsewhere.homeId, 'other', 'x');
        await world.write(async (transaction) => {
          const bin = { id: world.elsewhere.binId, driveId: world.otherDrive.id };
          await transaction.moveNode(other, bin, 'other', NOW);
          const deletion = { ownerId: world.anna.userId, originalPath: 'other', deletedBy: null, deletedAt: NOW + 15 };
          await transaction.insertTrash({
            nodeId: other.id,
            driveId: world.otherDrive.id,
            name: 'other',
            ...deletion,
          });
        });
        const expired = async (limit: number, before = NOW + 40, { id } = world.drive) =>
          namesOf((await world.read((view) => view.expiredTrash(id, before, limit))).map(({ node }) => node));
        expect(await expired(9)).toEqual(['first', 'second', 'third']);
        expect(await expired(2)).toEqual(['first', 'second']);
        expect(await expired(9, NOW + 10)).toEqual([]);
        expect(await expired(9, NOW + 40, world.otherDrive)).toEqual(['other']);
      });
    });

    describe('usage', () => {
      const usage = (of = world.anna) => world.read((view) => view.usage({ ...world.drive, ...of }));

      it("counts everything on the drive, and a member's own files and trash", async () => {
        await world.file(world.home, 'a', '1');
        await world.file(world.ben.homeId, 'b', '22');
        await world.file(world.drive.commonId, 'c', '333');
        await world.file(world.elsewhere.homeId, 'd', '4444');
        expect(await usage()).toEqual({ driveBytes: 6, memberBytes: 1 });
        expect(await usage(world.ben)).toEqual({ driveBytes: 6, memberBytes: 2 });
      });

      it('the trash counts, until it is emptied', async () => {
        const file = await world.file(world.home, 'a', '55555');
        const deleted = await world.trash(file, world.anna.userId);
        expect(await usage()).toEqual({ driveBytes: 5, memberBytes: 5 });
        await world.write((transaction) => transaction.detachNode(deleted, NOW));
        expect(await usage()).toEqual({ driveBytes: 0, memberBytes: 0 });
      });

      it('of an empty drive is nothing', async () => {
        expect(await usage()).toEqual({ driveBytes: 0, memberBytes: 0 });
      });
    });
  });
}
