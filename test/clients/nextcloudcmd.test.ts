import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startMeddler } from '../support/meddler.js';
import { waitUntil } from '../support/run-program.js';
import { requestsDuring } from '../support/seen-requests.js';
import { expectBoth } from '../support/sync-conflicts.js';
import type { SyncProgram } from '../support/sync-device.js';
import { describeSyncProgram } from '../support/sync-scenarios.js';
import { changesOf, SyncStage } from '../support/sync-stage.js';
import { checkSameBytes, makeTree, writeTree } from '../support/trees.js';

const nextcloudcmd: SyncProgram = {
  name: 'nextcloudcmd',
  // 3.7 takes no address that has the letters `/dav`; with a letter of it escaped the address is the same.
  spell: (address) => address.replace('/dav/', '/%64av/'),
};

describeSyncProgram(nextcloudcmd, '2.10');

describe('client-requirements 2.10 — nextcloudcmd, where it is told of bulk uploads as later versions are', () => {
  const stage = new SyncStage(nextcloudcmd, { title: 'a drive by path', tls: false, of: ({ pathMount }) => pathMount });
  beforeAll(() => stage.begin());
  afterAll(() => stage.end());

  test('many small files go up in few requests; one that others change meanwhile is not overwritten', {
    timeout: 180_000,
  }, async () => {
    const { remote, server } = stage;
    let meddle = async () => {};
    const meddler = await startMeddler(server.url, async ({ url = '', headers }) => {
      headers['user-agent'] = headers['user-agent']?.replace(/mirall\/3\.7\S*/, 'mirall/3.10.0');
      if (url.endsWith('/bulk')) await meddle();
    });
    try {
      const device = await stage.another(`${meddler.url}/dav/${server.driveId}`);
      // 3.7 breaks off where a file is empty, the reason why it isn't told.
      const tree = new Map([...makeTree('bulk', 150)].filter(([, content]) => content.length > 0));
      await writeTree(tree, path.join(device.folder, 'many'));
      const changes = changesOf(await requestsDuring(server, () => device.sync()));
      expect(changes.filter((change) => change.startsWith('PUT '))).toEqual([]);
      expect(changes.filter((change) => change === 'POST bulk').length).toBeLessThanOrEqual(3);
      const seen = await stage.expectSame(device);
      for (const [name, content] of tree) checkSameBytes(seen.get(`many/${name}`)!, content);

      const name = 'many/plain 0/plain-10.bin';
      await device.write(name, 'changed here');
      let count = 0;
      meddle = async () => {
        count += 1;
        if (count === 1) await remote.put(name, 'changed there!');
      };
      await device.trySync();
      expect(count).toBeGreaterThan(0);
      expect((await remote.readTree()).get(name)!.toString()).toBe('changed there!');
      await waitUntil('a run ends well', async () => (await device.trySync()).code === 0, 60);
      expectBoth(await device.readTree(), name, Buffer.from('changed here'), Buffer.from('changed there!'));
    } finally {
      await meddler.stop();
    }
  });
});
