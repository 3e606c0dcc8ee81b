import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { beforeAll, describe, expect, it, test } from 'vitest';
import { isDamaged, LogScan, scanLog } from '../../src/engines/sqlite/wal-scan.js';
import { temporaryFile } from '../support/sqlite-file.js';

const HEADER = 32;
const FRAME = 24 + 4096;
const COMMITS = 12;

function flip(bytes: Buffer, place: number): void {
  bytes[place] = bytes[place]! ^ 0x40;
}

/** A log of commits of one page each, as SQLite wrote it. */
async function writeLog(): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'firn-log-'));
  const path = join(folder, 'some.db');
  const database = new Database(path);
  database.pragma('journal_mode = WAL');
  database.pragma('wal_autocheckpoint = 0');
  database.exec('CREATE TABLE t (x)');
  database.pragma('wal_checkpoint(RESTART)');
  for (let count = 0; count < COMMITS; count++) database.prepare('INSERT INTO t VALUES (?)').run(count);
  const log = await readFile(`${path}-wal`);
  database.close();
  await rm(folder, { recursive: true });
  return log;
}

describe('LogScan', () => {
  let log: Buffer;
  beforeAll(async () => {
    log = await writeLog();
    expect(log.length).toBe(HEADER + COMMITS * FRAME);
  });
  const scan = (bytes: Buffer) => {
    const scanned = LogScan.begin(bytes)!;
    for (let at = HEADER; at + FRAME <= bytes.length; at += FRAME) scanned.add(bytes.subarray(at, at + FRAME));
    return scanned.report();
  };
  const at = (frame: number) => HEADER + frame * FRAME;
  const changed = (change: (bytes: Buffer) => void) => {
    const bytes = Buffer.from(log);
    change(bytes);
    return bytes;
  };
  const cases: [string, (bytes: Buffer) => void, number, number][] = [
    ['as it was written', () => {}, COMMITS, 0],
    ['a bit of a page', (bytes) => flip(bytes, at(4) + 1000), 4, COMMITS - 5],
    ['a bit of a checksum: the frame after it is bad too', (bytes) => flip(bytes, at(4) + 20), 4, COMMITS - 6],
    ['a page that the disk never got', (bytes) => bytes.fill(0, at(3), at(5)), 3, COMMITS - 6],
    ['the last frame: as a power cut leaves it', (bytes) => bytes.fill(0, at(11), at(11) + 2000), COMMITS - 1, 0],
    ['the last but one: perhaps of a power cut', (bytes) => flip(bytes, at(10) + 99), COMMITS - 2, 1],
    ['frames of an older log', (bytes) => bytes.fill(7, at(5)), 5, 0],
  ];
  test.each(cases)('faults C3 — %s', (_what, change, commits, commitsBehind) => {
    const report = scan(changed(change));
    expect(report).toEqual({ commits, commitsBehind });
    expect(isDamaged(report)).toBe(commitsBehind > 1);
  });

  it('frames with other salts count nowhere: a log that began again leaves them', () => {
    const half = changed((bytes) => {
      for (let frame = 6; frame < COMMITS; frame++)
        bytes.writeUInt32BE(bytes.readUInt32BE(at(frame) + 8) - 1, at(frame) + 8);
    });
    expect(scan(half)).toEqual({ commits: 6, commitsBehind: 0 });
  });

  it('what is no header of a log is none', () => {
    expect(LogScan.begin(log.subarray(0, 31))).toBeNull();
    for (const place of [0, 5, 8, 17, 31]) expect(LogScan.begin(changed((bytes) => flip(bytes, place)))).toBeNull();
  });

  it('a file is read frame by frame; a part of one at its end is left out', async () => {
    const path = await temporaryFile();
    expect(await scanLog(path)).toBeNull();
    await writeFile(path, '');
    expect(await scanLog(path)).toBeNull();
    await writeFile(path, log.subarray(0, log.length - 1));
    expect(await scanLog(path)).toEqual({ commits: COMMITS - 1, commitsBehind: 0 });
  });
});
