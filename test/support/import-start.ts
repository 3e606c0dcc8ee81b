import { vi } from 'vitest';
import { SecretBox } from '../../src/accounts/secret-box.js';
import type { ConflictRule, ImportProgress } from '../../src/jobs/import/import-request.js';
import { Imports } from '../../src/jobs/import/imports.js';
import type { ReportLine } from '../../src/jobs/import/report.js';
import type { JobRow } from '../../src/stores/job-store.js';
import type { DriveId } from '../../src/stores/values.js';
import { DRIVE_ID, emailOf, type TestServer } from './make-server.js';

export interface ImportOptions {
  readonly user?: string;
  readonly password?: string;
  readonly from?: string;
  readonly to?: string;
  readonly conflict?: ConflictRule;
}

export const driveId = DRIVE_ID as DriveId;

export async function importsOf(server: TestServer): Promise<Imports> {
  const { engines, config } = server;
  return new Imports({
    metadata: engines.metadata,
    box: new SecretBox(await server.readKey()),
    allowed: { hosts: config.importAllowedHosts, networks: config.importAllowedNetworks },
    idleSeconds: config.idleTimeoutSeconds,
    now: Date.now,
  });
}

/** Queues an import by alice into her drive; gives its number. */
export async function startImport(server: TestServer, url: string, options: ImportOptions = {}): Promise<number> {
  const { user = 'anna', password = 'a very secret word', from = '', to = '', conflict = 'skip' } = options;
  const { id: userId } = (await server.stores.accounts.findUser(emailOf('alice')))!;
  const imports = await importsOf(server);
  return (await imports.start({ url, from, user, password, driveId, userId, to, conflict })).id;
}

export async function endOf(server: TestServer, id: number, timeout = 30_000): Promise<JobRow> {
  return vi.waitFor(
    async () => {
      const job = (await server.stores.jobs.find(id))!;
      if (job.endedAt === null) throw new Error(`import ${id} is ${job.state}: ${job.error ?? 'no error'}`);
      return job;
    },
    { timeout, interval: 100 },
  );
}

export interface EndedImport {
  readonly job: JobRow;
  readonly progress: ImportProgress;
  readonly report: readonly ReportLine[];
}

/** Runs an import to its end. */
export async function runImport(
  server: TestServer,
  url: string,
  options: ImportOptions = {},
  timeout = 30_000,
): Promise<EndedImport> {
  const job = await endOf(server, await startImport(server, url, options), timeout);
  const report: ReportLine[] = [];
  for await (const line of (await importsOf(server)).report(job.id)) report.push(line);
  return { job, progress: job.progress as ImportProgress, report };
}
