import { readFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, BlockList, isIPv6, type Socket } from 'node:net';
import type { Logger } from 'pino';
import { Accounts } from './accounts/accounts.js';
import { Alerts } from './accounts/alerts.js';
import { Audit } from './accounts/audit.js';
import { Authenticator } from './accounts/authenticator.js';
import { Mailer } from './accounts/mailer.js';
import { Passkeys } from './accounts/passkeys.js';
import { Passwords } from './accounts/passwords.js';
import { SecondFactors } from './accounts/second-factors.js';
import { SecretBox } from './accounts/secret-box.js';
import { Sessions } from './accounts/sessions.js';
import { verifyCode } from './accounts/verify-code.js';
import { LoginFlows } from './cloud/login-flows.js';
import { type Config, ConfigError, checkMayListen, isMetricsToken } from './config.js';
import type { ConsoleParts } from './console/console-parts.js';
import { Contents } from './drive/contents.js';
import type { DriveParts } from './drive/drive.js';
import { ChangeWatch } from './drive/sync/change-watch.js';
import { Uploads } from './drive/uploads/uploads.js';
import { type Engines, openEngines } from './engines/open-engines.js';
import { makeApp } from './http/app.js';
import { driveAddresses } from './http/drive-addresses.js';
import { tellDropped } from './http/dropped-connections.js';
import { InFlightRequests } from './http/in-flight-requests.js';
import { answerMalformed } from './http/malformed.js';
import type { MetricsParts } from './http/metrics.js';
import { Mounts } from './http/mounts.js';
import { HEADERS_MAX } from './http/request-head.js';
import { makeTlsServer } from './http/tls-server.js';
import { EarlyCollection } from './jobs/early-collection.js';
import { GcTotals } from './jobs/gc-totals.js';
import type { AllowedPlaces } from './jobs/import/address-guard.js';
import { importLane } from './jobs/import/import-job.js';
import { Imports } from './jobs/import/imports.js';
import { JobRunner } from './jobs/job-runner.js';
import { keepDurable } from './jobs/keep-durable.js';
import { maintenanceLane } from './jobs/maintenance.js';
import { ScrubTotals, scrubLane } from './jobs/scrub.js';
import { SteadyClock } from './jobs/steady-clock.js';
import { ConnectionCounts } from './metrics/connection-counts.js';
import { Metrics } from './metrics/metrics.js';
import { RequestCounts } from './metrics/request-counts.js';
import type { Tell } from './stores/durability.js';
import { StoreFailingError } from './stores/metadata-store.js';

/** Silence after which an idle keep-alive connection ends; clients want at least 15 s (client-requirements R36). */
const KEEP_ALIVE_MS = 65_000;
/** For the head of a request alone; bodies may take as long as they make progress (PRODUCT U5). */
const HEADERS_TIMEOUT_MS = 60_000;
/** Bytes of a request's head: a path of 16 KiB, an `If` header of 64 KiB. */
const HEADERS_BYTES_MAX = 96 * 1024;
const CONNECTIONS_MAX = 10_000;
/** How long requests may go on whose connections were ended: a disk that hangs must not keep the process. */
const SETTLE_MS = 10_000;
const LOOPBACK = ['127.0.0.0/8', '::1'];

export interface RunningServer {
  readonly url: string;
  readonly engines: Engines;
  /** Takes no new connections, lets transfers finish for a while, ends the others, closes the stores. */
  stop(): Promise<void>;
}

