import type { Logger } from 'pino';
import type { Authenticator } from './accounts/authenticator.js';
import { Passkeys } from './accounts/passkeys.js';
import { SecondFactors } from './accounts/second-factors.js';
import type { SecretBox } from './accounts/secret-box.js';
import { Sessions } from './accounts/sessions.js';
import { SignInCounts } from './accounts/sign-in-counts.js';
import { LoginFlows } from './cloud/login-flows.js';
import type { Cluster } from './cluster/cluster.js';
import { readMetricsToken } from './config.js';
import type { ConsoleParts } from './console/console-parts.js';
import type { DriveDependencies } from './drive/drive.js';
import type { ChangeWatch } from './drive/sync/change-watch.js';
import type { AppParts } from './http/app.js';
import { driveAddresses } from './http/drive-addresses.js';
import { addressList } from './http/forwarded.js';
import { NotReadyError } from './http/health.js';
import type { MetricsParts } from './http/metrics.js';
import { Mounts } from './http/mounts.js';
import type { Imports } from './jobs/import/imports.js';
import { ConnectionCounts } from './metrics/connection-counts.js';
import { Metrics, type MetricsSources } from './metrics/metrics.js';
import { RequestCounts } from './metrics/request-counts.js';
import type { Parts } from './parts.js';
import { StoreFailingError } from './stores/metadata-store.js';

const LOOPBACK = ['127.0.0.0/8', '::1'];

/** What a server has beside `Parts`. */
export interface ServerParts {
  readonly authenticator: Authenticator;
  readonly box: SecretBox;
  readonly imports: Imports;
  readonly drives: DriveDependencies;
  readonly changeWatch: ChangeWatch;
  readonly connections: ConnectionCounts;
  readonly background: BackgroundCounts;
  /** This server among others; null where it is alone. */
  readonly cluster: Cluster | null;
  /** Whether it soon ends. */
  readonly isLeaving: () => boolean;
  /** Of a worker: what its server shows, which knows the counts of all. */
  readonly shownBy: (own: Metrics) => MetricsParts['metrics'];
  readonly log: Logger;
}

/** What is counted beside answering requests. */
export type BackgroundCounts = Pick<MetricsSources, 'jobs' | 'gc' | 'scrub'>;

/** Makes what requests are answered with. Throws `ConfigError` where the metrics' token can't be read. */
export function makeAppParts(parts: Parts, server: ServerParts): AppParts {
  const { config } = parts;
  const { changeWatch, log } = server;
  const consoleParts = makeConsoleParts(parts, server);
  return {
    ...consoleParts,
    metrics: makeMetricsParts(parts, server),
    changeWatch,
    loginFlows: new LoginFlows(consoleParts, parts.now),
    mounts: new Mounts(config.driveHost),
    options: {
      lockTimeoutMaxSeconds: config.lockTimeoutMaxSeconds,
      isQuotaHiddenFromFinder: config.quotaHiddenFromFinder,
    },
    log,
    realm: config.realm,
    hstsSeconds: config.tlsCertificate === null ? null : config.hstsSeconds,
    corsOrigins: config.corsOrigins,
    trustedProxies: addressList(config.trustedProxies),
    checkReady: () => checkReady(parts, server),
  };
}

async function checkReady(parts: Parts, { cluster, isLeaving }: ServerParts): Promise<void> {
  if (isLeaving()) throw new NotReadyError('the server is leaving');
  if (!cluster) return checkStores(parts);
  const fault = await cluster.fault();
  if (fault !== null) throw new NotReadyError(fault);
}

/** The disk first: where it hangs, SQLite isn't asked, which would keep everybody waiting. */
async function checkStores({ engines: { metadata, blobs, durability } }: Parts): Promise<void> {
  const trouble = durability.trouble();
  if (trouble !== null) throw new StoreFailingError(trouble);
  await blobs.checkWritable();
  await metadata.read([], (view) => view.findNodes([]));
  // Waits its turn in the queue of the writers, takes the write lock and gives it back.
  await metadata.write([], async () => {});
  await durability.prove();
}

/** Without credentials. */
function titleOf(backup: Parts['config']['backup']): string | null {
  if (!backup) return null;
  return backup.to.engine === 'folder' ? backup.to.path : `${backup.to.endpoint} ${backup.to.bucket}`;
}

/** The metrics of the process that has workers: it answers nothing itself. */
export function makeBackgroundMetrics({ engines, passwords, answers }: Parts, background: BackgroundCounts): Metrics {
  return new Metrics({
    ...{ requests: new RequestCounts(), connections: new ConnectionCounts() },
    ...{ authenticator: { counts: new SignInCounts() }, passwords, answers, changeWatch: { waiting: 0 } },
    ...{ ...background, ...engines, member: null, engineMetrics: engines.metrics() },
  });
}

function makeMetricsParts({ config, engines, passwords, answers }: Parts, server: ServerParts): MetricsParts {
  const token = readMetricsToken(config);
  const addresses = config.metricsAddresses ?? (token === null ? LOOPBACK : null);
  const requests = new RequestCounts();
  const { connections, authenticator, changeWatch, background, shownBy, cluster: member } = server;
  const sources = { requests, connections, authenticator, passwords, answers, changeWatch, ...background };
  return {
    requests,
    metrics: shownBy(new Metrics({ ...sources, ...engines, member, engineMetrics: engines.metrics() })),
    token,
    addresses: addresses && addressList(addresses),
  };
}

function makeConsoleParts(parts: Parts, server: ServerParts): ConsoleParts {
  const { config, engines, accounts, audit, passwords, now } = parts;
  const { authenticator, box, imports, drives, cluster, log } = server;
  const { metadata, history } = engines;
  return {
    accounts,
    metadata,
    authenticator,
    drives,
    sessions: new Sessions(metadata, audit, {
      idleMinutes: config.sessionIdleMinutes,
      longestHours: config.sessionLongestHours,
      freshMinutes: config.freshSignInMinutes,
      now,
    }),
    secondFactors: new SecondFactors(metadata, passwords, box, {
      audit,
      issuer: config.realm,
      now,
      onUnreadable: (userId) => log.error({ userId }, 'a second factor was encrypted with another key'),
    }),
    passkeys: new Passkeys(metadata, passwords, { audit, name: config.realm, publicUrl: config.publicUrl, now }),
    audit,
    now,
    alerts: parts.makeAlerts((failure) => log.error(failure, 'a mail could not be sent')),
    history,
    imports,
    freeBytes: () => drives.contents.freeBytes(),
    scrub: engines.scrubStore,
    backupsTo: titleOf(config.backup),
    cluster,
    publicUrl: config.publicUrl?.replace(/\/$/, '') ?? null,
    addressesOf: (driveId, address) => driveAddresses(config, driveId, address),
  };
}
