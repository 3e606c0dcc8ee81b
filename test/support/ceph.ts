import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { closeSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { S3Sender, type S3Settings } from '../../src/engines/s3/s3-request.js';
import { undoAtExit } from './at-exit.js';
import { freePort } from './free-port.js';
import { mustRun, runProgram } from './run-program.js';

/** One monitor, one disk in memory and one gateway of Ceph, all of this process and on loopback. Takes some 4 s. */
export class Ceph {
  readonly #folder: string;
  readonly #daemons: ChildProcess[] = [];
  readonly #environment: { readonly CEPH_CONF: string };
  readonly #forget: () => void;
  #gateway: ChildProcess | null = null;
  #settings: S3Settings | null = null;

  private constructor(folder: string) {
    this.#folder = folder;
    this.#environment = { CEPH_CONF: join(folder, 'ceph.conf') };
    this.#forget = undoAtExit(() => {
      this.#signalAll();
      rmSync(folder, { recursive: true, force: true });
    });
  }

  static async start(): Promise<Ceph> {
    const folder = await mkdtemp(join(tmpdir(), 'firn-ceph-'));
    for (const name of ['mon', 'osd', 'rgw', 'run']) mkdirSync(join(folder, name));
    const ceph = new Ceph(folder);
    try {
      await ceph.#boot();
      return ceph;
    } catch (error) {
      await ceph.close();
      throw error;
    }
  }

  get settings(): S3Settings {
    return this.#settings!;
  }

  /** SIGKILL: what it was at work on is cut off. What it has acknowledged is on the disk's process. */
  async killGateway(): Promise<void> {
    const ended = endOf(this.#gateway!);
    this.#gateway!.kill('SIGKILL');
    await ended;
    this.#daemons.splice(this.#daemons.indexOf(this.#gateway!), 1);
  }

  async startGateway(endpoint = this.settings.endpoint): Promise<void> {
    this.#gateway = this.#daemon('radosgw', '-n', 'client.rgw', '-f');
    await until('radosgw answers', async () => (await fetch(endpoint)).ok);
  }

  async close(): Promise<void> {
    const ended = this.#daemons.map((daemon) => endOf(daemon));
    this.#signalAll();
    await Promise.all(ended);
    await rm(this.#folder, { recursive: true, force: true });
    this.#forget();
  }

  #signalAll(): void {
    for (const daemon of [...this.#daemons].reverse()) daemon.kill('SIGKILL');
  }

  #run(program: string, ...parameters: string[]): Promise<string> {
    return mustRun(program, parameters, { environment: this.#environment });
  }

  #daemon(name: string, ...parameters: string[]): ChildProcess {
    const output = openSync(join(this.#folder, `${name}.out`), 'a');
    const env = { ...process.env, ...this.#environment };
    const child = spawn(name, parameters, { env, stdio: ['ignore', output, output] });
    closeSync(output);
    this.#daemons.push(child);
    return child;
  }

  async #boot(): Promise<void> {
    const [folder, monitorPort, port] = [this.#folder, await freePort(), await freePort()];
    const endpoint = new URL(`http://127.0.0.1:${port}`);
    const fsid = randomUUID();
    await writeFile(this.#environment.CEPH_CONF, cephConfig({ folder, monitorPort, port, fsid }));
    const [map, keyring] = [join(folder, 'monmap'), join(folder, 'keyring')];
    await writeFile(keyring, '');
    const monitor = ['--addv', 'a', `[v2:127.0.0.1:${monitorPort}/0]`];
    await this.#run('monmaptool', '--create', '--fsid', fsid, ...monitor, ...MONITOR_MAP, map);
    await this.#run('ceph-mon', '-i', 'a', '--mkfs', '--monmap', map, '--keyring', keyring);
    this.#daemon('ceph-mon', '-i', 'a', '-f');
    const disk = randomUUID();
    await this.#run('ceph', '--connect-timeout', '20', 'osd', 'new', disk, '0');
    await this.#run('ceph-osd', '-i', '0', '--mkfs', '--osd-uuid', disk);
    this.#daemon('ceph-osd', '-i', '0', '-f');
    await until('the disk of Ceph is up', async () =>
      /1 up/.test((await runProgram('ceph', ['osd', 'stat'], { environment: this.#environment })).output),
    );
    const secrets = await this.#makeUser();
    await this.startGateway(endpoint);
    this.#settings = { endpoint, bucket: 'firn', region: 'us-east-1', ...secrets, isPathStyle: true, ca: null };
    await new S3Sender(this.#settings).send({ method: 'PUT', key: null }, async (response) => void response.resume());
  }

  /** The keys come from Ceph: on its command line all could read them. */
  async #makeUser(): Promise<{ accessKey: string; secretKey: string }> {
    const user = ['user', 'create', '--uid=firn', '--display-name=firn'];
    const made = JSON.parse(await this.#run('radosgw-admin', '-n', 'client.rgw', ...user)) as {
      keys: { access_key: string; secret_key: string }[];
    };
    const [key] = made.keys;
    return { accessKey: key!.access_key, secretKey: key!.secret_key };
  }
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
