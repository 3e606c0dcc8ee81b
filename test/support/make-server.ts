import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type Logger, pino } from 'pino';
import { Accounts } from '../../src/accounts/accounts.js';
import { Audit } from '../../src/accounts/audit.js';
import { Passwords } from '../../src/accounts/passwords.js';
import { makeRecoveryCodes } from '../../src/accounts/recovery-codes.js';
import { SecretBox } from '../../src/accounts/secret-box.js';
import { findTotpStep, makeTotpSecret, totpCode } from '../../src/accounts/totp.js';
import { type Config, readConfig } from '../../src/config.js';
import type { Engines } from '../../src/engines/open-engines.js';
import { readStorageKey, SECRET_KEY } from '../../src/engines/storage-key.js';
import { type RunningServer, startServer } from '../../src/server.js';
import type { Allowance, Role, UserRow } from '../../src/stores/account-store.js';
import type { LockToken, NodeId } from '../../src/stores/values.js';
import { checkAnswer } from './check-answer.js';
import { type Answer, Connection, type RequestOptions, sendRequest } from './http-client.js';
import { waitUntil } from './run-program.js';
import type { SharedEngines } from './shared-engines.js';
import { type Stores, singleCalls } from './single-calls.js';
import { Turns } from './turns.js';

export const DRIVE_ID = 123456;
export const DRIVE_NAME = 'Drive';
/** Every user's account password; argon2 is slow, so tests make few users. */
export const PASSWORD = 'grey otters like cold rivers';

/** Requests on one drive by one user: `request('PUT', '/a.txt', { body: 'x' })`. Paths are sent as they are given. */
export type DriveRequest = (method: string, path: string, options?: RequestOptions) => Promise<Answer>;

/** Connections go to so many servers by turns, where FIRN_TEST_ENGINE is `cluster`. */
const NODES = 3;

/**
 * The real server in this process, on a temporary folder, with a manager, alice, and her drive. Where FIRN_TEST_ENGINE is
 * `cluster` it is three servers on PostgreSQL and an object storage, and each connection goes to another one; but for tests that
 * choose an engine themselves.
 */
export class TestServer {
  readonly #folder: string;
  readonly #log: Logger;
  readonly #passwords = new Passwords();
  readonly #shared: SharedEngines | null;
  #nodes: readonly RunningServer[];
  /** What stands before several servers. */
  #turns: Turns | null = null;
  /** What the server logged as errors: defects. `stop` throws when there are any. */
  readonly defects: string[];

  private constructor(
    public config: Config,
    folder: string,
    log: Logger,
    defects: string[],
    nodes: readonly RunningServer[],
    shared: SharedEngines | null,
  ) {
    this.#folder = folder;
    this.#log = log;
    this.defects = defects;
    this.#nodes = nodes;
    this.#shared = shared;
  }

  static async start(settings: Partial<Config> = {}): Promise<TestServer> {
    const folder = await mkdtemp(path.join(tmpdir(), 'firn-test-'));
    const environment = { FIRN_HOST: '127.0.0.1', FIRN_PORT: '0', FIRN_STORAGE: path.join(folder, 'storage') };
    const shared = isSpread(settings) ? await (await import('./shared-engines.js')).sharedEngines(folder) : null;
    const config = {
      ...readConfig(environment, folder),
      shutdownGraceSeconds: 0,
      ...answerCache(),
      ...shared?.settings,
      ...settings,
    };
    const defects: string[] = [];
    const log = pino({ level: 'error' }, { write: (line: string) => void defects.push(line) });
    const server = new TestServer(config, folder, log, defects, await startNodes(config, log), shared);
    if (shared) server.#turns = await Turns.before(server.#ports());
    await server.addUser('alice');
    await server.addDrive();
    return server;
  }

  get engines(): Engines {
    return this.#nodes[0]!.parts.engines;
  }

  /** Each call a transaction of its own. */
  get stores(): Stores {
    return singleCalls(this.engines.metadata);
  }

