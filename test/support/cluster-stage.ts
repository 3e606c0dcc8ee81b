import { rmSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { undoAtExit } from './at-exit.js';
import {
  type Account,
  type BootedServer,
  type BootOptions,
  type Command,
  createAccount,
  readPrintedAccount,
} from './boot-server.js';
import { ClusterEngines, type EngineAddresses, engineSettings } from './cluster-engines.js';
import { freePort } from './free-port.js';
import { Haproxy } from './haproxy.js';
import { resolveToLoopback } from './loopback-name.js';
import { mustRun } from './run-program.js';
import { root, ServerProcess } from './server-process.js';
import { makeThrowawayCa, type ThrowawayCa } from './throwaway-ca.js';

export interface ClusterOptions extends BootOptions {
  /** Three by default. */
  readonly nodes?: number;
  /** The balancer's; a free one by default. */
  readonly port?: number;
  /** Lines of postgresql.conf. */
  readonly postgres?: readonly string[];
  /** What stands between the nodes and the engines; nothing by default. By the node's number. */
  readonly between?: (engines: ClusterEngines) => Promise<(node: number) => Partial<EngineAddresses>>;
  /** Added to the environment of one node. */
  readonly environmentOf?: (node: number) => Record<string, string>;
}

/** One of the servers of a cluster; its port stays the same over all its runs. */
export class ClusterNode extends ServerProcess {
  constructor(
    readonly name: string,
    readonly port: number,
    readonly storage: string,
    environment: Record<string, string>,
    onLog: (text: string) => void,
  ) {
    super({ ...environment, FIRN_STORAGE: storage, FIRN_HOST: '127.0.0.1', FIRN_PORT: String(port) }, onLog);
  }

  /** As a machine whose processes stand still: its connections stay, and nothing comes. */
  freeze(): void {
    process.kill(this.pid, 'SIGSTOP');
  }

  thaw(): void {
    process.kill(this.pid, 'SIGCONT');
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }
}

/** PostgreSQL, an object storage, nodes and a balancer, all on loopback and gone with this process. */
export class Cluster {
  private constructor(
    readonly engines: ClusterEngines,
    readonly nodes: readonly ClusterNode[],
    readonly balancer: Haproxy,
    /** All nodes as one server: its address is the balancer's. */
    readonly server: BootedServer,
    /** The configuration of a command beside the nodes. */
    readonly configFile: string,
    /** Ends all at once, in no order, and removes it. */
    readonly discard: () => Promise<void>,
  ) {}

  static async start(options: ClusterOptions = {}): Promise<Cluster> {
    const folder = await mkdtemp(path.join(tmpdir(), 'firn-cluster-'));
    const undos: (() => unknown)[] = [undoAtExit(() => rmSync(folder, { recursive: true, force: true }))];
    undos.push(() => rm(folder, { recursive: true, force: true }));
    const remove = async () => {
      for (const undo of undos.splice(0).reverse()) await undo();
    };
    try {
      return await Cluster.#make(folder, options, undos, remove);
    } catch (cause) {
      await remove();
      throw cause;
    }
  }

  /** The address of the drive at one node, without the balancer. */
  mountOf(node: number): string {
    return `${this.nodes[node]!.url}/dav/${this.server.driveId}/`;
  }

  remove(): Promise<void> {
    return this.server.remove();
  }

  static async #make(
    folder: string,
    options: ClusterOptions,
    undos: (() => unknown)[],
    remove: () => Promise<void>,
  ): Promise<Cluster> {
    const engines = await ClusterEngines.start(options.postgres);
    undos.push(() => engines.stop());
    const { nodes, command, configFile, logs } = await makeNodes(folder, engines, options);
    undos.push(() => Promise.all(nodes.map((node) => node.kill())));
    const driveName = options.driveName ?? 'Team drive';
    const made = options.account ?? (options.isNew ? null : await createAccount(command, driveName));
    const driveHost = `${made?.driveId ?? '*'}.connect.localhost`;
    if (options.hostMount) undos.push(await resolveToLoopback(driveHost));
    const ca = options.tls ? await makeThrowawayCa(folder, ['localhost', driveHost]) : null;
    await Promise.all(nodes.map((node) => node.start()));
    const account = made ?? readPrintedAccount(nodes.map(({ log }) => log).join('\n'));
    const balancer = await Haproxy.web(nodes, { port: options.port, certificate: ca && (await joinPem(folder, ca)) });
    undos.push(() => balancer.stop());
    const front = { driveName, driveHost, ca, command, account, balancer, logs, remove };
    return new Cluster(engines, nodes, balancer, describeCluster(nodes, front), configFile, remove);
  }
}

