import { existsSync } from 'node:fs';
import { appendFile, mkdir, readFile, rename, rm, unlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type BootedServer, bootServer } from '../support/boot-server.js';
import { Rclone } from '../support/rclone.js';
import { mustRun } from '../support/run-program.js';
import { type Fetch, fetchFrom } from '../support/server-fetch.js';
import {
  checkSameBytes,
  compareTimes,
  compareTrees,
  makeTree,
  readTree,
  readTreeOverHttp,
  seededBytes,
  writeTree,
} from '../support/trees.js';

const remotes = {
  http: ['other-path', 'owncloud-path-webdav', 'nextcloud-own-files'],
  https: ['other-host', 'owncloud-host', 'nextcloud-host-files'],
};

for (const scheme of ['http', 'https'] as const) {
  describe(`client-requirements 1.1 — rclone mount --vfs-cache-mode full over ${scheme}`, () => {
    let server: BootedServer;
    let rclone: Rclone;
    let from: Fetch;

    beforeAll(async () => {
      if (!existsSync('/dev/fuse')) throw new Error('/dev/fuse is missing on this machine: rclone can not mount');
      server = await bootServer({ hostMount: true, tls: scheme === 'https' });
      from = fetchFrom(server);
      rclone = await Rclone.against(server);
    });
    afterAll(async () => {
      await rclone?.remove();
      await server?.remove();
    });

    /** Waits until this, and nothing else, is on the server. */
    async function isSeen(address: string, tree: Record<string, string | Buffer>): Promise<void> {
      const expected = new Map(Object.entries(tree).map(([name, content]) => [name, Buffer.from(content)]));
      await vi.waitFor(
        async () => {
          // A file may go between the listing and its GET, which rejects.
          const actual = await readTreeOverHttp(address, server.authorization, from);
          expect(compareTrees(expected, actual)).toEqual([]);
        },
        { timeout: 20_000, interval: 100 },
      );
    }

    for (const remote of remotes[scheme]) {
      test(`${remote}: write, rename, append, truncate, delete and read back, seen by others`, async () => {
        const place = path.join(rclone.folder, `mounted-${remote}`);
        const at = (name: string) => path.join(place, name);
        const address = `${server.pathMount}vfs-${remote}/`;
        const content = seededBytes('mount', 700_000);
        const longer = Buffer.concat([content, Buffer.from('appended')]);
        const put = (name: string, body: string) =>
          from(address + name, { method: 'PUT', headers: { authorization: server.authorization }, body });
        await mkdir(place);
        await rclone.run('mkdir', `${remote}:vfs-${remote}/inner`);
        await put('gone.bin', 'gone');
        await put('inner/short.bin', 'longer than short');
        await rclone.whileMounted(`${remote}:vfs-${remote}`, place, async () => {
          await rename(at('inner'), at('outer'));
          await unlink(at('gone.bin'));
          await mkdir(at('new'));
          await writeFile(at('new/first.bin'), content);
          await isSeen(address, {
            'outer/': '',
            'outer/short.bin': 'longer than short',
            'new/': '',
            'new/first.bin': content,
          });
          await rename(at('new/first.bin'), at('second ü.bin'));
          await isSeen(address, {
            'outer/': '',
            'outer/short.bin': 'longer than short',
            'new/': '',
            'second ü.bin': content,
          });
          await appendFile(at('second ü.bin'), 'appended');
          checkSameBytes(await readFile(at('second ü.bin')), longer);
          await writeFile(at('outer/short.bin'), 'short');
          expect(await mustRun('df', [place])).toContain(place);
          await isSeen(address, { 'outer/': '', 'outer/short.bin': 'short', 'new/': '', 'second ü.bin': longer });
        });
      });
    }

    test('a tree with hard names is there byte for byte, over HTTP and in a second mount, with its times', async () => {
      const tree = makeTree('mount', 30);
      const source = path.join(rclone.folder, 'tree');
      await writeTree(tree, source);
      const remote = remotes[scheme].at(-1)!;
      const place = path.join(rclone.folder, 'tree-mounted');
      await mkdir(place);
      await rclone.run('mkdir', `${remote}:tree`);
      await rclone.whileMounted(`${remote}:tree`, place, async () => {
        await mustRun('cp', ['-r', '--preserve=timestamps', `${source}/.`, place]);
        await isSeen(`${server.pathMount}tree/`, Object.fromEntries(tree));
      });
      await rm(path.join(rclone.folder, 'vfs-cache'), { recursive: true });
      await rclone.whileMounted(`${remote}:tree`, place, async () => {
        expect(compareTrees(tree, await readTree(place))).toEqual([]);
        expect(await compareTimes(tree, source, place)).toEqual([]);
      });
    });
  });
}
