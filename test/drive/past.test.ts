import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Drive } from '../../src/drive/drive.js';
import { DriveError } from '../../src/drive/drive-error.js';
import { Listing } from '../../src/drive/listing.js';
import { IN_USE_MS } from '../../src/drive/past/grid.js';
import { letGoOfPast } from '../../src/drive/past/retention.js';
import { limitPast, pastRoom } from '../../src/drive/past/room.js';
import { NO_TOKENS } from '../../src/drive/permit.js';
import { readResource } from '../../src/drive/resource.js';
import { expireTrash } from '../../src/drive/trash.js';
import { contentOf } from '../conformance/metadata-fixture.js';
import {
  copy,
  DriveMembers,
  found,
  makeCollection,
  move,
  put,
  remove,
  restoreToOrigin,
  segmentsOf,
  setModified,
} from '../support/drive-members.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

let members: DriveMembers;
let anna: Drive;
let ben: Drive;
beforeEach(async () => {
  members = await DriveMembers.open();
  ({ anna, ben } = members);
});
afterEach(async () => {
  expect(await members.world.problems()).toEqual([]);
  await members.close();
});

/** Lets time pass, and says what time it is then. */
const pass = (ms = 1_000) => {
  members.clock += ms;
  return members.clock;
};
const later = async <T>(work: Promise<T>): Promise<T> => {
  const done = await work;
  pass();
  return done;
};
const texts = (...list: string[]) => list.map((text) => `"${contentOf(text).id.slice(0, 32)}"`);
const etags = async (drive: Drive, path: string) =>
  (await drive.versions(segmentsOf(path))).versions.map(({ etag }) => etag);
const versionOf = async (drive: Drive, path: string, text: string) => {
  const [etag] = texts(text);
  return (await drive.versions(segmentsOf(path))).versions.find((version) => version.etag === etag)!.id!;
};
/** All paths below the root as a principal sees them at a moment, files with their ETag. */
const seenAt = async (drive: Drive, moment: number): Promise<string[]> => {
  const then = await drive.at(moment);
  const listing = await then.read(
    async (snapshot) => new Listing(readResource(await snapshot.find([])), { isDeep: true }),
  );
  const all: string[] = [];
  for (;;) {
    const page = await then.read((snapshot) => listing.next(snapshot));
    if (!page) return all.sort();
    all.push(...page.map(({ path, isCollection, etag }) => path.join('/') + (isCollection ? '/' : ` ${etag}`)));
  }
};
const BARE = ['Team/', 'Team/Common documents/'];

