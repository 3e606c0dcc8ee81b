import type { Logger } from 'pino';
import { Authenticator } from './accounts/authenticator.js';
import { Throttle } from './accounts/throttle.js';
import { makeAppParts, type ServerParts } from './app-parts.js';
import { type Config, checkMayListen, contentGraceSeconds } from './config.js';
import { ChangeWatch } from './drive/sync/change-watch.js';
import { makeApp } from './http/app.js';
import { HttpServer } from './http/http-server.js';
import { EarlyCollection } from './jobs/early-collection.js';
import { GcTotals } from './jobs/gc-totals.js';
import { importLane } from './jobs/import/import-job.js';
import { JobRunner } from './jobs/job-runner.js';
import { keepDurable } from './jobs/keep-durable.js';
import { maintenanceLane } from './jobs/maintenance.js';
import { ScrubTotals, scrubLane } from './jobs/scrub.js';
import { SteadyClock } from './jobs/steady-clock.js';
import { ConnectionCounts } from './metrics/connection-counts.js';
import { openParts, type Parts } from './parts.js';
import type { Tell } from './stores/durability.js';

export interface RunningServer {
  readonly url: string;
  readonly parts: Parts;
  /** Takes no new connections, lets transfers finish for a while, ends the others, closes the stores. */
  stop(): Promise<void>;
}

/** Wires everything and listens. Rejects when a setting, the storage or the address doesn't allow it. */
export async function startServer(config: Config, log: Logger): Promise<RunningServer> {
  checkMayListen(config);
  const tell: Tell = ({ level, message, cause }) => log[level](cause === undefined ? {} : { err: cause }, message);
  const parts = await openParts(config, { mayMake: true, isServer: true, tell });
  try {
    return await run(parts, log);
  } catch (error) {
    await parts.close();
    throw error;
  }
}

async function run(parts: Parts, log: Logger): Promise<RunningServer> {
  const { config, engines } = parts;
  // Also heals what a failed write left that came before a SIGKILL.
  await engines.durability.begin(Date.now());
  await engines.blobs.clearIncoming();
  const early = new EarlyCollection({ ...engines, log });
  const own = await makeServerParts(parts, early, log);
  const { authenticator, changeWatch, jobs, connections } = own;
  const app = makeApp(makeAppParts(parts, own));
  const http = new HttpServer(app.callback(), config, { connections, log });
  await http.listen();
  await jobs.start();
  const keeping = keepDurable(engines.durability, log);
  const stop = async () => {
    changeWatch.stop();
    await Promise.all([http.close(), jobs.stop()]);
    await parts.drives.uploads.stop();
    await early.stop();
    await authenticator.close();
    await keeping.stop();
    await engines.durability.emptyLog();
    await engines.close();
  };
  return { url: http.url, parts, stop };
}

async function makeServerParts(parts: Parts, { note }: EarlyCollection, log: Logger): Promise<ServerParts> {
  const { config, engines, passwords, audit } = parts;
  const common = {
    box: await parts.openSecretBox(),
    imports: await parts.openImports(),
    // A bucket isn't filled by what waits there to be deleted.
    drives: engines.leases ? parts.drives : { ...parts.drives, onReceived: note },
    gc: new GcTotals(),
    scrub: new ScrubTotals(),
    log,
  };
  return {
    ...common,
    authenticator: new Authenticator(engines.metadata, passwords, {
      audit,
      throttle: new Throttle(engines.metadata, { box: common.box, now: Date.now }),
      box: common.box,
      mayLackFactor: !config.secondFactorRuleForDrives,
      onError: (error) => log.error({ err: error }, 'the use of app passwords could not be noted'),
    }),
    changeWatch: new ChangeWatch(engines.metadata),
    connections: new ConnectionCounts(),
    jobs: makeJobs(parts, common),
  };
}

function makeJobs(
  { config, engines, audit, allowedPlaces: allowed }: Parts,
  { drives, box, gc, scrub, log }: Pick<ServerParts, 'drives' | 'box' | 'gc' | 'scrub' | 'log'>,
): JobRunner {
  const { trashRetentionDays, auditRetentionDays, sessionLongestHours, uploadExpiryHours } = config;
  const onJump = (jumpMs: number) => {
    const text = 'the clock has jumped: what expires waits until it has been steady for a day';
    log.warn({ jumpSeconds: Math.round(jumpMs / 1000) }, text);
  };
  const lanes = [
    maintenanceLane({
      ...engines,
      audit,
      uploads: drives.uploads,
      gc,
      clock: new SteadyClock({ store: engines.clock, onJump }),
      clockStore: engines.clock,
      graceSeconds: contentGraceSeconds(config),
      ...{ trashRetentionDays, auditRetentionDays, sessionLongestHours, uploadExpiryHours },
    }),
    scrubLane({ ...engines, totals: scrub, log, now: Date.now }),
    importLane({ ...engines, drives, box, allowed, idleSeconds: config.idleTimeoutSeconds }),
  ];
  return new JobRunner(engines.metadata, lanes, log);
}
