import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Drive } from '../../src/drive/drive.js';
import { nextPage, type SyncOptions, type SyncPage } from '../../src/drive/sync/sync-page.js';
import { cursorAtStart, findCursor, syncToken } from '../../src/drive/sync/sync-token.js';
import { CREATED, contentOf, insertFile, insertFolder, MODIFIED, NOW } from '../conformance/metadata-fixture.js';
import {
  copy,
  DriveMembers,
  makeCollection,
  move,
  put,
  remove,
  segmentsOf,
  setProperty,
} from '../support/drive-members.js';

const DEEP: SyncOptions = { isDeep: true, limit: 2000 };
const SHALLOW: SyncOptions = { isDeep: false, limit: 2000 };

let members: DriveMembers;
let anna: Drive;

beforeEach(async () => {
  members = await DriveMembers.open();
  anna = members.anna;
});
afterEach(async () => {
  expect(await members.world.problems()).toEqual([]);
  await members.close();
});

/** The token of a folder as it is now. */
const tokenOf = (drive: Drive, path: string) =>
  drive.read(async (snapshot) => {
    const { resource } = await snapshot.find(segmentsOf(path));
    return syncToken(resource!, snapshot.membership);
  });

/** The page after a token, null where the token is refused. */
const pageAfter = (drive: Drive, path: string, token: string | null, options = DEEP) =>
  drive.read(async (snapshot) => {
    const { resource } = await snapshot.find(segmentsOf(path));
    const cursor = token === null ? cursorAtStart(resource!) : await findCursor(snapshot, resource!, token);
    if (!cursor) return null;
    const page = await nextPage(snapshot, resource!, cursor, options);
    return { page, token: syncToken(resource!, snapshot.membership, page.cursor) };
  });

const textOf = ({ path }: { readonly path: readonly string[] }) => path.join('/');
const contentsOf = ({ removed, changed }: SyncPage) => ({
  removed: removed.map((one) => `${textOf(one)}${one.isCollection ? '/' : ''}`),
  changed: changed.map((one) => `${textOf(one)}${one.isCollection ? '/' : ''}`),
});

/** All pages after a token put together. */
async function sync(drive: Drive, path: string, token: string | null, options = DEEP) {
  const all = { removed: [] as string[], changed: [] as string[], pages: 0 };
  for (let next = token; ; all.pages++) {
    const answer = await pageAfter(drive, path, next, options);
    const { removed, changed } = contentsOf(answer!.page);
    all.removed.push(...removed);
    all.changed.push(...changed);
    if (answer!.page.isComplete) return { ...all, pages: all.pages + 1 };
    next = answer!.token;
  }
}

/** A folder of so many files in folders of 100. */
async function growMany(name: string, files: number): Promise<void> {
  const { world } = members;
  const { id: driveId } = world.drive;
  await world.write(async (transaction) => {
    const top = await insertFolder(transaction, world.home, name, driveId);
    await transaction.putContent(contentOf('x'), NOW);
    const times = { modified: MODIFIED, created: CREATED };
    for (let index = 0; index < files / 100; index++) {
      const folder = await insertFolder(transaction, top.id, `${index}`, driveId);
      for (let file = 0; file < 100; file++) {
        const place = { driveId, parentId: folder.id, name: `${file}`, content: contentOf('x') };
        await transaction.insertNode({ ...place, ...times }, NOW);
      }
    }
  });
}