/** Wires everything and listens. Rejects when a setting, the storage or the address doesn't allow it. */
export async function startServer(config: Config, log: Logger): Promise<RunningServer> {
  checkMayListen(config);
  const tell: Tell = ({ level, message, cause }) => log[level](cause === undefined ? {} : { err: cause }, message);
  const engines = await openEngines(config, { mayMake: true, isServer: true, tell });
  try {
    // Also heals what a failed write left that came before a SIGKILL.
    await engines.durability.begin(Date.now());
    await engines.blobs.clearIncoming();
    const passwords = new Passwords();
    const box = new SecretBox(await engines.readSecretKey());
    const audit = new Audit(engines.security);
    const authenticator = new Authenticator(engines.accounts, passwords, {
      audit,
      mayLackFactor: !config.secondFactorRuleForDrives,
      onError: (error) => log.error({ err: error }, 'the use of app passwords could not be noted'),
    });
    const accounts = new Accounts(engines.accounts, passwords, {
      uploadMaxBytes: config.uploadMaxExtendedBytes,
      audit,
    });
    const early = new EarlyCollection({ ...engines, log });
    const driveParts = makeDriveParts(config, engines, early);
    const changeWatch = new ChangeWatch(engines.metadata);
    const gc = new GcTotals();
    const scrub = new ScrubTotals();
    const jobs = makeJobs(config, engines, { driveParts, box, gc, scrub, log });
    const services = { authenticator, accounts, audit, passwords, box, driveParts, changeWatch, jobs, gc, scrub, log };
    const underWay = new InFlightRequests();
    const server = makeHttpServer(config, engines, services, underWay);
    await listen(server, config);
    await jobs.start();
    const keeping = keepDurable(engines.durability, log);
    const stop = async () => {
      changeWatch.stop();
      await Promise.all([closeServer(server, config.shutdownGraceSeconds), jobs.stop()]);
      const left = await underWay.settle(SETTLE_MS);
      if (left > 0) log.warn({ requests: left }, 'ending in spite of requests that do not end');
      await driveParts.uploads.stop();
      await early.stop();
      await authenticator.close();
      await keeping.stop();
      await engines.durability.emptyLog();
      await engines.close();
    };
    return { url: urlOf(server, config), engines, stop };
  } catch (error) {
    await engines.close();
    throw error;
  }
}

interface Services {
  readonly authenticator: Authenticator;
  readonly accounts: Accounts;
  readonly audit: Audit;
  readonly passwords: Passwords;
  readonly box: SecretBox;
  readonly driveParts: DriveParts;
  readonly changeWatch: ChangeWatch;
  readonly jobs: JobRunner;
  readonly gc: GcTotals;
  readonly scrub: ScrubTotals;
  readonly log: Logger;
}

function makeDriveParts(config: Config, { metadata, blobs }: Engines, { note }: EarlyCollection): DriveParts {
  const { uploadMaxBytes, uploadMaxExtendedBytes, uploadExpiryHours } = config;
  const contents = new Contents(blobs, { inlineMaxBytes: config.inlineMaxBytes });
  const now = Date.now;
  const uploads = new Uploads({ metadata, contents, expiryHours: uploadExpiryHours, now });
  return { metadata, contents, uploads, uploadMaxBytes, uploadMaxExtendedBytes, now, onReceived: note };
}

function makeHttpServer(config: Config, engines: Engines, services: Services, underWay: InFlightRequests): Server {
  const { authenticator, accounts, audit, driveParts, changeWatch, log } = services;
  const consoleParts = makeConsoleParts(config, engines, services);
  const connections = new ConnectionCounts();
  const app = makeApp({
    metrics: makeMetricsParts(config, engines, services, connections),
    driveParts,
    changeWatch,
    console: consoleParts,
    accounts: engines.accounts,
    authenticator,
    accountRules: accounts,
    audit,
    loginFlows: new LoginFlows({
      accounts,
      signIn: (credentials, remoteAddress, client) => authenticator.signIn(credentials, remoteAddress, client),
      verifyCode: (userId, code, actor) => verifyCode(consoleParts, userId, code, actor),
      audit,
      drivesOf: (userId) => engines.accounts.drivesOf(userId),
      // They live in memory, and no jump of the clock ends one or lets it last.
      now: () => performance.now(),
    }),
    publicUrl: config.publicUrl,
    mounts: new Mounts(config.driveHost),
    options: {
      lockTimeoutMaxSeconds: config.lockTimeoutMaxSeconds,
      isQuotaHiddenFromFinder: config.quotaHiddenFromFinder,
    },
    log,
    realm: config.realm,
    hstsSeconds: config.tlsCertificate === null ? null : config.hstsSeconds,
    corsOrigins: config.corsOrigins,
    trustedProxies: networks(config.trustedProxies),
    checkReady: () => checkReady(engines),
  });
  return makeListener(config, underWay.counting(app.callback()), connections, log);
}

