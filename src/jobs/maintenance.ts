import type { Audit } from '../accounts/audit.js';
import { expireLocks } from '../drive/locks/locks.js';
import { letGoOfPast } from '../drive/past/retention.js';
import { limitPast } from '../drive/past/room.js';
import { forgetRemovals } from '../drive/sync/sync-token.js';
import { expireTrash } from '../drive/trash.js';
import { turns } from '../drive/turns.js';
import type { Uploads } from '../drive/uploads/uploads.js';
import type { BlobIndex } from '../stores/blob-index.js';
import type { BlobLeases } from '../stores/blob-leases.js';
import type { BlobStore } from '../stores/blob-store.js';
import type { ClockStore } from '../stores/clock-store.js';
import type { Durability } from '../stores/durability.js';
import type { MetadataStore } from '../stores/metadata-store.js';
import type { StorageHistory } from '../stores/storage-history.js';
import { HOLD_MS } from './backup.js';
import { collectGarbage } from './gc.js';
import type { GcTotals } from './gc-totals.js';
import type { JobKind, JobLane } from './job-runner.js';
import type { SteadyClock } from './steady-clock.js';

/** Of an abandoned login flow; it ended long before. */
const FLOWS_KEPT_MS = 24 * 60 * 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const EVERY_MINUTES = 60;
/** What came to a bucket after its lease was seen to is found by looking at all of it. */
const WEEK_MINUTES = 7 * 24 * EVERY_MINUTES;
/** How long a sync token lasts on which much was removed since; a program that was away longer lists everything again. */
const REMOVALS_KEPT_DAYS = 180;
/** Rows that are counted at once: some milliseconds. */
const FILES_A_STEP = 1_000;
/** A job that recurs is never given up. */
const BACK_OFF = { firstMs: 60_000, longestMs: EVERY_MINUTES * 60_000, triesMax: Number.POSITIVE_INFINITY };

export interface Maintenance {
  readonly metadata: MetadataStore;
  readonly blobs: BlobStore;
  readonly blobIndex: BlobIndex;
  /** Null where each run of the collector looks at all blobs. */
  readonly leases: BlobLeases | null;
  readonly audit: Pick<Audit, 'forget'>;
  readonly uploads: Uploads;
  readonly history: StorageHistory;
  readonly durability: Pick<Durability, 'emptyLog'>;
  readonly gc: GcTotals;
  readonly clock: SteadyClock;
  readonly clockStore: ClockStore;
  /** A content that nobody names is kept this long: nothing depends on it, but an operator may be glad. */
  readonly graceSeconds: number;
  /** 0: for ever. */
  readonly trashRetentionDays: number;
  readonly auditRetentionDays: number;
  readonly sessionLongestHours: number;
  readonly uploadExpiryHours: number;
}

/** What a server does every hour by itself, one after the other. */
export function maintenanceLane(parts: Maintenance): JobLane {
  const { metadata, blobs, blobIndex, leases, audit, uploads, history, durability, gc, clock, clockStore, ...config } =
    parts;
  type Run = (signal: AbortSignal) => Promise<unknown>;
  const hourly = (kind: string, run: Run, everyMinutes = EVERY_MINUTES): JobKind => ({
    kind,
    everyMinutes,
    backOff: BACK_OFF,
    run: async ({ signal }) => void (await run(signal)),
  });
  const collection = async (signal: AbortSignal) => {
    const { expiryAt } = await clock.look();
    return { blobs, blobIndex, now: () => clock.now(), expiryAt, graceSeconds: config.graceSeconds, signal };
  };
  const kinds = [
    hourly('clock-repair', async () => {
      const { now, isSteady, isTrusted } = await clock.look();
      const sessionMs = config.sessionLongestHours * HOUR_MS;
      if (isSteady) await clockStore.pullBack(now, { sessionMs, holdMs: HOLD_MS });
      if (isTrusted) await clockStore.pullBackKept(now, { uploadMs: config.uploadExpiryHours * HOUR_MS });
    }),
    hourly('trash-expiry', async (signal) => {
      if (config.trashRetentionDays === 0) return;
      const { now, expiryAt } = await clock.look();
      await expireTrash(metadata, expiryAt - config.trashRetentionDays * DAY_MS, now, signal);
    }),
    hourly('lock-expiry', async (signal) => {
      const { now, expiryAt } = await clock.look();
      await expireLocks(metadata, Math.min(now, expiryAt), signal);
    }),
    hourly('prune-change-log', async (signal) => {
      const { expiryAt } = await clock.look();
      await forgetRemovals(metadata, expiryAt - REMOVALS_KEPT_DAYS * DAY_MS, signal);
    }),
    hourly('past-expiry', async (signal) => expirePast(parts, (await clock.look()).expiryAt, signal)),
    hourly('session-expiry', async () => {
      const { now, expiryAt } = await clock.look();
      await metadata.write([], async ({ security, loginFlows, throttle }) => {
        await security.removeExpiredSessions(expiryAt);
        await throttle.removeEnded(expiryAt);
        await loginFlows.removeOutside(expiryAt - FLOWS_KEPT_MS, now + FLOWS_KEPT_MS);
      });
    }),
    hourly('audit-expiry', async (signal) => {
      if (config.auditRetentionDays === 0) return;
      const { expiryAt } = await clock.look();
      await audit.forget(expiryAt - config.auditRetentionDays * DAY_MS, signal);
    }),
    hourly('upload-expiry', async (signal) => uploads.removeExpired((await clock.look()).expiryAt, signal)),
    hourly('garbage-collection', async (signal) => {
      const options = await collection(signal);
      if (leases) await gc.tallyPart(() => collectGarbage({ ...options, leases }));
      else await gc.tally((onBlob) => collectGarbage({ ...options, onBlob }));
    }),
    // Else the log of a quiet server holds for months what nothing else has.
    hourly('empty-log', () => durability.emptyLog()),
    // More often than daily: a server that is started again each night has its points too. A day's last one stays.
    hourly('storage-point', async (signal) => {
      const { now, isSteady } = await clock.look();
      // A point in another year would stay in the picture.
      if (isSteady) await noteStorage(history, now, signal);
    }),
  ];
  const whole: Run = async (signal) => {
    const options = await collection(signal);
    await gc.tally((onBlob) => collectGarbage({ ...options, onBlob }));
  };
  return { kinds: leases ? [...kinds, hourly('bucket-sweep', whole, WEEK_MINUTES)] : kinds, limit: 1 };
}

async function expirePast({ metadata, blobs }: Maintenance, now: number, signal: AbortSignal): Promise<void> {
  await letGoOfPast(metadata, now, signal);
  await limitPast(metadata, () => blobs.freeBytes(), signal);
}

/**
 * Remembers how full the storage is, as the day's point (of UTC); `now` in milliseconds since 1970. Rejects with the
 * signal's reason.
 */
export async function noteStorage(history: StorageHistory, now: number, signal?: AbortSignal): Promise<void> {
  const usedBytes = await history.usedBytes();
  let files = 0;
  for (let after: number | null = 0; after !== null; ) {
    await turns.next();
    signal?.throwIfAborted();
    const page: { readonly files: number; readonly last: number | null } = await history.countFiles(
      after,
      FILES_A_STEP,
    );
    files += page.files;
    after = page.last;
  }
  await history.putPoint({ day: new Date(now).toISOString().slice(0, 10), usedBytes, files });
}
