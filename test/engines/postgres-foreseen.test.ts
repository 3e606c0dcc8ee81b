import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PostgresDatabase } from '../../src/engines/postgres/postgres-database.js';
import { NameTakenError } from '../../src/stores/metadata-store.js';
import { engineOn, MODIFIED, NOW } from '../conformance/metadata-fixture.js';
import { DriveMembers, makeCollection, move, put, remove } from '../support/drive-members.js';
import { TestPostgres } from '../support/engines.js';
import { POSTGRES } from '../support/postgres-stand.js';

const postgres = new TestPostgres();

/** What is looked at together with the rights, before anybody knows that they still stand. */
describe('PostgreSQL: looks that are asked for ahead', () => {
  let members: DriveMembers;

  beforeAll(async () => {
    const url = await postgres.makeDatabase();
    members = await DriveMembers.open(async () =>
      engineOn(await PostgresDatabase.open(url, POSTGRES, { mayBeUnsafe: true })),
    );
  });
  afterAll(() => members.close());

  const at = async (name: string) => {
    const chain = await members.world.read((view) => view.resolve(members.world.home, [name]));
    return chain[1]?.name ?? null;
  };

  it('a path leads where it leads at the commit: the drive has another name since the request came in', async () => {
    const { accounts } = members.world.engine;
    const before = await members.refreshed(members.anna);
    await accounts.updateDrive(members.world.drive.id, { name: 'Renamed' });
    await expect(makeCollection(before, 'Team/a')).rejects.toMatchObject({ kind: 'parent-missing' });
    expect(await at('a')).toBeNull();
    await makeCollection(before, 'Renamed/a');
    expect(await at('a')).toBe('a');
    await accounts.updateDrive(members.world.drive.id, { name: 'Team' });
  });

  it('a quota holds that came since, and one that was raised', async () => {
    const { accounts } = members.world.engine;
    const { driveId, userId } = members.ben.membership;
    const before = await members.refreshed(members.ben);
    await accounts.putMember(driveId, userId, 'member', 5, NOW);
    await expect(put(before, 'b', '123456')).rejects.toMatchObject({ kind: 'drive-full' });
    const small = await members.refreshed(members.ben);
    await accounts.putMember(driveId, userId, 'member', 8, NOW);
    await put(small, 'b', '123456');
    const full = await members.refreshed(members.ben);
    await expect(put(full, 'c', '123456')).rejects.toMatchObject({ kind: 'drive-full' });
    await put(full, 'b', '12345678');
    await accounts.putMember(driveId, userId, 'member', null, NOW);
  });

  it('who is no member any more finds no drive, and one who only looks changes nothing', async () => {
    const { accounts } = members.world.engine;
    const { driveId, userId } = members.ben.membership;
    const before = await members.refreshed(members.ben);
    await accounts.putMember(driveId, userId, 'viewer', null, NOW);
    await expect(makeCollection(before, 'd')).rejects.toMatchObject({ kind: 'forbidden' });
    await accounts.putMember(driveId, userId, 'member', null, NOW);
  });

  it('names that were seen to be free, and those that a move and a removal leave, are taken and nothing is asked', async () => {
    const { anna } = members;
    await put(anna, 'one', '1');
    await put(anna, 'two', '2');
    await move(anna, 'one', 'two');
    await move(anna, 'two', 'one');
    await remove(anna, 'one');
    await put(anna, 'one', '3');
    await remove(anna, 'one');
    expect(await members.world.problems()).toEqual([]);
    expect(await Promise.all(['one', 'two'].map(at))).toEqual([null, null]);
  });

  it('a name that was free, and is taken from elsewhere all the same, is told as a taken name; nothing is done', async () => {
    const { world } = members;
    const made = world.write(async (transaction) => {
      expect(await transaction.resolve(world.home, ['late'])).toHaveLength(1);
      const sql = `INSERT INTO node (drive_id, parent_id, name, is_collection, modified, created, revision)
        VALUES ($1, $2, 'late', 1, 1, 1, 1)`;
      await world.engine.database.write((connection) => connection.run(sql, [world.drive.id, world.home]));
      const node = {
        driveId: world.drive.id,
        parentId: world.home,
        content: null,
        modified: MODIFIED,
        created: MODIFIED,
      };
      await transaction.insertNode({ ...node, name: 'late' }, NOW);
    });
    await expect(made).rejects.toThrow(NameTakenError);
    await world.corrupt("DELETE FROM node WHERE name = 'late'");
    expect(await world.problems()).toEqual([]);
  });
});
