import type { Registry } from 'prom-client';
import type { JobStats } from '../jobs/job-stats.js';
import type { EngineHistogram } from '../stores/engine-histogram.js';
import type { ClusterCounts, MetricsSources } from './metrics.js';
import { histogramSamples, register, type Sample } from './plain-metric.js';
import type { Totals } from './totals.js';

/** A metric of one number; null leaves the sample out. */
function registerOne(
  registry: Registry,
  kind: 'counter' | 'gauge',
  name: string,
  help: string,
  read: () => number | null,
): void {
  register(registry, kind, name, help, () => {
    const value = read();
    return value === null ? [] : [{ value }];
  });
}

export function registerSignIns(
  registry: Registry,
  { authenticator, passwords }: Pick<MetricsSources, 'authenticator' | 'passwords'>,
): void {
  register(registry, 'counter', 'firn_sign_ins_total', 'Credentials that were looked at, by outcome.', () => {
    const { granted, noDrive, throttled, refused } = authenticator.counts;
    const outcomes = Object.entries(refused).map(([reason, value]) => ({ labels: labelsOf('refused', reason), value }));
    return [
      { labels: labelsOf('granted'), value: granted },
      { labels: labelsOf('no-drive'), value: noDrive },
      { labels: labelsOf('throttled'), value: throttled },
      ...outcomes,
    ];
  });
  const counter = (name: string, help: string, read: () => number) =>
    registerOne(registry, 'counter', name, help, read);
  counter('firn_sign_in_cache_hits_total', 'Credentials known from before, good or bad, without argon2.', () => {
    return authenticator.counts.cacheHits;
  });
  counter('firn_argon2_runs_total', 'Passwords that were hashed or compared.', () => passwords.runs);
  counter('firn_argon2_refused_total', 'Passwords not looked at because too many waited.', () => {
    return passwords.queue.refused;
  });
  registerOne(registry, 'gauge', 'firn_argon2_waiting', 'Passwords that wait for argon2.', () => {
    return passwords.queue.waiting;
  });
}

function labelsOf(outcome: string, reason = ''): { outcome: string; reason: string } {
  return { outcome, reason };
}

export function registerAnswers(registry: Registry, { answers }: Pick<MetricsSources, 'answers'>): void {
  registerOne(registry, 'counter', 'firn_kept_answer_hits_total', 'Answers that were found kept.', () => {
    return answers.stats().hits;
  });
  registerOne(
    registry,
    'counter',
    'firn_kept_answer_misses_total',
    'Answers that were looked for and worked out.',
    () => {
      return answers.stats().misses;
    },
  );
  registerOne(registry, 'gauge', 'firn_kept_answer_bytes', 'Memory that kept answers take.', () => {
    return answers.stats().bytes;
  });
}

export function registerStores(
  registry: Registry,
  {
    metadata,
    blobs,
    durability,
    gc,
    changeWatch,
    engineMetrics,
  }: Pick<MetricsSources, 'metadata' | 'blobs' | 'durability' | 'gc' | 'changeWatch' | 'engineMetrics'>,
  totals: () => Totals,
): void {
  const gauge = (name: string, help: string, read: () => number | null) =>
    registerOne(registry, 'gauge', name, help, read);
  gauge('firn_store_waiting_writes', 'Writes that wait for their commit.', () => metadata.stats().waitingWrites);
  gauge('firn_store_waiting_reads', 'Reads that wait for their turn.', () => metadata.stats().waitingReads);
  gauge(
    'firn_store_log_bytes',
    'Length of the log that is not in the database file yet.',
    () => metadata.stats().logBytes,
  );
  for (const histogram of engineMetrics) {
    register(registry, 'histogram', histogram.name, histogram.help, () => samplesOf(histogram));
  }
  registerOne(registry, 'counter', 'firn_store_failed_commits_total', 'Commits that failed with all writes.', () => {
    return metadata.stats().failedCommits;
  });
  const failing = '1 while nothing more is stored because the disk failed.';
  register(
    registry,
    'gauge',
    'firn_store_failing',
    failing,
    () => [{ value: durability.trouble() === null ? 0 : 1 }],
    'max',
  );
  gauge('firn_store_losses_at_start', 'Losses of stored changes that the start found.', () => durability.lossesAtStart);
  gauge('firn_drives', 'Drives.', () => totals().drives?.drives ?? null);
  gauge('firn_drive_nodes', 'Files and folders on all drives, trash included.', () => totals().drives?.nodes ?? null);
  gauge('firn_drive_bytes', 'Sizes of all files on all drives, trash included.', () => totals().drives?.bytes ?? null);
  gauge('firn_part_uploads_open', 'Uploads in parts that are not finished.', () => totals().uploads?.open ?? null);
  gauge('firn_part_uploads_bytes', 'Bytes of the parts of these.', () => totals().uploads?.bytes ?? null);
  gauge('firn_blob_uploads_open', 'Contents that are being written to the disk.', () => blobs.stats().uploads);
  gauge('firn_blob_buffer_bytes', 'Memory for uploads.', () => blobs.stats().bufferBytes);
  gauge('firn_blobs', 'Blobs, as of the last run of the collector.', () => gc.stored?.count ?? null);
  gauge('firn_blob_bytes', 'Bytes of these blobs.', () => gc.stored?.bytes ?? null);
  gauge('firn_storage_free_bytes', 'Bytes that can still be stored.', () => totals().freeBytes);
  gauge('firn_change_feed_waiting', 'Requests that wait for a change.', () => changeWatch.waiting);
  registerOne(registry, 'counter', 'firn_metrics_failures_total', 'Times the stores did not say their numbers.', () => {
    return totals().failures;
  });
}

