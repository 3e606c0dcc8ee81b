import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { resolveToLoopback } from './loopback-name.js';
import { mustRun } from './run-program.js';
import { root, ServerProcess } from './server-process.js';
import { makeThrowawayCa, type ThrowawayCa } from './throwaway-ca.js';

export interface BootOptions {
  driveName?: string;
  /** Added to the environment of the server and of the command line. */
  environment?: Record<string, string>;
  /** The drive's own host (`ID.connect.localhost`) is made to resolve here; off by default. */
  hostMount?: boolean;
  /** Serves TLS with a certificate of a throw-away authority, `BootedServer.ca`; addresses are then https. */
  tls?: boolean;
  /** Settings of the configuration file. */
  settings?: Record<string, unknown>;
  /** Where the storage is, or comes to be; a temporary folder by default. It stays after `remove()`. */
  storage?: string;
  /** The user and drive that the storage has already. */
  account?: Account;
  /** Starts on no storage at all, as `npm start` does: user, password and drive are those that the server prints. */
  isNew?: boolean;
}

/** A running `node dist/main.js` with one user and one drive of theirs, made through the real command line. */
export interface BootedServer {
  /** `http://127.0.0.1:PORT`, without a slash at the end; another one after `restart()`, as are `port` and `pid`. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** The two addresses of the drive, each with a slash at the end. */
  readonly pathMount: string;
  readonly hostMount: string;
  readonly driveId: string;
  readonly driveName: string;
  readonly user: string;
  /** An app password without limits. */
  readonly password: string;
  readonly accountPassword: string;
  /** The header value for `user` and `password`. */
  readonly authorization: string;
  readonly storage: string;
  /** Null without TLS. */
  readonly ca: ThrowawayCa | null;
  /** The server, or the nodes of a cluster behind `url`. */
  readonly processes: readonly { readonly url: string; readonly log: string }[];
  /** Runs the command line beside the server; returns its standard output, throws when it fails. */
  firn(...parameters: string[]): Promise<string>;
  /** SIGTERM, then waits for the end; throws where the server has to be killed or its exit code is not 0. */
  stop(): Promise<void>;
  /** SIGKILL, then waits for the end. */
  kill(): Promise<void>;
  /** Resolves when the server has ended, by itself or not; at once where it doesn't run. */
  ended(): Promise<void>;
  /** Starts the server again on the same storage; stops it first where it runs. */
  restart(): Promise<void>;
  /** The last of what the server wrote to standard output and standard error, over all its runs. */
  logs(): string;
  /** Stops the server where it runs, and removes the storage. */
  remove(): Promise<void>;
}

/** The command line beside the server, with its environment. */
export type Command = (parameters: string[], input?: string) => Promise<string>;

export interface Account {
  driveId: string;
  user: string;
  password: string;
  accountPassword: string;
}

export async function createAccount(command: Command, driveName: string): Promise<Account> {
  const user = 'alice@example.org';
  const accountPassword = randomBytes(12).toString('hex');
  await command(['user', 'create', user, '--name', 'Alice', '--password-stdin'], `${accountPassword}\n`);
  const driveId = /\d{6,}/.exec(await command(['drive', 'create', driveName, '--owner', user]))?.[0];
  if (driveId === undefined) throw new Error('firn drive create printed no ID');
  const password = (await command(['app-password', 'create', user, 'test suite'])).trim();
  return { driveId, user, password, accountPassword };
}

/** What a first start prints, this once. */
export function readPrintedAccount(printed: string): Account {
  const read = (name: string) => new RegExp(`^  ${name} +(\\S+)$`, 'm').exec(printed)?.[1];
  const [address, user, password] = [read('address'), read('user'), read('password')];
  const driveId = /(\d{6,})\/$/.exec(address ?? '')?.[1];
  if (driveId === undefined || user === undefined || password === undefined) {
    throw new Error(`a first start does not say how to connect:\n${printed}`);
  }
  return { driveId, user, password, accountPassword: password };
}

/** What `bootServer` hands out: the running process, its account and its addresses. */
function describeServer(
  server: ServerProcess,
  account: Account,
  rest: {
    driveName: string;
    driveHost: string;
    storage: string;
    ca: ThrowawayCa | null;
    command: Command;
    forget: () => Promise<void>;
  },
): BootedServer {
  const { driveName, driveHost, storage, ca, command, forget } = rest;
  return {
    ...account,
    driveName,
    storage,
    ca,
    processes: [server],
    authorization: `Basic ${Buffer.from(`${account.user}:${account.password}`).toString('base64')}`,
    get url() {
      return server.url;
    },
    get port() {
      return Number(new URL(server.url).port);
    },
    get pid() {
      return server.pid;
    },
    get pathMount() {
      return `${server.url}/dav/${account.driveId}/`;
    },
    get hostMount() {
      const { protocol, port } = new URL(server.url);
      return `${protocol}//${driveHost}:${port}/`;
    },
    firn: (...parameters) => command(parameters),
    stop: () => server.stop(),
    kill: () => server.kill(),
    ended: () => server.ended(),
    restart: async () => {
      await server.stop();
      await server.start();
    },
    logs: () => server.log,
    remove: async () => {
      try {
        await server.stop();
      } finally {
        await forget();
      }
    },
  };
}

/** Makes a temporary storage, a user, a drive and an app password through `bin/firn.js`, and starts the server. */
export async function bootServer(options: BootOptions = {}): Promise<BootedServer> {
  // The same scenarios on several nodes: those that name a storage folder are about one server.
  if (process.env.FIRN_TEST_ENGINE === 'cluster' && options.storage === undefined) {
    const { Cluster } = await import('./cluster-stage.js');
    return (await Cluster.start(options)).server;
  }
  const driveName = options.driveName ?? 'Team drive';
  const folder = await mkdtemp(path.join(tmpdir(), 'firn-test-'));
  const storage = options.storage ?? path.join(folder, 'storage');
  const configFile = path.join(folder, 'firn.config.json');
  const environment = {
    FIRN_CONFIG: configFile,
    FIRN_STORAGE: storage,
    FIRN_HOST: '127.0.0.1',
    FIRN_PORT: '0',
    FIRN_LOG_LEVEL: 'warn',
    ...options.environment,
  };
  await writeFile(configFile, JSON.stringify(options.settings ?? {}));
  const command: Command = (parameters, input = '') =>
    mustRun(process.execPath, [path.join(root, 'bin', 'firn.js'), ...parameters], { environment, input });
  const server = new ServerProcess(environment);
  let forgetName = async () => {};
  const forget = async () => {
    await forgetName();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const made = options.account ?? (options.isNew ? null : await createAccount(command, driveName));
    const driveHost = `${made?.driveId ?? '*'}.connect.localhost`;
    if (options.hostMount) forgetName = await resolveToLoopback(driveHost);
    const ca = options.tls ? await makeThrowawayCa(folder, ['localhost', driveHost]) : null;
    const tls = ca ? { tlsCertificate: ca.certificateFile, tlsKey: ca.keyFile } : {};
    await writeFile(configFile, JSON.stringify({ ...options.settings, ...tls }));
    await server.start();
    const account = made ?? readPrintedAccount(server.log);
    return describeServer(server, account, { driveName, driveHost, storage, ca, command, forget });
  } catch (cause) {
    await server.kill();
    await forget();
    throw cause;
  }
}
