import { existsSync, readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { backupSetting } from './config/backup-setting.js';
import { bucketSetting } from './config/bucket-setting.js';
import { isMailServer, isMetricsToken, isNetwork, isOrigin, isPublicUrl } from './config/text-checks.js';

/** A setting is wrong. The message names it and says what to do. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

const FILE_NAME = 'firn.config.json';
const STORAGE = './storage';

/** What keeps the bytes of files. */
const blobsSetting = z
  .discriminatedUnion('engine', [z.strictObject({ engine: z.literal('folder') }), bucketSetting])
  .default({ engine: 'folder' });
const bytes = z.int().nonnegative();
const seconds = z.int().positive();

const settings = z.strictObject({
  /** Address to listen on. */
  host: z.string().min(1).default('127.0.0.1'),
  /** 0 takes a free one. */
  port: z.int({ error: 'it must be a number from 0 to 65535' }).min(0).max(65_535).default(8080),
  /** Processes that answer requests; more than one serve the port together, beside one that does the rest. */
  workers: z.int().min(1).max(64).default(1),
  /** Folder of the data. */
  storage: z.string().min(1).default(STORAGE),
  /** What keeps names and properties: SQLite, its database in the storage folder; or PostgreSQL, whose address may hold a password. */
  metadata: z
    .discriminatedUnion('engine', [
      // slowSyncMs: from which mean time on a thread syncs (docs/decisions/0030); 0: always.
      z.strictObject({ engine: z.literal('sqlite'), slowSyncMs: z.int().nonnegative().optional() }),
      z.strictObject({
        engine: z.literal('postgres'),
        url: z.string().regex(/^postgres(ql)?:\/\/./, 'needs an address like postgres://firn@127.0.0.1/firn'),
      }),
    ])
    .default({ engine: 'sqlite' }),
  /** What keeps the bytes of files: `blobs/` in the storage folder, or a bucket of an object storage. */
  blobs: blobsSetting,
  /** How long an object in a bucket stays that nothing names any more. */
  objectGraceDays: z.int().nonnegative().default(7),
  /** Hosts that are drives: `{id}` stands for the drive's ID, `*` at the end for any domain (PRODUCT A1). */
  driveHost: z
    .string()
    .regex(/^[a-z0-9.-]*\{id\}[a-z0-9.-]*\*?$/i, 'needs {id} once, like {id}.connect.example.org or {id}.connect.*')
    .default('{id}.connect.*'),
  /** PEM files; both or none. */
  tlsCertificate: z.string().min(1).nullable().default(null),
  tlsKey: z.string().min(1).nullable().default(null),
  /** How long browsers remember that this host has TLS, with a certificate of our own; 0 makes them forget it. */
  hstsSeconds: z.int().nonnegative().default(31_536_000),
  /** Addresses and networks (CIDR) whose X-Forwarded headers are believed. */
  trustedProxies: z.array(z.string().refine(isNetwork, 'needs addresses or networks like 10.0.0.0/8')).default([]),
  /** Lets Firn listen beyond loopback without TLS (PRODUCT A5). */
  allowPlainHttpBeyondLoopback: z.boolean().default(false),
  /** Where people reach this server, for links and instructions; its path is what a proxy takes off. Null: as the request says. */
  publicUrl: z
    .url({ protocol: /^https?$/ })
    .refine(
      isPublicUrl,
      'is an address like https://files.example.org, or with a plain path like https://nas.example/firn',
    )
    .nullable()
    .default(null),
  /** What password dialogs show. */
  realm: z
    .string()
    .regex(/^[\x20-\x7e]+$/, 'needs plain ASCII characters')
    .default('Firn'),
  /** Backups that the server makes by itself; null: none. */
  backup: backupSetting.nullable().default(null),
  /** All that is stored is read and compared with its hashes within so many days. */
  scrubDays: z.int().positive().max(365).default(30),
  /** 0 keeps the trash for ever (PRODUCT D4). */
  trashRetentionDays: z.int().nonnegative().default(60),
  /** Largest file where a drive has no limit of its own (PRODUCT U2). */
  uploadMaxBytes: bytes.default(50e9),
  /** Largest limit that a drive can be given. */
  uploadMaxExtendedBytes: bytes.default(100e9),
  /** An upload in parts goes when no part has come for this long. */
  uploadExpiryHours: z.int().positive().default(24),
  /** Hides quota properties from Finder, which refuses copies that it thinks too large. */
  quotaHiddenFromFinder: z.boolean().default(false),
  /** Origins of web pages that may use WebDAV from a browser, like https://app.example.org. */
  corsOrigins: z
    .array(z.string().refine(isOrigin, 'needs origins like https://app.example.org or app://obsidian.md'))
    .default([]),
  logLevel: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  /** A transfer without progress ends after this (PRODUCT U5). */
  idleTimeoutSeconds: seconds.default(120),
  /** How long running requests may go on after SIGTERM. */
  shutdownGraceSeconds: z.int().nonnegative().default(30),
  /** Contents up to this size live in the database. */
  inlineMaxBytes: bytes.max(1 << 20).default(16_384),
  lockTimeoutMaxSeconds: seconds.default(86_400),
  /** Room for answers that were worked out before; 0 keeps none. */
  answerCacheBytes: bytes.default(16e6),
  /** What this server is called among those on one database; null: the machine's name and something random. */
  nodeName: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'needs up to 63 letters, digits or . _ -')
    .nullable()
    .default(null),
  /** How long after SIGTERM a server answers as before, while `/readyz` says that it leaves. */
  drainSeconds: z.int().nonnegative().default(0),
  /** File of the key that encrypts second factors and the credentials of imports; null: secret.key in the storage. */
  secretKeyFile: z.string().min(1).nullable().default(null),
  /** Where a second factor is required of everyone, who has none reaches drives by no account password (PRODUCT S4). */
  secondFactorRuleForDrives: z.boolean().default(true),
  /** Silence after which the console wants a new sign-in. */
  sessionIdleMinutes: z.int().positive().default(120),
  /** After so long it wants one in any case. */
  sessionLongestHours: z.int().positive().default(336),
  /** How long ago an administrator may have signed in for what changes others' accounts. */
  freshSignInMinutes: z.int().positive().default(15),
  /** Hosts that imports may reach although their addresses are private (PRODUCT I4). */
  importAllowedHosts: z.array(z.string().min(1)).default([]),
  /** Private addresses and networks (CIDR) that imports may reach. */
  importAllowedNetworks: z
    .array(z.string().refine(isNetwork, 'needs addresses or networks like 10.0.0.0/8'))
    .default([]),
  /** 0 keeps the audit log for ever. */
  auditRetentionDays: z.int().nonnegative().default(365),
  /** Mail server, like smtps://user:password@mail.example.org; null: no mails are sent. Holds a secret. */
  smtpUrl: z
    .string()
    .refine(isMailServer, 'needs the form smtps://user:password@mail.example.org')
    .nullable()
    .default(null),
  /** Whom mails are from, like Firn <firn@example.org>. */
  mailFrom: z
    .string()
    .regex(/^[^\r\n]*[^\s@]@[^\s@\r\n]+$/, 'needs an e-mail address')
    .nullable()
    .default(null),
  /** What a scraper of /metrics sends as `Authorization: Bearer …`. */
  metricsToken: z
    .string()
    .refine(isMetricsToken, 'needs at least 16 letters, digits or - . _ ~ + / =')
    .nullable()
    .default(null),
  /** The same from a file. */
  metricsTokenFile: z.string().min(1).nullable().default(null),
  /** Addresses and networks (CIDR) that may read /metrics; null: any with the token, loopback alone where there is none. */
  metricsAddresses: z
    .array(z.string().refine(isNetwork, 'needs addresses or networks like 10.0.0.0/8'))
    .nullable()
    .default(null),
});

