import type { Logger } from 'pino';
import type { SecretBox } from './accounts/secret-box.js';
import { contentGraceSeconds } from './config.js';
import { backupLane } from './jobs/backup-jobs.js';
import { EarlyCollection } from './jobs/early-collection.js';
import { GcTotals } from './jobs/gc-totals.js';
import { importLane } from './jobs/import/import-job.js';
import { JobRunner } from './jobs/job-runner.js';
import { keepDurable } from './jobs/keep-durable.js';
import { maintenanceLane } from './jobs/maintenance.js';
import { ScrubTotals, scrubLane } from './jobs/scrub.js';
import { SteadyClock } from './jobs/steady-clock.js';
import type { Parts } from './parts.js';

/** What one process of a server does beside answering requests. */
export interface Background {
  readonly jobs: JobRunner;
  readonly gc: GcTotals;
  readonly scrub: ScrubTotals;
  /** For each content that has come to the disk. */
  readonly onReceived: EarlyCollection['note'];
  /** Begins with the jobs, and with what is kept each minute. */
  start(): Promise<void>;
  /** Ends the rest, and brings the log to the database. To be called when the jobs have stopped and nobody is answered. */
  end(): Promise<void>;
}

/** Brings the storage in order, for a server that doesn't answer yet. */
export async function prepareBackground(parts: Parts, log: Logger): Promise<Background> {
  const { engines } = parts;
  // Also heals what a failed write left that came before a SIGKILL.
  await engines.durability.begin(parts.now());
  await engines.blobs.clearIncoming();
  const early = new EarlyCollection({ ...engines, log });
  const [gc, scrub] = [new GcTotals(), new ScrubTotals()];
  const means = { box: await parts.openSecretBox(), onReceived: early.note, gc, scrub, log };
  const jobs = makeJobs(parts, means);
  let keeping: ReturnType<typeof keepDurable> | null = null;
  return {
    ...{ jobs, gc, scrub, onReceived: early.note },
    start: async () => {
      await jobs.start();
      keeping = keepDurable(engines.durability, parts.now, log);
    },
    end: async () => {
      await early.stop();
      await keeping?.stop();
      await engines.durability.emptyLog();
    },
  };
}

interface JobMeans extends Pick<Background, 'gc' | 'scrub' | 'onReceived'> {
  readonly box: SecretBox;
  readonly log: Logger;
}

function makeJobs(parts: Parts, { box, onReceived, gc, scrub, log }: JobMeans): JobRunner {
  const { config, engines, audit, allowedPlaces: allowed, now } = parts;
  // A bucket isn't filled by what waits there to be deleted.
  const drives = engines.leases ? parts.drives : { ...parts.drives, onReceived };
  const { trashRetentionDays, auditRetentionDays, sessionLongestHours, uploadExpiryHours } = config;
  const onJump = (jumpMs: number) => {
    const text = 'the clock has jumped: what expires waits until it has been steady for a day';
    log.warn({ jumpSeconds: Math.round(jumpMs / 1000) }, text);
  };
  const alerts = parts.makeAlerts((failure) => log.error(failure, 'a mail could not be sent'));
  const damages = parts.makeDamages(log, alerts);
  const backups = parts.makeBackups();
  const lanes = [
    maintenanceLane({
      ...engines,
      audit,
      uploads: drives.uploads,
      gc,
      clock: new SteadyClock({ store: engines.clock, onJump, now }),
      clockStore: engines.clock,
      graceSeconds: contentGraceSeconds(config),
      ...{ trashRetentionDays, auditRetentionDays, sessionLongestHours, uploadExpiryHours },
    }),
    scrubLane({
      ...engines,
      store: engines.scrubStore,
      damages,
      mend: async (signal) => {
        const isAny = (await engines.scrubStore.countDamages()) > 0;
        if (backups && isAny) await backups.asSource((source) => damages.mend([source], signal));
        else await damages.mend([], signal);
      },
      totals: scrub,
      log,
      scrubDays: config.scrubDays,
      now,
    }),
    importLane({ ...engines, drives, box, allowed, idleSeconds: config.idleTimeoutSeconds }),
  ];
  if (backups && config.backup) {
    const { everyHours, rehearseDays } = config.backup;
    lanes.push(backupLane({ backups, everyHours, rehearseDays, alerts, log, now }));
  }
  return new JobRunner(engines.metadata, lanes, log, now);
}
