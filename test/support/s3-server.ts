import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { closeSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll } from 'vitest';
import type { S3Client } from '../../src/engines/s3/s3-client.js';
import { S3Sender, type S3Settings } from '../../src/engines/s3/s3-request.js';
import { undoAtExit } from './at-exit.js';
import { freePort } from './free-port.js';
import { mustRun, runProgram } from './run-program.js';

/** An object storage with an empty bucket. */
export interface S3Server {
  readonly settings: S3Settings;
  close(): Promise<void>;
}

/**
 * An object storage for the tests of a file: the one that FIRN_TEST_S3 names, as
 * `http://KEY:SECRET@127.0.0.1:9000/BUCKET?region=us-east-1` (the bucket is there already; add `&style=host` where it belongs
 * in the host name), else a Ceph radosgw that is started for it.
 */
export function useS3Server(): { readonly settings: S3Settings } {
  let storage: S3Server | null = null;
  beforeAll(async () => {
    storage = await startS3Server();
  });
  afterAll(() => storage?.close());
  return {
    get settings() {
      return storage!.settings;
    },
  };
}

export async function startS3Server(): Promise<S3Server> {
  const named = process.env.FIRN_TEST_S3;
  return named ? { settings: settingsOf(new URL(named)), close: async () => {} } : startCeph();
}

/** A prefix of this test's own, so that tests share a bucket. */
export function newPrefix(): string {
  return `test-${randomUUID()}/`;
}

/** Deletes what is below a prefix, and ends uploads in parts there. */
export async function emptyPrefix(client: S3Client, prefix: string): Promise<void> {
  for await (const { key, uploadId } of client.listParts(prefix)) await client.abortParts(key, uploadId);
  const keys: string[] = [];
  for await (const { key } of client.list(prefix)) keys.push(key);
  await client.deleteAll(keys);
}

function settingsOf(url: URL): S3Settings {
  return {
    endpoint: new URL(url.origin),
    bucket: url.pathname.slice(1),
    region: url.searchParams.get('region') ?? 'us-east-1',
    accessKey: decodeURIComponent(url.username),
    secretKey: decodeURIComponent(url.password),
    isPathStyle: url.searchParams.get('style') !== 'host',
    ca: null,
  };
}

export async function makeBucket(settings: S3Settings): Promise<void> {
  await new S3Sender(settings).send({ method: 'PUT', key: null }, async (response) => void response.resume());
}