describe('PRODUCT V4 — versions of a file', () => {
  test('each other content is one, with who wrote it, when, and how much', async () => {
    const start = members.clock;
    await later(put(anna, 'Common documents/f', 'one'));
    await later(put(ben, 'Common documents/f', 'three'));
    await later(put(anna, 'Common documents/f', 'anna again'));
    const { versions, next } = await ben.versions(segmentsOf('Common documents/f'));
    expect(next).toBeNull();
    expect(versions.map(({ etag }) => etag)).toEqual(texts('anna again', 'three', 'one'));
    expect(versions.map(({ size, from, until, by }) => ({ size, from, until, by }))).toEqual([
      { size: 10, from: start + 2_000, until: null, by: 'anna@x' },
      { size: 5, from: start + 1_000, until: start + 2_000, by: 'ben@x' },
      { size: 3, from: start, until: start + 1_000, by: 'anna@x' },
    ]);
  });

  test('past B6 — the same bytes again, or a touch, make none', async () => {
    await later(put(anna, 'f', 'one'));
    await later(put(anna, 'f', 'one'));
    await later(put(anna, 'f', 'one'));
    expect(await etags(anna, 'f')).toEqual(texts('one'));
    expect((await anna.versions(['f'])).versions[0]!.from).toBe(members.clock - 3_000);
  });

  test('past C5 — who sees the version sees by which app password', async () => {
    await makeCollection(anna, 'docs');
    const device = await members.limitedTo((await found(anna, 'docs')).node!.id);
    await later(put(device, 'f', 'one'));
    await later(put(anna, 'docs/f', 'two'));
    const { versions } = await anna.versions(segmentsOf('docs/f'));
    expect(versions.map(({ appPassword }) => appPassword)).toEqual([null, 'a device']);
  });

  test('past D1 — a restored version is a write in every respect, and a new version', async () => {
    await later(put(anna, 'f', 'one'));
    await later(put(anna, 'f', 'longer'));
    const before = await found(anna, 'f');
    const home = await found(anna, 'Team');
    const restored = await later(anna.restoreVersion(['f'], await versionOf(anna, 'f', 'one'), NO_TOKENS));
    expect([restored.etag, restored.size]).toEqual([...texts('one'), 3]);
    expect(await found(anna, 'f')).toMatchObject({ etag: restored.etag, size: 3 });
    expect(restored.revision).toBeGreaterThan(before.revision);
    expect((await found(anna, 'Team')).etag).not.toBe(home.etag);
    expect(await etags(anna, 'f')).toEqual(texts('one', 'longer', 'one'));
  });

  test('past D2 — a locked file takes no version: the lock is in the way', async () => {
    await later(put(anna, 'f', 'one'));
    await later(put(anna, 'f', 'two'));
    const id = await versionOf(anna, 'f', 'one');
    const wish = { scope: 'exclusive', isDeep: false, ownerXml: null, timeoutSeconds: 600 } as const;
    const { lock } = await anna.lock(['f'], wish, NO_TOKENS);
    await expect(anna.restoreVersion(['f'], id, NO_TOKENS)).rejects.toMatchObject({ kind: 'locked' });
    expect((await anna.restoreVersion(['f'], id, { tokens: new Set([lock.token]) })).etag).toBe(texts('one')[0]);
  });

  test('past E1 — who may not change a file restores none of its versions, also where the right went meanwhile', async () => {
    await later(put(anna, 'Common documents/f', 'one'));
    await later(put(anna, 'Common documents/f', 'two'));
    const path = segmentsOf('Common documents/f');
    const id = await versionOf(ben, 'Common documents/f', 'one');
    const { driveId, userId } = ben.membership;
    await members.world.engine.accounts.putMember(driveId, userId, 'viewer', null, members.clock);
    await expect(ben.restoreVersion(path, id, NO_TOKENS)).rejects.toMatchObject({ kind: 'forbidden' });
    expect(await etags(ben, 'Common documents/f')).toEqual(texts('two', 'one'));
    await members.world.engine.accounts.removeMember(driveId, userId);
    await expect(ben.versions(path)).rejects.toMatchObject({ kind: 'no-such-drive' });
  });

  test('a version that never was, of another file, or of a folder is refused', async () => {
    await later(put(anna, 'f', 'one'));
    await later(put(anna, 'f', 'two'));
    await later(put(anna, 'g', 'x'));
    await makeCollection(anna, 'folder');
    const id = await versionOf(anna, 'f', 'one');
    for (const [path, version] of [
      ['f', id + 1],
      ['f', 0],
      ['g', id],
      ['none', id],
    ] as const) {
      await expect(anna.restoreVersion([path], version, NO_TOKENS)).rejects.toMatchObject({ kind: 'not-found' });
      await expect(anna.openVersion([path], version)).rejects.toMatchObject({ kind: 'not-found' });
    }
    await expect(anna.versions(['folder'])).rejects.toMatchObject({ kind: 'is-a-collection' });
    expect((await anna.openVersion(['f'], id)).content.id).toBe(contentOf('one').id);
  });
});

