import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Drive } from '../../src/drive/drive.js';
import { nextPage } from '../../src/drive/sync/sync-page.js';
import { cursorAt, cursorAtStart, findCursor, type SyncCursor, syncToken } from '../../src/drive/sync/sync-token.js';
import { skipRevisions } from '../../src/engines/sql/revisions.js';
import type { NodeId } from '../../src/stores/values.js';
import { NOW } from '../conformance/metadata-fixture.js';
import {
  DriveMembers,
  found,
  makeCollection,
  move,
  put,
  remove,
  segmentsOf,
  setProperty,
} from '../support/drive-members.js';

let members: DriveMembers;
let anna: Drive;

beforeEach(async () => {
  members = await DriveMembers.open();
  anna = members.anna;
  await makeCollection(anna, 'top');
  await put(anna, 'top/f', 'f');
});
afterEach(async () => {
  expect(await members.world.problems()).toEqual([]);
  await members.close();
});

const tokenOf = async (drive: Drive, path: string, cursor?: SyncCursor) =>
  syncToken(await found(drive, path), drive.membership, cursor);
const cursorOf = (drive: Drive, path: string, token: string) =>
  drive.read(async (snapshot) => findCursor(snapshot, (await snapshot.find(segmentsOf(path))).resource!, token));
/** The token after a page that has room for one path. */
const partOf = (drive: Drive, path: string, token: string | null) =>
  drive.read(async (snapshot) => {
    const resource = (await snapshot.find(segmentsOf(path))).resource!;
    const cursor = token === null ? cursorAtStart(resource) : (await findCursor(snapshot, resource, token))!;
    const page = await nextPage(snapshot, resource, cursor, { isDeep: true, limit: 1 });
    expect(page.isComplete).toBe(false);
    return syncToken(resource, snapshot.membership, page.cursor);
  });
const prune = (driveId = members.world.drive.id) =>
  members.world.write((transaction) => transaction.changeLog.prune(driveId, NOW + 1, 1_000));

describe('RFC 6578 §4 — a token', () => {
  test('is a URI, and what it says comes back, whatever the state', async () => {
    const folder = await found(anna, 'top');
    const revision = fc.nat(folder.revision);
    const id = fc.integer({ min: 1, max: 1e15 - 1 }).map((number) => number as NodeId);
    const name = fc.string({ unit: 'binary', maxLength: 60 });
    const position = fc.record({ parentId: id, name });
    const cursors: fc.Arbitrary<SyncCursor> = fc.record({
      removals: revision,
      moves: revision,
      walk: fc.option(fc.record({ until: revision, position })),
      changes: fc.record({ revision, id: fc.oneof(id, fc.constant(cursorAt(1).changes.id)) }),
    });
    await anna.read(async (snapshot) => {
      for (const cursor of fc.sample(cursors, 500)) {
        const token = syncToken(folder, anna.membership, cursor);
        expect(token).toMatch(/^urn:[a-z]+:[\w.:-]+$/);
        expect(await findCursor(snapshot, folder, token)).toEqual(cursor);
      }
    });
  });

  test('is another one after each change at or below the folder, and the same after all others', async () => {
    const changes = [
      () => put(anna, 'top/new', '1'),
      () => put(anna, 'top/new', '2'),
      () => put(anna, 'top/new', '2'),
      () => setProperty(anna, 'top/new', '<x/>'),
      () => setProperty(anna, 'top', '<x/>'),
      () => makeCollection(anna, 'top/sub'),
      () => move(anna, 'top/new', 'top/sub/new'),
      () => remove(anna, 'top/sub/new'),
      () => move(anna, 'Trash/new', 'top/back'),
      () => move(anna, 'top', 'renamed'),
    ];
    const seen = [await tokenOf(anna, 'top')];
    for (const [index, change] of changes.entries()) {
      await change();
      seen.push(await tokenOf(anna, index === changes.length - 1 ? 'renamed' : 'top'));
    }
    // The last one is told by the folder above: its own members are the same.
    expect(new Set(seen).size).toBe(seen.length);
    await put(anna, 'beside', 'x');
    await put(members.ben, 'top', 'x');
    expect(await tokenOf(anna, 'renamed')).toBe(seen.at(-1));
  });

  test('is the same whichever way leads to the folder', async () => {
    expect(await tokenOf(anna, 'Team/top')).toBe(await tokenOf(anna, 'top'));
    const limited = await members.limitedTo((await found(anna, 'top')).node!.id);
    expect(await tokenOf(limited, '')).toBe(await tokenOf(anna, 'top'));
  });
});