  get accounts(): Accounts {
    return new Accounts(this.engines.metadata, this.#passwords, {
      uploadMaxBytes: this.config.uploadMaxExtendedBytes,
      audit: new Audit(this.engines.metadata),
    });
  }

  get port(): number {
    return this.#turns?.port ?? this.#ports()[0]!;
  }

  #ports(): number[] {
    return this.#nodes.map(({ url }) => Number(new URL(url).port));
  }

  async addUser(name: string): Promise<void> {
    await this.accounts.createUser({ email: emailOf(name), name, password: PASSWORD, isAdmin: false });
  }

  async addDrive(options: { id?: number; name?: string; owner?: string; quotaBytes?: number } = {}): Promise<void> {
    await this.accounts.createDrive({
      id: options.id ?? DRIVE_ID,
      name: options.name ?? DRIVE_NAME,
      ownerEmail: emailOf(options.owner ?? 'alice'),
      quotaBytes: options.quotaBytes ?? null,
      uploadMaxBytes: null,
    });
  }

  /** Makes the user where there is none, and a member of the drive. */
  async addMember(
    name: string,
    options: { driveId?: number; role?: Role; quotaBytes?: number | null } = {},
  ): Promise<void> {
    const { driveId = DRIVE_ID, ...change } = options;
    if (!(await this.stores.accounts.findUser(emailOf(name)))) await this.addUser(name);
    await this.accounts.putMember(driveId, emailOf(name), change);
  }

  /** Gives the `Authorization` of a new app password. */
  async addAppPassword(
    name: string,
    limits: {
      driveId?: number | null;
      scopeId?: NodeId | null;
      allowance?: Allowance;
      expiresAt?: number | null;
    } = {},
  ): Promise<{ id: number; authorization: string }> {
    const { driveId = null, scopeId = null, allowance = 'full', expiresAt = null } = limits;
    const { row, secret } = await this.accounts.createAppPassword({
      email: emailOf(name),
      name: 'a device',
      driveId: scopeId === null ? driveId : (driveId ?? DRIVE_ID),
      scopeId,
      allowance,
      expiresAt,
    });
    return { id: row.id, authorization: basic(emailOf(name), secret) };
  }

  /** What secrets in the database are sealed with. */
  readKey(): Promise<Uint8Array> {
    return readStorageKey(this.config.secretKeyFile ?? path.join(this.config.storage, SECRET_KEY));
  }

  /** Names of what uploads hold that have not become a file: on the disk, or as the database of a cluster notes it. */
  async unfinished(): Promise<string[]> {
    return this.#shared ? this.#shared.unfinished() : readdir(path.join(this.config.storage, 'incoming'));
  }

  /** Resolves when an upload has brought bytes; of a cluster, where nothing shows that, after a moment. */
  async uploadBegan(): Promise<void> {
    if (this.#shared) return wait(300);
    await waitUntil('an upload brings bytes', async () => (await this.unfinished()).length > 0);
  }

  /** Switches 2FA on, with a code of a while ago. */
  async turnOnTotp(user: UserRow): Promise<{ secret: string; recoveryCodes: readonly string[] }> {
    const key = await this.readKey();
    const at = Date.now() - 10 * 60_000;
    const secret = makeTotpSecret();
    const { texts: recoveryCodes, kept } = await makeRecoveryCodes(this.#passwords);
    const { security } = this.stores;
    await security.putPendingTotp(user.id, new SecretBox(key).seal(secret, `totp ${user.id}`), at);
    await security.confirmTotp(user.id, findTotpStep(secret, totpCode(secret, at), at)!, kept, at);
    return { secret, recoveryCodes };
  }

  /**
   * `path` is the whole request target. Without `user` and `authorization` no credentials are sent. Throws where the answer
   * of a route of the JSON API isn't what the contract says.
   */
  async send(method: string, target: string, options: RequestOptions & { user?: string } = {}): Promise<Answer> {
    const { user, ...rest } = options;
    const headers = user === undefined ? rest.headers : { Authorization: authorizationOf(user), ...rest.headers };
    const answer = await sendRequest(this.port, method, target, { ...rest, ...(headers ? { headers } : {}) });
    checkAnswer(method, target, answer);
    return answer;
  }

  /** By path mount; `who` is a user's name or a whole `Authorization`. */
  as(who: string, driveId = DRIVE_ID): DriveRequest {
    const authorization = who.includes(' ') ? who : authorizationOf(who);
    return (method, target, options = {}) =>
      this.send(method, `/dav/${driveId}${target}`, {
        ...options,
        headers: { Authorization: authorization, ...options.headers },
      });
  }

  /** The absolute address of a path of the drive, for `Destination`. */
  urlOf(target: string, driveId = DRIVE_ID): string {
    return `http://127.0.0.1:${this.port}/dav/${driveId}${target}`;
  }

  connect(): Promise<Connection> {
    return Connection.open(this.port);
  }

  /** The status of the first answer to a head that is sent as it is, on a connection of its own; 0 where that just ends. */
  async rawStatus(...lines: string[]): Promise<number> {
    const connection = await this.connect();
    connection.writeHead(...lines);
    try {
      return (await connection.readAnswer()).status;
    } catch {
      return 0;
    } finally {
      connection.close();
    }
  }

  /** The numeric id of what is at a path, as `oc:fileid` shows it. */
  async idOf(who: string, target: string): Promise<NodeId> {
    const body = '<propfind xmlns="DAV:"><prop><fileid xmlns="http://owncloud.org/ns"/></prop></propfind>';
    const { text } = await this.as(who)('PROPFIND', target, { body, headers: { Depth: '0' } });
    return Number(/fileid>(\d+)</.exec(text)?.[1]) as NodeId;
  }

  /** Lets a lock's time run out. */
  async expireLock(token: string): Promise<void> {
    await this.engines.metadata.write([], (transaction) =>
      transaction.refreshLock(token as LockToken, 1, Date.now() - 1000),
    );
  }

  /** What is wrong in the metadata; a test expects nothing. */
  async inconsistencies(): Promise<string[]> {
    const found: string[] = [];
    for await (const { kind, message } of this.engines.check.check({ repair: false, now: Date.now() })) {
      found.push(`${kind}: ${message}`);
    }
    return found;
  }

  /** Stops and starts on the same storage; the port is another one then. `settings` are changed. */
  async restart(settings: Partial<Config> = {}, meanwhile = async () => {}): Promise<void> {
    await this.#stopNodes();
    await meanwhile();
    this.config = { ...this.config, ...settings };
    this.#nodes = await startNodes(this.config, this.#log);
    this.#turns?.leadTo(this.#ports());
  }

  async #stopNodes(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.stop()));
  }

  /** Ends the server and removes its data. Throws when the metadata is inconsistent or a defect was logged. */
  async stop(): Promise<void> {
    const wrong = await this.inconsistencies();
    await this.#stopNodes();
    await this.#turns?.close();
    await this.#shared?.end();
    await rm(this.#folder, { recursive: true, force: true });
    if (wrong.length > 0) throw new Error(`the metadata is inconsistent: ${wrong.join('\n')}`);
    if (this.defects.length > 0) throw new Error(`the server logged defects:\n${this.defects.join('\n')}`);
  }
}

/** The same suites without kept answers: `FIRN_TEST_ANSWER_CACHE_BYTES=0`. */
function answerCache(): Partial<Config> {
  const bytes = process.env.FIRN_TEST_ANSWER_CACHE_BYTES;
  return bytes === undefined ? {} : { answerCacheBytes: Number(bytes) };
}

/** Whether several servers play a test: it leaves the engines to the environment, and is not about processes of one server. */
function isSpread({ metadata, blobs, workers }: Partial<Config>): boolean {
  return process.env.FIRN_TEST_ENGINE === 'cluster' && !metadata && !blobs && !workers;
}

/** The one server of an embedded engine, or several with a folder each. */
async function startNodes(config: Config, log: Logger): Promise<RunningServer[]> {
  if (!isSpread({}) || config.metadata.engine !== 'postgres') return [await startServer(config, log)];
  const storages = Array.from({ length: NODES }, (_, index) =>
    index === 0 ? config.storage : `${config.storage}-${index}`,
  );
  return Promise.all(storages.map((storage) => startServer({ ...config, storage }, log)));
}

export function emailOf(name: string): string {
  return `${name}@example.org`;
}

export function authorizationOf(name: string): string {
  return basic(emailOf(name), PASSWORD);
}

export function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}
