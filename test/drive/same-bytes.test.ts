import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Drive } from '../../src/drive/drive.js';
import { DriveMembers, put, setModified } from '../support/drive-members.js';

const HOUR = 3_600_000;

let members: DriveMembers;
let anna: Drive;
beforeEach(async () => {
  members = await DriveMembers.open();
  ({ anna } = members);
});
afterEach(async () => {
  expect(await members.world.problems()).toEqual([]);
  await members.close();
});

async function later(work: Promise<unknown>): Promise<void> {
  await work;
  members.clock += 1_000;
}

test('past B6 — who sends all again takes no more room, whatever the dates', async () => {
  await later(put(anna, 'f', 'one'));
  const contents = async () => (await members.world.engine.blobIndex.named(null, 100)).length;
  const before = await contents();
  await later(put(anna, 'f', 'one'));
  await later(setModified(anna, 'f', HOUR));
  await later(put(anna, 'f', 'one'));
  expect(await contents()).toBe(before);
  await later(put(anna, 'f', 'other'));
  await later(put(anna, 'f', 'one'));
  expect(await contents()).toBe(before + 2);
  const { versions } = await anna.versions(['f']);
  expect(versions.map(({ size }) => size)).toEqual([3, 5, 3]);
});
