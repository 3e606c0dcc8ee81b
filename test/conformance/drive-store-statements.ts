import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SqlMetadataStore } from '../../src/engines/sql/sql-metadata-store.js';
import type { NodeRow } from '../../src/stores/metadata-store.js';
import { CountingDatabase } from '../support/counting-database.js';
import { contentOf, MODIFIED, NOW, type OpenEngine, World } from './metadata-fixture.js';

const FEW = 10;
const MANY = 2_000;

/** PRODUCT U8: a request takes as many statements for a large tree as for a small one. */
export function driveStoreStatementsSuite(open: OpenEngine): void {
  describe('MetadataStore statements do not grow with the tree', () => {
    let world: World;
    let database: CountingDatabase;
    let metadata: SqlMetadataStore;

    beforeAll(async () => {
      world = await World.open(open);
      database = new CountingDatabase(world.engine.database);
      metadata = new SqlMetadataStore(database);
    });
    afterAll(async () => {
      expect(await world.problems()).toEqual([]);
      await world.engine.close();
    });

    /** A collection of so many files. */
    async function grow(name: string, members: number): Promise<NodeRow> {
      const folder = await world.folder(world.home, name);
      await world.write(async (transaction) => {
        await transaction.putContent(contentOf('x'), NOW);
        const common = { driveId: world.drive.id, parentId: folder.id, content: contentOf('x') };
        for (let index = 0; index < members; index++) {
          await transaction.insertNode({ ...common, name: `${index}`, modified: MODIFIED, created: MODIFIED }, NOW);
        }
      });
      return world.node(folder.id);
    }
    const here = () => ({ id: world.home, driveId: world.drive.id });
    const away = () => ({ id: world.elsewhere.homeId, driveId: world.otherDrive.id });

    const changes: Record<string, (node: NodeRow, name: string) => Promise<unknown>> = {
      copyNode: (node, name) => metadata.write([], (t) => t.copyNode(node, here(), name, { isDeep: true }, NOW)),
      moveNode: (node, name) => metadata.write([], (t) => t.moveNode(node, here(), name, NOW)),
      'moveNode to another drive': (node, name) => metadata.write([], (t) => t.moveNode(node, away(), name, NOW)),
      'moveNode with the locks and the trash': (node, name) =>
        metadata.write([], async (t) => {
          await t.removeLocksIn(node);
          await t.moveNode(node, { id: world.anna.binId, driveId: world.drive.id }, name, NOW);
          const whose = { ownerId: world.anna.userId, deletedBy: world.anna.userId };
          const what = { nodeId: node.id, driveId: world.drive.id, name, originalPath: name, deletedAt: NOW };
          await t.insertTrash({ ...what, ...whose });
        }),
      detachNode: (node) => metadata.write([], (t) => t.detachNode(node, NOW)),
      setTimes: (node) => metadata.write([], (t) => t.setTimes(node, { modified: 1 })),
      'a page of children': (node) => metadata.read([], (view) => view.children([node.id], null, 5_000)),
      'a page of children of two parents': (node) =>
        metadata.read([], (view) => view.children([node.id, world.ben.homeId], null, 5_000)),
      locksBelow: (node) => metadata.read([], (view) => view.locksBelow(node.id, NOW)),
      usage: () => metadata.read([], (view) => view.usage({ ...world.drive, ...world.anna })),
    };

    it.each(Object.entries(changes))('%s', async (name, change) => {
      const [few, many] = [await grow(`few ${name}`, FEW), await grow(`many ${name}`, MANY)];
      const ran = await database.count(() => change(few, `${name} few, done`));
      expect(ran).toBeGreaterThan(0);
      expect(await database.count(() => change(many, `${name} many, done`))).toBe(ran);
      expect(ran).toBeLessThanOrEqual(8);
    });

    it('properties, locks, digests and nodes of a page take one statement each', async () => {
      const { id } = await grow('page', MANY);
      const rows = await metadata.read([], (view) => view.children([id], null, MANY));
      const ids = rows.map((row) => row.id);
      const ran = await database.count(() =>
        metadata.read([], async (view) => {
          expect(await view.findNodes(ids)).toHaveLength(MANY);
          await view.properties(ids);
          await view.locksOn(ids, NOW);
          await view.digests(ids);
          expect(
            (
              await view.takenNames(
                id,
                rows.map((row) => row.name),
              )
            ).size,
          ).toBe(MANY);
        }),
      );
      expect(ran).toBe(5);
    });

    it('a path is resolved in one statement, however long, with its content', async () => {
      const segments = ['page', '1'];
      expect(await database.count(() => metadata.read([], (view) => view.resolve(world.home, segments)))).toBe(1);
      expect(await database.count(() => metadata.read([], (view) => view.resolveFile(world.home, segments)))).toBe(1);
    });
  });
}