describe('PRODUCT V3 — one sees the states that lay where one may look', () => {
  test('what was private stays private', async () => {
    await later(put(anna, 'f', 'private'));
    await later(put(anna, 'f', 'ready'));
    await later(move(anna, 'f', 'Common documents/f'));
    await later(put(anna, 'Common documents/f', 'shared'));
    expect(await etags(anna, 'Common documents/f')).toEqual(texts('shared', 'ready', 'private'));
    expect(await etags(ben, 'Common documents/f')).toEqual(texts('shared', 'ready'));
  });

  test('also where the folder moved, not the file', async () => {
    await makeCollection(anna, 'folder');
    await later(put(anna, 'folder/f', 'private'));
    const then = members.clock - 1;
    await later(put(anna, 'folder/f', 'ready'));
    await later(move(anna, 'folder', 'Common documents/folder'));
    await later(put(anna, 'Common documents/folder/f', 'shared'));
    expect(await etags(ben, 'Common documents/folder/f')).toEqual(texts('shared', 'ready'));
    expect(await seenAt(ben, then)).toEqual(BARE);
    expect(await seenAt(anna, then)).toEqual([...BARE, 'Team/folder/', `Team/folder/f ${texts('private')}`].sort());
  });

  test('a limited app password sees what lay in its folder, and nothing once that is gone', async () => {
    await makeCollection(anna, 'docs');
    await later(put(anna, 'f', 'outside'));
    await later(move(anna, 'f', 'docs/f'));
    await later(put(anna, 'docs/f', 'inside'));
    await later(put(anna, 'docs/f', 'now'));
    const device = await members.limitedTo((await found(anna, 'docs')).node!.id);
    expect(await etags(device, 'f')).toEqual(texts('now', 'inside', 'outside'));
    expect(await seenAt(device, members.clock - 1_500)).toEqual([`f ${texts('inside')}`]);
    await later(remove(anna, 'docs'));
    await expect(device.at(members.clock - 2_500)).rejects.toMatchObject({ kind: 'not-found' });
  });
});

describe('past C — one history', () => {
  test('past C1 — a program that saves by DELETE and MOVE, as KeePass does', async () => {
    await later(put(anna, 'db', 'one'));
    await later(put(anna, 'db', 'two'));
    await later(put(anna, 'db.tmp', 'three'));
    await later(remove(anna, 'db'));
    await later(move(anna, 'db.tmp', 'db'));
    await later(put(anna, 'db.tmp', 'four'));
    await later(remove(anna, 'db'));
    await later(move(anna, 'db.tmp', 'db'));
    expect(await etags(anna, 'db')).toEqual(texts('four', 'three', 'two', 'one'));
  });

  test('past C1 — a program that moves the old file aside first, as Office does', async () => {
    await later(put(anna, 'd.docx', 'one'));
    await later(put(anna, '1.tmp', 'two'));
    await later(move(anna, 'd.docx', '2.tmp'));
    await later(move(anna, '1.tmp', 'd.docx'));
    await later(remove(anna, '2.tmp'));
    expect(await etags(anna, 'd.docx')).toEqual(texts('two', 'one'));
  });

  test('past C1 — a program that moves or copies over the old file', async () => {
    await later(put(anna, 'f', 'one'));
    await later(put(anna, 'f.tmp', 'two'));
    await later(move(anna, 'f.tmp', 'f'));
    await later(put(anna, 'g', 'three'));
    await later(copy(anna, 'g', 'f'));
    expect(await etags(anna, 'f')).toEqual(texts('three', 'two', 'one'));
    expect(await etags(anna, 'g')).toEqual(texts('three'));
  });

  test('past C2 — a later file of that name, one of somebody else, and a new one have no former versions', async () => {
    const at = (name: string) => `Common documents/${name}`;
    for (const name of ['late', 'other', 'new']) {
      await later(put(anna, at(name), `old ${name}`));
      await later(put(anna, at(`${name}.tmp`), `new ${name}`));
    }
    await later(remove(anna, at('other')));
    await later(move(ben, at('other.tmp'), at('other')));
    await later(remove(anna, at('new')));
    await later(put(anna, at('new'), 'again'));
    await later(remove(anna, at('late')));
    pass(60_000);
    await later(move(anna, at('late.tmp'), at('late')));
    expect(await etags(anna, at('other'))).toEqual(texts('new other'));
    expect(await etags(anna, at('new'))).toEqual(texts('again'));
    expect(await etags(anna, at('late'))).toEqual(texts('new late'));
  });

  test('past C2 — what was moved aside and lives on goes its own way from then on', async () => {
    await later(put(anna, 'report', 'one'));
    await later(put(anna, 'draft', 'two'));
    await later(move(anna, 'report', 'old report'));
    await later(move(anna, 'draft', 'report'));
    await later(put(anna, 'old report', 'changed'));
    await later(put(anna, 'old report', 'again'));
    expect(await etags(anna, 'report')).toEqual(texts('two', 'one'));
    expect(await etags(anna, 'old report')).toEqual(texts('again', 'changed', 'one'));
  });

  test('past C3 — a history outlives moves, the trash, and another member', async () => {
    await makeCollection(anna, 'Common documents/folder');
    await later(put(anna, 'Common documents/folder/f', 'one'));
    await later(put(anna, 'Common documents/folder/f', 'two'));
    await later(remove(ben, 'Common documents/folder'));
    await later(restoreToOrigin(anna, 'Trash/folder'));
    await later(move(anna, 'Common documents/folder/f', 'mine'));
    expect(await etags(anna, 'mine')).toEqual(texts('two', 'one'));
  });

  test('past C4 — a new folder of the same name leaves the deleted one in its past', async () => {
    await makeCollection(anna, 'folder');
    await later(put(anna, 'folder/old', 'old'));
    const then = members.clock - 1;
    await later(remove(anna, 'folder'));
    await makeCollection(anna, 'folder');
    await later(put(anna, 'folder/new', 'new'));
    expect(await seenAt(anna, then)).toEqual([...BARE, 'Team/folder/', `Team/folder/old ${texts('old')}`].sort());
    expect(await seenAt(anna, pass())).toEqual([...BARE, 'Team/folder/', `Team/folder/new ${texts('new')}`].sort());
  });
});