describe('RFC 6578 §3.2 — a page has what changed, and no more', () => {
  test('of 10,000 files the one that changed', async () => {
    await growMany('many', 10_000);
    const token = await tokenOf(anna, '');
    await put(anna, 'many/7/7', 'new');
    for (const [path, prefix] of [
      ['', 'Team/many/7/'],
      ['many', 'many/7/'],
      ['many/7', 'many/7/'],
    ] as const) {
      const start = path === '' ? token : syncedBefore(token, await tokenOf(anna, path));
      expect(await sync(anna, path, start)).toEqual({ removed: [], changed: [`${prefix}7`], pages: 1 });
    }
    expect(await sync(anna, '', token, SHALLOW)).toEqual({ removed: [], changed: ['Team/'], pages: 1 });
  });

  /** The token of another folder as of the same revision. */
  function syncedBefore(rootToken: string, folderToken: string): string {
    return folderToken.replace(/\d+$/, /\d+$/.exec(rootToken)![0]);
  }

  const cases: Record<string, { change: () => Promise<unknown>; deep: string[][]; shallow: string[][] }> = {
    'a new file': {
      change: () => put(anna, 'top/new', '1'),
      deep: [[], ['top/new']],
      shallow: [[], ['top/new']],
    },
    'a file in place of a file': {
      change: async () => {
        await remove(anna, 'top/f');
        await put(anna, 'top/f', 'other');
      },
      deep: [[], ['top/f']],
      shallow: [[], ['top/f']],
    },
    'a file moved over a file': {
      change: () => move(anna, 'top/a/b/f', 'top/f'),
      deep: [['top/a/b/f'], ['top/f']],
      shallow: [[], ['top/f', 'top/a/']],
    },
    'a folder in place of a file': {
      change: async () => {
        await remove(anna, 'top/f');
        await makeCollection(anna, 'top/f');
      },
      deep: [['top/f'], ['top/f/']],
      shallow: [['top/f'], ['top/f/']],
    },
    'a file in place of a folder': {
      change: async () => {
        await remove(anna, 'top/a');
        await put(anna, 'top/a', '1');
      },
      deep: [['top/a/'], ['top/a']],
      shallow: [['top/a/'], ['top/a']],
    },
    'a folder in place of a folder': {
      change: async () => {
        await remove(anna, 'top/a');
        await makeCollection(anna, 'top/a');
      },
      deep: [['top/a/'], ['top/a/']],
      shallow: [[], ['top/a/']],
    },
    'one thing after the other in one place, the folder in the middle': {
      change: async () => {
        await remove(anna, 'top/f');
        await makeCollection(anna, 'top/f');
        await put(anna, 'top/f/x', '1');
        await remove(anna, 'top/f');
        await put(anna, 'top/f', '1');
        await remove(anna, 'top/f');
      },
      deep: [['top/f/'], []],
      shallow: [['top/f/'], []],
    },
    'a folder that was renamed': {
      change: () => move(anna, 'top/a', 'top/z'),
      deep: [['top/a/'], ['top/z/', 'top/z/b/', 'top/z/b/f']],
      shallow: [['top/a/'], ['top/z/']],
    },
    'a folder moved deeper': {
      change: () => move(anna, 'top/a', 'top/c/a'),
      deep: [['top/a/'], ['top/c/a/', 'top/c/a/b/', 'top/c/a/b/f']],
      shallow: [['top/a/'], ['top/c/']],
    },
    'a folder that came from elsewhere': {
      change: () => move(anna, 'outside', 'top/in'),
      deep: [[], ['top/in/', 'top/in/f']],
      shallow: [[], ['top/in/']],
    },
    'a folder that went away': {
      change: () => move(anna, 'top/a', 'away'),
      deep: [['top/a/'], []],
      shallow: [['top/a/'], []],
    },
    'a folder that was moved, then changed inside': {
      change: async () => {
        await move(anna, 'top/a', 'top/z');
        await put(anna, 'top/z/b/f', 'new');
        await remove(anna, 'top/z/b/f');
      },
      deep: [
        ['top/a/', 'top/z/b/f'],
        ['top/z/', 'top/z/b/'],
      ],
      shallow: [['top/a/'], ['top/z/']],
    },
    'a folder that was changed inside, then moved': {
      change: async () => {
        await remove(anna, 'top/a/b/f');
        await put(anna, 'top/a/b/g', 'new');
        await move(anna, 'top/a', 'top/z');
      },
      deep: [['top/a/'], ['top/z/', 'top/z/b/', 'top/z/b/g']],
      shallow: [['top/a/'], ['top/z/']],
    },
    'a copied folder': {
      change: () => copy(anna, 'top/a', 'top/z'),
      deep: [[], ['top/z/', 'top/z/b/', 'top/z/b/f']],
      shallow: [[], ['top/z/']],
    },
    'a property of a folder': {
      change: () => setProperty(anna, 'top/a/b', '<x/>'),
      deep: [[], ['top/a/b/']],
      shallow: [[], ['top/a/']],
    },
    'a property of the folder itself': {
      change: () => setProperty(anna, 'top', '<x/>'),
      deep: [[], []],
      shallow: [[], []],
    },
    'a file that came and went': {
      change: async () => {
        await put(anna, 'top/c/short', '1');
        await remove(anna, 'top/c/short');
      },
      deep: [['top/c/short'], []],
      shallow: [[], ['top/c/']],
    },
  };

  describe.each(Object.entries(cases))('%s', (_name, { change, deep, shallow }) => {
    test.each([
      ['deep', DEEP, deep],
      ['members alone', SHALLOW, shallow],
    ] as const)('%s', async (_depth, options, [removed, changed]) => {
      for (const path of ['top', 'top/a', 'top/a/b', 'top/c', 'outside']) await makeCollection(anna, path);
      for (const path of ['top/f', 'top/a/b/f', 'outside/f']) await put(anna, path, path);
      const before = await tokenOf(anna, 'top');
      await change();
      expect(await tokenOf(anna, 'top')).not.toBe(before);
      const answer = await sync(anna, 'top', before, options);
      expect({ ...answer, changed: answer.changed.sort() }).toMatchObject({ removed, changed: [...changed!].sort() });
      if (!options.isDeep) return;
      // Nothing comes twice because it comes on pages of its own.
      const byOne = await sync(anna, 'top', before, { ...options, limit: 1 });
      expect(byOne.changed.sort()).toEqual(answer.changed);
    });
  });

  test('in the trash a common file in place of a personal one is a change of that path', async () => {
    for (const path of ['x', 'Common documents/x']) await put(anna, path, path);
    await remove(anna, 'x');
    const token = await tokenOf(anna, 'Trash');
    await remove(anna, 'Trash/x');
    await remove(anna, 'Common documents/x');
    for (const options of [DEEP, SHALLOW]) {
      expect(await sync(anna, 'Trash', token, options)).toEqual({ removed: [], changed: ['Trash/x'], pages: 1 });
    }
  });

  test('nothing where nothing changed in the folder, whatever happened beside it', async () => {
    for (const path of ['one', 'two']) await makeCollection(anna, path);
    const { token } = (await pageAfter(anna, 'one', null))!;
    expect(token).toBe(await tokenOf(anna, 'one'));
    await put(anna, 'two/x', 'x');
    await put(members.ben, 'one', 'his own');
    await remove(anna, 'two');
    expect(await pageAfter(anna, 'one', token)).toMatchObject({
      page: { removed: [], changed: [], isComplete: true },
      token,
    });
    expect(await tokenOf(anna, 'one')).toBe(token);
  });

  test('changes that just meet the limit are one page; the folders of the root count, too', async () => {
    await makeCollection(anna, 'top');
    const token = await tokenOf(anna, 'top');
    for (const name of ['a', 'b', 'c']) await put(anna, `top/${name}`, name);
    expect((await sync(anna, 'top', token, { isDeep: true, limit: 3 })).pages).toBe(1);
    expect((await sync(anna, 'top', token, { isDeep: true, limit: 2 })).pages).toBe(2);
    for (const options of [DEEP, SHALLOW]) {
      const answer = await pageAfter(anna, '', null, { ...options, limit: 1 });
      expect(contentsOf(answer!.page)).toEqual({ removed: [], changed: ['Team/'] });
    }
  });

  test('changes of others are passed over by the thousand, not one by one', async () => {
    await makeCollection(anna, 'top');
    const token = await tokenOf(anna, 'top');
    const { world } = members;
    await world.write(async (transaction) => {
      for (let index = 0; index < 300; index++) {
        const folder = await insertFolder(transaction, world.ben.homeId, `${index}`, world.drive.id);
        const home = { id: world.ben.homeId, driveId: world.drive.id };
        await transaction.moveNode(folder, home, `${index} moved`, NOW);
      }
      await insertFile(transaction, world.home, 'x', 'x', world.drive.id);
    });
    await put(anna, 'top/f', 'f');
    const answer = await sync(anna, 'top', token, { isDeep: true, limit: 1 });
    expect(answer).toMatchObject({ removed: [], changed: ['top/f'] });
    expect(answer.pages).toBeLessThanOrEqual(4);
  });
});

