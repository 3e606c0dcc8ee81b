import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { appendFile, mkdir, mkdtemp, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type BootedServer, bootServer } from '../support/boot-server.js';
import { mustRun, runProgram, waitUntil } from '../support/run-program.js';
import {
  checkSameBytes,
  compareTrees,
  makeTree,
  readOverHttp,
  readTree,
  readTreeOverHttp,
  seededBytes,
  type Tree,
  writeTree,
} from '../support/trees.js';

const vendors = ['other', 'owncloud', 'nextcloud'] as const;
const manyFiles = 1000;

/** The files of a tree whose modification times differ by a second or more between two folders. */
async function compareTimes(tree: Tree, first: string, second: string): Promise<string[]> {
  const different: string[] = [];
  for (const name of tree.keys()) {
    if (name.endsWith('/')) continue;
    const [a, b] = await Promise.all([first, second].map((folder) => stat(path.join(folder, name))));
    if (Math.floor(a!.mtimeMs / 1000) !== Math.floor(b!.mtimeMs / 1000)) different.push(name);
  }
  return different;
}

describe('CLIENTS 1.1 — rclone', () => {
  let server: BootedServer;
  let folder: string;
  const largeTree = makeTree('rclone', manyFiles);
  const smallTree = makeTree('rclone small', 60);

  beforeAll(async () => {
    server = await bootServer({ hostMount: true });
    folder = await mkdtemp(path.join(tmpdir(), 'firn-rclone-'));
    await writeTree(largeTree, path.join(folder, 'large'));
    await writeTree(smallTree, path.join(folder, 'small'));
    const secret = (await mustRun('rclone', ['obscure', server.password])).trim();
    const remote = (name: string, url: string, vendor: string) =>
      `[${name}]\ntype = webdav\nurl = ${url}\nvendor = ${vendor}\nuser = ${server.user}\npass = ${secret}\n`;
    const remotes = vendors.flatMap((vendor) => [
      remote(vendor, server.pathMount, vendor),
      remote(`${vendor}-host`, server.hostMount, vendor),
    ]);
    await writeFile(path.join(folder, 'rclone.conf'), remotes.join(''));
  });
  afterAll(async () => {
    await server?.remove();
    await rm(folder, { recursive: true, force: true });
  });

  const environment = () => ({ RCLONE_CONFIG: path.join(folder, 'rclone.conf'), HOME: folder });
  const rclone = (...parameters: string[]) => mustRun('rclone', parameters, { environment: environment(), folder });

  /** The files that a command uploaded or deleted, from rclone's own report of each. */
  async function changesOf(...parameters: string[]): Promise<string[]> {
    const result = await runProgram('rclone', [...parameters, '-v'], { environment: environment(), folder });
    expect(result.code, result.errors).toBe(0);
    return result.errors.split('\n').filter((line) => /: (Copied|Deleted|Updated|Moved|Removing|Renamed)\b/.test(line));
  }

  for (const vendor of vendors) {
    // rclone 1.60 waits 10 ms between requests, so that a thousand files take most of a minute: once is enough.
    const [tree, name] = vendor === 'other' ? [largeTree, 'large'] : [smallTree, 'small'];
    test(`vendor ${vendor}: a ${name} tree goes there and comes back equal, a second sync transfers nothing`, {
      timeout: 240_000,
    }, async () => {
      const source = path.join(folder, name);
      const target = `${vendor}:t-${vendor}`;
      await rclone('copy', source, target, '--transfers', '8');
      expect((await changesOf('sync', source, target)).slice(0, 5)).toEqual([]);
      const back = path.join(folder, `back-${vendor}`);
      await rclone('copy', target, back, '--transfers', '8');
      expect(compareTrees(tree, await readTree(back))).toEqual([]);
      if (vendor !== 'other') expect(await compareTimes(tree, source, back)).toEqual([]);
      const seen = await readTreeOverHttp(`${server.pathMount}t-${vendor}/`, server.authorization);
      expect(compareTrees(tree, seen)).toEqual([]);
      await rm(back, { recursive: true });
    });

    test(`vendor ${vendor} at the host mount: sync carries over edits, deletions and new files`, async () => {
      const target = `${vendor}-host:h-${vendor}`;
      const local = path.join(folder, `local-${vendor}`);
      const edited = new Map(smallTree);
      await writeTree(edited, local);
      await rclone('sync', local, target);
      const [first, second] = [...edited.keys()].filter((name) => !name.endsWith('/'));
      edited.set(first!, seededBytes('edited', 12_345));
      edited.delete(second!);
      edited.set('new file.bin', seededBytes('new', 54_321));
      await writeFile(path.join(local, first!), edited.get(first!)!);
      await rm(path.join(local, second!));
      await writeFile(path.join(local, 'new file.bin'), edited.get('new file.bin')!);
      expect(await changesOf('sync', local, target)).toHaveLength(3);
      const seen = await readTreeOverHttp(`${server.pathMount}h-${vendor}/`, server.authorization);
      expect(compareTrees(edited, seen)).toEqual([]);
    });
  }

  test('vendor owncloud: check compares the hash of each file and finds 0 differences', async () => {
    await rclone('copy', path.join(folder, 'small'), 'owncloud:checked');
    const parameters = ['check', path.join(folder, 'small'), 'owncloud:checked', '--checksum'];
    const result = await runProgram('rclone', parameters, { environment: environment(), folder });
    expect(result.errors).toMatch(/ 0 differences found/);
    expect(result.errors).not.toMatch(/hashes could not be checked/);
    expect(result.code).toBe(0);
    // The comparison must be able to fail: the same length, other bytes.
    const name = 'plain 0/plain-10.bin';
    const other = seededBytes('other bytes', smallTree.get(name)!.length);
    const url = new URL(`checked/${name}`, server.pathMount);
    await fetch(url, { method: 'PUT', headers: { authorization: server.authorization }, body: other });
    const download = await runProgram('rclone', [...parameters, '--download'], { environment: environment(), folder });
    expect(download.code).not.toBe(0);
  });

  test('PRODUCT U7 — vendor owncloud: a file whose time alone changed gets the new time, and keeps its bytes', async () => {
    const content = seededBytes('times', 5000);
    const file = path.join(folder, 'dated.bin');
    await writeFile(file, content);
    for (const time of ['2019-03-04T05:06:07.000Z', '2001-01-01T00:00:00.000Z']) {
      await utimes(file, new Date(time), new Date(time));
      await rclone('copy', file, 'owncloud:times');
      const listed = JSON.parse(await rclone('lsjson', 'owncloud:times')) as { ModTime: string }[];
      expect(listed.map(({ ModTime }) => new Date(ModTime).toISOString())).toEqual([time]);
      checkSameBytes(await readOverHttp(`${server.pathMount}times/dated.bin`, server.authorization), content);
    }
  });

  for (const vendor of vendors) {
    test(`vendor ${vendor}: moveto, move of a folder, rcat (chunked), cat with an offset, about, purge`, async () => {
      const base = `${vendor}:ops-${vendor}`;
      const seen = (name: string) => readOverHttp(`${server.pathMount}ops-${vendor}/${name}`, server.authorization);
      const content = Buffer.from(seededBytes('rcat', 650_000).toString('hex'));
      await writeFile(path.join(folder, 'piped.bin'), content);
      // Larger than rclone's --streaming-upload-cutoff: the length is unknown and the PUT chunked.
      const piped = 'cat piped.bin | rclone rcat "$0"';
      await mustRun('sh', ['-c', piped, `${base}/a ü.bin`], { environment: environment(), folder });
      checkSameBytes(await seen('a ü.bin'), content);
      await rclone('moveto', `${base}/a ü.bin`, `${base}/deep/er/b.bin`);
      checkSameBytes(await seen('deep/er/b.bin'), content);
      await rclone('move', `${base}/deep`, `${base}/moved`, '--delete-empty-src-dirs');
      const tail = await rclone('cat', `${base}/moved/er/b.bin`, '--offset', '1299990', '--count', '5');
      expect(tail).toBe(content.toString('utf8', 1_299_990, 1_299_995));
      const moved = await readTreeOverHttp(`${server.pathMount}ops-${vendor}/moved/`, server.authorization);
      checkSameBytes(moved.get('er/b.bin')!, content);
      expect(await rclone('about', `${vendor}:`)).toMatch(/Used:\s+\d/);
      await rclone('purge', base);
      const gone = await fetch(`${server.pathMount}ops-${vendor}/`, {
        headers: { authorization: server.authorization },
      });
      expect(gone.status).toBe(404);
    });
  }

  test('rclone mount --vfs-cache-mode full: write, rename, append and read back, seen by others', {
    timeout: 120_000,
  }, async () => {
    if (!existsSync('/dev/fuse')) {
      throw new Error('/dev/fuse is missing on this machine: rclone mount and davfs2 can not be tested without it');
    }
    const place = path.join(folder, 'mounted');
    await mkdir(place);
    await rclone('mkdir', 'owncloud:vfs');
    const mounted = await mountRclone('owncloud:vfs', place);
    const content = seededBytes('mount', 700_000);
    const seen = (name: string) => readOverHttp(`${server.pathMount}vfs/${name}`, server.authorization);
    const isSeen = async (name: string, expected: Buffer) =>
      (await seen(name).catch(() => null))?.equals(expected) ?? false;
    try {
      await mkdir(path.join(place, 'inner'));
      await writeFile(path.join(place, 'inner/first.bin'), content);
      await waitUntil('the written file is on the server', () => isSeen('inner/first.bin', content));
      await rename(path.join(place, 'inner/first.bin'), path.join(place, 'second.bin'));
      await waitUntil('the renamed file is on the server', () => isSeen('second.bin', content));
      await appendFile(path.join(place, 'second.bin'), 'appended');
      const longer = Buffer.concat([content, Buffer.from('appended')]);
      checkSameBytes(await readFile(path.join(place, 'second.bin')), longer);
      await waitUntil('the appended file is on the server', () => isSeen('second.bin', longer));
    } finally {
      await mustRun('fusermount3', ['-u', place]);
      await mounted.ended;
    }
    const expected = new Map([
      ['inner/', Buffer.alloc(0)],
      ['second.bin', Buffer.concat([content, Buffer.from('appended')])],
    ]);
    expect(compareTrees(expected, await readTreeOverHttp(`${server.pathMount}vfs/`, server.authorization))).toEqual([]);
  });

  /** Starts `rclone mount` and waits until the kernel lists it. */
  async function mountRclone(remote: string, place: string): Promise<{ ended: Promise<void> }> {
    const cache = path.join(folder, 'vfs-cache');
    const options = ['--vfs-cache-mode', 'full', '--vfs-write-back', '100ms', '--dir-cache-time', '1s'];
    const child: ChildProcess = spawn('rclone', ['mount', remote, place, '--cache-dir', cache, ...options], {
      env: { ...process.env, ...environment() },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let errors = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      errors += chunk.toString('utf8');
    });
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    await waitUntil(`${place} is mounted`, async () => {
      if (child.exitCode !== null) throw new Error(`rclone mount ended with ${child.exitCode}: ${errors}`);
      return (await readFile('/proc/mounts', 'utf8')).includes(` ${place} `);
    });
    return { ended };
  }
});