/** Settings, checked; paths are absolute. Sizes in bytes. */
export type Config = Readonly<z.infer<typeof settings>>;

const PACKAGE = new URL('../package.json', import.meta.url);

export function readVersion(): string {
  return (JSON.parse(readFileSync(PACKAGE, 'utf8')) as { readonly version: string }).version;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the configuration file, if there is one, and the environment, which wins. Throws `ConfigError`. The file is
 * the one FIRN_CONFIG names, or firn.config.json in the working folder, or in the storage folder.
 */
export function readConfig(environment: Environment = process.env, folder: string = process.cwd()): Config {
  const file = findFile(environment, folder);
  const fromFile = file === null ? {} : readFile(file);
  const fromEnvironment = readEnvironment(environment, folder);
  const parsed = settings.safeParse({ ...fromFile, ...fromEnvironment });
  if (!parsed.success) throw new ConfigError(describe(parsed.error.issues[0]!, file, fromEnvironment));
  const config = { ...parsed.data, storage: resolve(folder, parsed.data.storage) };
  if ((config.tlsCertificate === null) !== (config.tlsKey === null)) {
    throw new ConfigError('tlsCertificate and tlsKey belong together: set both or none.');
  }
  if (config.smtpUrl !== null && config.mailFrom === null) {
    throw new ConfigError('smtpUrl needs mailFrom, the address that mails are from.');
  }
  if (config.uploadMaxBytes > config.uploadMaxExtendedBytes) {
    throw new ConfigError('uploadMaxBytes is more than uploadMaxExtendedBytes, the largest that a drive can have.');
  }
  if (config.metricsToken !== null && config.metricsTokenFile !== null) {
    throw new ConfigError('metricsToken and metricsTokenFile say the same: set one of them.');
  }
  if (config.metadata.engine === 'postgres') checkCluster(config);
  return config;
}

/** What all servers on a database have to have alike can't be in the folder of one. */
function checkCluster({ backup, blobs, secretKeyFile, workers }: Config): void {
  if (backup !== null) {
    throw new ConfigError(
      '"backup" is for SQLite; PostgreSQL and the bucket have means of their own: docs/CLUSTER.md.',
    );
  }
  if (blobs.engine !== 's3') {
    throw new ConfigError(
      'metadata in PostgreSQL needs "blobs" in a bucket ("engine": "s3"): other servers see no folder.',
    );
  }
  if (secretKeyFile === null) {
    throw new ConfigError('metadata in PostgreSQL needs secretKeyFile: the file of the key that all its servers have.');
  }
  if (workers > 1) {
    throw new ConfigError('workers are for SQLite: on PostgreSQL, start several servers.');
  }
}

/** How long bytes stay that nothing names any more, in seconds: time for an operator to notice a mistake. */
export function contentGraceSeconds({ blobs, objectGraceDays }: Config): number {
  return blobs.engine === 's3' ? objectGraceDays * 86_400 : 3600;
}

/** Throws `ConfigError` where the server would send passwords in the clear over a network (PRODUCT A5). */
export function checkMayListen(config: Config): void {
  if (config.tlsCertificate !== null || config.allowPlainHttpBeyondLoopback || isLoopback(config.host)) return;
  throw new ConfigError(
    `Firn doesn't listen on ${config.host} without TLS, because passwords would travel in the clear: set ` +
      'tlsCertificate and tlsKey, or host 127.0.0.1 behind a reverse proxy, or "allowPlainHttpBeyondLoopback": true.',
  );
}

function findFile(environment: Environment, folder: string): string | null {
  const named = environment.FIRN_CONFIG;
  if (named) {
    const file = resolve(folder, named);
    if (existsSync(file)) return file;
    throw new ConfigError(`FIRN_CONFIG names ${file}, which does not exist.`);
  }
  const places = [folder, resolve(folder, environment.FIRN_STORAGE || STORAGE)];
  return places.map((place) => join(place, FILE_NAME)).find((file) => existsSync(file)) ?? null;
}

/** Settings of the file, its paths made absolute from where it lies. */
function readFile(file: string): Record<string, unknown> {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new ConfigError(`${file} can't be read as JSON: ${(error as Error).message}`, { cause: error });
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw new ConfigError(`${file} needs to hold one JSON object with settings.`);
  }
  const found: Record<string, unknown> = { ...content };
  for (const key of ['storage', 'tlsCertificate', 'tlsKey', 'secretKeyFile', 'metricsTokenFile']) {
    if (typeof found[key] === 'string' && found[key] !== '') found[key] = resolve(dirname(file), found[key]);
  }
  const { blobs, backup } = found;
  if (typeof blobs === 'object' && blobs !== null) found.blobs = withPaths(blobs, dirname(file));
  if (typeof backup === 'object' && backup !== null) {
    const { to, ...rest } = withPaths(backup, dirname(file));
    found.backup = { ...rest, to: typeof to === 'object' && to !== null ? withPaths(to, dirname(file)) : to };
  }
  return found;
}

