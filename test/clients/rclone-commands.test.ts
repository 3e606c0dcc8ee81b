import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type BootedServer, bootServer } from '../support/boot-server.js';
import { Rclone } from '../support/rclone.js';
import { mustRun } from '../support/run-program.js';
import { type Fetch, fetchFrom } from '../support/server-fetch.js';
import { checkSameBytes, readOverHttp, readTreeOverHttp, seededBytes } from '../support/trees.js';

const remotes = {
  http: ['other-path', 'owncloud-path-webdav', 'owncloud-host', 'nextcloud-own-files'],
  https: ['other-host', 'owncloud-host-webdav', 'nextcloud-host-files'],
};

for (const scheme of ['http', 'https'] as const) {
  describe(`client-requirements 1.1 — rclone's single commands over ${scheme}`, () => {
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

    for (const remote of remotes[scheme]) {
      test(`${remote}: rcat (chunked), moveto, copyto, move of a folder, cat with an offset, about, purge`, async () => {
        const base = `${remote}:ops-${remote}`;
        const address = `${server.pathMount}ops-${remote}/`;
        const seen = (name: string) => readOverHttp(`${address}${name}`, server.authorization, from);
        const content = Buffer.from(seededBytes('rcat', 650_000).toString('hex'));
        await writeFile(path.join(rclone.folder, 'piped.bin'), content);
        // Larger than rclone's --streaming-upload-cutoff: the length is unknown and the PUT chunked.
        const piped = 'cat piped.bin | rclone rcat "$0"';
        await mustRun('sh', ['-c', piped, `${base}/a ü.bin`], {
          environment: rclone.environment,
          folder: rclone.folder,
        });
        checkSameBytes(await seen('a ü.bin'), content);
        await rclone.run('moveto', `${base}/a ü.bin`, `${base}/deep/er/b.bin`);
        checkSameBytes(await seen('deep/er/b.bin'), content);
        await rclone.run('copyto', `${base}/deep/er/b.bin`, `${base}/deep/c %23.bin`);
        await rclone.run('move', `${base}/deep`, `${base}/moved`, '--delete-empty-src-dirs');
        const tail = await rclone.run('cat', `${base}/moved/er/b.bin`, '--offset', '1299990', '--count', '5');
        expect(tail).toBe(content.toString('utf8', 1_299_990, 1_299_995));
        const moved = await readTreeOverHttp(address, server.authorization, from);
        expect([...moved.keys()].sort()).toEqual(['moved/', 'moved/c %23.bin', 'moved/er/', 'moved/er/b.bin']);
        checkSameBytes(moved.get('moved/er/b.bin')!, content);
        checkSameBytes(moved.get('moved/c %23.bin')!, content);
        expect(await rclone.run('about', `${remote}:`)).toMatch(/Used:\s+\d/);
        await rclone.run('purge', base);
        const gone = await from(address, { headers: { authorization: server.authorization } });
        expect(gone.status).toBe(404);
      });
    }

    test('PRODUCT U7 — a file that is moved or copied on the server keeps its time and its hash', async () => {
      for (const remote of remotes[scheme].filter((name) => !name.startsWith('other'))) {
        const base = `${remote}:kept-${remote}`;
        await writeFile(path.join(rclone.folder, 'kept.bin'), seededBytes('kept', 40_000));
        await mustRun('touch', ['-d', '2003-04-05T06:07:08Z', path.join(rclone.folder, 'kept.bin')]);
        await rclone.run('copyto', path.join(rclone.folder, 'kept.bin'), `${base}/first.bin`);
        await rclone.run('copyto', `${base}/first.bin`, `${base}/copied.bin`);
        await rclone.run('moveto', `${base}/first.bin`, `${base}/inner/moved.bin`);
        const listed = JSON.parse(await rclone.run('lsjson', '-R', '--files-only', '--hash', base)) as {
          Path: string;
          ModTime: string;
          Hashes: Record<string, string>;
        }[];
        expect(listed.map((file) => [file.Path, new Date(file.ModTime).toISOString()]).sort()).toEqual([
          ['copied.bin', '2003-04-05T06:07:08.000Z'],
          ['inner/moved.bin', '2003-04-05T06:07:08.000Z'],
        ]);
        const [sha1] = (await mustRun('sha1sum', [path.join(rclone.folder, 'kept.bin')])).split(' ');
        expect(listed.map(({ Hashes }) => Hashes.sha1)).toEqual([sha1, sha1]);
      }
    });
  });
}
