import { Command } from 'commander';
import { type ClusterReport, readReport } from '../cluster/cluster-report.js';
import type { Parts } from '../parts.js';
import { CommandError } from './command-error.js';
import { table } from './table.js';
import { type OutputOptions, print, remark, toIso, toMinute, WorkCommand } from './workplace.js';

export function clusterCommand(): Command {
  return new Command('cluster')
    .description('several servers on one database')
    .addCommand(status(), { isDefault: true });
}

function status(): Command {
  return new WorkCommand('status')
    .description('show the servers, their database, the bucket and the key; fails where something is wrong')
    .works(['firn cluster status', 'firn cluster status --json'], async (parts: Parts, options: OutputOptions) => {
      const { cluster } = parts.engines;
      if (!cluster) throw new CommandError('The metadata is in SQLite: one server has the storage, and no other.');
      const report = await readReport(cluster);
      const [bucket, key] = [await troubleOf(parts.engines.checkBucket), await troubleOf(() => parts.openSecretBox())];
      const faults = [
        ...report.faults,
        ...(bucket === null ? [] : [`The bucket fails: ${bucket}.`]),
        ...(key === null ? [] : [`The key is wrong: ${key}`]),
      ];
      print(options, describe(report, { bucket, key, faults }), lines(report, { bucket, key }));
      for (const text of report.warnings) remark(`warning: ${text}`);
      for (const text of faults) remark(`error: ${text}`);
      if (faults.length > 0)
        throw new CommandError(`${faults.length === 1 ? '1 fault' : `${faults.length} faults`} found.`);
    });
}

/** What keeps the work from succeeding, in words; null where nothing does. */
async function troubleOf(work: (() => Promise<unknown>) | null): Promise<string | null> {
  try {
    await work?.();
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

interface Looked {
  readonly bucket: string | null;
  readonly key: string | null;
}

function describe(
  { servers, database, warnings }: ClusterReport,
  { bucket, key, faults }: Looked & { faults: string[] },
) {
  return {
    nodes: servers.map(({ name, version, state, startedAt, seenAt, trouble }) => ({
      ...{ name, version, state, trouble },
      ...{ startedAt: toIso(startedAt), seenAt: toIso(seenAt) },
    })),
    database: { version: database.version, standbys: database.standbys, isUsable: database.refusal === null },
    bucket: { isReachable: bucket === null },
    key: { isRight: key === null },
    warnings,
    faults,
  };
}

function lines({ servers, database }: ClusterReport, { bucket, key }: Looked): string {
  const rows = servers.map(({ name, version, state, startedAt, seenAt, trouble }) => [
    ...[name, version, state, toMinute(startedAt)],
    ...[toIso(seenAt).slice(0, 19).replace('T', ' '), trouble ?? '-'],
  ]);
  return [
    table(['NAME', 'VERSION', 'STATE', 'STARTED', 'SEEN', 'TROUBLE'], rows),
    '',
    `database  PostgreSQL ${database.version}, ${database.standbys === '' ? 'no synchronous standby' : `standby ${database.standbys}`}`,
    `bucket    ${bucket === null ? 'answers' : 'fails'}`,
    `key       ${key === null ? 'the one of the cluster' : 'wrong'}`,
  ].join('\n');
}
