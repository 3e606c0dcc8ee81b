import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Drive } from '../../src/drive/drive.js';
import { readMembers } from '../../src/drive/member-page.js';
import { readResource } from '../../src/drive/resource.js';
import { searchNames } from '../../src/drive/search.js';
import { fullPath } from '../../src/drive/view.js';
import { contentOf, MODIFIED, NOW } from '../conformance/metadata-fixture.js';
import { DriveMembers, makeCollection, move, put, remove, segmentsOf } from '../support/drive-members.js';

const MANY = 5_000;

let members: DriveMembers;
beforeEach(async () => {
  members = await DriveMembers.open();
});
afterEach(() => members.close());

/** Puts so many files into a folder past the rules, which would take a transaction for each. */
async function fill(drive: Drive, path: string, count: number, prefix = 'file'): Promise<void> {
  await makeCollection(drive, path);
  await drive.write(async (changes) => {
    const { node } = readResource(await changes.find(segmentsOf(path)));
    await changes.store.putContent(contentOf('x'), NOW);
    const common = { driveId: node!.driveId, parentId: node!.id, content: contentOf('x') };
    for (let index = 0; index < count; index++) {
      const name = `${prefix} ${String(index).padStart(6, '0')}`;
      await changes.store.insertNode({ ...common, name, modified: MODIFIED, created: MODIFIED }, NOW);
    }
  });
}

const page = (drive: Drive, path: string, after: string | null, limit: number) =>
  drive.read(async (snapshot) => {
    const { members, next } = await readMembers(
      snapshot,
      readResource(await snapshot.find(segmentsOf(path))),
      after,
      limit,
    );
    return { paths: members.map((member) => member.path.join('/')), next };
  });

/** All pages together. */
async function all(drive: Drive, path: string, limit: number): Promise<string[]> {
  const paths: string[] = [];
  for (let after: string | null = null; ; ) {
    const { paths: more, next } = await page(drive, path, after, limit);
    paths.push(...more);
    if (next === null) return paths;
    after = next;
  }
}

async function search(drive: Drive, text: string, limit = 1000): Promise<string[]> {
  const paths: string[] = [];
  for (let after = null as Parameters<typeof searchNames>[2]; ; ) {
    const { found, next } = await searchNames(drive, text, after, limit);
    paths.push(...found.map((resource) => resource.path.join('/')));
    if (next === null) return paths.sort();
    after = next;
  }
}

describe('pages of a folder', () => {
  test(`each of ${MANY} members comes once, in order, and every page takes as many statements`, async () => {
    const { anna, database } = members;
    await fill(anna, 'big', MANY);
    const paths = await all(anna, 'big', 700);
    expect(paths).toEqual(Array.from({ length: MANY }, (_, index) => `big/file ${String(index).padStart(6, '0')}`));
    const first = await database.count(() => page(anna, 'big', null, 200));
    const late = await database.count(() => page(anna, 'big', 'file 004000', 200));
    // One for the rights, which a drive that has been read asks for again.
    expect([first, late]).toEqual([3, 3]);
  });

  test('a page that just ends says that it was the last', async () => {
    const { anna } = members;
    await fill(anna, 'four', 4);
    expect((await page(anna, 'four', null, 4)).next).toBeNull();
    expect((await page(anna, 'four', null, 3)).next).toBe('file 000002');
    expect(await page(anna, 'four', 'file 000003', 3)).toEqual({ paths: [], next: null });
  });

  test('PRODUCT D1, D2 — the root has two folders, the drive’s begins with the shared one, whatever the page', async () => {
    const { anna } = members;
    const name = anna.membership.driveName;
    for (const one of ['a', 'b', 'z']) await put(anna, one, 'x');
    expect(await all(anna, '', 1)).toEqual([name, 'Trash']);
    const expected = ['Common documents', 'a', 'b', 'z'].map((one) => `${name}/${one}`);
    for (const limit of [1, 2, 3, 4]) expect(await all(anna, name, limit)).toEqual(expected);
  });

  test('PRODUCT D4 — the trash is paged over the personal and the common one together', async () => {
    const { anna, ben } = members;
    for (const path of ['b', 'Common documents/a', 'Common documents/c']) await put(anna, path, 'x');
    await put(ben, 'secret', 'x');
    for (const path of ['b', 'Common documents/a', 'Common documents/c']) await remove(anna, path);
    await remove(ben, 'secret');
    expect(await all(anna, 'Trash', 1)).toEqual(['Trash/a', 'Trash/b', 'Trash/c']);
    expect(await all(ben, 'Trash', 2)).toEqual(['Trash/a', 'Trash/c', 'Trash/secret']);
  });

  test('PRODUCT D3 — an alias has one full path', async () => {
    const { anna } = members;
    const name = anna.membership.driveName;
    const full = (path: string) => anna.read(async (snapshot) => fullPath(snapshot, segmentsOf(path)).join('/'));
    expect(await full('photos/a')).toBe(`${name}/photos/a`);
    expect(await full(`${name}/Trash`)).toBe(`${name}/Trash`);
    expect(await full('Common documents/x')).toBe(`${name}/Common documents/x`);
    expect(await full('Trash/x')).toBe('Trash/x');
    expect(await full('')).toBe('');
  });
});