/** Settings of a bucket or of backups, the paths in them made absolute. */
function withPaths(blobs: object, folder: string): Record<string, unknown> {
  const found: Record<string, unknown> = { ...blobs };
  for (const key of ['accessKeyFile', 'caFile', 'path', 'secretKeyCopy']) {
    if (typeof found[key] === 'string' && found[key] !== '') found[key] = resolve(folder, found[key]);
  }
  return found;
}

/** An empty variable counts as not set. */
function readEnvironment(environment: Environment, folder: string): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  if (environment.FIRN_HOST) found.host = environment.FIRN_HOST;
  if (environment.FIRN_PORT) found.port = numberOf(environment.FIRN_PORT);
  if (environment.FIRN_WORKERS) found.workers = numberOf(environment.FIRN_WORKERS);
  if (environment.FIRN_STORAGE) found.storage = resolve(folder, environment.FIRN_STORAGE);
  if (environment.FIRN_DATABASE) found.metadata = { engine: 'postgres', url: environment.FIRN_DATABASE };
  if (environment.FIRN_NODE_NAME) found.nodeName = environment.FIRN_NODE_NAME;
  if (environment.FIRN_SECRET_KEY_FILE) found.secretKeyFile = resolve(folder, environment.FIRN_SECRET_KEY_FILE);
  if (environment.FIRN_DRIVE_HOST) found.driveHost = environment.FIRN_DRIVE_HOST;
  if (environment.FIRN_LOG_LEVEL) found.logLevel = environment.FIRN_LOG_LEVEL;
  const bucket = readBucket(environment);
  if (Object.keys(bucket).length > 0) found.blobs = withPaths({ engine: 's3', ...bucket }, folder);
  return found;
}

