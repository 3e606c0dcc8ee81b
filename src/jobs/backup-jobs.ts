import type { Logger } from 'pino';
import type { Alerts } from '../accounts/alerts.js';
import type { MetadataStore } from '../stores/metadata-store.js';
import type { Backups } from './backups.js';
import type { JobKind, JobLane, JobWork } from './job-runner.js';
import type { BackupReport } from './make-backup.js';
import type { RehearsalReport } from './rehearsal.js';

const BACKUP = 'backup';
const REHEARSAL = 'backup-rehearsal';
/** How often a server looks whether one is due. */
const EVERY_MINUTES = 60;
const HOUR_MS = 3_600_000;
/** One that is due so soon is made: a look an hour later would make each day's an hour later than the day before. */
const EARLY_MS = HOUR_MS / 2;
const BACK_OFF = { firstMs: 5 * 60_000, longestMs: HOUR_MS, triesMax: Number.POSITIVE_INFINITY };
/** Sentences that the log, a mail and the console get. */
const TOLD_MAX = 20;

/** What is remembered of the last one, and when one was whole. Times are milliseconds since 1970. */
export interface Remembered<Report> {
  readonly last: Report | null;
  readonly lastWholeAt: number | null;
}

/** What the console and the metrics show. `error`: why the last try ended, where nothing came of it. */
export interface BackupState {
  readonly backup: Remembered<BackupReport> & { readonly error: string | null };
  readonly rehearsal: Remembered<RehearsalReport> & { readonly error: string | null };
}

export interface BackupJobs {
  readonly backups: Backups;
  readonly everyHours: number;
  /** 0: never. */
  readonly rehearseDays: number;
  readonly alerts: Pick<Alerts, 'tellAdministrators'>;
  readonly log: Pick<Logger, 'error' | 'info'>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** A lane of its own: a backup may take hours. One after the other: they read the same place. */
export function backupLane(parts: BackupJobs): JobLane {
  const hourly = (kind: string, run: (work: JobWork) => Promise<void>): JobKind => {
    return { kind, everyMinutes: EVERY_MINUTES, backOff: BACK_OFF, run };
  };
  const backup = hourly(BACKUP, (work) => runBackup(parts, work));
  const rehearsal = hourly(REHEARSAL, (work) => runRehearsal(parts, work));
  return { kinds: parts.rehearseDays === 0 ? [backup] : [backup, rehearsal], limit: 1 };
}

async function runBackup(parts: BackupJobs, { job, report, signal }: JobWork): Promise<void> {
  const before = readRemembered<BackupReport>(job.progress);
  if (!isDue(before.last?.at, parts.everyHours * HOUR_MS, parts.now())) return report(before);
  const made = await parts.backups.make(signal);
  report(remembered(before, made));
  if (made.problemCount > 0) return tell(parts, 'a backup lacks contents', made);
  parts.log.info({ backup: made.name, copied: made.copied, bytes: made.copiedBytes }, 'a backup was made');
}

async function runRehearsal(parts: BackupJobs, { job, report, signal }: JobWork): Promise<void> {
  const before = readRemembered<RehearsalReport>(job.progress);
  if (!isDue(before.last?.at, parts.rehearseDays * 24 * HOUR_MS, parts.now())) return report(before);
  // A first backup comes before a first rehearsal.
  if ((await parts.backups.list()).every(({ record }) => record === null)) return report(before);
  const rehearsed = await parts.backups.rehearse(null, signal);
  report(remembered(before, rehearsed));
  if (rehearsed.problemCount > 0) return tell(parts, 'a rehearsal of a backup failed', rehearsed);
  parts.log.info({ backup: rehearsed.name }, 'a backup was restored to a temporary place, and is whole');
}

/** Keeps what a run by hand has done, for the console and the metrics. */
export async function noteByHand(
  metadata: MetadataStore,
  done: { readonly backup: BackupReport } | { readonly rehearsal: RehearsalReport },
  now: number,
): Promise<void> {
  const [kind, report] = 'backup' in done ? ([BACKUP, done.backup] as const) : ([REHEARSAL, done.rehearsal] as const);
  const owner = `by hand ${now}`;
  await metadata.write([], async ({ jobs }) => {
    await jobs.ensureRecurring(kind, EVERY_MINUTES, now);
    // One that a server runs just now notes its own.
    const job = await jobs.claim([kind], owner, now + EVERY_MINUTES * 60_000, now + EVERY_MINUTES * 60_000);
    if (!job) return;
    const progress = remembered(readRemembered<AnyReport>(job.progress), report);
    await jobs.end(job.id, owner, { kind: 'succeeded', runAt: now + EVERY_MINUTES * 60_000, progress }, now);
  });
}

/** Whether a server makes one just now. */
export async function isBackupUnderWay(metadata: MetadataStore): Promise<boolean> {
  const [job] = await metadata.readOne([], ({ jobs }) => jobs.list({ kind: BACKUP }, null, 1));
  return job?.state === 'running';
}

/** What was done last, on whichever server. */
export function backupState(metadata: MetadataStore): Promise<BackupState> {
  return metadata.readOne([], async ({ jobs }) => {
    const of = async <Report>(kind: string) => {
      const [job] = await jobs.list({ kind }, null, 1);
      return { ...readRemembered<Report>(job?.progress ?? null), error: job?.error ?? null };
    };
    return { backup: await of<BackupReport>(BACKUP), rehearsal: await of<RehearsalReport>(REHEARSAL) };
  });
}

/** A time that is still to come was noted by a wrong clock. */
function isDue(lastAt: number | undefined, everyMs: number, now: number): boolean {
  return lastAt === undefined || lastAt > now || now >= lastAt + everyMs - Math.min(EARLY_MS, everyMs / 2);
}

type AnyReport = BackupReport | RehearsalReport;

function forConsole<Report extends AnyReport>(report: Report): Report {
  return { ...report, problems: report.problems.slice(0, TOLD_MAX) };
}

function remembered<Report extends AnyReport>(before: Remembered<Report>, report: Report): Remembered<Report> {
  return { last: forConsole(report), lastWholeAt: report.problemCount === 0 ? report.at : before.lastWholeAt };
}

/** Also what nobody left there. */
function readRemembered<Report>(progress: object | null): Remembered<Report> {
  const { last = null, lastWholeAt = null } = (progress ?? {}) as Partial<Remembered<Report>>;
  return { last, lastWholeAt };
}

async function tell({ log, alerts }: BackupJobs, what: string, report: AnyReport): Promise<void> {
  const { name, problems, problemCount } = report;
  const shown = problems.slice(0, TOLD_MAX);
  log.error({ backup: name, problemCount, problems: shown }, `${what}: ${shown[0] ?? ''}`);
  const more = problemCount - shown.length;
  const lines = [`The backup ${name}: ${what}.`, '', ...shown.map((problem) => `- ${problem}`)];
  await alerts.tellAdministrators(what, [...lines, ...(more > 0 ? [`- and ${more} more`] : [])]);
}
