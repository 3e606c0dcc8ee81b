import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type BootedServer, bootServer } from '../support/boot-server.js';
import { ClusterEngines, engineSettings } from '../support/cluster-engines.js';
import { Rclone } from '../support/rclone.js';
import { runProgram, waitUntil } from '../support/run-program.js';
import { PROGRAM } from './firn.js';

/** Four pages of contents in a BlobStore. */
const FILES = 1_700;
const FOLDERS = 17;
const FILE_BYTES = 17_000;

let engines: ClusterEngines;
let home: string;
let server: BootedServer;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'firn-migrate-'));
  [engines, server] = await Promise.all([ClusterEngines.start(), bootServer({ storage: join(home, 'embedded') })]);
});
afterAll(async () => {
  await server.remove();
  await engines.stop();
  await rm(home, { recursive: true });
});

/** Writes a configuration with a storage folder of its own, which has the key of the first storage. */
async function configure(name: string, settings: object): Promise<string> {
  const storage = join(home, name);
  await mkdir(storage, { mode: 0o700 });
  await copyFile(join(home, 'embedded', 'secret.key'), join(storage, 'secret.key'));
  const file = join(home, `${name}.json`);
  await writeFile(file, JSON.stringify({ ...settings, secretKeyFile: join(storage, 'secret.key'), storage }));
  return file;
}

const words = (from: string, to: string) => [PROGRAM, 'migrate-storage', '--from', from, '--to', to, '--json'];
const migrate = (from: string, to: string) => runProgram(process.execPath, words(from, to), { timeoutSeconds: 300 });

/** Begins a move, and kills it as soon as the target has so many contents. */
async function killAt(from: string, to: string, wanted: number, contents: () => Promise<number>): Promise<void> {
  const running: ChildProcess = spawn(process.execPath, words(from, to), { stdio: 'ignore' });
  const ended = once(running, 'exit');
  await waitUntil(`${wanted} contents`, async () => (await contents()) >= wanted || running.exitCode !== null, 120);
  running.kill('SIGKILL');
  expect(await ended).toEqual([null, 'SIGKILL']);
}

/** ETags, sizes and ids of everything on the drive. */
async function listed(): Promise<string> {
  const body =
    '<propfind xmlns="DAV:"><prop><getetag/><getcontentlength/><fileid xmlns="http://owncloud.org/ns"/></prop></propfind>';
  const headers = { Authorization: server.authorization, Depth: 'infinity' };
  const answer = await fetch(server.pathMount, { method: 'PROPFIND', headers, body });
  expect(answer.status).toBe(207);
  return answer.text();
}

/** Serves another storage, with the same account. */
async function serve(name: string, settings: Record<string, unknown>): Promise<void> {
  const { driveId, user, password, accountPassword } = server;
  await server.stop();
  const account = { driveId, user, password, accountPassword };
  server = await bootServer({ storage: join(home, name), account, settings });
}

/** What rclone reads of the drive is the local tree, byte by byte. */
async function expectTree(): Promise<void> {
  const rclone = await Rclone.against(server);
  const { code, errors } = await rclone.try('check', '--download', join(home, 'tree'), 'other-path:tree');
  expect([code, errors]).toEqual([0, expect.stringContaining(' 0 differences found')]);
  await rclone.remove();
}

async function contentsOfCluster(): Promise<number> {
  const there = "SELECT to_regclass('content') IS NOT NULL AS yes";
  if ((await engines.ask(there))[0]!.yes !== true) return 0;
  return Number((await engines.ask('SELECT count(*) AS count FROM content'))[0]!.count);
}

async function contentsOf(folder: string): Promise<number> {
  try {
    const database = new Database(join(folder, 'firn.db'), { readonly: true });
    try {
      return database.prepare('SELECT count(*) FROM content').pluck().get() as number;
    } finally {
      database.close();
    }
  } catch {
    return 0; // Not made yet.
  }
}

describe('firn migrate-storage', () => {
  test('killed three times on the way to a cluster, and three times on the way back, it is the same to the last byte', async () => {
    for (let folder = 0; folder < FOLDERS; folder++) {
      await mkdir(join(home, 'tree', `folder ${folder}`), { recursive: true });
      for (let number = 0; number < FILES / FOLDERS; number++) {
        await writeFile(join(home, 'tree', `folder ${folder}`, `file ${number}`), randomBytes(FILE_BYTES));
      }
    }
    await writeFile(join(home, 'tree', 'small'), 'small');
    await writeFile(join(home, 'tree', 'large'), randomBytes(20_000_000));
    const rclone = await Rclone.against(server);
    await rclone.run('copy', '--transfers', '8', join(home, 'tree'), 'other-path:tree');
    await rclone.remove();
    const before = await listed();
    const clusterSettings = await engineSettings({ databaseUrl: engines.databaseUrl, s3: engines.ceph.settings }, home);
    await writeFile(join(home, 'embedded.json'), JSON.stringify({ storage: './embedded' }));
    const [embedded, cluster, again] = await Promise.all([
      join(home, 'embedded.json'),
      configure('cluster', clusterSettings),
      configure('again', {}),
    ]);

    expect(await migrate(embedded, cluster)).toEqual({
      code: 1,
      output: '',
      errors: `error: another Firn server is running on ${join(home, 'embedded')}\n`,
    });
    await server.stop();
    for (const wanted of [1, 501, 1_001]) await killAt(embedded, cluster, wanted, contentsOfCluster);
    const there = await migrate(embedded, cluster);
    expect(there).toMatchObject({ code: 0, errors: '' });
    expect(JSON.parse(there.output)).toMatchObject({ blobs: FILES + 1, problems: [], hasLeft: true });
    await serve('cluster', { ...clusterSettings, secretKeyFile: join(home, 'cluster', 'secret.key') });
    expect(await listed()).toBe(before);
    await expectTree();
    await server.stop();

    for (const wanted of [1, 501, 1_001]) await killAt(cluster, again, wanted, () => contentsOf(join(home, 'again')));
    expect(await migrate(cluster, again)).toMatchObject({ code: 0, errors: '' });
    await serve('again', {});
    expect(await listed()).toBe(before);
    await expectTree();
  }, 600_000);

  test.each([
    ['no target', [], /required option '--to <file>'/],
    ['a target that is not there', ['--to', '/nowhere.json'], /There is no \/nowhere.json, which --to names/],
    [
      'a source that is not there',
      ['--to', PROGRAM, '--from', '/nowhere.json'],
      /There is no \/nowhere.json, which --from names/,
    ],
  ])('%s is wrong usage', async (_what, parameters, message) => {
    const result = await runProgram(process.execPath, [PROGRAM, 'migrate-storage', ...parameters], { folder: home });
    expect([result.code, result.output, result.errors.trim().split('\n').length]).toEqual([2, '', 1]);
    expect(result.errors).toMatch(message);
  });
});
