import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Logger, pino } from 'pino';
import { onTestFinished } from 'vitest';
import { type Config, readConfig } from '../../src/config.js';
import type { Parts } from '../../src/parts.js';
import { type RunningServer, startServer } from '../../src/server.js';
import { checkAnswer } from './check-answer.js';
import { TestPostgres } from './engines.js';
import { type Answer, type RequestOptions, sendRequest } from './http-client.js';
import { authorizationOf, emailOf, PASSWORD } from './make-server.js';
import { newPrefix, useS3Server } from './s3-server.js';

/** A server of a cluster, in this process. */
export class ClusterServer {
  constructor(
    readonly running: RunningServer,
    readonly config: Config,
    /** What it logged from warnings on. */
    readonly logged: readonly string[],
  ) {}

  get parts(): Parts {
    return this.running.parts;
  }

  /** `path` is the whole request target. */
  async send(method: string, target: string, options: RequestOptions & { user?: string } = {}): Promise<Answer> {
    const { user, ...rest } = options;
    const headers = user === undefined ? rest.headers : { Authorization: authorizationOf(user), ...rest.headers };
    const port = Number(new URL(this.running.url).port);
    const answer = await sendRequest(port, method, target, { ...rest, ...(headers ? { headers } : {}) });
    checkAnswer(method, target, answer);
    return answer;
  }

  /** The first line of `/readyz`. */
  async readiness(): Promise<string> {
    return (await this.send('GET', '/readyz')).text.trimEnd();
  }

  /** Makes an administrator and a drive; the address of it. */
  async addUserWithDrive(name: string): Promise<string> {
    const { accounts } = this.parts;
    await accounts.createUser({ email: emailOf(name), name, password: PASSWORD, isAdmin: true });
    const drive = { id: null, name: 'Drive', ownerEmail: emailOf(name), quotaBytes: null, uploadMaxBytes: null };
    return `/dav/${(await accounts.createDrive(drive)).id}/`;
  }
}

/** Databases and a bucket for the tests of a file: each `make` is for a cluster that nobody has used. */
export function useClusters(): { make(settings?: Partial<Config>): Promise<ClusterPlace> } {
  const postgres = new TestPostgres();
  const storage = useS3Server();
  return {
    make: async (settings = {}) => {
      const folder = await mkdtemp(join(tmpdir(), 'firn-cluster-'));
      const { endpoint, bucket, region, accessKey, secretKey, isPathStyle: pathStyle } = storage.settings;
      const [accessKeyFile, secretKeyFile] = [join(folder, 'access.key'), join(folder, 'secret.key')];
      await writeFile(accessKeyFile, `${accessKey}\n${secretKey}\n`, { mode: 0o600 });
      await writeKey(secretKeyFile);
      const place = new ClusterPlace(folder, {
        metadata: { engine: 'postgres', url: await postgres.makeDatabase(), mayBeUnsafe: true } as Config['metadata'],
        blobs: {
          engine: 's3',
          endpoint: endpoint.origin,
          bucket,
          region,
          prefix: newPrefix(),
          accessKeyFile,
          pathStyle,
          caFile: null,
        },
        secretKeyFile,
        ...settings,
      });
      onTestFinished(() => place.end());
      return place;
    },
  };
}

export async function writeKey(file: string): Promise<void> {
  await writeFile(file, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
}

export class ClusterPlace {
  #servers: ClusterServer[] = [];
  #storages = 0;

  constructor(
    readonly folder: string,
    readonly settings: Partial<Config>,
  ) {}

  /** The settings of one more server, with an empty storage folder of its own. */
  config(settings: Partial<Config> = {}): Config {
    const storage = join(this.folder, `storage-${++this.#storages}`);
    const environment = { FIRN_HOST: '127.0.0.1', FIRN_PORT: '0', FIRN_STORAGE: storage };
    const config = readConfig(environment, this.folder);
    return { ...config, shutdownGraceSeconds: 0, ...this.settings, ...settings };
  }

  async start(settings: Partial<Config> = {}): Promise<ClusterServer> {
    const config = this.config(settings);
    const logged: string[] = [];
    const log: Logger = pino({ level: 'warn' }, { write: (line: string) => void logged.push(line) });
    const server = new ClusterServer(await startServer(config, log), config, logged);
    this.#servers.push(server);
    return server;
  }

  async stop(server: ClusterServer): Promise<void> {
    this.#servers = this.#servers.filter((other) => other !== server);
    await server.running.stop();
  }

  async end(): Promise<void> {
    for (const server of this.#servers) await server.running.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}
