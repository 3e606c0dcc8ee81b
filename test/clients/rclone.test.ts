import { createHash } from 'node:crypto';
import { rm, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type BootedServer, bootServer } from '../support/boot-server.js';
import { Rclone, type RcloneRemote, REMOTES } from '../support/rclone.js';
import { type Fetch, fetchFrom } from '../support/server-fetch.js';
import {
  checkSameBytes,
  compareTimes,
  compareTrees,
  makeTree,
  readOverHttp,
  readTree,
  readTreeOverHttp,
  seededBytes,
  writeTree,
} from '../support/trees.js';
import { tried } from '../support/tried.js';

const manyFiles = 1000;
const sha1 = (bytes: Uint8Array) => createHash('sha1').update(bytes).digest('hex');

/** Over TLS those that a user would type there. */
const overTls = ({ name }: RcloneRemote) => !['owncloud-path', 'nextcloud-path', 'nextcloud-host'].includes(name);

for (const scheme of tried(['http', 'https'] as const, 'https')) {
  describe(`client-requirements 1.1 — rclone over ${scheme}`, () => {
    let server: BootedServer;
    let rclone: Rclone;
    let from: Fetch;
    const tree = makeTree('rclone', 20);
    const local = (name: string) => path.join(rclone.folder, name);
    const seen = (name: string) => readTreeOverHttp(`${server.pathMount}${name}/`, server.authorization, from);

    beforeAll(async () => {
      server = await bootServer({ hostMount: true, tls: scheme === 'https' });
      from = fetchFrom(server);
      rclone = await Rclone.against(server);
    });
    afterAll(async () => {
      await rclone?.remove();
      await server?.remove();
    });

    for (const { name, vendor } of scheme === 'http' ? REMOTES : REMOTES.filter(overTls)) {
      test(`${name}: a tree goes there and comes back equal, sync carries over what has changed and nothing else`, async () => {
        const target = `${name}:s-${name}`;
        const source = local(`source-${name}`);
        await writeTree(tree, source);
        await rclone.run('copy', source, target, '--transfers', '8');
        expect(await rclone.changesOf('sync', source, target)).toEqual([]);

        const edited = new Map(tree);
        const [first, second] = [...edited.keys()].filter((key) => !key.endsWith('/'));
        edited.set(first!, seededBytes('edited', 12_345));
        edited.set('new file.bin', seededBytes('new', 54_321));
        await writeFile(path.join(source, first!), edited.get(first!)!);
        await writeFile(path.join(source, 'new file.bin'), edited.get('new file.bin')!);
        edited.delete(second!);
        await rm(path.join(source, second!));
        expect(await rclone.changesOf('sync', source, target)).toHaveLength(3);
        expect(compareTrees(edited, await seen(`s-${name}`))).toEqual([]);

        const back = local(`back-${name}`);
        await rclone.run('copy', target, back, '--transfers', '8');
        expect(compareTrees(edited, await readTree(back))).toEqual([]);
        if (vendor === 'other') return;
        await rclone.checkByHash(source, target);
        expect(await compareTimes(edited, source, back)).toEqual([]);
      });
    }

    test('a check by hash finds what differs in bytes alone', async () => {
      const source = local('checked');
      await writeTree(tree, source);
      const [name, content] = [...tree].find(([, { length }]) => length > 100)!;
      for (const remote of ['owncloud-path-webdav', 'nextcloud-path-files']) {
        await rclone.run('copy', source, `${remote}:c-${remote}`);
        await rclone.checkByHash(source, `${remote}:c-${remote}`);
        const stranger = seededBytes('other bytes', content.length);
        const url = new URL(`c-${remote}/${name.split('/').map(encodeURIComponent).join('/')}`, server.pathMount);
        const { status } = await from(url, {
          method: 'PUT',
          // With a checksum, so that the server keeps those that rclone compares.
          headers: { authorization: server.authorization, 'oc-checksum': `SHA1:${sha1(stranger)}` },
          body: stranger,
        });
        expect(status).toBe(204);
        const result = await rclone.try('check', source, `${remote}:c-${remote}`, '--checksum');
        expect(result.errors).toMatch(/ 1 differences found/);
        expect(result.code).not.toBe(0);
      }
    });

    test('PRODUCT U7 — a file whose time alone changed gets the new time, and keeps its bytes', async () => {
      const content = seededBytes('times', 5000);
      const file = local('dated.bin');
      await writeFile(file, content);
      for (const remote of ['owncloud-host', 'nextcloud-own-files']) {
        for (const time of ['2019-03-04T05:06:07.000Z', '2001-01-01T00:00:00.000Z']) {
          await utimes(file, new Date(time), new Date(time));
          await rclone.run('copy', file, `${remote}:times`);
          const listed = JSON.parse(await rclone.run('lsjson', `${remote}:times`)) as { ModTime: string }[];
          expect(listed.map(({ ModTime }) => new Date(ModTime).toISOString())).toEqual([time]);
          checkSameBytes(await readOverHttp(`${server.pathMount}times/dated.bin`, server.authorization, from), content);
        }
      }
    });

    if (scheme === 'http') {
      // rclone 1.60 waits 10 ms between requests, so that a thousand files take most of a minute: once is enough.
      test('a large tree goes there and comes back equal', { timeout: 240_000 }, async () => {
        const large = makeTree('rclone large', manyFiles);
        await writeTree(large, local('large'));
        await rclone.run('copy', local('large'), 'other-path:large', '--transfers', '8');
        expect((await rclone.changesOf('sync', local('large'), 'other-path:large')).slice(0, 5)).toEqual([]);
        await rclone.run('copy', 'other-path:large', local('large-back'), '--transfers', '8');
        expect(compareTrees(large, await readTree(local('large-back')))).toEqual([]);
        expect(compareTrees(large, await seen('large'))).toEqual([]);
      });
    } else {
      test('an authority that nobody trusts is refused', async () => {
        const stranger = await Rclone.against(server, { isTrusting: false });
        for (const name of ['other-host', 'nextcloud-own-files']) {
          const result = await stranger.try('lsd', `${name}:`, '--retries', '1', '--low-level-retries', '1');
          expect(result.code).not.toBe(0);
          expect(result.errors).toMatch(/x509: certificate signed by unknown authority/);
        }
        await stranger.remove();
      });
    }
  });
}
