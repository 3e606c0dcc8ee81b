import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { S3Sender, type S3Settings } from '../../src/engines/s3/s3-request.js';
import { undoAtExit } from './at-exit.js';
import { freePort } from './free-port.js';
import { mustRun } from './run-program.js';

const START_MS = 120_000;
const KINDS = ['account', 'container', 'object'] as const;

/**
 * OpenStack Swift with its `s3api` on loopback: one server of each kind and memcached, without which its sign-in doesn't start. The folder
 * for temporary files has to keep extended attributes, as ext4 does. Takes some 15 s.
 */
export class Swift {
  readonly #daemons: ChildProcess[] = [];
  readonly #forget: () => void;

  private constructor(
    readonly folder: string,
    readonly settings: S3Settings,
  ) {
    this.#forget = undoAtExit(() => {
      this.#signalAll();
      rmSync(folder, { recursive: true, force: true });
    });
  }

  static async start(): Promise<Swift> {
    const folder = await mkdtemp(join(tmpdir(), 'firn-swift-'));
    for (const name of ['etc', 'devices/d1', 'cache', 'lock']) mkdirSync(join(folder, name), { recursive: true });
    const swift = new Swift(folder, {
      endpoint: new URL(`http://127.0.0.1:${await freePort()}`),
      bucket: 'firn',
      region: 'us-east-1',
      accessKey: 'test:tester',
      secretKey: randomBytes(16).toString('hex'),
      isPathStyle: true,
      ca: null,
    });
    try {
      await swift.#boot();
      return swift;
    } catch (error) {
      await swift.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    const ended = this.#daemons.map((daemon) => endOf(daemon));
    this.#signalAll();
    await Promise.all(ended);
    await rm(this.folder, { recursive: true, force: true });
    this.#forget();
  }

  #signalAll(): void {
    for (const daemon of [...this.#daemons].reverse()) daemon.kill('SIGKILL');
  }

  async #boot(): Promise<void> {
    const { endpoint, secretKey } = this.settings;
    const etc = join(this.folder, 'etc');
    const cachePort = await freePort();
    await writeFile(join(etc, 'swift.conf'), SWIFT);
    await writeFile(
      join(etc, 'proxy-server.conf'),
      proxyConfig({ etc, port: Number(endpoint.port), cachePort, secretKey }),
    );
    const ports = await Promise.all(KINDS.map(() => freePort()));
    await Promise.all(KINDS.map((kind, index) => this.#prepare(kind, ports[index]!)));
    this.#run('memcached', [
      '-u',
      userInfo().username,
      '-l',
      '127.0.0.1',
      '-p',
      `${cachePort}`,
      '-U',
      '0',
      '-m',
      '32',
      '-t',
      '1',
    ]);
    for (const kind of [...KINDS, 'proxy']) this.#run(`swift-${kind}-server`, [join(etc, `${kind}-server.conf`)]);
    await this.#until('the servers of Swift answer', async () => {
      const urls = [...ports.map((port) => `http://127.0.0.1:${port}`), endpoint.origin];
      const answers = await Promise.all(urls.map((url) => fetch(`${url}/healthcheck`)));
      return answers.at(-1)!.ok;
    });
    await this.#until('Swift makes a bucket', async () => {
      await new S3Sender(this.settings).send({ method: 'PUT', key: null }, async (response) => void response.resume());
      return true;
    });
  }

  /** The ring of one server, and its configuration. */
  async #prepare(kind: (typeof KINDS)[number], port: number): Promise<void> {
    const etc = join(this.folder, 'etc');
    const build = (...words: string[]) => mustRun('swift-ring-builder', [`${kind}.builder`, ...words], { folder: etc });
    await build('create', '6', '1', '0');
    await build('add', `r1z1-127.0.0.1:${port}/d1`, '100');
    await build('rebalance');
    await writeFile(join(etc, `${kind}-server.conf`), serverConfig(this.folder, kind, port));
  }

  #run(program: string, parameters: readonly string[]): void {
    const output = openSync(join(this.folder, `${program}.out`), 'a');
    const env = { ...process.env, PYTHONWARNINGS: 'ignore' };
    this.#daemons.push(spawn(program, parameters, { env, stdio: ['ignore', output, output] }));
    closeSync(output);
  }

  async #until(what: string, isTrue: () => Promise<boolean>): Promise<void> {
    for (const end = Date.now() + START_MS; Date.now() < end; await wait(100)) {
      if (await isTrue().catch(() => false)) return;
      if (this.#daemons.some(({ exitCode }) => exitCode !== null)) break;
    }
    const said = await readFile(join(this.folder, 'swift-proxy-server.out'), 'utf8');
    throw new Error(`${what}: it does not. ${said.slice(-2000)}`);
  }
}

const SWIFT = `[swift-hash]
swift_hash_path_prefix = firn
swift_hash_path_suffix = firn
[storage-policy:0]
name = default
default = yes
`;

/** One process, in which all is done: nothing is left where it is killed. */
const COMMON = `user = ${userInfo().username}
workers = 0
log_address = /dev/null
log_level = WARNING`;

function serverConfig(folder: string, kind: (typeof KINDS)[number], port: number): string {
  return `[DEFAULT]
bind_ip = 127.0.0.1
bind_port = ${port}
swift_dir = ${folder}/etc
devices = ${folder}/devices
mount_check = false
fallocate_reserve = 0
disable_fallocate = true
${COMMON}
[pipeline:main]
pipeline = ${kind}-server
[app:${kind}-server]
use = egg:swift#${kind}
log_requests = false
recon_cache_path = ${folder}/cache
recon_lock_path = ${folder}/lock
`;
}

function proxyConfig({
  etc,
  port,
  cachePort,
  secretKey,
}: {
  etc: string;
  port: number;
  cachePort: number;
  secretKey: string;
}): string {
  return `[DEFAULT]
bind_ip = 127.0.0.1
bind_port = ${port}
swift_dir = ${etc}
${COMMON}
[pipeline:main]
pipeline = catch_errors gatekeeper healthcheck cache bulk s3api tempauth copy slo dlo versioned_writes symlink proxy-server
[app:proxy-server]
use = egg:swift#proxy
allow_account_management = true
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:healthcheck]
use = egg:swift#healthcheck
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:${cachePort}
[filter:bulk]
use = egg:swift#bulk
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
dns_compliant_bucket_names = true
check_bucket_owner = false
s3_acl = false
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = ${secretKey} .admin
[filter:copy]
use = egg:swift#copy
[filter:slo]
use = egg:swift#slo
[filter:dlo]
use = egg:swift#dlo
[filter:versioned_writes]
use = egg:swift#versioned_writes
allow_object_versioning = true
[filter:symlink]
use = egg:swift#symlink
`;
}

function endOf(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => child.once('exit', () => resolve()));
}
