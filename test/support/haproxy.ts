import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { undoAtExit } from './at-exit.js';
import { freePort } from './free-port.js';
import { waitUntil } from './run-program.js';

const SETTINGS = `global
  maxconn 2000
  hard-stop-after 2s
defaults
  option redispatch
  retries 3
  timeout connect 2s
  timeout queue 10s
  timeout client 10m
  timeout server 10m
  timeout check 2s
  default-server inter 500ms fastinter 100ms fall 2 rise 1
`;

export interface BalancedNode {
  readonly name: string;
  readonly port: number;
  /** Where it says whether it takes work, where that isn't its own port. */
  readonly checkPort?: number;
}

/** haproxy on loopback. */
export class Haproxy {
  private constructor(
    private readonly folder: string,
    readonly port: number,
    private readonly child: ChildProcess,
    private readonly forget: () => void,
  ) {}

  /** Each request goes to the next node that is ready; nothing is kept back, and nothing that was sent is sent twice. */
  static async web(
    nodes: readonly BalancedNode[],
    { port = 0, certificate }: { readonly port?: number | undefined; readonly certificate: string | null },
  ): Promise<Haproxy> {
    return Haproxy.#start(port || (await freePort()), (port) => [
      'frontend web',
      '  mode http',
      `  bind 127.0.0.1:${port}${certificate === null ? '' : ` ssl crt ${certificate}`}`,
      '  option forwardfor',
      `  http-request set-header X-Forwarded-Proto ${certificate === null ? 'http' : 'https'}`,
      '  default_backend nodes',
      'backend nodes',
      '  mode http',
      '  balance roundrobin',
      '  http-reuse safe',
      '  option httpchk GET /readyz',
      ...nodes.map(({ name, port: to }) => `  server ${name} 127.0.0.1:${to} check`),
    ]);
  }

  /** Leads to the database that calls itself the primary; connections to one that doesn't any more are cut. */
  static async primary(servers: readonly BalancedNode[]): Promise<Haproxy> {
    return Haproxy.#start(await freePort(), (port) => [
      'listen database',
      '  mode tcp',
      `  bind 127.0.0.1:${port}`,
      '  option tcpka',
      '  option httpchk GET /primary',
      '  default-server on-marked-down shutdown-sessions',
      ...servers.map(({ name, port: to, checkPort }) => `  server ${name} 127.0.0.1:${to} check port ${checkPort}`),
    ]);
  }

  static #start(port: number, describe: (port: number) => string[]): Promise<Haproxy> {
    return Haproxy.configured(port, `${SETTINGS}${describe(port).join('\n')}\n`);
  }

  /** By a whole configuration, which listens on the port. */
  static async configured(port: number, text: string): Promise<Haproxy> {
    const folder = await mkdtemp(join(tmpdir(), 'firn-haproxy-'));
    const file = join(folder, 'haproxy.cfg');
    await writeFile(file, text);
    let said = '';
    const child = spawn('/usr/sbin/haproxy', ['-db', '-f', file], { stdio: ['ignore', 'ignore', 'pipe'] });
    const forget = undoAtExit(() => child.kill('SIGKILL'));
    child.stderr!.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-20_000);
    });
    const haproxy = new Haproxy(folder, port, child, forget);
    try {
      await waitUntil('haproxy listens', async () => {
        if (child.exitCode !== null) throw new Error(`haproxy ended: ${said}`);
        return isListening(port);
      });
      return haproxy;
    } catch (error) {
      await haproxy.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const ended = once(this.child, 'exit');
      this.child.kill('SIGTERM');
      await ended;
    }
    this.forget();
    await rm(this.folder, { recursive: true, force: true });
  }
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
