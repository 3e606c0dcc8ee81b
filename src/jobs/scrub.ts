import { setTimeout as wait } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { BlobIndex, NamedPosition } from '../stores/blob-index.js';
import type { BlobStore } from '../stores/blob-store.js';
import type { MetadataStore } from '../stores/metadata-store.js';
import { PART_DIGITS, type ScrubStore } from '../stores/scrub-store.js';
import type { Damages } from './damages.js';
import type { JobLane, JobWork } from './job-runner.js';
import { namedContents, UnreadParts } from './named-contents.js';

const KIND = 'scrub';
const EVERY_MINUTES = 60;
const BACK_OFF = { firstMs: 60_000, longestMs: EVERY_MINUTES * 60_000, triesMax: Number.POSITIVE_INFINITY };
const DAY_MS = 24 * 60 * 60_000;
/** Parts that all contents fall into (`BlobIndex.named`). */
const PARTS = 16 ** PART_DIGITS;
/** Of the days that are promised, what all is to be read in: the rest is for days on which the server is off. */
const ON_TIME = 0.8;
/** A part that was read so long ago, as a share of the days that are promised, is read at full speed also beside people. */
const LATE = 0.95;
/** What a run reads at least, where it wasn't read for a day: a small storage is read whole each day. */
const BYTES_A_RUN = 256 * 1024 * 1024;
const CONTENTS_A_RUN = 2_000;
/** Contents of one question to the database; inline ones come with their bytes. */
const PAGE = 20;
/** Most that is read, in bytes a millisecond, where nobody else is at work, and beside people. */
const BYTES_A_MS = 32 * 1024;
const BUSY_BYTES_A_MS = 8 * 1024;
/** Shorter waits are summed up, in milliseconds. */
const WAIT_MIN_MS = 10;

/** What the scrub has done since the start, for /metrics. */
export class ScrubTotals {
  checked = 0;
  bytes = 0;
}

/** What is remembered between two runs, as the progress of the job. Times are milliseconds since 1970. */
interface Position {
  /** Up to when the shares of the time that passed are read. */
  readonly settledAt: number | null;
  /** The part that a run was broken off in, when its reading began, and the last content that was read. */
  readonly digits: string | null;
  readonly begunAt: number;
  readonly after: NamedPosition | null;
}

