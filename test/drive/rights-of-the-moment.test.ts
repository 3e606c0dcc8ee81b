import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { filesIn } from '../../src/console/zip/drive-files.js';
import type { Drive } from '../../src/drive/drive.js';
import { Listing } from '../../src/drive/listing.js';
import type { Snapshot } from '../../src/drive/snapshot.js';
import { NOW } from '../conformance/metadata-fixture.js';
import { DriveMembers, makeCollection, put, segmentsOf } from '../support/drive-members.js';

let members: DriveMembers;
beforeAll(async () => {
  members = await DriveMembers.open();
  await makeCollection(members.ben, 'Team/folder');
  for (const name of ['a', 'b', 'c']) await put(members.ben, `Team/folder/${name}`, name);
});
afterAll(() => members.close());

/** Removes ben for as long as the work takes. */
async function withoutBen<T>(work: () => Promise<T>): Promise<T> {
  const { engine, drive, ben } = members.world;
  await engine.accounts.removeMember(drive.id, ben.userId);
  try {
    return await work();
  } finally {
    await engine.accounts.putMember(drive.id, ben.userId, 'member', null, NOW);
  }
}
const refused = { kind: 'no-such-drive' };
const look = async (snapshot: Snapshot) => (await snapshot.find(segmentsOf('Team/folder'))).resource;

describe('security 4 — what reads for long asks again', () => {
  let ben: Drive;
  const fresh = async () => {
    ben = await members.refreshed(members.ben);
  };

  test('the first read rests on the sign-in of a moment ago, each later one asks', async () => {
    await fresh();
    const { database } = members;
    const first = await database.count(() => ben.read(look));
    expect(await database.count(() => ben.read(look))).toBe(first + 1);
    await withoutBen(() => expect(ben.read(look)).rejects.toMatchObject(refused));
    expect(await ben.read(look)).not.toBeNull();
  });

  test('pages of a listing, the members of a ZIP file, and a write', async () => {
    await fresh();
    const folder = (await ben.read(look))!;
    const listing = new Listing(folder, { isDeep: true });
    await withoutBen(() => expect(ben.read((snapshot) => listing.next(snapshot))).rejects.toMatchObject(refused));
    const files = filesIn(ben, [folder]);
    expect((await files.next()).value).toMatchObject({ name: 'folder/' });
    expect((await files.next()).value).toMatchObject({ name: 'folder/a' });
    await withoutBen(() => expect(files.next()).rejects.toMatchObject(refused));
    await withoutBen(() => expect(put(ben, 'Team/folder/a', 'x')).rejects.toMatchObject(refused));
  });

  test('a demotion counts, and so does a quota that was made smaller', async () => {
    await fresh();
    const { engine, drive, ben: member } = members.world;
    await engine.accounts.putMember(drive.id, member.userId, 'viewer', null, NOW);
    await expect(put(ben, 'Team/folder/a', 'x')).rejects.toMatchObject({ kind: 'forbidden' });
    await engine.accounts.putMember(drive.id, member.userId, 'member', 3, NOW);
    await expect(put(ben, 'Team/large', 'four')).rejects.toMatchObject({ kind: 'drive-full' });
    await engine.accounts.putMember(drive.id, member.userId, 'member', null, NOW);
  });

  test('50 times at once: who is removed before a write commits has written nothing', async () => {
    await fresh();
    const { engine, drive, ben: member } = members.world;
    let written = 0;
    for (let round = 0; round < 50; round++) {
      const name = `Team/race ${round}`;
      const works = [() => engine.accounts.removeMember(drive.id, member.userId), () => put(ben, name, 'x')];
      if (round % 2 === 1) works.reverse();
      const [first, second] = await Promise.allSettled(works.map((work) => work()));
      const putting = round % 2 === 1 ? first : second;
      await engine.accounts.putMember(drive.id, member.userId, 'member', null, NOW);
      const found = await ben.read(async (snapshot) => (await snapshot.find(segmentsOf(name))).resource);
      expect(found !== null).toBe(putting!.status === 'fulfilled');
      if (found) written++;
    }
    // In the order of the queue: half of them came first.
    expect(written).toBe(25);
  });
});