describe('PRODUCT U8 — the statements of a page', () => {
  /** Of each page until the last one. */
  async function statements(path: string, token: string | null, options: SyncOptions): Promise<number[]> {
    const counts: number[] = [];
    for (let next = token, isComplete = false; !isComplete; ) {
      const ran = members.database.ran.length;
      const answer = await pageAfter(anna, path, next, options);
      counts.push(members.database.ran.length - ran);
      ({ token: next } = answer!);
      isComplete = answer!.page.isComplete;
    }
    return counts;
  }

  test('are few, whatever the number of files, folders and changes', async () => {
    await growMany('many', 3_000);
    const { world } = members;
    const empty = await world.folder(world.home, 'empty');
    await world.write(async (transaction) => {
      for (let index = 0; index < 5_000; index++) {
        await insertFolder(transaction, empty.id, `${index}`, world.drive.id);
      }
    });
    const start = await tokenOf(anna, '');
    for (const options of [DEEP, SHALLOW, { ...DEEP, limit: 500 }, { ...SHALLOW, limit: 3 }]) {
      for (const path of ['', 'Team', 'many', 'empty', 'Trash']) {
        expect(Math.max(...(await statements(path, null, options)))).toBeLessThanOrEqual(16);
      }
    }
    await move(anna, 'many', 'other');
    await copy(anna, 'other', 'third');
    await remove(anna, 'empty');
    for (let index = 0; index < 30; index++) await remove(anna, `third/${index}`);
    for (const options of [DEEP, SHALLOW, { ...DEEP, limit: 500 }]) {
      expect(Math.max(...(await statements('', start, options)))).toBeLessThanOrEqual(16);
    }
  });

  test('an unchanged folder takes none but those that find it', async () => {
    await makeCollection(anna, 'top');
    const token = await tokenOf(anna, 'top');
    const found = await members.database.count(() => tokenOf(anna, 'top'));
    // One more: whether the token is good.
    expect(await members.database.count(() => pageAfter(anna, 'top', token))).toBe(found + 1);
  });
});