/** The disk first: where it hangs, SQLite isn't asked, which would keep everybody waiting. */
async function checkReady({ metadata, blobs, durability }: Engines): Promise<void> {
  const trouble = durability.trouble();
  if (trouble !== null) throw new StoreFailingError(trouble);
  await blobs.checkWritable();
  await metadata.read([], (view) => view.findNodes([]));
  // Waits its turn in the queue of the writers, takes the write lock and gives it back.
  await metadata.write([], async () => {});
  await durability.prove();
}

/** Throws when the token's file can't be read. */
function makeMetricsParts(
  config: Config,
  engines: Engines,
  services: Services,
  connections: ConnectionCounts,
): MetricsParts {
  const { metricsToken, metricsTokenFile, metricsAddresses } = config;
  const token = metricsTokenFile === null ? metricsToken : readToken(metricsTokenFile);
  const addresses = metricsAddresses ?? (token === null ? LOOPBACK : null);
  const requests = new RequestCounts();
  const { metadata, blobs, durability } = engines;
  const { authenticator, passwords, changeWatch, jobs, gc, scrub } = services;
  return {
    requests,
    metrics: new Metrics({
      requests,
      connections,
      authenticator,
      passwords,
      metadata,
      blobs,
      durability,
      engineMetrics: engines.metrics(),
      changeWatch,
      jobs,
      jobStore: engines.jobs,
      gc,
      scrub,
    }),
    token,
    addresses: addresses && networks(addresses),
  };
}

function readToken(file: string): string {
  const token = readFileSync(file, 'utf8').trim();
  if (isMetricsToken(token)) return token;
  throw new ConfigError(`${file} holds no token for metrics: it needs at least 16 letters, digits or - . _ ~ + / =`);
}

function makeListener(config: Config, listener: RequestListener, connections: ConnectionCounts, log: Logger): Server {
  const options = {
    maxHeaderSize: HEADERS_BYTES_MAX,
    requestTimeout: 0,
    headersTimeout: HEADERS_TIMEOUT_MS,
    requireHostHeader: false,
  };
  const { tlsCertificate, tlsKey } = config;
  const server =
    tlsCertificate !== null && tlsKey !== null
      ? makeTlsServer({ ...options, certificate: tlsCertificate, key: tlsKey }, log)
      : createServer(options);
  server.on('request', listener);
  // Node would send `100 Continue` or a bare 417 by itself; the body is asked for when somebody wants it (PRODUCT U2).
  server.on('checkContinue', listener);
  server.on('checkExpectation', listener);
  answerMalformed(server, log);
  // A client that has sent all of a request and closes its side still gets its answer; Node would end the connection.
  Object.assign(server, { httpAllowHalfOpen: true });
  server.on(tlsKey === null ? 'connection' : 'secureConnection', (socket: Socket) => {
    // Not before the handshake: who goes away in it has to be gone.
    socket.allowHalfOpen = true;
    connections.add(socket);
  });
  server.on('clientError', () => connections.malformed++);
  // One more than is taken: Node drops the rest without a word, and the count shows that there was one.
  server.maxHeadersCount = HEADERS_MAX + 1;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.maxConnections = CONNECTIONS_MAX;
  tellDropped(server, log);
  server.timeout = config.idleTimeoutSeconds * 1000;
  return server;
}

