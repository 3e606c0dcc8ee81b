import type { Cluster } from '../../cluster/cluster.js';
import { type BackupState, backupState } from '../../jobs/backup-jobs.js';
import { allVerifiedAt } from '../../jobs/scrub.js';
import { auditPage } from '../audit-page.js';
import { adminReportContract, type StorageAnswer } from '../contract/admin-reports.js';
import { bind, ok } from '../route.js';
import { isoTime, isoTimeOrNull } from '../times.js';

/** Days of the plot. */
const DAYS_MAX = 366;
const DAMAGES_MAX = 50;

export const adminReportRoutes = bind(adminReportContract, {
  'GET /api/admin/audit': async ({ query }, { accounts, audit }) => {
    const filter = query.user === undefined ? {} : { userId: (await accounts.readUser(query.user)).id };
    return ok(await auditPage(audit, query, filter));
  },
  'GET /api/admin/storage': async (_request, { history, freeBytes, scrub, backupsTo, metadata, cluster }) => {
    const points = await history.points(DAYS_MAX);
    const state = backupsTo === null ? null : await backupState(metadata);
    const damages = await scrub.damages(DAMAGES_MAX);
    const answer: StorageAnswer = {
      points,
      freeBytes: await freeBytes(),
      backups: state && {
        to: backupsTo!,
        backup: describeRuns(state.backup),
        rehearsal: describeRuns(state.rehearsal),
      },
      verifiedAt: isoTimeOrNull(await allVerifiedAt(scrub)),
      damaged: await scrub.countDamages(),
      damages: damages.map(({ contentId, kind, message, foundAt }) => {
        return { content: contentId, kind, message, foundAt: isoTime(foundAt) };
      }),
      cluster: cluster && describeCluster(await cluster.report()),
    };
    return ok(answer);
  },
});

function describeRuns({ last, lastWholeAt, error }: BackupState['backup'] | BackupState['rehearsal']) {
  const shown = last && {
    name: last.name,
    at: isoTime(last.at),
    problems: [...last.problems],
    problemCount: last.problemCount,
  };
  return { last: shown, lastWholeAt: isoTimeOrNull(lastWholeAt), error };
}

function describeCluster({ servers, faults, warnings, id }: Awaited<ReturnType<Cluster['report']>>) {
  const nodes = servers
    .filter(({ state }) => state !== 'left')
    .map((server) => ({
      name: server.name,
      version: server.version,
      startedAt: isoTime(server.startedAt),
      seenAt: isoTime(server.seenAt),
      isThis: server.id === id,
    }));
  return { nodes, warnings: [...faults, ...warnings] };
}
