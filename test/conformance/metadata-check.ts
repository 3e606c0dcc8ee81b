import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NodeRow } from '../../src/stores/metadata-store.js';
import { contentOf, LATER, NOW, type OpenEngine, World } from './metadata-fixture.js';

/** What fsck finds in rows that no interface would have written. */
export function metadataCheckSuite(open: OpenEngine): void {
  describe('MetadataCheck', () => {
    let world: World;
    let docs: NodeRow;
    let file: NodeRow;

    beforeEach(async () => {
      world = await World.open(open);
      docs = await world.grow(world.home, 'docs', { 'a.txt': '12345', sub: { 'b.txt': '123' } });
      file = await world.at('docs/a.txt');
      await world.write((t) => t.setProperties(file, [{ namespace: 'n', name: 'p', xml: '<p/>' }]));
      await world.trash(await world.grow(world.home, 'deleted', { 'c.txt': 'c' }), world.anna.userId);
    });
    afterEach(() => world.engine.close());

    /** Found, repaired by `repair` alone, and gone then; nothing else is changed. */
    async function expectRepaired(kind: string): Promise<void> {
      expect([...new Set(await world.problems())]).toEqual([kind]);
      expect([...new Set(await world.problems(true))]).toEqual([kind]);
      expect(await world.problems()).toEqual([]);
    }
    /** Found, and left for a person to look at. */
    async function expectLeft(kind: string): Promise<void> {
      const before = await world.dump();
      expect(await world.problems(true)).toContain(kind);
      expect(await world.problems()).toContain(kind);
      expect((await world.dump()).content).toEqual(before.content);
    }

    it('finds nothing wrong with what the interfaces wrote, and then changes nothing', async () => {
      const before = await world.dump();
      expect(await world.problems(true)).toEqual([]);
      expect(await world.dump()).toEqual(before);
    });

    it('finds nothing wrong with a tree that is half freed', async () => {
      const top = await world.node(docs.id);
      await world.write((t) => t.detachNode(top, NOW));
      do expect(await world.problems()).toEqual([]);
      while (await world.engine.blobIndex.purge(1));
    });

    it('counters — wrong sizes and counts, at any depth, are found and made true', async () => {
      const sub = await world.at('docs/sub');
      const right = await Promise.all([world.drive.rootId, world.home, docs.id, sub.id].map((id) => world.node(id)));
      await world.corrupt('UPDATE node SET size = size + 7 WHERE id = ?', sub.id);
      await world.corrupt('UPDATE node SET descendants = 0 WHERE id = ?', docs.id);
      await world.corrupt('UPDATE node SET size = 0 WHERE id = ?', world.drive.rootId);
      expect(await world.problems()).toHaveLength(3);
      await expectRepaired('counters');
      for (const node of right) expect(await world.node(node.id)).toEqual(node);
    });

    it('counters — of an empty folder that claims to hold something', async () => {
      const empty = await world.folder(world.home, 'empty');
      await world.corrupt('UPDATE node SET size = 9, descendants = 2 WHERE id = ?', empty.id);
      await expectRepaired('counters');
      expect(await world.node(empty.id)).toMatchObject({ size: 0, descendants: 0 });
    });

    it('property-bytes — a wrong number, either way, is found and made true', async () => {
      await world.corrupt('UPDATE node SET property_bytes = 0 WHERE id = ?', file.id);
      await world.corrupt('UPDATE node SET property_bytes = property_bytes + 1 WHERE id = ?', docs.id);
      await expectRepaired('property-bytes');
      const { propertyBytes } = await world.node(file.id);
      expect(propertyBytes).toBeGreaterThan(100);
      expect((await world.node(docs.id)).propertyBytes).toBe(propertyBytes);
    });

    it('trash — a deleted node that the list of the trash does not know is found and listed again', async () => {
      await world.corrupt('DELETE FROM trash');
      expect(await world.read((view) => view.trash([world.anna.binId], null, 9))).toEqual([]);
      await expectRepaired('trash');
      const [row] = await world.read((view) => view.trash([world.anna.binId], null, 9));
      expect(row).toMatchObject({
        node: { name: 'deleted' },
        ownerId: world.anna.userId,
        originalPath: 'deleted',
        deletedBy: null,
        // Its retention begins again.
        deletedAt: LATER,
      });
    });

    it('trash — a name in the list that is not the one of the node is found and made true', async () => {
      await world.corrupt("UPDATE trash SET name = 'other'");
      await expectRepaired('trash');
      const names = ['deleted', 'other'];
      const taken = await world.read((view) => view.takenTrashNames(world.binOf(world.anna), names));
      expect(taken).toEqual(new Set(['deleted']));
    });

    it('trash — a living node in the list is found and taken out of it: it would expire with the trash', async () => {
      await world.corrupt("INSERT INTO trash VALUES (?, ?, NULL, 'docs', 'docs', NULL, 1)", docs.id, world.drive.id);
      await expectRepaired('trash');
      expect(await world.read((view) => view.findTrash(docs.id))).toBeNull();
      expect(await world.read((view) => view.expiredTrash(world.drive.id, 2, 9))).toEqual([]);
    });

    it('content — a size that is not that of the content is found', async () => {
      await world.corrupt('UPDATE node SET size = 6 WHERE id = ?', file.id);
      await expectLeft('content');
    });

    it('content — a file without a recorded content, or of another one, is found', async () => {
      await world.corrupt('UPDATE node SET content_key = NULL WHERE id = ?', file.id);
      await expectLeft('content');
      await world.corrupt(
        'UPDATE node SET content_key = (SELECT key FROM content WHERE id = ?) WHERE id = ?',
        contentOf('c').id,
        file.id,
      );
      await expectLeft('content');
    });

    it('unreachable — a tree in no drive that does not wait to be freed is found', async () => {
      await world.corrupt('UPDATE node SET parent_id = NULL WHERE id = ?', docs.id);
      await expectLeft('unreachable');
    });

    it('unreachable — folders that contain each other are found, and the check comes to its end', async () => {
      const sub = await world.at('docs/sub');
      await world.corrupt('UPDATE node SET parent_id = ? WHERE id = ?', sub.id, docs.id);
      await expectLeft('unreachable');
    });

    it('file-in-file — a node in a file is found', async () => {
      await world.corrupt('UPDATE node SET parent_id = ? WHERE id = ?', file.id, (await world.at('docs/sub')).id);
      await expectLeft('file-in-file');
    });

    it('each problem is told in a sentence that names the node', async () => {
      await world.corrupt('UPDATE node SET size = 99 WHERE id = ?', docs.id);
      for await (const { message } of world.engine.check.check({ repair: false, now: LATER })) {
        expect(message).toContain(`${docs.id}`);
        expect(message).toContain('docs');
      }
    });
  });
}
