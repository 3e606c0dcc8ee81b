import { setTimeout as wait } from 'node:timers/promises';
import cliProgress from 'cli-progress';
import type { ImportProgress, ImportRequest } from '../jobs/import/import-request.js';
import type { JobId, JobRow, JobStore } from '../stores/job-store.js';
import { formatByteSize } from './byte-size.js';
import { toIso } from './workplace.js';

/** Time between two looks, in milliseconds. */
const LOOK_MS = 500;

/** What is said about an import, without its password. */
export function describeImport(job: JobRow) {
  const { url, user, to, conflict } = job.parameters as ImportRequest;
  return {
    id: job.id,
    state: job.state,
    driveId: job.driveId,
    url,
    user,
    to: `/${to}`,
    conflict,
    error: job.error,
    createdAt: toIso(job.createdAt),
    startedAt: job.startedAt === null ? null : toIso(job.startedAt),
    endedAt: job.endedAt === null ? null : toIso(job.endedAt),
    ...(job.progress as ImportProgress | null),
  };
}

/** Waits for the end; on a terminal with bars for files and bytes. */
export async function watchImport(jobs: JobStore, id: JobId): Promise<JobRow> {
  const bars = process.stderr.isTTY
    ? new cliProgress.MultiBar(
        { stream: process.stderr, hideCursor: true, format: '{what} {bar} {text}' },
        cliProgress.Presets.rect,
      )
    : null;
  const files = bars?.create(1, 0, { what: 'files', text: '' });
  const bytes = bars?.create(1, 0, { what: 'bytes', text: '' });
  try {
    for (;;) {
      const job = (await jobs.find(id))!;
      const progress = job.progress as ImportProgress | null;
      if (progress && files && bytes) {
        const ended = progress.done + progress.unchanged + progress.skipped + progress.failed;
        files.setTotal(Math.max(1, progress.files));
        files.update(ended, { text: `${ended} of ${progress.files}${progress.foldersLeft > 0 ? ' so far' : ''}` });
        bytes.setTotal(Math.max(1, progress.bytes));
        bytes.update(progress.doneBytes, { text: speedText(progress) });
      }
      if (job.endedAt !== null) return job;
      await wait(LOOK_MS);
    }
  } finally {
    bars?.stop();
  }
}

function speedText({ bytesPerSecond, bytes, doneBytes }: ImportProgress): string {
  const sizes = `${formatByteSize(doneBytes)} of ${formatByteSize(bytes)}`;
  if (bytesPerSecond === 0) return sizes;
  const left = Math.ceil((bytes - doneBytes) / bytesPerSecond / 60);
  return `${sizes}, ${formatByteSize(bytesPerSecond)}/s, ${left} min left`;
}
