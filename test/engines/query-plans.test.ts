import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SqlMetadataStore } from '../../src/engines/sql/sql-metadata-store.js';
import { SqliteDatabase } from '../../src/engines/sqlite/sqlite-database.js';
import type { ContentPosition } from '../../src/stores/blob-index.js';
import type { NodeRow, StoreTransaction } from '../../src/stores/metadata-store.js';
import type { AppPasswordId, LockToken, NodeId, UploadId } from '../../src/stores/values.js';
import { contentOf, engineOn, largeContentOf, MODIFIED, NOW, World } from '../conformance/metadata-fixture.js';
import { CountingDatabase } from '../support/counting-database.js';
import { MIGRATIONS } from '../support/sqlite-file.js';
import { storesOf } from '../support/stores.js';

const MEMBERS = 100_000;
/** Walked on purpose: lists that come as a parameter, results of WITH, the copy's own map, lists of work, tables of a few rows. */
const MAY_BE_WALKED =
  /^SCAN (json_each|organization|wanted|walk|line|file|last|up|down|copy_map|own|revision|clock_mark|sqlite_sequence|purge|content_candidate|damage|damaged_bytes|sweep_hold|sweep|CONSTANT ROW|\(subquery-\d+\))\b|^SCAN \(/;
describe(`SQLite's plans on a drive with a folder of ${MEMBERS} files`, () => {
  let database: CountingDatabase;
  let metadata: SqlMetadataStore;
  let world: World;
  let big: NodeRow;

  beforeAll(async () => {
    database = new CountingDatabase(SqliteDatabase.open(':memory:', MIGRATIONS));
    metadata = new SqlMetadataStore(database);
    world = await World.open(async () => engineOn(database));
    big = await world.folder(world.home, 'big');
    await world.write((transaction) => transaction.putContent(contentOf('x'), NOW));
    await world.corrupt(
      `WITH RECURSIVE number (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM number WHERE value < ?)
       INSERT INTO node (drive_id, parent_id, name, is_collection, content_key, content_id, size, modified, created, revision)
       SELECT ?, ?, 'file ' || value, 0, content.key, content.id, 1, ?, ?, 1
       FROM number CROSS JOIN content ON content.id = ?`,
      MEMBERS,
      world.drive.id,
      big.id,
      MODIFIED,
      MODIFIED,
      contentOf('x').id,
    );
    expect(await world.problems(true)).toContain('counters');
    big = await world.node(big.id);
    await world.write((transaction) => transaction.insertLock(world.lock(big.id)));
  });
  afterAll(() => database.close());

  const file = () => world.at('big/file 77777');
  const here = () => ({ id: world.home, driveId: world.drive.id });
  const away = () => ({ id: world.elsewhere.homeId, driveId: world.otherDrive.id });
  const toBin = async (transaction: StoreTransaction, node: NodeRow) => {
    const taken = await transaction.takenTrashNames(world.binOf(world.anna), [node.name, `${node.name} (2)`]);
    expect(taken.size).toBe(0);
    await transaction.removeLocksIn(node);
    await transaction.moveNode(node, { id: world.anna.binId, driveId: world.drive.id }, node.name, NOW);
    const whose = { ownerId: world.anna.userId, deletedBy: world.anna.userId };
    const what = { nodeId: node.id, driveId: world.drive.id, name: node.name, originalPath: 'x', deletedAt: NOW };
    await transaction.insertTrash({ ...what, ...whose });
  };

  /** Plans of all that the work runs, each as its steps. */
  async function plansOf(work: () => Promise<unknown>): Promise<{ sql: string; steps: string[] }[]> {
    const ran = await database.statementsOf(work);
    expect(ran.length).toBeGreaterThan(0);
    return database.write((connection) =>
      Promise.all(
        ran.map(async ({ sql, parameters }) => {
          const rows = await connection.all<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`, parameters);
          return { sql, steps: rows.map(({ detail }) => detail) };
        }),
      ),
    );
  }

  async function expectNoScan(work: () => Promise<unknown>): Promise<void> {
    for (const { sql, steps } of await plansOf(work)) {
      const scans = steps.filter((step) => step.startsWith('SCAN') && !MAY_BE_WALKED.test(step));
      expect(scans, sql).toEqual([]);
      // What is sorted first to give its first page makes each page as dear as the whole.
      if (/\bLIMIT\b[^)]*$/i.test(sql))
        expect(
          steps.filter((step) => step.includes('TEMP B-TREE FOR ORDER BY')),
          sql,
        ).toEqual([]);
    }
  }

  const reads: Record<string, () => Promise<unknown>> = {
    resolve: () => metadata.read([], (view) => view.resolve(world.home, ['big', 'file 5'])),
    resolveFile: () => metadata.read([], (view) => view.resolveFile(world.home, ['big', 'file 5'])),
    isNestedDeeper: () => metadata.read([], (view) => view.isNestedDeeper(world.home, 5)),
    findNodes: () => metadata.read([], (view) => view.findNodes([world.home, big.id])),
    ancestors: () => metadata.read([], (view) => view.ancestors(big.id)),
    'children of one': () => metadata.read([], (view) => view.children([big.id], { parentId: big.id, name: 'm' }, 9)),
    'children of many': () =>
      metadata.read([], (view) => view.children([world.home, big.id], { parentId: big.id, name: 'file 5' }, 9)),
    takenNames: () => metadata.read([], (view) => view.takenNames(big.id, ['file 1', 'no'])),
    findContent: async () => {
      const node = await file();
      await metadata.read([], (view) => view.findContent(node));
    },
    'the content of a part': () =>
      metadata.read([], (view) => view.uploads.findContent(1 as UploadId, { name: '1', blobId: contentOf('x').id })),
    digests: () =>
      metadata.read([], async (view) => {
        await view.digests([big.id]);
        await view.at(NOW).digests([big.id]);
      }),
    properties: () => metadata.read([], (view) => view.properties([big.id])),
    locksOn: () => metadata.read([], (view) => view.locksOn([world.home, big.id], NOW)),
    locksBelow: () => metadata.read([], (view) => view.locksBelow(world.home, NOW)),
    nodesWithProperties: () =>
      metadata.read([], (view) => view.nodesWithProperties(world.drive.id, { namespace: 'n', name: 'p' }, big.id, 9)),
    countLocks: () => metadata.read([], (view) => view.countLocks(world.drive.id, world.anna.userId)),
    vacatedLocks: () => metadata.read([], (view) => view.vacatedLocks(world.anna.userId, ['opaquelocktoken:x'], NOW)),
    findLock: () => metadata.read([], (view) => view.findLock('opaquelocktoken:x' as LockToken, NOW)),
    'trash of one': () => metadata.read([], (view) => view.trash([world.anna.binId], 'm', 9)),
    'trash of two': () => metadata.read([], (view) => view.trash([world.anna.binId, world.drive.commonBinId], 'm', 9)),
    findTrash: () => metadata.read([], (view) => view.findTrash(big.id)),
    takenTrashNames: () =>
      metadata.read([], async (view) => {
        await view.takenTrashNames(world.binOf(null), ['a']);
        await view.takenTrashNames(world.binOf(world.anna), ['a', 'b']);
      }),
    expiredTrash: () => metadata.read([], (view) => view.expiredTrash(world.drive.id, NOW, 9)),
    dueDrives: async () => {
      for (const what of ['trash', 'locks', 'uploads', 'removals'] as const) {
        await metadata.read([], (view) => view.dueDrives(what, NOW, world.drive.id, 9));
      }
    },
    usage: () => metadata.read([], (view) => view.usage({ ...world.drive, ...world.anna })),
    'changed nodes': () =>
      metadata.read([], (view) => view.changeLog.changedNodes(world.drive.id, { revision: 1, id: big.id }, 9)),
    'moved collections': () =>
      metadata.read([], (view) => view.changeLog.movedCollections(world.drive.id, 1, 9_999, 9)),
    removals: () => metadata.read([], (view) => view.changeLog.removals(world.drive.id, 1, 9)),
    'ways up': async () => {
      const { id } = await file();
      await metadata.read([], (view) =>
        view.changeLog.ancestorChains([id, big.id], [world.home, world.drive.commonId]),
      );
    },
    'members below': () =>
      metadata.read([], async (view) => {
        await view.changeLog.membersBelow([world.home], { parentId: big.id, name: 'file 5' }, 9);
        await view.changeLog.membersBelow([world.home, big.id], { parentId: 0 as NodeId, name: '' }, 9);
      }),
    bound: () => metadata.read([], (view) => view.changeLog.bound([{ parentId: big.id, name: 'file 5' }])),
    deletions: () => metadata.read([], (view) => view.changeLog.deletions([big.id, world.home])),
    'horizon and restorations': () =>
      metadata.read([], async (view) => {
        await view.changeLog.horizon(world.drive.id, 5);
        await view.changeLog.lastRestoration();
      }),
    'the past: states of a file, due and held ones, since when': () =>
      metadata.read([], async (view) => {
        const { past } = view;
        await past.states(big.id, null, 9);
        await past.states(big.id, 5, 9);
        await past.due(world.drive.id, NOW, 9);
        await past.endedBefore(world.drive.id, NOW, 9);
        await past.held(world.drive.id, { nodeId: big.id, toRevision: 5, untilAt: NOW, bytes: 0 }, 9);
        await past.since(world.drive.id);
      }),
    'a drive at a moment': () =>
      metadata.read([], async (view) => {
        const then = view.at(NOW);
        await then.resolve(world.home, ['big', 'file 5']);
        await then.resolveFile(world.home, ['big', 'file 5']);
        await then.findNodes([world.home, big.id]);
        await then.children([big.id], { parentId: big.id, name: 'm' }, 9);
      }),
    'access of an account': () =>
      world.engine.accounts.access(
        { kind: 'account', userId: world.anna.userId, passwordVersion: 1 },
        world.drive.id,
        NOW,
      ),
    'access of an app password': () =>
      world.engine.accounts.access(
        { kind: 'app', userId: world.anna.userId, id: 1 as AppPasswordId },
        world.drive.id,
        NOW,
      ),
    'access of a session, and of who somebody is': async () => {
      const { userId } = world.anna;
      await world.engine.accounts.access({ kind: 'session', userId, id: 1 }, world.drive.id, NOW);
      await world.engine.accounts.access({ kind: 'user', userId }, world.drive.id, NOW);
    },
    'memberships of a session': async () => {
      await world.engine.accounts.memberships(world.anna.userId, null);
      await world.engine.accounts.memberships(world.anna.userId, world.drive.id);
    },
    'finding credentials': async () => {
      await world.engine.accounts.findUser('anna@x');
      await world.engine.accounts.findAppPassword('selector');
      await world.engine.accounts.formerPasswords(world.anna.userId, 5);
    },
    'a page of users': async () => {
      for (const isWithoutSecondFactor of [true, false]) {
        await world.engine.accounts.listUsersWithDrives({ isWithoutSecondFactor }, 'anna@x', 9);
      }
    },
    'a page of the audit log': async () => {
      const security = storesOf(database).security;
      const userId = world.anna.userId;
      for (const filter of [{ userId }, { kind: 'sign-in' }, { userId, kind: 'sign-in' }]) {
        await security.audit(filter, 9, 9);
      }
    },
  };
  it.each(Object.entries(reads))('%s — walks no table', (_name, work) => expectNoScan(work));

  const writes: Record<string, () => Promise<unknown>> = {
    insertNode: () =>
      metadata.write([], async (transaction) => {
        const place = { driveId: world.drive.id, parentId: big.id, name: 'new', modified: 1, created: 1 };
        await transaction.putContent(contentOf('x'), NOW);
        return transaction.insertNode({ ...place, content: contentOf('x') }, NOW);
      }),
    putContent: () => metadata.write([], (transaction) => transaction.putContent(largeContentOf('new'), NOW)),
    replaceContent: async () => {
      const node = await file();
      return metadata.write([], async (transaction) => {
        for (const content of [contentOf('x'), largeContentOf('new')]) {
          await transaction.putContent(content, NOW);
          await transaction.replaceContent(node, content, NOW);
        }
      });
    },
    noteDigests: async () => {
      const node = await file();
      return metadata.write([], async (transaction) =>
        transaction.noteDigests((await transaction.findContent(node))!, { sha1: '1' }),
      );
    },
    'named contents, and damaged ones': async () => {
      const { blobIndex } = world.engine;
      const [content] = (await blobIndex.named(null, 2)).filter(({ bytes }) => bytes !== null);
      await blobIndex.named(content!.position, 2);
      await blobIndex.paths(content!, 2);
      await world.leave(largeContentOf('x'));
      expect(await blobIndex.setAside({ ...content!, bytes: Buffer.from('y') }, NOW)).toBe(false);
    },
    setTimes: async () => {
      const node = await file();
      return metadata.write([], (transaction) => transaction.setTimes(node, { modified: 5 }));
    },
    setProperties: async () => {
      const node = await file();
      return metadata.write([], (t) => t.setProperties(node, [{ namespace: 'n', name: 'p', xml: '<p/>' }]));
    },
    'locks taken and given up': () =>
      metadata.write([], async (transaction) => {
        const lock = world.lock(big.id, { scope: 'shared' });
        await transaction.removeExpiredLocks(world.drive.id, NOW);
        await transaction.insertLock(lock);
        await transaction.refreshLock(lock.token, 5, NOW);
        await transaction.rerootLocks(big.id, big.id);
        await transaction.removeLock(lock.token);
      }),
    'locks vacated': async () => {
      const node = await file();
      return metadata.write([], async (transaction) => {
        const lock = world.lock(node.id, { isDeep: false });
        await transaction.insertLock(lock);
        await transaction.vacateLocks(node, lock.userId, [lock.token], NOW, NOW + 1);
        await transaction.removeLock(lock.token);
        expect(await transaction.vacatedLocks(lock.userId, [lock.token], NOW)).toHaveLength(1);
        await transaction.forgetVacatedLock(lock.token);
      });
    },
    'MOVE of the folder': async () => {
      const node = await world.node(big.id);
      return metadata.write([], (transaction) => transaction.moveNode(node, here(), 'renamed', NOW));
    },
    'MOVE to another drive and back': async () => {
      const node = await world.node(big.id);
      await metadata.write([], async (transaction) => {
        const moved = await transaction.moveNode(node, away(), 'big', NOW);
        await transaction.moveNode(moved, here(), 'big', NOW);
      });
    },
    'COPY of the folder': async () => {
      const node = await world.node(big.id);
      return metadata.write([], (transaction) => transaction.copyNode(node, here(), 'copy', { isDeep: true }, NOW));
    },
    'DELETE of the folder into the trash': async () => {
      const node = await world.at('copy');
      return metadata.write([], (transaction) => toBin(transaction, node));
    },
    'DELETE for good': async () => {
      const [row] = await world.read((view) => view.trash([world.anna.binId], null, 9));
      return metadata.write([], (transaction) => transaction.detachNode(row!.node, NOW));
    },
    'pruning removals': () => metadata.write([], (transaction) => transaction.changeLog.prune(world.drive.id, NOW, 9)),
    'uploads that have expired': () =>
      metadata.write([], (transaction) => transaction.uploads.removeExpired(world.drive.id, NOW, 9)),
    'uploads in parts': () =>
      metadata.write([], async (transaction) => {
        const { uploads } = transaction;
        const key = { driveId: world.drive.id, userId: world.anna.userId, scopeId: null, name: 'up' };
        const { id } = await uploads.insert({ ...key, size: null, target: null, expiresAt: NOW }, NOW);
        const content = contentOf('x');
        await transaction.putContent(content, NOW);
        const part = { name: '1', number: 0, size: content.size, blobId: content.id, storedAt: NOW };
        const wish = { expiresAt: NOW, expectedReceived: null };
        for (const name of ['1', '1', '2']) await uploads.putPart(id, { ...part, name }, wish);
        await uploads.removePart(id, '2');
        await uploads.finish(id, NOW);
        await uploads.putPart(id, part, wish);
        expect(await uploads.removeExpired(world.drive.id, NOW + 1, 1)).toBe(true);
        await uploads.remove(id);
      }),
    'what a change ends is kept, and let go': async () => {
      const node = await file();
      await metadata.write([], async (transaction) => {
        const { past } = transaction;
        past.sign({ at: NOW, userId: world.anna.userId, appPasswordId: null }, 5);
        await transaction.setTimes(node, { modified: 6 });
        await past.vacatedBy({ parentId: big.id, name: 'gone' }, 0);
        const ended = await past.endedBefore(world.drive.id, NOW * 2, 9);
        expect(ended.length).toBeGreaterThan(0);
        await past.keep(ended.map((state) => ({ ...state, dueAt: NOW })));
        await past.letGo(ended);
        await past.begin(world.drive.id, 1);
      });
    },
    'a step of the purge': () => world.engine.blobIndex.purge(200),
    'faults B2 — steps of the collector': async () => {
      for (const text of ['u', 'v', 'w']) await world.leave(largeContentOf(text));
      for (const text of ['u inline', 'v inline']) await world.leave(contentOf(text));
      const { blobIndex } = world.engine;
      await world.corrupt('DELETE FROM content_candidate');
      await blobIndex.nominate(1 as ContentPosition, 100);
      expect(await blobIndex.condemn(100, NOW)).toBeGreaterThan(0);
      const doomed = await blobIndex.beginSweep({ condemnedBefore: NOW, limit: 100, now: NOW });
      expect(doomed!.places.length).toBeGreaterThan(0);
      expect(await blobIndex.takeOverSweep({ begunBefore: NOW, now: NOW })).toEqual(doomed);
      await blobIndex.endSweep(doomed!.sweep!, NOW);
      await blobIndex.pardon(NOW, null, 1);
    },
  };
  it.each(Object.entries(writes))('%s — walks no table', (_name, work) => expectNoScan(work));

  it('a page of the folder begins where the last one ended: one search by parent and name', async () => {
    const after = { parentId: big.id, name: 'file 5' };
    for (const parents of [[big.id], [world.home, big.id]]) {
      const [plan] = await plansOf(() => metadata.read([], (view) => view.children(parents, after, 9)));
      expect(plan!.steps.join('\n')).toContain('node_name (parent_id=? AND name>?)');
    }
  });

  it('a page of what is below it, too; one of changes begins at a revision, in it at a number', async () => {
    const after = { parentId: big.id, name: 'file 5' };
    const [below] = await plansOf(() =>
      metadata.read([], (view) => view.changeLog.membersBelow([world.home], after, 9)),
    );
    expect(below!.steps.join('\n')).toContain('node_name (parent_id=? AND name>?)');
    const position = { revision: 1, id: big.id };
    const [changes] = await plansOf(() =>
      metadata.read([], (view) => view.changeLog.changedNodes(world.drive.id, position, 9)),
    );
    const steps = changes!.steps.join('\n');
    expect(steps).toContain('node_changed (drive_id=? AND changed=? AND rowid>?)');
    expect(steps).toContain('node_changed (drive_id=? AND changed>?)');
  });

  it('a name at a moment is one search, however many states it had', async () => {
    const [plan] = await plansOf(() =>
      metadata.read([], (view) => view.at(NOW).resolve(world.home, ['big', 'file 5'])),
    );
    expect(plan!.steps.join('\n')).toContain('node_past_place (parent_id=? AND name=? AND until_at>?)');
    // Of the walk down alone.
    expect(plan!.steps.filter((step) => step.includes('TEMP B-TREE FOR ORDER BY'))).toHaveLength(1);
  });

  it('the folder is whole after all this', async () => {
    expect(await world.problems()).toEqual([]);
    expect((await world.node(big.id)).descendants).toBe(MEMBERS + 1);
    expect(await world.problems()).toEqual([]);
  });
});