describe('PRODUCT V1 — a drive at a moment', () => {
  const letGo = () => letGoOfPast(members.world.engine.metadata, members.clock);

  test('shows what was there, also what was deleted from the trash since; and it takes no write', async () => {
    await makeCollection(anna, 'folder');
    await later(put(anna, 'folder/f', 'one'));
    const then = members.clock - 1;
    await later(put(anna, 'folder/f', 'two'));
    await later(remove(anna, 'folder'));
    await expireTrash(members.world.engine.metadata, members.clock + 1, members.clock);
    while (await members.world.engine.blobIndex.purge(10));
    await expect(found(anna, 'Trash/folder')).rejects.toThrow();
    expect(await seenAt(anna, then)).toEqual([...BARE, 'Team/folder/', `Team/folder/f ${texts('one')}`].sort());
    const past = await anna.at(then);
    for (const change of [
      put(past, 'new', 'x'),
      remove(past, 'folder'),
      move(past, 'folder', 'other'),
      makeCollection(past, 'new'),
    ]) {
      await expect(change).rejects.toMatchObject({ kind: 'forbidden' });
    }
    expect(await past.read((snapshot) => snapshot.find(segmentsOf('Trash')))).toMatchObject({ resource: null });
  });

  test('past A1 — age runs from when a state ended, whatever the file is dated', async () => {
    await put(anna, 'f', 'ancient');
    await setModified(anna, 'f', 1_000);
    pass(400 * DAY);
    await letGo();
    const then = members.clock;
    pass();
    await remove(anna, 'f');
    await expireTrash(members.world.engine.metadata, members.clock + 1, members.clock);
    pass(23 * HOUR);
    expect(await letGo()).toBe(0);
    expect(await seenAt(anna, then)).toEqual([...BARE, `Team/f ${texts('ancient')}`].sort());
  });

  test('past B4 — what no moment shows any more goes, on drives where nobody writes, too; what is listed opens', async () => {
    await later(put(anna, 'f', 'one'));
    pass(5 * HOUR);
    await later(put(anna, 'f', 'two'));
    await later(put(anna, 'f', 'three'));
    pass(25 * HOUR);
    // It lay there within one second: no full hour shows it.
    expect(await letGo()).toBe(1);
    expect(await etags(anna, 'f')).toEqual(texts('three', 'one'));
    expect(await letGo()).toBe(0);
    pass(7 * DAY);
    expect(await letGo()).toBe(1);
    expect(await etags(anna, 'f')).toEqual(texts('three'));
    expect(await members.world.engine.blobIndex.condemn(9, members.clock)).toBe(0);
  });

  test('past B1 — the live file is never let go', async () => {
    await later(put(anna, 'f', 'one'));
    pass(1_000 * DAY);
    await letGo();
    expect(await etags(anna, 'f')).toEqual(texts('one'));
    expect(await seenAt(anna, members.clock - HOUR)).toEqual([...BARE, `Team/f ${texts('one')}`].sort());
  });

  test('past A3 — beyond its room the oldest goes, no more than has to, and never what is there', async () => {
    const { metadata, accounts } = members.world.engine;
    const moments: number[] = [];
    for (const text of ['1111', '2222', '3333', '4444']) {
      await put(anna, 'f', text);
      moments.push(members.clock);
      pass();
    }
    await makeCollection(anna, 'folder');
    await later(put(anna, 'folder/g', '55555'));
    await later(remove(anna, 'folder'));
    await expireTrash(metadata, members.clock + 1, members.clock);
    const room = () => pastRoom(metadata, anna.membership.driveId, 9);
    expect(await room()).toEqual({ held: 17, endBefore: moments[2]! + 1 });
    await limitPast(metadata, async () => 18);
    expect(await etags(anna, 'f')).toEqual(texts('4444', '3333'));
    await expect(anna.at(moments[1]!)).rejects.toMatchObject({ kind: 'not-found' });
    expect(await seenAt(anna, moments[2]! + 1)).toEqual([...BARE, `Team/f ${texts('3333')}`].sort());
    await limitPast(metadata, async () => null);
    expect((await room()).held).toBe(9);
    await accounts.updateDrive(anna.membership.driveId, { quotaBytes: 5 });
    await limitPast(metadata, async () => null);
    expect(await room()).toEqual({ held: 5, endBefore: null });
    await accounts.updateDrive(anna.membership.driveId, { quotaBytes: 0 });
    await limitPast(metadata, async () => null);
    while (await members.world.engine.blobIndex.purge(10));
    expect(await room()).toEqual({ held: 0, endBefore: null });
    expect((await found(anna, 'f')).etag).toBe(texts('4444')[0]);
  });

  test('past E2 — a moment that is not kept is refused, and one in use stays', async () => {
    pass(3 * DAY);
    members.clock = Math.floor(members.clock / HOUR) * HOUR + 60_000;
    await put(anna, 'f', 'one');
    const then = members.clock + 5_000;
    pass(10_000);
    await put(anna, 'f', 'two');
    members.clock = then + DAY;
    expect(await seenAt(anna, then)).toEqual([...BARE, `Team/f ${texts('one')}`].sort());
    members.clock = then + DAY + IN_USE_MS;
    await letGo();
    expect(await seenAt(anna, then)).toEqual([...BARE, `Team/f ${texts('one')}`].sort());
    members.clock += 6_000;
    await expect(anna.at(then)).rejects.toBeInstanceOf(DriveError);
    await letGo();
    expect(await etags(anna, 'f')).toEqual(texts('two'));
    for (const moment of [0, -5, 1.5, members.clock + 1, members.clock - 400 * DAY]) {
      await expect(anna.at(moment)).rejects.toMatchObject({ kind: 'not-found' });
    }
  });
});