async function makeNodes(
  folder: string,
  engines: ClusterEngines,
  { nodes: count = 3, between, settings, environment, environmentOf }: ClusterOptions,
): Promise<{ nodes: ClusterNode[]; command: Command; configFile: string; logs: () => string }> {
  const addresses = { databaseUrl: engines.databaseUrl, s3: engines.ceph.settings };
  const addressesOf: (node: number) => Partial<EngineAddresses> = (await between?.(engines)) ?? (() => ({}));
  const keys = await engineSettings(addresses, folder);
  const nodes: ClusterNode[] = [];
  const together = { log: '' };
  const onLog = (text: string) => {
    together.log += text;
  };
  for (let number = 0; number < count; number++) {
    const name = `node${number + 1}`;
    const own = addressesOf(number);
    const database = own.databaseUrl ? { metadata: { engine: 'postgres', url: own.databaseUrl } } : {};
    const file = path.join(folder, `${name}.json`);
    const all = { ...keys, ...database, ...settings };
    if (own.s3)
      Object.assign(all, { blobs: { ...(all as { blobs: object }).blobs, endpoint: own.s3.endpoint.origin } });
    await writeFile(file, JSON.stringify(all), { mode: 0o600 });
    const around = { FIRN_CONFIG: file, FIRN_LOG_LEVEL: 'warn', ...environment, ...environmentOf?.(number) };
    nodes.push(new ClusterNode(name, await freePort(), path.join(folder, name), around, onLog));
  }
  const file = path.join(folder, 'command.json');
  const database = addressesOf(0).databaseUrl;
  const metadata = database ? { metadata: { engine: 'postgres', url: database } } : {};
  await writeFile(file, JSON.stringify({ ...keys, ...metadata, ...settings }), { mode: 0o600 });
  const around = { FIRN_CONFIG: file, FIRN_LOG_LEVEL: 'warn', FIRN_STORAGE: path.join(folder, 'command') };
  const command: Command = (parameters, input = '') =>
    mustRun(process.execPath, [path.join(root, 'bin', 'firn.js'), ...parameters], {
      environment: { ...around, ...environment },
      input,
    });
  return { nodes, command, configFile: file, logs: () => together.log };
}

/** haproxy wants the certificate and its key in one file. */
export async function joinPem(folder: string, { certificateFile, keyFile }: ThrowawayCa): Promise<string> {
  const file = path.join(folder, 'balancer.pem');
  const texts = await Promise.all([certificateFile, keyFile].map((name) => readFile(name, 'utf8')));
  await writeFile(file, texts.join(''), { mode: 0o600 });
  return file;
}

/** All nodes behind the balancer, as the scenarios of one server see them. */
function describeCluster(
  nodes: readonly ClusterNode[],
  front: {
    driveName: string;
    driveHost: string;
    ca: ThrowawayCa | null;
    command: Command;
    account: Account;
    balancer: Haproxy;
    /** Of all nodes, as it came. */
    logs: () => string;
    remove: () => Promise<void>;
  },
): BootedServer {
  const { account, ca, driveName, driveHost, command, balancer, logs, remove } = front;
  const [scheme, port] = [ca ? 'https' : 'http', balancer.port];
  const url = `${scheme}://127.0.0.1:${port}`;
  const all = (work: (node: ClusterNode) => Promise<void>) => async () => void (await Promise.all(nodes.map(work)));
  const stop = all((node) => node.stop());
  return {
    ...account,
    ...{ driveName, ca, url, port, stop },
    authorization: `Basic ${Buffer.from(`${account.user}:${account.password}`).toString('base64')}`,
    pathMount: `${url}/dav/${account.driveId}/`,
    hostMount: `${scheme}://${driveHost}:${port}/`,
    storage: nodes[0]!.storage,
    processes: nodes,
    get pid() {
      return nodes[0]!.pid;
    },
    firn: (...parameters) => command(parameters),
    kill: all((node) => node.kill()),
    ended: all((node) => node.ended()),
    restart: all((node) => node.restart()),
    logs,
    remove: async () => {
      try {
        await stop();
      } finally {
        await remove();
      }
    },
  };
}
