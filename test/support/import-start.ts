import path from 'node:path';
import { vi } from 'vitest';
import { SecretBox } from '../../src/accounts/secret-box.js';
import { readStorageKey, SECRET_KEY } from '../../src/engines/storage-key.js';
import {
  type ConflictRule,
  IMPORT,
  type ImportProgress,
  type ImportRequest,
  passwordPurpose,
  sourceKey,
  sourceUrl,
} from '../../src/jobs/import/import-request.js';
import { type ReportLine, reportOf } from '../../src/jobs/import/report.js';
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

/** Queues an import by alice into her drive. */
export async function startImport(server: TestServer, url: string, options: ImportOptions = {}): Promise<JobRow> {
  const { user = 'anna', password = 'a very secret word', from = '', to = '', conflict = 'skip' } = options;
  const { id: userId } = (await server.engines.accounts.findUser(emailOf('alice')))!;
  const request: ImportRequest = { url: sourceUrl(url, from), user, to, conflict };
  const box = new SecretBox(await readStorageKey(path.join(server.config.storage, SECRET_KEY)));
  const secret = box.seal(password, passwordPurpose(request, driveId, userId));
  return server.engines.jobs.add({ kind: IMPORT, userId, driveId, parameters: request, secret }, Date.now());
}

export async function endOf(server: TestServer, id: number, timeout = 30_000): Promise<JobRow> {
  return vi.waitFor(
    async () => {
      const job = (await server.engines.jobs.find(id))!;
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
export async function runImport(server: TestServer, url: string, options: ImportOptions = {}): Promise<EndedImport> {
  const job = await endOf(server, (await startImport(server, url, options)).id);
  const { imports } = server.engines;
  const sourceId = await imports.openSource(sourceKey(job.parameters as ImportRequest, driveId, job.userId!), driveId);
  const report: ReportLine[] = [];
  for await (const line of reportOf(imports, job.id, sourceId)) report.push(line);
  return { job, progress: job.progress as ImportProgress, report };
}
