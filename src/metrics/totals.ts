import { type BackupState, backupState } from '../jobs/backup-jobs.js';
import { IMPORT } from '../jobs/import/import-request.js';
import { allVerifiedAt } from '../jobs/scrub.js';
import type { BlobStore } from '../stores/blob-store.js';
import type { OpenJobs } from '../stores/job-store.js';
import type { DriveTotals, MetadataStore } from '../stores/metadata-store.js';
import type { ScrubStore } from '../stores/scrub-store.js';
import { inTime } from './in-time.js';

/** How long the stores may take to answer; a scrape commonly ends after 10 s. */
const ANSWER_MS = 3_000;

/** What only the stores know; null where they didn't say. */
export interface Totals {
  readonly drives: DriveTotals | null;
  readonly uploads: { readonly open: number; readonly bytes: number } | null;
  readonly imports: OpenJobs | null;
  readonly scrub: { readonly damaged: number; readonly verifiedAt: number | null } | null;
  /** Backups that the server makes; without a report where none was made. */
  readonly backups: BackupState | null;
  readonly freeBytes: number | null;
  /** How often the stores failed to answer, since the start. */
  readonly failures: number;
}

interface Stores {
  readonly metadata: MetadataStore;
  readonly blobs: BlobStore;
  readonly scrubStore: ScrubStore;
  /** Milliseconds since 1970. */
  now(): number;
}

/** A disk that hangs must not keep the other numbers from anyone who wants to know why. */
export async function readTotals(stores: Stores, failuresBefore: number): Promise<Totals> {
  const { metadata, blobs, scrubStore } = stores;
  let failures = failuresBefore;
  const answerOf = <T>(work: Promise<T>): Promise<T | null> =>
    inTime(work, ANSWER_MS).catch(() => {
      // What is wrong with the stores is in the log of the requests that meet it; here it is counted.
      failures++;
      return null;
    });
  const [freeBytes, imports, backups, scrub, found] = await Promise.all([
    answerOf(blobs.freeBytes()),
    answerOf(metadata.readOne([], ({ jobs }) => jobs.countOpen(IMPORT))),
    answerOf(backupState(metadata)),
    answerOf(
      (async () => ({ damaged: await scrubStore.countDamages(), verifiedAt: await allVerifiedAt(scrubStore) }))(),
    ),
    answerOf(
      metadata.read([], async (view) => ({
        drives: await view.totals(),
        uploads: await view.uploads.totals(stores.now()),
      })),
    ),
  ]);
  return {
    drives: found?.drives ?? null,
    uploads: found?.uploads ?? null,
    imports,
    backups,
    scrub,
    freeBytes,
    failures,
  };
}