export interface Scrub {
  readonly metadata: Pick<MetadataStore, 'stats'>;
  readonly blobs: Pick<BlobStore, 'stats'>;
  readonly blobIndex: BlobIndex;
  readonly store: ScrubStore;
  readonly damages: Damages;
  /** Looks again at what is known as damaged: see `Damages.mend`. */
  readonly mend: (signal: AbortSignal) => Promise<void>;
  readonly totals: ScrubTotals;
  readonly log: Pick<Logger, 'error'>;
  /** All is read within so many days. */
  readonly scrubDays: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** A lane of its own: a run may take long, and the rest of the maintenance doesn't wait for it. */
export function scrubLane(parts: Scrub): JobLane {
  const run = (work: JobWork) => scrub(parts, work);
  return { kinds: [{ kind: KIND, everyMinutes: EVERY_MINUTES, backOff: BACK_OFF, run }], limit: 1 };
}

/**
 * Reads the parts of all contents that were not read for the longest time, and compares them with their hashes: as many as fall to the
 * time since the last run, whether the server was on or off. What is damaged is set aside and told; what is known as damaged is mended where
 * the right bytes are found. Where a run is broken off the next one goes on.
 */
export async function scrub(
  parts: Scrub,
  { job, signal, report }: Pick<JobWork, 'job' | 'signal' | 'report'>,
): Promise<void> {
  const { damages, store, scrubDays, now } = parts;
  const shareMs = (scrubDays * DAY_MS * ON_TIME) / PARTS;
  let position = begin(readPosition(job.progress), now(), shareMs);
  const move = (change: Partial<Position>) => {
    position = { ...position, ...change };
    report(position);
  };
  await parts.mend(signal);
  const run = { bytes: 0, contents: 0 };
  const tried = new Set<string>();
  const verifiedAt = new Map(await store.verifiedAt());
  for (;;) {
    const oldest = oldestPart(verifiedAt, tried, now());
    if (!oldest) break;
    const isOwed = position.settledAt! + shareMs <= now();
    const isCheap = run.bytes < BYTES_A_RUN && run.contents < CONTENTS_A_RUN && oldest.at <= now() - DAY_MS;
    if (position.digits === null && !isOwed && !isCheap) break;
    if (position.digits === null) move({ digits: oldest.digits, begunAt: now(), after: null });
    const { begunAt, digits } = position;
    const isLate = oldest.at > 0 && oldest.at < now() - scrubDays * DAY_MS * LATE;
    if (await readPart(parts, position, { run, move, isLate, signal })) {
      await store.noteVerified(digits!, begunAt);
      verifiedAt.set(digits!, begunAt);
    }
    tried.add(digits!);
    move({ digits: null, after: null, settledAt: isOwed ? position.settledAt! + shareMs : position.settledAt });
  }
  await damages.tellAdministrators();
}

interface Reading {
  readonly run: { bytes: number; contents: number };
  readonly move: (change: Partial<Position>) => void;
  readonly isLate: boolean;
  readonly signal: AbortSignal;
}

/** False where a part of the database could not be read. */
async function readPart(parts: Scrub, { digits, after }: Position, reading: Reading): Promise<boolean> {
  const { blobIndex, damages, totals, log } = parts;
  const { run, move, signal } = reading;
  const unread = new UnreadParts();
  const pace = makePace(parts, reading);
  for await (const content of namedContents(blobIndex, { after, page: PAGE, part: digits! }, unread)) {
    signal.throwIfAborted();
    await damages.check(content, 'scrub', pace);
    totals.checked++;
    run.contents++;
    move({ after: content.position });
  }
  const untold = unread.tell();
  if (untold) log.error(`a scrub found damage: ${untold}`);
  return untold === null;
}

/** Null where all were tried. One that was read at a time that is still to come was read under a wrong clock: never. */
function oldestPart(verifiedAt: ReadonlyMap<string, number>, tried: ReadonlySet<string>, now: number) {
  let oldest: { readonly digits: string; readonly at: number } | null = null;
  for (let number = 0; number < PARTS; number++) {
    const digits = number.toString(16).padStart(PART_DIGITS, '0');
    const noted = verifiedAt.get(digits) ?? 0;
    const at = noted > now ? 0 : noted;
    if (!tried.has(digits) && (!oldest || at < oldest.at)) oldest = { digits, at };
  }
  return oldest;
}

/** Since when all that is stored was read: null while there is a part that never was. Milliseconds since 1970. */
export async function allVerifiedAt(store: Pick<ScrubStore, 'verifiedAt'>): Promise<number | null> {
  const verifiedAt = await store.verifiedAt();
  return verifiedAt.size < PARTS ? null : Math.min(...verifiedAt.values());
}

/** A clock that was ahead owes nothing, and no more than all is owed. */
function begin(position: Position, now: number, shareMs: number): Position {
  const { settledAt } = position;
  const first = now - shareMs;
  return {
    ...position,
    settledAt: settledAt === null || settledAt > now ? first : Math.max(settledAt, now - shareMs * PARTS),
  };
}

/** Also what an older Firn, or nobody, left there. */
function readPosition(progress: object | null): Position {
  const { settledAt, digits, begunAt, after } = (progress ?? {}) as Record<string, unknown>;
  const toTime = (value: unknown) => (typeof value === 'number' && value > 0 ? value : null);
  const isPart = typeof digits === 'string' && new RegExp(`^[0-9a-f]{${PART_DIGITS}}$`).test(digits);
  const isBegun = isPart && toTime(begunAt) !== null;
  const isAfter =
    isBegun && typeof after === 'string' && new RegExp(`^(0${digits}[0-9a-f]{62}|1[0-9a-f]{15})$`).test(after);
  return {
    settledAt: toTime(settledAt),
    digits: isBegun ? digits : null,
    begunAt: isBegun ? (begunAt as number) : 0,
    after: isAfter ? (after as NamedPosition) : null,
  };
}

/** How long reading so many bytes is to take, in milliseconds. */
export function scrubMs(
  bytes: number,
  { isBusy, isLate }: { readonly isBusy: boolean; readonly isLate: boolean },
): number {
  return bytes / (isBusy && !isLate ? BUSY_BYTES_A_MS : BYTES_A_MS);
}

function makePace(
  { metadata, blobs, totals }: Scrub,
  { run, isLate, signal }: Reading,
): (bytes: number) => Promise<void> {
  let owedMs = 0;
  return async (bytes) => {
    signal.throwIfAborted();
    totals.bytes += bytes;
    run.bytes += bytes;
    const { waitingReads, waitingWrites } = metadata.stats();
    const isBusy = blobs.stats().uploads > 0 || waitingReads + waitingWrites > 0;
    owedMs += scrubMs(bytes, { isBusy, isLate });
    if (owedMs < WAIT_MIN_MS) return;
    await wait(owedMs, null, { signal });
    owedMs = 0;
  };
}