describe('search by name', () => {
  test('finds a part of a name in any case and normalization, own and common, not what others have or the trash', async () => {
    const { anna, ben } = members;
    const name = anna.membership.driveName;
    await makeCollection(anna, 'Über');
    await put(anna, 'Über/été 2020.jpg', 'x');
    await put(anna, 'Common documents/ÉTÉ.txt', 'x');
    await put(ben, 'été of ben', 'x');
    await put(anna, 'été, deleted', 'x');
    await remove(anna, 'été, deleted');
    const expected = [`${name}/Common documents/ÉTÉ.txt`, `${name}/Über/été 2020.jpg`];
    expect(await search(anna, 'ÉTÉ')).toEqual(expected);
    expect(await search(anna, 'e\u0301te\u0301')).toEqual(expected);
    expect(await search(anna, 'über')).toEqual([`${name}/Über`]);
    expect(await search(anna, '%')).toEqual([]);
    expect(await search(ben, 'été')).toEqual([`${name}/Common documents/ÉTÉ.txt`, `${name}/été of ben`]);
  });

  test('the drive’s own folders are no finds, though they have names inside', async () => {
    const { anna } = members;
    for (const text of ['common', 'home', 'bin', '/']) expect(await search(anna, text)).toEqual([]);
  });

  test('what is moved while it is searched for isn’t missed', async () => {
    const { anna } = members;
    const name = anna.membership.driveName;
    await fill(anna, 'a', 10, 'hit');
    await makeCollection(anna, 'b');
    const first = await searchNames(anna, 'hit', null, 3);
    await move(anna, 'a/hit 000007', 'b/hit 000007');
    const paths = first.found.map((resource) => resource.path.join('/'));
    for (let after = first.next; after; ) {
      const { found, next } = await searchNames(anna, 'hit', after, 3);
      paths.push(...found.map((resource) => resource.path.join('/')));
      after = next;
    }
    expect(paths).toHaveLength(10);
    expect(paths).toContain(`${name}/b/hit 000007`);
  });

  test('one search looks at a bounded part of a large drive and leads on', async () => {
    const { anna, database } = members;
    await fill(anna, 'big', 21_000);
    await put(anna, 'needle', 'x');
    // The first read of a request asks no rights; see `Drive.read`.
    await anna.read(async () => {});
    let part: Awaited<ReturnType<typeof searchNames>> | null = null;
    const ran = await database.count(async () => {
      part = await searchNames(anna, 'needle', null, 100);
    });
    expect(part!.found).toEqual([]);
    expect(part!.next).not.toBeNull();
    // A step asks for the folder and for nodes; ways up only where there are finds.
    expect(ran).toBe(3 * 20);
    const rest = await searchNames(anna, 'needle', part!.next, 100);
    expect([rest.found.length, rest.next]).toEqual([1, null]);
  });
});
