import { mkdir, rename, stat } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testBrokenTransfers } from './sync-broken-transfers.js';
import { testConflicts, testRaces } from './sync-conflicts.js';
import type { SyncProgram } from './sync-device.js';
import { changesOf, type SyncAddress, SyncStage } from './sync-stage.js';
import { checkSameBytes, makeTree, seededBytes, writeTree } from './trees.js';
import { tried } from './tried.js';

const largeBytes = 25_000_000;
const manyFiles = 120;

const byPath: SyncAddress = { title: 'a drive by path', tls: false, of: ({ pathMount }) => pathMount };
const byHost: SyncAddress = { title: 'the drive’s own host', tls: false, of: ({ hostMount }) => hostMount };
const withTls: SyncAddress = { ...byHost, title: 'the drive’s own host with TLS', tls: true };
const alone: SyncAddress = { title: 'the server’s address alone', tls: false, of: ({ url }) => url };

/** What people do in a folder that one of these programs keeps equal to a drive, at each of its addresses. */
export function describeSyncProgram(program: SyncProgram, section: string): void {
  for (const address of tried([byPath, byHost, withTls, alone], withTls)) {
    // Each test leaves both sides equal for the next.
    describe(`client-requirements ${section} — ${program.name} at ${address.title}`, () => {
      const stage = new SyncStage(program, address);
      beforeAll(() => stage.begin());
      afterAll(() => stage.end());
      testFirstRuns(stage);
      testChanges(stage);
      testDeletions(stage);
      // Large amounts, and transfers at a limited speed, take their time.
      if (address === byPath || address === byHost) testAmounts(stage);
      testConflicts(stage);
      if (address === byPath || address === withTls) testBrokenTransfers(stage);
    });
  }
  describe(`client-requirements ${section} — ${program.name}, when others write in the middle of a run`, () => {
    const stage = new SyncStage(program, byPath);
    beforeAll(() => stage.begin());
    afterAll(() => stage.end());
    testRaces(stage);
  });
}

function testFirstRuns(stage: SyncStage): void {
  test('a first run takes what either side has: names, bytes and times', async () => {
    const { device, remote } = stage;
    const dated = Date.UTC(2020, 0, 2) / 1000;
    await device.write('one.txt', 'one', dated);
    await device.write('dír/two #&+.txt', 'two');
    await device.write('Common documents/ours.txt', 'ours');
    await remote.put('remote only.txt', 'remote');
    await remote.mkcol('remote', 'remote/empty');
    await remote.put('remote/there ü.bin', seededBytes('there', 70_000));
    await stage.sync();
    const tree = await stage.expectSame();
    expect([...tree.keys()].sort()).toEqual([
      'Common documents/',
      'Common documents/ours.txt',
      'dír/',
      'dír/two #&+.txt',
      'one.txt',
      'remote only.txt',
      'remote/',
      'remote/empty/',
      'remote/there ü.bin',
    ]);
    checkSameBytes(tree.get('remote/there ü.bin')!, seededBytes('there', 70_000));
    expect((await remote.readTimes()).get('one.txt')).toBe(dated);
  });

  test('client-requirements R25 — a run with nothing new only looks, and the next one only at the top', async () => {
    expect(changesOf(await stage.sync())).toEqual([]);
    const seen = await stage.sync();
    expect(changesOf(seen)).toEqual([]);
    expect(seen.filter(({ method }) => method === 'PROPFIND')).toHaveLength(1);
    await stage.expectSame();
  });
}

