import { Command } from 'commander';
import { table } from './table.js';
import { type OutputOptions, print, toIso, toMinute, WorkCommand } from './workplace.js';

const SHOWN_MAX = 200;

export function jobsCommand(): Command {
  return new Command('jobs')
    .description('work that the server does in the background')
    .addCommand(list(), { isDefault: true });
}

function list(): Command {
  return new WorkCommand('list')
    .description('list the latest jobs with their state')
    .works('firn jobs', async ({ engines }, options: OutputOptions) => {
      const jobs = await engines.metadata.readOne([], (view) => view.jobs.list({}, null, SHOWN_MAX));
      const found = jobs.map(({ id, kind, state, everyMinutes, runAt, attempts, error, startedAt, endedAt }) => ({
        id,
        kind,
        state,
        everyMinutes,
        nextAt: state === 'waiting' ? toIso(runAt) : null,
        startedAt: startedAt === null ? null : toIso(startedAt),
        endedAt: endedAt === null ? null : toIso(endedAt),
        failures: attempts,
        error,
      }));
      const rows = jobs.map((job) => [
        `${job.id}`,
        job.kind,
        job.state,
        toMinute(job.startedAt),
        job.state === 'waiting' ? toMinute(job.runAt) : '-',
        job.error ?? '-',
      ]);
      print(options, found, table(['ID', 'KIND', 'STATE', 'STARTED', 'NEXT', 'LAST ERROR'], rows));
    });
}
