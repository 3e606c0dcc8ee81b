import { expect, test } from 'vitest';
import { startMeddler } from './meddler.js';
import { waitUntil } from './run-program.js';
import { requestsDuring } from './seen-requests.js';
import type { SyncStage } from './sync-stage.js';
import { checkSameBytes, seededBytes, type Tree } from './trees.js';

const COPY = / \(conflicted copy [^)]*\)/;

/** Where both sides changed a file, its name has what was there first, and a copy beside it has the other. */
export function testConflicts(stage: SyncStage): void {
  test('a file that both sides have changed is kept twice', async () => {
    const { device, remote } = stage;
    await remote.put('conflict.txt', 'before');
    await stage.sync();
    await device.write('conflict.txt', 'changed here');
    await remote.put('conflict.txt', 'changed there!');
    await stage.sync();
    await stage.sync();
    const [here, there] = [Buffer.from('changed here'), Buffer.from('changed there!')];
    expectBoth(await device.readTree(), 'conflict.txt', here, there);
    checkSameBytes((await remote.readTree()).get('conflict.txt')!, there);
    // A copy stays on the computer where the conflict was.
    for (const name of (await device.readTree()).keys()) if (COPY.test(name)) await device.remove(name);
    await stage.sync();
    await stage.expectSame();
  });
}

/**
 * What somebody else writes after the program has looked and before it sends: the conditions of the request keep it, and
 * the next run finds the conflict.
 */
export function testRaces(stage: SyncStage): void {
  const sizes = [
    ['a small file', 100],
    ['a file in parts', 12_000_000],
  ] as const;
  test.each(sizes)('%s that others change meanwhile is not overwritten', { timeout: 180_000 }, async (title, size) => {
    const { remote, server } = stage;
    const name = `${title}.bin`;
    const [before, here, there] = ['before', 'here', 'there'].map((seed) => seededBytes(title + seed, size)) as Three;
    let meddle = async () => {};
    const meddler = await startMeddler(server.url, async ({ method, url = '' }) => {
      const isWhole = method === 'PUT' && decodeURIComponent(url).endsWith(`/files/${server.user}/${name}`);
      if (isWhole || (method === 'MOVE' && url.endsWith('/.file'))) await meddle();
    });
    try {
      const device = await stage.another(`${meddler.url}/dav/${server.driveId}`);
      await remote.put(name, before);
      await device.sync();
      await device.write(name, here);
      let count = 0;
      meddle = async () => {
        count += 1;
        if (count === 1) await remote.put(name, there);
      };
      const seen = await requestsDuring(server, () => device.trySync());
      expect(seen.filter(({ status }) => status === 412)).toHaveLength(1);
      checkSameBytes((await remote.readTree()).get(name)!, there);
      await waitUntil('a run ends well', async () => (await device.trySync()).code === 0, 60);
      expectBoth(await device.readTree(), name, here, there);
      checkSameBytes((await remote.readTree()).get(name)!, there);
    } finally {
      await meddler.stop();
    }
  });
}

type Three = [Buffer, Buffer, Buffer];

/** `name` has what is on the drive, and a copy beside it has what was here. */
export function expectBoth(tree: Tree, name: string, here: Buffer, there: Buffer): void {
  const copies = [...tree].filter(([place]) => COPY.test(place) && place.replace(COPY, '') === name);
  expect(copies).toHaveLength(1);
  checkSameBytes(copies[0]![1], here);
  checkSameBytes(tree.get(name)!, there);
}
