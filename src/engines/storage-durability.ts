import type { BlobIndex } from '../stores/blob-index.js';
import type { Durability, Loss, Tell } from '../stores/durability.js';
import type { Reserve } from './reserve.js';
import type { RevisionMark } from './revision-mark.js';
import { highestRevision, skipRevisions } from './sql/revisions.js';
import { endAllLeases } from './sql/sql-uploads.js';
import type { SqliteDatabase } from './sqlite/sqlite-database.js';
import { isDamaged, type LogReport } from './sqlite/wal-scan.js';

/** More revisions than are ever given out between a mark and the loss of what came after it. */
const REVISIONS_SKIPPED = 1_000_000_000;
/** How long the collector keeps the bytes of what was lost, in milliseconds: time to find a backup. */
const KEEP_MS = 7 * 86_400_000;
/** Losses that are remembered. */
const LOSSES_MAX = 20;

interface Parts {
  readonly database: SqliteDatabase;
  readonly blobIndex: BlobIndex;
  readonly reserve: Reserve;
  readonly mark: RevisionMark;
  /** The log as it was before SQLite opened it. */
  readonly log: LogReport | null;
  readonly tell: Tell;
}

/** What keeps a storage folder safe beside its data. */
export class StorageDurability implements Durability {
  readonly #parts: Parts;
  lossesAtStart = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  trouble(): string | null {
    return this.#parts.database.trouble();
  }

  prove(): Promise<void> {
    return this.#parts.database.prove();
  }

  emptyLog(): Promise<boolean> {
    return this.#parts.database.emptyLog();
  }

  async begin(now: number): Promise<void> {
    const { tell } = this.#parts;
    if (!(await this.emptyLog())) tell({ level: 'warn', message: 'the log could not be emptied at the start' });
    try {
      await this.#lookForLosses(now);
    } catch (error) {
      tell({ level: 'error', message: 'what may have been lost could not be looked after', cause: error });
    }
    // A storage folder has one server, and the last one has ended. Else they run out within a minute.
    await endAllLeases(this.#parts.database).catch(() => undefined);
  }

  async note(now: number): Promise<void> {
    const { mark, database } = this.#parts;
    // A mark is never of a revision that this process may not have kept.
    if (this.trouble() !== null) return;
    const { losses = [] } = (await mark.read()) ?? {};
    await mark.write({ revision: await highestRevision(database), at: new Date(now).toISOString(), losses });
  }

  keepReserve(): Promise<void> {
    return this.#parts.reserve.fill();
  }

  async losses(): Promise<readonly Loss[]> {
    const { mark, database } = this.#parts;
    const known = await mark.read();
    if (!known) return [];
    // A database that can't be read says so elsewhere.
    const revision = await highestRevision(database).catch(() => known.revision);
    return revision < known.revision ? [...known.losses, pastLoss(known, revision)] : known.losses;
  }

  async forgetLosses(): Promise<void> {
    const { mark } = this.#parts;
    const known = await mark.read();
    if (known) await mark.write({ ...known, losses: [] });
  }

  async #lookForLosses(now: number): Promise<void> {
    const { database, blobIndex, mark, log, tell } = this.#parts;
    const known = await mark.read();
    const revision = await highestRevision(database);
    const found: Loss[] = [];
    if (log && isDamaged(log)) found.push(logLoss(log, now));
    if (known && revision < known.revision) found.push(pastLoss(known, revision));
    if (found.length === 0) return;
    this.lossesAtStart = found.length;
    for (const { message } of found) tell({ level: 'error', message });
    await blobIndex.pauseSweep(now + KEEP_MS, now);
    // What was given out since may not be given out again for something else.
    await skipRevisions(database, Math.max(0, (known?.revision ?? 0) - revision) + REVISIONS_SKIPPED);
    const losses = [...(known?.losses ?? []), ...found].slice(-LOSSES_MAX);
    await mark.write({ revision: await highestRevision(database), at: new Date(now).toISOString(), losses });
  }
}

function logLoss({ commits, commitsBehind }: LogReport, now: number): Loss {
  return {
    at: new Date(now).toISOString(),
    kind: 'log',
    message:
      `the database's log was damaged after ${commits} commits: ${commitsBehind} commits behind that place may be lost. ` +
      'Look at the disk, run "firn fsck", and compare with a backup; the bytes of lost files are kept for seven days.',
  };
}

function pastLoss(known: { readonly revision: number; readonly at: string }, revision: number): Loss {
  return {
    at: known.at,
    kind: 'past',
    message:
      `the database is of an earlier time: it ends at revision ${revision}, and at ${known.at} it had ${known.revision}. ` +
      'Where nobody put an older one there, changes are lost: look at the disk, run "firn fsck", and compare with a backup; ' +
      'the bytes of lost files are kept for seven days.',
  };
}
