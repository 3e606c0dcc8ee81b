import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { freePort } from './free-port.js';
import { mustRun } from './run-program.js';

/** Debian's: the oldest that Firn takes. */
const PROGRAMS = process.env.FIRN_TEST_POSTGRES ?? '/usr/lib/postgresql/15/bin';
const START_MS = 30_000;

/** A throw-away PostgreSQL on loopback. Its superuser is `firn`, without a password. */
export class PostgresServer {
  private constructor(
    readonly folder: string,
    readonly port: number,
    private readonly user: { readonly uid: number; readonly gid: number } | null,
    private process: ChildProcess,
  ) {}

  /** `settings`: lines of postgresql.conf; a server for tests alone syncs nothing unless they say so. */
  static async start(settings: readonly string[] = UNSAFE): Promise<PostgresServer> {
    const user = userInfo().uid === 0 ? await userOf('postgres') : null;
    const folder = await mkdtemp(join(tmpdir(), 'firn-postgres-'));
    if (user) await chown(folder, user.uid, user.gid);
    const data = join(folder, 'data');
    const port = await freePort();
    await mustRunAs(user, `${PROGRAMS}/initdb`, ['-D', data, '-U', 'firn', '-A', 'trust', '-E', 'UTF8', ...LOCALE]);
    const own = [`port = ${port}`, `unix_socket_directories = '${folder}'`, ...SETTINGS, ...settings];
    await appendFile(join(data, 'postgresql.conf'), `${own.join('\n')}\n`);
    const server = new PostgresServer(folder, port, user, run(user, data));
    await server.#isReady();
    return server;
  }

  url(database: string): string {
    return `postgres://firn@127.0.0.1:${this.port}/${database}`;
  }

  /** As a crash of the machine's process: nothing is closed. */
  async crash(): Promise<void> {
    await this.#end('SIGQUIT');
  }

  async restart(): Promise<void> {
    this.process = run(this.user, join(this.folder, 'data'));
    await this.#isReady();
  }

  async stop(): Promise<void> {
    await this.#end('SIGINT');
    await rm(this.folder, { recursive: true });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const ended = once(this.process, 'exit');
    this.process.kill(signal);
    await ended;
  }

  async #isReady(): Promise<void> {
    for (const giveUpAt = Date.now() + START_MS; ; await wait(20)) {
      const client = new pg.Client({ connectionString: this.url('postgres') });
      try {
        await client.connect();
        await client.end();
        return;
      } catch (cause) {
        if (Date.now() > giveUpAt || this.process.exitCode !== null) {
          throw new Error('PostgreSQL did not start', { cause });
        }
      }
    }
  }
}

const LOCALE = ['--locale=C.UTF-8', '--no-sync'];
const SETTINGS = ["listen_addresses = '127.0.0.1'", 'max_connections = 100', 'log_min_messages = warning'];
const UNSAFE = ['fsync = off', 'full_page_writes = off', 'autovacuum = off', 'shared_buffers = 64MB'];

async function userOf(name: string): Promise<{ uid: number; gid: number }> {
  const [uid, gid] = await Promise.all(['-u', '-g'].map(async (what) => Number(await mustRun('id', [what, name]))));
  return { uid: uid!, gid: gid! };
}

function run(user: { uid: number; gid: number } | null, data: string): ChildProcess {
  const server = spawn(`${PROGRAMS}/postgres`, ['-D', data], { ...user, cwd: data, stdio: 'ignore' });
  // A test that is broken off leaves none behind.
  process.once('exit', () => server.kill('SIGQUIT'));
  return server;
}

async function mustRunAs(
  user: { uid: number; gid: number } | null,
  program: string,
  parameters: readonly string[],
): Promise<void> {
  const child = spawn(program, parameters, { ...user, cwd: tmpdir(), stdio: ['ignore', 'ignore', 'pipe'] });
  const errors: Buffer[] = [];
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  const [code] = (await once(child, 'close')) as [number];
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${Buffer.concat(errors).toString()}`);
}
