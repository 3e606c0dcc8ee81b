import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { NO_TOKENS } from '../../src/drive/permit.js';
import { SqliteDatabase } from '../../src/engines/sqlite/sqlite-database.js';
import { contentOf, engineOn } from '../conformance/metadata-fixture.js';
import { DriveMembers, found, makeCollection, move } from '../support/drive-members.js';
import { insertEmptyFiles } from '../support/many-files.js';
import { MIGRATIONS } from '../support/sqlite-file.js';

/** FIRN_PAST_FILES=100000 is for runs by hand: prints what it took. */
const FILES = Number(process.env.FIRN_PAST_FILES ?? 3_000);
const FOLDERS = 20;
const TOGETHER = 500;

let folder: string;
let members: DriveMembers;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'firn-put-back-'));
  members = await DriveMembers.open(async () => engineOn(SqliteDatabase.open(join(folder, 'firn.db'), MIGRATIONS)));
  await makeCollection(members.anna, 'd');
  for (let number = 0; number < FOLDERS; number++) {
    await makeCollection(members.anna, `d/${number}`);
    const { node } = await found(members.anna, `d/${number}`);
    await insertEmptyFiles(members.world.engine.metadata, node!.id, FILES / FOLDERS);
  }
  members.clock += 60_000;
}, 600_000);
afterAll(async () => {
  await members.close();
  await rm(folder, { recursive: true });
});

/** Overwrites all files, a transaction each some of them. */
async function overwriteAll(text: string): Promise<void> {
  const { anna } = members;
  for (let number = 0; number < FOLDERS; number++) {
    const { node } = await found(anna, `d/${number}`);
    for (let after = ''; ; ) {
      const rows = await anna.write(async ({ store }) => {
        await store.putContent(contentOf(text), members.clock);
        const page = await store.children([node!.id], { parentId: node!.id, name: after }, TOGETHER);
        for (const row of page) await store.replaceContent(row, contentOf(text), members.clock);
        return page;
      });
      if (rows.length < TOGETHER) break;
      after = rows.at(-1)!.name;
    }
  }
}

/** CPU time and the longest turn of the loop, in milliseconds. */
async function measure<T>(work: () => Promise<T>): Promise<{ cpu: number; wall: number; turns: number[]; done: T }> {
  const turns: number[] = [];
  let last = performance.now();
  let isOver = false;
  const tick = () => {
    turns.push(performance.now() - last);
    last = performance.now();
    if (!isOver) setImmediate(tick);
  };
  setImmediate(tick);
  const [cpu, wall] = [process.cpuUsage(), performance.now()];
  const done = await work();
  isOver = true;
  const { user, system } = process.cpuUsage(cpu);
  turns.sort((one, other) => other - one);
  return { cpu: (user + system) / 1000, wall: performance.now() - wall, turns, done };
}

const report = (what: string, { cpu, wall, turns }: { cpu: number; wall: number; turns: number[] }) => {
  if (process.env.FIRN_PAST_FILES === undefined) return;
  const [longest, next, ninth] = [turns[0]!, turns[1]!, turns[9] ?? 0].map((ms) => ms.toFixed(1));
  process.stderr.write(
    `${what}: ${cpu.toFixed(0)} ms of CPU, ${wall.toFixed(0)} ms; turns ${longest}, ${next} … ${ninth} ms\n`,
  );
};

test('PRODUCT V5 — a large folder is put back in steps that others hardly feel', async () => {
  const moment = members.clock;
  members.clock += 10_000;
  await overwriteAll('ransom');
  members.clock += 10_000;
  await move(members.anna, 'd/0', 'd/renamed');
  members.clock += 10_000;
  const foreseen = await measure(() => members.anna.foreseePutBack(['d'], moment));
  report('foresee', foreseen);
  let inTransaction = 0;
  const { metadata } = members.world.engine;
  const write = metadata.write.bind(metadata);
  metadata.write = async (drives, work, options) =>
    write(
      drives,
      async (transaction) => {
        const begun = performance.now();
        const done = await work(transaction);
        inTransaction = performance.now() - begun;
        return done;
      },
      options,
    );
  const put = await measure(() => members.anna.putBack(['d'], moment, NO_TOKENS));
  metadata.write = write;
  report('put back', put);
  report('  of that the transaction', { ...put, cpu: 0, wall: inTransaction });
  expect(put.done.counts).toEqual({ back: 0, changed: FILES, moved: 1, trashed: 0 });
  members.clock += 10_000;
  const undone = await measure(() => members.anna.putBack(['d'], put.done.undoMoment!, NO_TOKENS));
  report('undone', undone);
  expect(undone.done.counts.changed).toBe(FILES);
  members.clock += 10_000;
  const nothing = await measure(() => members.anna.putBack(['d'], members.clock - 1, NO_TOKENS));
  report('nothing to do', nothing);
  await move(members.anna, 'd/renamed', 'd/0');
  const since = members.clock;
  members.clock += 10_000;
  await overwriteAll('ransom again');
  members.clock += 10_000;
  const by = { userId: members.anna.membership.userId, appPasswordId: null };
  const foreseenUndo = await measure(() => members.anna.foreseeUndo(['d'], since, by));
  report('foresee what is undone', foreseenUndo);
  const undoing = await measure(() => members.anna.undoChanges(['d'], since, by));
  report('undo what one did', undoing);
  expect(undoing.done).toMatchObject({ counts: { back: 0, changed: FILES, moved: 0, trashed: 0 }, kept: [] });
  expect(await members.world.problems()).toEqual([]);
}, 600_000);
