import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, readFile, rename, rm, unlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type BootedServer, bootServer } from '../support/boot-server.js';
import { mustRun, type ProgramResult, runProgram, waitUntil } from '../support/run-program.js';
import { type Fetch, fetchFrom } from '../support/server-fetch.js';
import {
  checkSameBytes,
  compareTrees,
  makeTree,
  readTree,
  readTreeOverHttp,
  seededBytes,
  writeTree,
} from '../support/trees.js';
import { tried } from '../support/tried.js';

for (const scheme of tried(['http', 'https'] as const, 'https')) {
  describe(`client-requirements 1.3 — davfs2, with locks, over ${scheme}`, () => {
    let server: BootedServer;
    let folder: string;
    let from: Fetch;

    beforeAll(async () => {
      if (!existsSync('/dev/fuse')) throw new Error('/dev/fuse is missing on this machine: davfs2 can not be tested');
      server = await bootServer({ hostMount: true, tls: scheme === 'https' });
      from = fetchFrom(server);
      folder = await mkdtemp(path.join(tmpdir(), 'firn-davfs2-'));
      // davfs2 reads the authority when it is no longer root.
      await chmod(folder, 0o711);
      if (server.ca) await copyFile(server.ca.caFile, path.join(folder, 'ca.pem'));
    });
    afterAll(async () => {
      await server?.remove();
      await rm(folder, { recursive: true, force: true });
    });

    /** Mounts an address at a folder. davfs2 trusts the server's throw-away authority unless told otherwise. */
    async function mount(address: string, place: string, { isTrusting = true } = {}): Promise<ProgramResult> {
      const secrets = path.join(folder, 'secrets');
      await writeFile(secrets, `${address} ${server.user} ${server.password}\n`, { mode: 0o600 });
      const settings = [
        'use_locks 1',
        'ask_auth 0',
        'delay_upload 0',
        'gui_optimize 0',
        'n_cookies 0',
        // Kernels from 6.16 on answer readdir with EINVAL for smaller ones (alisarctl/davfs2#22).
        'buf_size 64',
        `secrets ${secrets}`,
        ...(server.ca && isTrusting ? [`trust_ca_cert ${path.join(folder, 'ca.pem')}`] : []),
      ];
      const settingsFile = path.join(folder, 'davfs2.conf');
      await writeFile(settingsFile, `${settings.join('\n')}\n`);
      await mkdir(place, { recursive: true });
      return runProgram('mount', ['-t', 'davfs', '-o', `conf=${settingsFile},uid=0,gid=0`, address, place]);
    }

    /** Mounts an address, works in it and unmounts, which waits until davfs2 has uploaded everything. */
    async function whileMounted(address: string, work: (place: string) => Promise<void>): Promise<void> {
      const place = path.join(folder, 'mounted');
      const { code, output, errors } = await mount(address, place);
      if (code !== 0) throw new Error(`mount ended with exit code ${code}:\n${output}${errors}`);
      try {
        await work(place);
      } finally {
        const unmounted = await runProgram('umount', [place]);
        if (unmounted.code !== 0) await mustRun('umount', ['-l', place]);
      }
    }

    /** What davfs2 could not upload it keeps under lost+found, in the folder that it shows. */
    const withoutLostAndFound = (tree: Map<string, Buffer>) => {
      expect([...tree.keys()].filter((name) => /^lost\+found\/./.test(name))).toEqual([]);
      return new Map([...tree].filter(([name]) => !name.startsWith('lost+found/')));
    };

    for (const form of ['pathMount', 'hostMount'] as const) {
      test(`new file, read, rename, touch, chmod, overwrite, delete (${form})`, async () => {
        const content = seededBytes(form, 130_000);
        await mkcol(form);
        await whileMounted(`${server[form]}${form}/`, async (place) => {
          const file = path.join(place, 'new ü.bin');
          await writeFile(file, 'x');
          expect(await readFile(file, 'utf8')).toBe('x');
          await writeFile(file, content);
          await rename(file, path.join(place, 'other.bin'));
          // The kernel remembers for about a second that davfs2 had no file of the new name.
          await waitUntil('the renamed file is found', () => existsSync(path.join(place, 'other.bin')));
          await utimes(path.join(place, 'other.bin'), new Date(), new Date());
          await chmod(path.join(place, 'other.bin'), 0o755);
          checkSameBytes(await readFile(path.join(place, 'other.bin')), content);
          expect(await mustRun('df', [place])).toContain(place);
          await writeFile(path.join(place, 'gone.bin'), 'y');
          await unlink(path.join(place, 'gone.bin'));
          await mkdir(path.join(place, 'inner'));
          await copyFile(path.join(place, 'other.bin'), path.join(place, 'inner/copy.bin'));
        });
        const expected = new Map([
          ['other.bin', content],
          ['inner/', Buffer.alloc(0)],
          ['inner/copy.bin', content],
        ]);
        const actual = await readTreeOverHttp(`${server.pathMount}${form}/`, server.authorization, from);
        expect(compareTrees(expected, actual)).toEqual([]);
      });
    }

    test('a tree with hard names is there byte for byte, over HTTP and in a second mount', {
      timeout: 120_000,
    }, async () => {
      const tree = makeTree('davfs2', 60);
      await mkcol('tree');
      const address = `${server[scheme === 'http' ? 'pathMount' : 'hostMount']}tree/`;
      await whileMounted(address, (place) => writeTree(tree, place));
      expect(compareTrees(tree, await readTreeOverHttp(address, server.authorization, from))).toEqual([]);
      await whileMounted(address, async (place) => {
        expect(compareTrees(tree, withoutLostAndFound(await readTree(place)))).toEqual([]);
      });
    });

    test('client-requirements R4 — davfs2 leaves no lock behind', async () => {
      await mkcol('locks');
      const address = `${server.pathMount}locks/`;
      await whileMounted(address, (place) => writeFile(path.join(place, 'free.txt'), 'free'));
      const answer = await from(`${address}free.txt`, {
        method: 'PUT',
        headers: { authorization: server.authorization },
        body: 'written without a token',
      });
      expect(answer.status).toBe(204);
    });

    if (scheme === 'https') {
      test('an authority that it is not told to trust is refused', async () => {
        const place = path.join(folder, 'refused');
        const { code, errors } = await mount(server.hostMount, place, { isTrusting: false });
        expect(code).not.toBe(0);
        expect(errors).toMatch(/certificate/i);
        expect(await readFile('/proc/mounts', 'utf8')).not.toContain(` ${place} `);
      });
    }

    async function mkcol(name: string): Promise<void> {
      const headers = { authorization: server.authorization };
      const answer = await from(`${server.pathMount}${name}/`, { method: 'MKCOL', headers });
      expect(answer.status).toBe(201);
    }
  });
}