function makeConsoleParts(config: Config, engines: Engines, services: Services): ConsoleParts {
  const { accounts: store, security, history } = engines;
  const { accounts, audit, authenticator, passwords, box, driveParts, scrub, log } = services;
  const { sessionIdleMinutes, sessionLongestHours, freshSignInMinutes } = config;
  return {
    accounts,
    store,
    security,
    authenticator,
    driveParts,
    sessions: new Sessions(security, {
      idleMinutes: sessionIdleMinutes,
      longestHours: sessionLongestHours,
      freshMinutes: freshSignInMinutes,
    }),
    secondFactors: new SecondFactors(security, passwords, box, {
      issuer: config.realm,
      onUnreadable: (userId) => log.error({ userId }, 'a second factor was encrypted with another key'),
    }),
    passkeys: new Passkeys(security, passwords, { name: config.realm, publicUrl: config.publicUrl }),
    audit,
    alerts: new Alerts(store, security, audit, { mailer: makeMailer(config, log), realm: config.realm }),
    history,
    imports: new Imports({
      jobs: engines.jobs,
      imports: engines.imports,
      box,
      allowed: allowedPlaces(config),
      idleSeconds: config.idleTimeoutSeconds,
      now: Date.now,
    }),
    freeBytes: () => driveParts.contents.freeBytes(),
    damagedContents: () => scrub.damaged,
    publicUrl: config.publicUrl?.replace(/\/$/, '') ?? null,
    addressesOf: (driveId, address) => driveAddresses(config, driveId, address),
  };
}

function allowedPlaces({ importAllowedHosts, importAllowedNetworks }: Config): AllowedPlaces {
  return { hosts: importAllowedHosts, networks: importAllowedNetworks };
}

function makeMailer({ smtpUrl, mailFrom }: Config, log: Logger): Mailer | null {
  if (smtpUrl === null || mailFrom === null) return null;
  return new Mailer({ smtpUrl, mailFrom, onFailure: (failure) => log.error(failure, 'a mail could not be sent') });
}

function makeJobs(
  config: Config,
  engines: Engines,
  { driveParts, box, gc, scrub, log }: Pick<Services, 'driveParts' | 'box' | 'gc' | 'scrub' | 'log'>,
): JobRunner {
  const { trashRetentionDays, auditRetentionDays, sessionLongestHours, uploadExpiryHours } = config;
  const onJump = (jumpMs: number) => {
    const text = 'the clock has jumped: what expires waits until it has been steady for a day';
    log.warn({ jumpSeconds: Math.round(jumpMs / 1000) }, text);
  };
  const clock = new SteadyClock({ store: engines.clock, onJump });
  const lanes = [
    maintenanceLane({
      ...engines,
      uploads: driveParts.uploads,
      gc,
      clock,
      clockStore: engines.clock,
      ...{ trashRetentionDays, auditRetentionDays, sessionLongestHours, uploadExpiryHours },
    }),
    scrubLane({ ...engines, totals: scrub, log, now: Date.now }),
    importLane({
      ...engines,
      driveParts,
      box,
      allowed: allowedPlaces(config),
      idleSeconds: config.idleTimeoutSeconds,
    }),
  ];
  return new JobRunner(engines.metadata, lanes, log);
}

function networks(list: readonly string[]): BlockList {
  const block = new BlockList();
  for (const network of list) {
    const [address = '', prefix] = network.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (prefix === undefined) block.addAddress(address, family);
    else block.addSubnet(address, Number(prefix), family);
  }
  return block;
}

function listen(server: Server, config: Config): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(config.port, config.host, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
}

function urlOf(server: Server, config: Config): string {
  const { address, port } = server.address() as AddressInfo;
  const host = isIPv6(address) ? `[${address}]` : address;
  return `${config.tlsCertificate === null ? 'http' : 'https'}://${host}:${port}`;
}

function closeServer(server: Server, graceSeconds: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), graceSeconds * 1000);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}