describe('RFC 6578 §3.2 valid-sync-token — refused is', () => {
  const garbage = [
    '',
    'x',
    'urn:firn:sync:',
    'http://example.org/ns/sync/1',
    'DAV:sync-token',
    '-1',
    '1e3',
    ' 5',
    '5 ',
    '٣',
    '1.2',
    '1.2.3',
    '1.1.1.1.1',
    '1.1.1.1.1.1',
    '1.1.1.1.1.1.!',
    '1.1.1.1.1.1.YQ.1',
    '9'.repeat(16),
    `1.1.1.1.1.1.${'a'.repeat(401)}`,
  ];
  test.each(garbage)('garbage: %j', async (text) => {
    const token = await tokenOf(anna, 'top');
    expect(await cursorOf(anna, 'top', token)).not.toBeNull();
    expect(await cursorOf(anna, 'top', text)).toBeNull();
    expect(await cursorOf(anna, 'top', token.replace(/[^:]*$/, text))).toBeNull();
    expect(await cursorOf(anna, 'top', `${token}${text === '' ? '\n' : text}`)).toBeNull();
  });

  test('a token from the future, in whatever part of it', async () => {
    const token = await tokenOf(anna, '');
    const { last } = await members.world.read((view) => view.changeLog.horizon(members.world.drive.id, 0));
    const future = last + 1;
    const of = (text: string) => cursorOf(anna, '', token.replace(/\d+$/, text));
    const position = `${last}.7.YQ`;
    expect(await of(`${last}`)).not.toBeNull();
    expect(await of(`${last}.${last}.${last}..${position}`)).not.toBeNull();
    expect(await of(`${future}`)).toBeNull();
    expect(await of(`${future}.${last}.${last}.`)).toBeNull();
    expect(await of(`${last}.${future}.${last}.`)).toBeNull();
    expect(await of(`${last}.${last}.${future}.`)).toBeNull();
    expect(await of(`${last}.${last}.${last}..${future}.7.YQ`)).toBeNull();
  });

  test('a token of another folder, drive or member', async () => {
    await makeCollection(anna, 'other');
    await makeCollection(members.ben, 'top');
    await makeCollection(members.elsewhere, 'top');
    const all: [Drive, string][] = [
      ...['', 'Team', 'top', 'other', 'Trash', 'Common documents'].map((path): [Drive, string] => [anna, path]),
      ...['', 'Team', 'top', 'Trash'].map((path): [Drive, string] => [members.ben, path]),
      ...['', 'Team', 'top', 'Trash', 'Common documents'].map((path): [Drive, string] => [members.elsewhere, path]),
    ];
    for (const [drive, path] of all) {
      const token = await tokenOf(drive, path);
      for (const [other, elsewhere] of all) {
        const cursor = await cursorOf(other, elsewhere, token);
        expect(cursor !== null).toBe(other === drive && elsewhere === path);
      }
    }
  });

  test('a token of a folder in whose place another one is; in its own new place it is still good', async () => {
    const token = await tokenOf(anna, 'top');
    await move(anna, 'top', 'away');
    await makeCollection(anna, 'top');
    expect(await cursorOf(anna, 'top', token)).toBeNull();
    expect(await cursorOf(anna, 'away', token)).not.toBeNull();
    await remove(anna, 'away');
    expect(await cursorOf(anna, 'Trash/away', token)).not.toBeNull();
  });

  test('a token of the root from before the drive was renamed: the paths in it are others now', async () => {
    const [root, top] = [await tokenOf(anna, ''), await tokenOf(anna, 'top')];
    await members.world.engine.accounts.updateDrive(anna.membership.driveId, { name: 'Group' });
    const renamed = await members.refreshed(anna);
    expect(await cursorOf(renamed, '', root)).toBeNull();
    expect(await cursorOf(renamed, 'top', top)).not.toBeNull();
  });

  test('a token older than removals that were forgotten, unless the folder is as it was', async () => {
    await makeCollection(anna, 'quiet');
    const [top, quiet] = [await tokenOf(anna, 'top'), await tokenOf(anna, 'quiet')];
    const begun = await partOf(anna, 'top', null);
    await remove(anna, 'top/f');
    const later = await tokenOf(anna, 'top');
    expect(await prune()).toBe(1);
    for (const token of [top, begun]) expect(await cursorOf(anna, 'top', token)).toBeNull();
    expect(await cursorOf(anna, 'quiet', quiet)).not.toBeNull();
    await put(anna, 'top/g', 'g');
    expect(await cursorOf(anna, 'top', later)).not.toBeNull();
  });

  test('PITFALLS — a token that the lost server gave out after the backup that was restored', async () => {
    // The revisions after this one are those that a backup doesn't have.
    const { revision } = await found(anna, 'top');
    const backedUp = await tokenOf(anna, 'top');
    const lost = await tokenOf(anna, 'top', cursorAt(revision + 1));
    await skipRevisions(members.world.engine.database, 1_000);
    for (const path of ['top/g', 'top/h']) await put(anna, path, path);
    expect(await cursorOf(anna, 'top', backedUp)).toEqual(cursorAt(revision));
    expect(await cursorOf(anna, 'top', lost)).toBeNull();
    const partial = cursorAt(revision + 999);
    expect(await cursorOf(anna, 'top', await tokenOf(anna, 'top', { ...partial, moves: 0 }))).toBeNull();
    expect(await cursorOf(anna, 'top', await tokenOf(anna, 'top'))).not.toBeNull();
  });
});
