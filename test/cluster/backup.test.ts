import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { readConfig } from '../../src/config.js';
import { Cluster } from '../support/cluster-stage.js';
import { NodeRequests } from '../support/node-requests.js';
import { mustRun, waitUntil } from '../support/run-program.js';
import { root, ServerProcess } from '../support/server-process.js';

const undos: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const undo of undos.splice(0).reverse()) await undo();
});

test('a base backup and the log of PostgreSQL, restored to a moment: every file of that moment is there, with the bucket as it is now', {
  timeout: 180_000,
}, async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'firn-backup-'));
  undos.push(() => rm(folder, { recursive: true, force: true }));
  // PostgreSQL isn't root.
  await chmod(folder, 0o777);
  const archive = (name: string) => path.join(folder, name);
  const cluster = await Cluster.start({
    postgres: ['archive_mode = on', `archive_command = 'cp %p ${folder}/%f'`],
  });
  undos.push(() => cluster.remove());
  const nodes = new NodeRequests(cluster);
  undos.push(async () => nodes.close());
  const files = new Map(
    [100, 20_000, 300_000, 9_000_000].map((size, index) => [`file-${index}`, randomBytes(size)] as const),
  );
  const put = async (name: string, bytes: Buffer) =>
    expect((await nodes.drive(0, 'PUT', name, {}, bytes)).status).toBeLessThan(300);

  await put('before', Buffer.from('the backup'));
  const { primary } = cluster.engines;
  await primary.baseBackup(archive('base'));
  for (const [name, bytes] of files) await put(name, bytes);
  const [{ moment }] = (await primary.ask('SELECT clock_timestamp()::text AS moment')) as [{ moment: string }];

  // What comes after the moment: one file is overwritten, one deleted for good, one is new; and the collector runs.
  await put('file-1', Buffer.from('overwritten'));
  for (const name of ['file-2', 'Trash/file-2']) expect((await nodes.drive(1, 'DELETE', name)).status).toBe(204);
  await put('after', randomBytes(50_000));
  await cluster.server.firn('gc');
  const [{ segment }] = (await primary.ask('SELECT pg_walfile_name(pg_switch_wal()) AS segment')) as [
    { segment: string },
  ];
  await waitUntil('the log is archived', async () => (await readdir(folder)).includes(segment));
  await Promise.all(cluster.nodes.map((node) => node.stop()));

  const restored = await primary.restore(archive('base'), folder, moment);
  undos.push(() => restored.stop());
  const config = readConfig({ FIRN_CONFIG: cluster.configFile });
  const file = path.join(folder, 'restored.json');
  const { blobs, secretKeyFile } = config;
  const metadata = { engine: 'postgres', url: restored.url('firn') };
  await writeFile(file, JSON.stringify({ metadata, blobs, secretKeyFile }), { mode: 0o600 });
  const environment = { FIRN_CONFIG: file, FIRN_STORAGE: archive('restored'), FIRN_PORT: '0', FIRN_HOST: '127.0.0.1' };
  const server = new ServerProcess(environment);
  await server.start();
  undos.push(() => server.stop());
  const headers = { authorization: cluster.server.authorization };
  const get = (name: string) => fetch(`${server.url}/dav/${cluster.server.driveId}/${name}`, { headers });
  for (const [name, bytes] of files) {
    expect(Buffer.from(await (await get(name)).arrayBuffer()).equals(bytes), name).toBe(true);
  }
  expect((await get('after')).status).toBe(404);
  // Every byte that is named is read; a non-zero exit code throws.
  await mustRun(process.execPath, [path.join(root, 'bin', 'firn.js'), 'fsck'], { environment });
});