/** One monitor, one disk in memory and one gateway of Ceph, all of this process and on loopback. Takes some 4 s. */
async function startCeph(): Promise<S3Server> {
  const folder = await mkdtemp(join(tmpdir(), 'firn-ceph-'));
  for (const name of ['mon', 'osd', 'rgw', 'run']) mkdirSync(join(folder, name));
  const daemons: ChildProcess[] = [];
  const kill = () => {
    for (const daemon of daemons.reverse()) daemon.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  const forget = undoAtExit(kill);
  const close = async () => {
    const ended = daemons.map((daemon) => endOf(daemon));
    for (const daemon of daemons) daemon.kill('SIGKILL');
    await Promise.all(ended);
    await rm(folder, { recursive: true, force: true });
    forget();
  };
  try {
    return { settings: await bootCeph(folder, daemons), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function bootCeph(folder: string, daemons: ChildProcess[]): Promise<S3Settings> {
  const [monitorPort, port, fsid] = [await freePort(), await freePort(), randomUUID()];
  const environment = { CEPH_CONF: join(folder, 'ceph.conf') };
  const secrets = { accessKey: randomBytes(8).toString('hex'), secretKey: randomBytes(16).toString('hex') };
  await writeFile(environment.CEPH_CONF, cephConfig({ folder, monitorPort, port, fsid }));
  await writeFile(join(folder, 'keyring'), '');
  const run = (program: string, ...parameters: string[]) => mustRun(program, parameters, { environment });
  const daemon = (name: string, ...parameters: string[]) => {
    const output = openSync(join(folder, `${name}.out`), 'a');
    const child = spawn(name, parameters, {
      env: { ...process.env, ...environment },
      stdio: ['ignore', output, output],
    });
    closeSync(output);
    daemons.push(child);
    return child;
  };
  const map = join(folder, 'monmap');
  await run(
    'monmaptool',
    '--create',
    '--fsid',
    fsid,
    '--addv',
    'a',
    `[v2:127.0.0.1:${monitorPort}/0]`,
    ...MONITOR_MAP,
    map,
  );
  await run('ceph-mon', '-i', 'a', '--mkfs', '--monmap', map, '--keyring', join(folder, 'keyring'));
  daemon('ceph-mon', '-i', 'a', '-f');
  const disk = randomUUID();
  await run('ceph', '--connect-timeout', '20', 'osd', 'new', disk, '0');
  await run('ceph-osd', '-i', '0', '--mkfs', '--osd-uuid', disk);
  daemon('ceph-osd', '-i', '0', '-f');
  await until('the disk of Ceph is up', async () =>
    /1 up/.test((await runProgram('ceph', ['osd', 'stat'], { environment })).output),
  );
  const { accessKey, secretKey } = secrets;
  await run(
    'radosgw-admin',
    '-n',
    'client.rgw',
    'user',
    'create',
    '--uid=test',
    '--display-name=test',
    `--access-key=${accessKey}`,
    `--secret-key=${secretKey}`,
  );
  daemon('radosgw', '-n', 'client.rgw', '-f');
  const endpoint = new URL(`http://127.0.0.1:${port}`);
  await until('radosgw answers', async () => (await fetch(endpoint)).ok);
  const settings = { endpoint, bucket: 'firn', region: 'us-east-1', ...secrets, isPathStyle: true, ca: null };
  await makeBucket(settings);
  return settings;
}

const MONITOR_MAP = ['--set-min-mon-release', '16', '--enable-all-features'];

function cephConfig({
  folder,
  monitorPort,
  port,
  fsid,
}: {
  folder: string;
  monitorPort: number;
  port: number;
  fsid: string;
}): string {
  return `[global]
fsid = ${fsid}
mon host = [v2:127.0.0.1:${monitorPort}/0]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind ipv6 = false
ms bind msgr1 = false
auth cluster required = none
auth service required = none
auth client required = none
ms mon client mode = crc
ms mon service mode = crc
ms mon cluster mode = crc
run dir = ${folder}/run
admin socket = ${folder}/run/$name.asok
log file = ${folder}/$name.log
crash dir = ${folder}/run
pid file =
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pgp num = 8
osd crush chooseleaf type = 0
osd pool default pg autoscale mode = off
mon allow pool size one = true
mon warn on pool no redundancy = false
mon max pg per osd = 1000
mon data avail crit = 1
mon data avail warn = 2
paxos propose interval = 0.05
paxos min wait = 0.01
debug ms = 0
[mon.a]
mon data = ${folder}/mon
public addrv = [v2:127.0.0.1:${monitorPort}/0]
[osd.0]
osd data = ${folder}/osd
osd journal = ${folder}/osd/journal
osd objectstore = memstore
memstore device bytes = ${8 * 2 ** 30}
memstore page size = 1048576
osd memory target = 1073741824
osd op num shards = 2
osd op num threads per shard = 2
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:${port} tcp_nodelay=1
rgw data = ${folder}/rgw
rgw enable apis = s3, admin
rgw dns name =
rgw enable usage log = false
rgw enable gc threads = true
rgw gc obj min wait = 60
rgw gc processor period = 60
rgw thread pool size = 64
rgw enable lc threads = false
rgw run sync thread = false
rgw override bucket index max shards = 1
rgw dynamic resharding = false
`;
}

async function until(what: string, isTrue: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 60_000; Date.now() < end; await wait(50)) {
    if (await isTrue().catch(() => false)) return;
  }
  throw new Error(`${what}: not within a minute`);
}

function endOf(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => child.once('exit', () => resolve()));
}
