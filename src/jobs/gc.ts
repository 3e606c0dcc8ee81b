import { setTimeout as wait } from 'node:timers/promises';
import { turns } from '../drive/turns.js';
import type { BlobIndex, ContentPosition, Doomed } from '../stores/blob-index.js';
import type { BlobLeases, LeaseId } from '../stores/blob-leases.js';
import type { BlobInfo, BlobStore } from '../stores/blob-store.js';
import type { BlobPlace } from '../stores/values.js';
import { JobFailedError } from './job-runner.js';

/** Rows or blobs that one transaction deals with: short, so that writers hardly wait. */
const PAGE = 200;
/** Contents or marks that one step looks at. */
const LOOKED_AT = 500;
/** What was swept is known for longer than any upload waits for its commit, in milliseconds. */
const PARDON_MS = 86_400_000;
/** Blobs that are deleted between two looks at the clock. */
const DELETED_AT_ONCE = 20;
/** How long a sweep deletes by what it wrote down, in milliseconds. */
const SWEEP_MS = 600_000;
/** A sweep that was begun so long ago is of an ended process: far longer than `SWEEP_MS`, also where a process stood still. */
const SWEEP_LOST_MS = 86_400_000;
/** Unknown blobs that one run deals with: it remembers them while it counts, in some 5 MB. The next run takes more. */
const UNKNOWN_MAX = 50_000;
/** So many blobs that the database doesn't know are failed uploads, whatever their share. */
const UNKNOWN_SURE = 50;

/** A lease that ended so long ago is nobody's: no request of its process is under way any more. */
const LEASE_LOST_MS = 86_400_000;
/** Ended leases that one run deals with. */
const LEASES_AT_ONCE = 1_000;

export interface GarbageCollection {
  readonly blobs: BlobStore;
  readonly blobIndex: BlobIndex;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** The time by which marks are old, where that isn't `now`; see `SteadyClock`. */
  readonly expiryAt?: number;
  /** How long a content must have been seen unnamed before its bytes go, in seconds. */
  readonly graceSeconds: number;
  /** What ended processes left is looked for where they had leases, and nowhere else. Without: everywhere. */
  readonly leases?: BlobLeases | null;
  /** Is told of each blob that it comes by: all of them, where there are no leases; some may be deleted afterwards. */
  readonly onBlob?: (blob: BlobInfo) => void;
  /** Looked at between pages. */
  readonly signal?: AbortSignal;
  /** Looks at all contents, not at the candidates alone: a mistake of long ago may have left some out. */
  readonly looksAtAll?: boolean;
  /** Goes on where most blobs are unknown: somebody has looked. */
  readonly isForced?: boolean;
}

export interface GcReport {
  /** Contents newly seen unnamed. */
  readonly condemned: number;
  /** Blobs whose bytes were removed. */
  readonly deleted: number;
}

/** Most blobs are unknown to the database: it is another one's, or an old one. Nothing was removed. */
export class UnknownBlobsError extends JobFailedError {}

/**
 * Frees what nothing names any more: rows of destroyed trees, small contents in the database, blobs. Runs beside
 * uploads and other collectors; see `BlobIndex` for why that is safe. Touches nothing where most blobs are unknown to
 * the database, and throws `UnknownBlobsError`; rejects with the signal's reason.
 */
export async function collectGarbage(options: GarbageCollection): Promise<GcReport> {
  const { blobIndex, now, graceSeconds, signal } = options;
  const condemned = await mark(options);
  const { expiryAt = now() } = options;
  const finished = await finishOthers(options, expiryAt - SWEEP_LOST_MS);
  const deleted = finished + (await sweep(options, expiryAt - graceSeconds * 1000));
  const pardoned = expiryAt - Math.max(graceSeconds * 1000, PARDON_MS);
  await walk(signal, (after: BlobPlace | null) => blobIndex.pardon(pardoned, after, LOOKED_AT));
  return { condemned, deleted };
}

/**
 * The same where room is wanted now: waits out the grace period itself, by the time that passes, and pardons nothing. Who
 * was about to read a content has opened it by then.
 */
export async function collectSoon(options: GarbageCollection): Promise<GcReport> {
  const condemned = await mark(options);
  const markedBefore = options.now() + 1;
  await wait(options.graceSeconds * 1000, undefined, options.signal ? { signal: options.signal } : {});
  return { condemned, deleted: await sweep(options, markedBefore) };
}

/** Frees rows and contents in the database, and condemns what nothing names. Returns how many contents that were. */
async function mark(options: GarbageCollection): Promise<number> {
  const { blobIndex, now, signal } = options;
  const { unknown, ended } = await findUnknown(options);
  await step(signal);
  await blobIndex.dropStagedCopies(now());
  while (await blobIndex.purge(PAGE)) await step(signal);
  if (options.looksAtAll) await walk(signal, (after: ContentPosition | null) => blobIndex.nominate(after, LOOKED_AT));
  let condemned = 0;
  for (let marked: number | null = 0; marked !== null; condemned += marked ?? 0) {
    await step(signal);
    marked = await blobIndex.condemn(LOOKED_AT, now());
  }
  while (unknown.length > 0) {
    await step(signal);
    condemned += await blobIndex.condemnUnknown(unknown.splice(-PAGE), now());
  }
  await forgetLeases(options, ended);
  return condemned;
}