function testChanges(stage: SyncStage): void {
  test('an edit on either side is one transfer', async () => {
    const { device, remote } = stage;
    await device.write('one.txt', 'one, edited here');
    expect(changesOf(await stage.sync())).toEqual(['PUT one.txt']);
    await remote.put('remote/there ü.bin', seededBytes('edited there', 80_000));
    expect(changesOf(await stage.sync())).toEqual(['GET remote/there ü.bin']);
    const tree = await stage.expectSame();
    expect(tree.get('one.txt')!.toString()).toBe('one, edited here');
    checkSameBytes(tree.get('remote/there ü.bin')!, seededBytes('edited there', 80_000));
  });

  test('PRODUCT U8 — what is renamed or moved here is moved there, and nothing is sent', async () => {
    const { device } = stage;
    await mkdir(device.placeOf('sub'));
    await rename(device.placeOf('one.txt'), device.placeOf('sub/eins & 1.txt'));
    await rename(device.placeOf('dír'), device.placeOf('sub/dír'));
    expect(changesOf(await stage.sync())).toEqual(['MKCOL sub', 'MOVE dír', 'MOVE one.txt']);
    const tree = await stage.expectSame();
    expect(tree.get('sub/eins & 1.txt')!.toString()).toBe('one, edited here');
    expect(tree.get('sub/dír/two #&+.txt')!.toString()).toBe('two');
  });

  test('what is moved there is moved here, and nothing is fetched', async () => {
    const { device, remote } = stage;
    const { ino } = await stat(device.placeOf('remote/there ü.bin'));
    await remote.move('remote', 'sub/moved');
    await remote.move('sub/eins & 1.txt', 'one.txt');
    expect(changesOf(await stage.sync())).toEqual([]);
    await stage.expectSame();
    expect((await stat(device.placeOf('sub/moved/there ü.bin'))).ino).toBe(ino);
  });

  test('client-requirements R25 — a change six folders deep is found, and only the way to it is looked at', async () => {
    const { device, remote } = stage;
    const folders = ['1', '1/2', '1/2/3', '1/2/3/4', '1/2/3/4/5', '1/2/3/4/5/6'];
    await remote.mkcol(...folders);
    await remote.put('1/2/3/4/5/6/deep.txt', 'deep');
    await stage.sync();
    await remote.put('1/2/3/4/5/6/deep.txt', 'deeper');
    const seen = await stage.sync();
    expect(changesOf(seen)).toEqual(['GET 1/2/3/4/5/6/deep.txt']);
    expect(seen.filter(({ method }) => method === 'PROPFIND')).toHaveLength(1 + folders.length);
    await remote.remove('1/2/3/4/5/6/deep.txt');
    await stage.sync();
    expect((await stage.expectSame()).has('1/2/3/4/5/6/deep.txt')).toBe(false);
    await device.remove('1');
    expect(changesOf(await stage.sync())).toEqual(['DELETE 1']);
    await stage.expectSame();
  });
}

function testDeletions(stage: SyncStage): void {
  test('PRODUCT D4 — what is deleted on either side goes on both, and into the trash', async () => {
    const { device, remote, server } = stage;
    await remote.mkcol('gone here');
    await remote.put('gone here/inner.txt', 'inner');
    await remote.put('gone there.txt', 'there');
    await stage.sync();
    await device.remove('gone here');
    await remote.remove('gone there.txt');
    expect(changesOf(await stage.sync())).toEqual(['DELETE gone here']);
    const tree = await stage.expectSame();
    expect([...tree.keys()].filter((name) => name.startsWith('gone'))).toEqual([]);
    const trash = await server.firn('trash', 'list', server.driveId);
    expect(trash).toContain('gone here');
    expect(trash).toContain('gone there.txt');
  });

  test('PRODUCT D3 — “Common documents”, deleted here, comes back; nothing of it is lost', async () => {
    const { device, server } = stage;
    await device.remove('Common documents');
    await stage.sync();
    await stage.sync();
    const tree = await stage.expectSame();
    expect(tree.has('Common documents/')).toBe(true);
    // nextcloudcmd fetches what was in it, owncloudcmd deletes what may be deleted.
    const isInTrash = (await server.firn('trash', 'list', server.driveId)).includes('ours.txt');
    expect(isInTrash).toBe(!tree.has('Common documents/ours.txt'));
  });
}

function testAmounts(stage: SyncStage): void {
  test(`${largeBytes / 1_000_000} MB go up in parts, over an older version too, and down to another computer`, {
    timeout: 180_000,
  }, async () => {
    const { device } = stage;
    const content = seededBytes('large', largeBytes);
    await device.write('sub/large.bin', content);
    const first = changesOf(await stage.sync());
    expect(first.filter((change) => /^PUT uploads\/[^/]+\/\d+\/\d+$/.test(change)).length).toBeGreaterThan(1);
    expect(first.filter((change) => !change.includes(' uploads/'))).toEqual([]);
    content.write('edited', largeBytes / 2);
    await device.write('sub/large.bin', content);
    const second = changesOf(await stage.sync());
    expect(second.filter((change) => /^MOVE uploads\/[^/]+\/\d+\/\.file$/.test(change))).toHaveLength(1);
    const other = await stage.another();
    await stage.sync(other);
    checkSameBytes((await stage.expectSame(other)).get('sub/large.bin')!, content);
    await device.remove('sub/large.bin');
    await stage.sync();
    await stage.expectSame();
  });

  test(`${manyFiles} small files with hard names go up, and down to another computer`, {
    timeout: 180_000,
  }, async () => {
    const { device, program } = stage;
    const tree = makeTree(program.name, manyFiles);
    await writeTree(tree, path.join(device.folder, 'many'));
    const changes = changesOf(await stage.sync());
    const files = [...tree.keys()].filter((name) => !name.endsWith('/'));
    expect(changes.filter((change) => change.startsWith('PUT '))).toHaveLength(files.length);
    const other = await stage.another();
    await stage.sync(other);
    const there = await stage.expectSame(other);
    for (const name of files) checkSameBytes(there.get(`many/${name}`)!, tree.get(name)!);
    await device.remove('many');
    expect(changesOf(await stage.sync())).toEqual(['DELETE many']);
    await stage.expectSame();
  });
}