/** A bucket is set by all of its variables or by the file. */
function readBucket(environment: Environment): Record<string, unknown> {
  const named = Object.entries(BUCKET_VARIABLES).flatMap(([setting, variable]) => {
    const text = environment[variable];
    return text ? [[setting, setting === 'pathStyle' ? readSwitch(text) : text]] : [];
  });
  return Object.fromEntries(named);
}

function readSwitch(text: string): unknown {
  return text === 'true' ? true : text === 'false' ? false : text;
}

const BUCKET_VARIABLES: Readonly<Record<string, string>> = {
  endpoint: 'FIRN_S3_ENDPOINT',
  bucket: 'FIRN_S3_BUCKET',
  region: 'FIRN_S3_REGION',
  prefix: 'FIRN_S3_PREFIX',
  accessKeyFile: 'FIRN_S3_ACCESS_KEY_FILE',
  pathStyle: 'FIRN_S3_PATH_STYLE',
  caFile: 'FIRN_S3_CA_FILE',
};

function numberOf(text: string): number {
  return /^\d+$/.test(text) ? Number(text) : Number.NaN;
}

const VARIABLES: Readonly<Record<string, string>> = {
  host: 'FIRN_HOST',
  port: 'FIRN_PORT',
  workers: 'FIRN_WORKERS',
  storage: 'FIRN_STORAGE',
  metadata: 'FIRN_DATABASE',
  nodeName: 'FIRN_NODE_NAME',
  secretKeyFile: 'FIRN_SECRET_KEY_FILE',
  driveHost: 'FIRN_DRIVE_HOST',
  logLevel: 'FIRN_LOG_LEVEL',
};

function describe(issue: z.core.$ZodIssue, file: string | null, fromEnvironment: Record<string, unknown>): string {
  if (issue.code === 'unrecognized_keys' && issue.path.length === 0) {
    const known = Object.keys(settings.shape).join(', ');
    return `${file} has a setting "${issue.keys[0]}", which Firn doesn't know; it knows ${known}.`;
  }
  const setting = String(issue.path[0]);
  const inner = ['blobs', 'backup'].includes(setting) && issue.path.length > 1 ? issue.path.slice(1).join('.') : null;
  const variable = inner === null ? VARIABLES[setting] : BUCKET_VARIABLES[inner];
  const source =
    setting in fromEnvironment
      ? (variable ?? 'FIRN_S3_…')
      : `"${inner === null ? setting : `${setting}.${inner}`}" in ${file}`;
  return `${source} is wrong: ${issue.message}`;
}

/** The token that scrapers of /metrics bring, wherever it is set; null: none. Throws `ConfigError` where its file holds none. */
export function readMetricsToken({ metricsToken, metricsTokenFile: file }: Config): string | null {
  if (file === null) return metricsToken;
  const token = readFileSync(file, 'utf8').trim();
  if (isMetricsToken(token)) return token;
  throw new ConfigError(`${file} holds no token for metrics: it needs at least 16 letters, digits or - . _ ~ + / =`);
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}
