import { readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type BootedServer, bootServer } from '../support/boot-server.js';
import { Rclone } from '../support/rclone.js';
import { type Fetch, fetchFrom } from '../support/server-fetch.js';
import {
  compareTimes,
  compareTrees,
  makeTree,
  readTree,
  readTreeOverHttp,
  seededBytes,
  type Tree,
  writeTree,
} from '../support/trees.js';

const remotes = {
  http: ['owncloud-path-webdav', 'nextcloud-own-files'],
  https: ['owncloud-host', 'nextcloud-host-files'],
};

for (const scheme of ['http', 'https'] as const) {
  describe(`client-requirements 1.1 — rclone bisync over ${scheme}`, () => {
    let server: BootedServer;
    let rclone: Rclone;
    let from: Fetch;

    beforeAll(async () => {
      server = await bootServer({ hostMount: true, tls: scheme === 'https' });
      from = fetchFrom(server);
      rclone = await Rclone.against(server);
    });
    afterAll(async () => {
      await rclone?.remove();
      await server?.remove();
    });

    /** One device: a folder with a state of its own. */
    const device = (name: string, remote: string) => {
      const folder = path.join(rclone.folder, `${name}-${remote}`);
      const state = ['--workdir', `${folder}-state`];
      return {
        folder,
        file: (file: string) => path.join(folder, file),
        sync: (...options: string[]) => rclone.run('bisync', folder, `${remote}:b-${remote}`, ...state, ...options),
        changes: () => rclone.changesOf('bisync', folder, `${remote}:b-${remote}`, ...state),
      };
    };
    const seen = (remote: string) => readTreeOverHttp(`${server.pathMount}b-${remote}/`, server.authorization, from);
    const filesOf = (tree: Tree) => new Map([...tree].filter(([name]) => !name.endsWith('/')));

    /** What another program does on the server meanwhile. */
    async function remotely(method: 'PUT' | 'DELETE', remote: string, name: string, body?: Buffer): Promise<void> {
      const url = new URL(`b-${remote}/${name.split('/').map(encodeURIComponent).join('/')}`, server.pathMount);
      const headers = { authorization: server.authorization };
      const answer = await from(url, { method, headers, ...(body ? { body } : {}) });
      expect(answer.status).toBeLessThan(300);
    }

    for (const remote of remotes[scheme]) {
      test(`${remote}: edits and deletions of both sides and a conflict; two devices end with the same`, {
        timeout: 120_000,
      }, async () => {
        const tree = makeTree('bisync', 20);
        const laptop = device('laptop', remote);
        await writeTree(tree, laptop.folder);
        await rclone.run('mkdir', `${remote}:b-${remote}`);
        await laptop.sync('--resync');
        expect(compareTrees(tree, await seen(remote))).toEqual([]);
        expect(await laptop.changes()).toEqual([]);

        const names = [...filesOf(tree).keys()];
        const [here, there, goneHere, goneThere, both] = names as [string, string, string, string, string];
        await writeFile(laptop.file(here), 'edited here');
        await remotely('PUT', remote, there, Buffer.from('edited there'));
        await rm(laptop.file(goneHere));
        await remotely('DELETE', remote, goneThere);
        await writeFile(laptop.file('new here ü.bin'), seededBytes('here', 9000));
        await remotely('PUT', remote, 'new there ü.bin', seededBytes('there', 70_000));
        await writeFile(laptop.file(both), 'both: here');
        await remotely('PUT', remote, both, Buffer.from('both: there'));
        await laptop.sync();

        const expected = filesOf(tree);
        for (const name of [goneHere, goneThere, both]) expected.delete(name);
        expected.set(here, Buffer.from('edited here')).set(there, Buffer.from('edited there'));
        expected.set('new here ü.bin', seededBytes('here', 9000)).set('new there ü.bin', seededBytes('there', 70_000));
        expected.set(`${both}..path1`, Buffer.from('both: here')).set(`${both}..path2`, Buffer.from('both: there'));
        expect(compareTrees(expected, filesOf(await readTree(laptop.folder)))).toEqual([]);
        expect(compareTrees(expected, filesOf(await seen(remote)))).toEqual([]);
        expect(await laptop.changes()).toEqual([]);

        const desktop = device('desktop', remote);
        await writeTree(new Map(), desktop.folder);
        await desktop.sync('--resync');
        expect(compareTrees(expected, filesOf(await readTree(desktop.folder)))).toEqual([]);
        expect(await compareTimes(expected, laptop.folder, desktop.folder)).toEqual([]);
        await writeFile(desktop.file('from the desktop'), 'desktop');
        await rm(desktop.file(here));
        await desktop.sync();
        await laptop.sync();
        expected.set('from the desktop', Buffer.from('desktop')).delete(here);
        for (const { folder } of [laptop, desktop]) {
          expect(compareTrees(expected, filesOf(await readTree(folder)))).toEqual([]);
        }
        expect(await compareTimes(expected, laptop.folder, desktop.folder)).toEqual([]);
        expect((await readdir(`${laptop.folder}-state`)).filter((name) => /\.(err|lck)$/.test(name))).toEqual([]);
      });
    }
  });
}
