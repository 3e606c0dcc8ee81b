import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { undoAtExit } from './at-exit.js';
import { freePort } from './free-port.js';
import { makeHome } from './postgres-server.js';

const START_MS = 30_000;

/** A pooler before a PostgreSQL on loopback. Each transaction has the connection of another. */
export class Pgbouncer {
  private constructor(
    readonly port: number,
    private readonly folder: string,
    private readonly process: ChildProcess,
  ) {}

  static async start(target: number): Promise<Pgbouncer> {
    const { user, folder } = await makeHome();
    const port = await freePort();
    const settings = [
      '[databases]',
      `* = host=127.0.0.1 port=${target} user=firn`,
      '[pgbouncer]',
      'listen_addr = 127.0.0.1',
      `listen_port = ${port}`,
      'unix_socket_dir =',
      'auth_type = any',
      'pool_mode = transaction',
      'default_pool_size = 12',
      'max_client_conn = 500',
    ];
    const file = join(folder, 'pgbouncer.ini');
    await writeFile(file, `${settings.join('\n')}\n`);
    const child = spawn('/usr/sbin/pgbouncer', ['-q', file], { ...user, cwd: folder, stdio: 'ignore' });
    child.once(
      'exit',
      undoAtExit(() => child.kill('SIGKILL')),
    );
    for (const giveUpAt = Date.now() + START_MS; !(await isOpen(port)); await wait(20)) {
      if (Date.now() > giveUpAt || child.exitCode !== null) throw new Error('pgbouncer did not start');
    }
    return new Pgbouncer(port, folder, child);
  }

  async stop(): Promise<void> {
    const ended = once(this.process, 'exit');
    this.process.kill('SIGTERM');
    await ended;
    await rm(this.folder, { recursive: true });
  }
}

async function isOpen(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
