import { statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Drive } from '../../src/drive/drive.js';
import { SqliteDatabase } from '../../src/engines/sqlite/sqlite-database.js';
import { engineOn } from '../conformance/metadata-fixture.js';
import { DriveMembers, makeCollection, move, put, remove } from '../support/drive-members.js';
import { MIGRATIONS } from '../support/sqlite-file.js';

const FOLDERS = 8;
const FILES = 200;
/** What one measurement does, so that a page that is split now and then counts as often as it is. */
const ROUNDS = 16;
/** A page of 4 KiB with its head. */
const FRAME_BYTES = 4_096 + 24;

/** What SQLite writes to its log and syncs before an answer: decision 0033 says which pages these are. */
describe('decision 0033 — pages of the log a commit', () => {
  let members: DriveMembers;
  let drive: Drive;
  let folder: string;
  let log: string;
  const text = (name: string) => name.padEnd(900, '.');
  const nameOf = (folder: number, file: number) => `Team/folder ${folder}/file ${(file * 7919) % FILES}`;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'firn-log-pages-'));
    const path = join(folder, 'firn.db');
    log = `${path}-wal`;
    members = await DriveMembers.open(async () => engineOn(SqliteDatabase.open(path, MIGRATIONS)));
    drive = members.anna;
    for (let folder = 0; folder < FOLDERS; folder++) await makeCollection(drive, `Team/folder ${folder}`);
    for (let folder = 0; folder < FOLDERS; folder++) {
      await Promise.all(
        Array.from({ length: FILES }, (_, file) => put(drive, nameOf(folder, file), text(`${folder} ${file}`))),
      );
    }
  });
  afterAll(async () => {
    await members.close();
    await rm(folder, { recursive: true });
  });

  /** Returns how many pages one of the works has written, on the average. */
  async function pagesOf(work: (round: number) => Promise<unknown>): Promise<number> {
    const before = statSync(log).size;
    for (let round = 0; round < ROUNDS; round++) await work(round);
    return (statSync(log).size - before) / FRAME_BYTES / ROUNDS;
  }

  const works: [title: string, most: number, work: (round: number) => Promise<unknown>][] = [
    ['a new file', 10.5, (round) => put(drive, `Team/folder ${round % FOLDERS}/new ${round}`, text(`new ${round}`))],
    ['a file with other content', 14.5, (round) => put(drive, nameOf(round % FOLDERS, round), text(`other ${round}`))],
    [
      'a file with a new name',
      17,
      (round) => move(drive, nameOf(round % FOLDERS, 40 + round), `Team/folder ${round % FOLDERS}/moved ${round}`),
    ],
    ['a file to the trash', 20, (round) => remove(drive, nameOf(round % FOLDERS, 80 + round))],
    [
      '64 new files in one commit',
      45,
      (round) =>
        Promise.all(
          Array.from({ length: 64 }, (_, file) =>
            put(drive, `Team/folder 1/${round} ${file}`, text(`${round} ${file}`)),
          ),
        ),
    ],
  ];
  it.each(works)('%s: %d at most', async (_title, most, work) => {
    const pages = await pagesOf(work);
    expect(pages).toBeLessThanOrEqual(most);
    // A log that doesn't grow would say nothing.
    expect(pages).toBeGreaterThan(most / 2);
  });
});