/** What they left is marked, or was never whole: nobody has to look for it again. */
async function forgetLeases({ blobs, leases, signal, ...options }: GarbageCollection, ended: readonly LeaseId[]) {
  for (const id of ended) {
    await step(signal);
    await blobs.clearIncoming(`${id}/`);
    await leases?.remove(id, endOf(options));
  }
}

/** The time before which a lease has to have ended. */
function endOf({ now, expiryAt = now() }: Pick<GarbageCollection, 'now' | 'expiryAt'>): number {
  return expiryAt - LEASE_LOST_MS;
}

/** Removes the bytes of what was condemned before a time, and is unnamed still. Returns how many blobs that were. */
function sweep(options: GarbageCollection, condemnedBefore: number): Promise<number> {
  const { blobIndex, now } = options;
  return sweepAll(options, () => blobIndex.beginSweep({ condemnedBefore, limit: PAGE, now: now() }));
}

/** Goes on with what an ended process has begun. Returns how many blobs that were. */
function finishOthers(options: GarbageCollection, begunBefore: number): Promise<number> {
  const { blobIndex, now } = options;
  return sweepAll(options, () => blobIndex.takeOverSweep({ begunBefore, now: now() }));
}

async function sweepAll(options: GarbageCollection, begin: () => Promise<Doomed | null>): Promise<number> {
  for (let deleted = 0; ; ) {
    await step(options.signal);
    const age = startStopwatch();
    const doomed = await begin();
    if (!doomed) return deleted;
    await finishSweep(options, doomed, age);
    deleted += doomed.places.length;
  }
}

/** Deletes what a sweep has written down. Throws where that takes so long that another process may take it over. */
async function finishSweep(
  { blobs, blobIndex, now }: GarbageCollection,
  { sweep, places }: Doomed,
  age: () => number,
): Promise<void> {
  if (sweep === null) return;
  for (let start = 0; start < places.length; start += DELETED_AT_ONCE) {
    if (age() > SWEEP_MS) throw new Error('deleting blobs takes too long: the disk may hang');
    await blobs.deleteAll(places.slice(start, start + DELETED_AT_ONCE));
  }
  await blobIndex.endSweep(sweep, now());
}

/** Tells the milliseconds since, by the clock that is ahead: one of them may have stood still or been set. */
function startStopwatch(): () => number {
  const [steady, wall] = [performance.now(), Date.now()];
  return () => Math.max(performance.now() - steady, Date.now() - wall);
}

/** Page after page, each where the last one ended, to the end. */
async function walk<Position>(
  signal: AbortSignal | undefined,
  page: (after: Position | null) => Promise<Position | null>,
): Promise<void> {
  let after: Position | null = null;
  do {
    await step(signal);
    after = await page(after);
  } while (after !== null);
}

/** Lets others in; rejects with the signal's reason. */
async function step(signal: AbortSignal | undefined): Promise<void> {
  await turns.next();
  signal?.throwIfAborted();
}

/** Unknown blobs, and the leases of which all such are among them. */
interface Found {
  readonly unknown: BlobPlace[];
  readonly ended: readonly LeaseId[];
}

/**
 * Bytes that an upload left whose transaction never came. A listing that fails ends the run: nothing is marked by what it did
 * not say. Throws `UnknownBlobsError`.
 */
async function findUnknown(options: GarbageCollection): Promise<Found> {
  const { blobs, blobIndex, leases, onBlob, signal, isForced = false } = options;
  const ended = leases ? await leases.ended(endOf(options), LEASES_AT_ONCE) : [];
  const found: BlobPlace[] = [];
  let [seen, unknown] = [0, 0];
  let page: BlobPlace[] = [];
  const look = async () => {
    await step(signal);
    const places = await blobIndex.unknown(page);
    seen += page.length;
    unknown += places.length;
    found.push(...places.slice(0, UNKNOWN_MAX - found.length));
    page = [];
  };
  for (const prefix of leases ? ended.map((id) => `${id}/`) : ['']) {
    for await (const blob of blobs.list({ prefix })) {
      onBlob?.(blob);
      page.push(blob.place);
      if (page.length === PAGE) await look();
    }
  }
  await look();
  if (!isForced && unknown > UNKNOWN_SURE && unknown > seen / 2) {
    throw new UnknownBlobsError(
      `The database knows nothing of ${unknown} of ${seen} stored contents: it seems to be an old one, or another one's. ` +
        'Nothing was removed. Put the right firn.db there (storage/README.md says how); where they are rubbish, "firn gc --force" removes them.',
    );
  }
  return { unknown: found, ended: found.length < unknown ? [] : ended };
}
