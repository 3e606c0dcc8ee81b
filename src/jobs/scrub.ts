import { setTimeout as wait } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { BlobIndex } from '../stores/blob-index.js';
import type { BlobStore } from '../stores/blob-store.js';
import type { MetadataStore } from '../stores/metadata-store.js';
import { type BlobId, isBlobId } from '../stores/values.js';
import { checkContent } from './content-check.js';
import type { JobLane, JobWork } from './job-runner.js';
import { addToDigits, namedContents, UnreadParts } from './named-contents.js';

const KIND = 'scrub';
const EVERY_MINUTES = 60;
const BACK_OFF = { firstMs: 60_000, longestMs: EVERY_MINUTES * 60_000, triesMax: Number.POSITIVE_INFINITY };
/** Of the 65,536 ranges that ids fall into by their first four digits, one run reads so many: all in 25 days of uptime. */
const RANGES_A_RUN = 110;
/** Contents of one question to the database; inline ones come with their bytes. */
const PAGE = 20;
/** Most that is read, in bytes a millisecond: a disk that serves people has time for them, and 50 TB are read in 25 days. */
const BYTES_A_MS = 32 * 1024;
/** Shorter waits are summed up, in milliseconds. */
const WAIT_MIN_MS = 10;

/** What the scrub has found, for /metrics. */
export class ScrubTotals {
  /** Since the start. */
  checked = 0;
  bytes = 0;
  /** Contents that are known to be damaged: of the last whole round or of this one. Null before the first run. */
  damaged: number | null = null;
}

/** What is remembered between two runs, as the progress of the job. */
interface Round {
  readonly after: BlobId | null;
  readonly checked: number;
  readonly damaged: number;
  /** Of the round before; null: this is the first one. */
  readonly damagedBefore: number | null;
}

export interface Scrub {
  readonly blobs: BlobStore;
  readonly blobIndex: BlobIndex;
  readonly totals: ScrubTotals;
  readonly log: Logger;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** A lane of its own: a run may take long, and the rest of the maintenance doesn't wait for it. */
export function scrubLane(parts: Scrub): JobLane {
  const run = (work: JobWork) => scrub(parts, work);
  return { kinds: [{ kind: KIND, everyMinutes: EVERY_MINUTES, backOff: BACK_OFF, run }], limit: 1 };
}

/**
 * Reads the next part of all contents and compares them with their hashes, slowly. Damaged ones are set aside, so that
 * nobody is given wrong bytes, and told in the log with their files. Where the last run ended is the job's progress.
 */
export async function scrub(
  { blobs, blobIndex, totals, log, now }: Scrub,
  { job, signal, report }: Pick<JobWork, 'job' | 'signal' | 'report'>,
): Promise<void> {
  let round = readRound(job.progress);
  const move = (change: Partial<Round>) => {
    round = { ...round, ...change };
    totals.damaged = damageOf(round);
    report(round);
  };
  const pace = makePace(signal, totals);
  const unread = new UnreadParts();
  const end = addToDigits(round.after, RANGES_A_RUN);
  let isOver = true;
  for await (const content of namedContents(blobIndex, { after: round.after, page: PAGE }, unread)) {
    signal.throwIfAborted();
    if (end !== null && content.id > end) {
      isOver = false;
      break;
    }
    const damage = await checkContent({ blobs, blobIndex, setsAside: true, now: now(), pace }, content);
    if (damage) log.error({ kind: damage.kind }, `a scrub found damage: ${damage.message}`);
    totals.checked++;
    move({ after: content.id, checked: round.checked + 1, damaged: round.damaged + (damage ? 1 : 0) });
  }
  const untold = unread.tell();
  if (untold) log.error(`a scrub found damage: ${untold}`);
  move(isOver ? { after: null, checked: 0, damaged: 0, damagedBefore: round.damaged } : { after: end });
}

/** What `ScrubTotals.damaged` is where several servers share the runs: they leave it with the job. */
export async function knownDamage(metadata: MetadataStore): Promise<number | null> {
  const [job] = await metadata.readOne([], ({ jobs }) => jobs.list({ kind: KIND }, null, 1));
  return job?.progress ? damageOf(readRound(job.progress)) : null;
}

function damageOf({ damaged, damagedBefore }: Round): number {
  return Math.max(damaged, damagedBefore ?? 0);
}

/** Also what an older Firn, or nobody, left there. */
function readRound(progress: object | null): Round {
  const { after, checked, damaged, damagedBefore } = (progress ?? {}) as Record<string, unknown>;
  const isPosition = typeof after === 'string' && (isBlobId(after) || /^[0-9a-f]{4}$/.test(after));
  const toCount = (value: unknown) => (typeof value === 'number' ? value : 0);
  return {
    after: isPosition ? (after as BlobId) : null,
    checked: toCount(checked),
    damaged: toCount(damaged),
    damagedBefore: typeof damagedBefore === 'number' ? damagedBefore : null,
  };
}

function makePace(signal: AbortSignal, totals: ScrubTotals): (bytes: number) => Promise<void> {
  let owedMs = 0;
  return async (bytes) => {
    signal.throwIfAborted();
    totals.bytes += bytes;
    owedMs += bytes / BYTES_A_MS;
    if (owedMs < WAIT_MIN_MS) return;
    await wait(owedMs, null, { signal });
    owedMs = 0;
  };
}