function samplesOf({ name, bounds, counts }: EngineHistogram): Sample[] {
  const buckets = new Array<number>(bounds.length + 1).fill(0);
  let sum = 0;
  for (let value = 0; value < counts.length; value++) {
    const index = bounds.findIndex((bound) => value <= bound);
    buckets[index < 0 ? bounds.length : index]! += counts[value]!;
    sum += value * counts[value]!;
  }
  return histogramSamples(name, {}, bounds, buckets, sum);
}

export function registerJobs(
  registry: Registry,
  { jobs, gc, scrub }: Pick<MetricsSources, 'jobs' | 'gc' | 'scrub'>,
  totals: () => Totals,
): void {
  const byJob = (read: (stats: JobStats) => number | null) => () =>
    jobs.stats().flatMap((stats): Sample[] => {
      const value = read(stats);
      return value === null ? [] : [{ labels: { job_name: stats.name }, value }];
    });
  register(
    registry,
    'counter',
    'firn_job_runs_total',
    'Runs of jobs that came to an end.',
    byJob(({ runs }) => runs),
  );
  register(
    registry,
    'counter',
    'firn_job_failures_total',
    'Runs that failed.',
    byJob(({ failures }) => failures),
  );
  register(
    registry,
    'gauge',
    'firn_job_last_success_timestamp_seconds',
    'When a job last succeeded.',
    byJob(({ succeededAt }) => succeededAt && succeededAt / 1000),
  );
  register(
    registry,
    'gauge',
    'firn_job_last_duration_seconds',
    'How long the last run took.',
    byJob(({ lastSeconds }) => lastSeconds),
  );
  register(registry, 'gauge', 'firn_imports', 'Imports that have not ended, by state.', () =>
    Object.entries(totals().imports ?? {}).map(([state, value]) => ({ labels: { state }, value })),
  );
  const counter = (name: string, help: string, read: () => number) =>
    registerOne(registry, 'counter', name, help, read);
  counter('firn_gc_condemned_total', 'Contents that the collector found unnamed.', () => gc.condemned);
  counter('firn_gc_deleted_total', 'Blobs that the collector deleted.', () => gc.deleted);
  counter('firn_scrub_contents_total', 'Contents that the scrub compared with their hashes.', () => scrub.checked);
  counter('firn_scrub_bytes_total', 'Bytes that the scrub read.', () => scrub.bytes);
  const damaged = 'Contents that are known to be damaged.';
  registerOne(registry, 'gauge', 'firn_scrub_damaged', damaged, () => totals().scrub?.damaged ?? null);
  const verified = 'Since when all that is stored was read and compared with its hashes.';
  registerOne(registry, 'gauge', 'firn_scrub_verified_timestamp_seconds', verified, () => {
    const at = totals().scrub?.verifiedAt ?? null;
    return at === null ? null : at / 1000;
  });
}

export function registerBackups(registry: Registry, totals: () => Totals): void {
  const seconds = (at: number | null | undefined) => (at === null || at === undefined ? null : at / 1000);
  const gauge = (name: string, help: string, read: () => number | null) =>
    registerOne(registry, 'gauge', name, help, read);
  gauge('firn_backup_last_whole_timestamp_seconds', 'When the last backup began that lacks nothing.', () =>
    seconds(totals().backups?.backup.lastWholeAt),
  );
  gauge('firn_backup_problems', 'Contents that the last backup lacks.', () => {
    return totals().backups?.backup.last?.problemCount ?? null;
  });
  const rehearsed = 'When the last rehearsal began that found the backup whole.';
  gauge('firn_backup_rehearsal_last_whole_timestamp_seconds', rehearsed, () =>
    seconds(totals().backups?.rehearsal.lastWholeAt),
  );
  gauge('firn_backup_rehearsal_problems', 'What the last rehearsal of a backup found wrong.', () => {
    return totals().backups?.rehearsal.last?.problemCount ?? null;
  });
}

export function registerCluster(registry: Registry, member: ClusterCounts): void {
  const gauge = (name: string, help: string, read: () => number) => registerOne(registry, 'gauge', name, help, read);
  const ahead = "How far this machine's clock is ahead of the database's.";
  gauge('firn_cluster_clock_ahead_seconds', ahead, () => member.aheadMs / 1000);
  gauge(
    'firn_cluster_servers',
    'Servers on the database that live, as of the last minute.',
    () => member.lastLook.living,
  );
  const warnings =
    'What is wrong, or a risk, with the servers and their database, as of the last minute; the log tells.';
  gauge('firn_cluster_warnings', warnings, () => member.lastLook.notes);
}
