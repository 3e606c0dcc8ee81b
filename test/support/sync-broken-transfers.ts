import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { waitUntil } from './run-program.js';
import { requestsDuring, type SeenRequest } from './seen-requests.js';
import { changesOf, type SyncStage } from './sync-stage.js';
import { checkSameBytes, seededBytes } from './trees.js';

const fileBytes = 24_000_000;
/** Slow enough that a run is met in the middle of the file. */
const kilobytesASecond = '8000';

/** A program that is killed in the middle of a transfer goes on where it was. */
export function testBrokenTransfers(stage: SyncStage): void {
  test('an upload that is killed goes on after the parts that are there', { timeout: 180_000 }, async () => {
    const { device, remote, server } = stage;
    const content = seededBytes('broken upload', fileBytes);
    await device.write('broken.bin', content);
    const broken = await requestsDuring(server, async () => {
      const before = server.logs().length;
      const run = device.start('--uplimit', kilobytesASecond);
      const isPartThere = () => /"PUT","url":"[^"]*\/uploads\/[^"]*","status":201/.test(server.logs().slice(before));
      await waitUntil('the server has a part', isPartThere, 60);
      await run.kill();
    });
    const isPart = (change: string) => /^PUT uploads\/[^/]+\/\d+\/\d+$/.test(change);
    const arrived = changesOf(broken.filter(({ status }) => status === 201)).filter(isPart);
    expect(arrived.length).toBeGreaterThan(0);
    expect((await remote.readTree()).has('broken.bin')).toBe(false);
    const changes = changesOf(await stage.sync());
    expect(changes.filter((change) => arrived.includes(change))).toEqual([]);
    expect(changes.filter((change) => change.startsWith('MKCOL '))).toEqual([]);
    expect(changes.filter(isPart).map(folderOf)).toContain(folderOf(arrived[0]!));
    checkSameBytes((await stage.expectSame()).get('broken.bin')!, content);
  });

  test('a download that is killed goes on where it was, with a range', { timeout: 180_000 }, async () => {
    const { server } = stage;
    const other = await stage.another();
    const isDownload = ({ method, path: place }: SeenRequest) => method === 'GET' && place.endsWith('/broken.bin');
    const broken = await requestsDuring(server, async () => {
      const before = server.logs().length;
      const run = other.start('--downlimit', kilobytesASecond);
      const partly = async () => {
        const names = (await readdir(other.folder)).filter((name) => /^\.broken\.bin\.~/.test(name));
        const sizes = names.map(async (name) => (await stat(path.join(other.folder, name))).size);
        return (await Promise.all(sizes)).some((size) => size > 1_000_000);
      };
      await waitUntil('some of the file is here', partly, 60);
      await run.kill();
      const isNoticed = () => server.logs().slice(before).includes('/broken.bin","status":200');
      await waitUntil('the server has noticed', isNoticed);
    });
    expect(broken.filter(isDownload)).toHaveLength(1);
    const seen = await requestsDuring(server, () => other.sync());
    expect(seen.filter(isDownload).map(({ status }) => status)).toEqual([206]);
    checkSameBytes((await stage.expectSame(other)).get('broken.bin')!, seededBytes('broken upload', fileBytes));
    await stage.remote.remove('broken.bin');
    await stage.sync();
    await stage.expectSame();
  });
}

function folderOf(change: string): string {
  return change.slice(0, change.lastIndexOf('/'));
}
