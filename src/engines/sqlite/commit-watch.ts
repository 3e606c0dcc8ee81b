import type Database from 'better-sqlite3';
import type { Basis, CommitMark, CommitWatch } from '../../stores/commit-watch.js';
import type { DriveId } from '../../stores/values.js';
import { CHANGES_CONTENTS, CHANGES_DRIVES, CHANGES_RIGHTS } from './changed-tables.js';

/** Drives whose last change is known one by one; of all others it is the newest that was forgotten. */
const DRIVES_MAX = 10_000;

/**
 * The one place that says what a commit makes stale. Own writes say which tables they changed (`changed-tables.ts`) and on which
 * drives; of another process's commit nothing is known, so it makes all stale.
 */
export class SqliteCommitWatch implements CommitWatch {
  readonly #dataVersion: Database.Statement;
  #own = 0;
  #rightsAt = 0;
  #contentsAt = 0;
  /** The last change to drives that isn't in `#drivesAt`. */
  #drivesAt = 0;
  readonly #driveAt = new Map<DriveId, number>();
  /** What the batch under way has changed so far. */
  #batch = 0;
  #batchDrives: DriveId[] = [];
  #isBatchOfAll = false;
  #heldAt: number | null = null;

  /** Of the writing connection: its `data_version` stays at its own commits and moves at those of all others. */
  constructor(writer: Database.Database) {
    this.#dataVersion = writer.prepare('PRAGMA data_version').pluck();
  }

  look(): CommitMark | null {
    try {
      return { own: this.#own, others: this.#heldAt ?? this.#others() };
    } catch {
      // The read that follows has the same trouble, and says so.
      return null;
    }
  }

  areRightsSame(since: CommitMark, now: CommitMark): boolean {
    return this.#rightsAt <= since.own && since.others === now.others;
  }

  isSame(since: CommitMark, now: CommitMark, { drive, withContents }: Basis): boolean {
    if (since.others !== now.others || this.#drivesAt > since.own) return false;
    if (withContents && this.#contentsAt > since.own) return false;
    return (this.#driveAt.get(drive) ?? 0) <= since.own;
  }

  /** As `areRightsSame`, in the transaction under way, which sees what its batch has done before. */
  areRightsSameHere(since: CommitMark): boolean {
    const isUntouched = this.#rightsAt <= since.own && (this.#batch & CHANGES_RIGHTS) === 0;
    return isUntouched && this.#others() === since.others;
  }

  /** `changes`: see `changed-tables.ts`. Without `drives` they may be on any. */
  noteWrite(changes: number, drives: readonly DriveId[] | undefined): void {
    this.#batch |= changes;
    if ((changes & CHANGES_DRIVES) === 0) return;
    if (drives === undefined || drives.length === 0) this.#isBatchOfAll = true;
    else this.#batchDrives.push(...drives);
  }

  /** In the turn of the event loop from which on reads see the batch. */
  noteCommit(): void {
    if (this.#batch !== 0) {
      const at = ++this.#own;
      if (this.#batch & CHANGES_RIGHTS) this.#rightsAt = at;
      if (this.#batch & CHANGES_CONTENTS) this.#contentsAt = at;
      if (this.#isBatchOfAll) this.#drivesAt = at;
      for (const drive of this.#batchDrives) this.#driveAt.set(drive, at);
      if (this.#driveAt.size > DRIVES_MAX) this.#forgetDrives();
    }
    this.#endBatch();
  }

  /** Nobody knows what has become of the batch. */
  noteFailure(): void {
    this.#rightsAt = this.#contentsAt = this.#drivesAt = ++this.#own;
    this.#endBatch();
  }

  /** In the transaction of a commit that reads don't see yet: until `letGo` they stay at what was before, of other processes too. */
  hold(): void {
    this.#heldAt = this.#others();
  }

  letGo(): void {
    this.#heldAt = null;
  }

  #forgetDrives(): void {
    this.#driveAt.clear();
    this.#drivesAt = this.#own;
  }

  #endBatch(): void {
    this.#batch = 0;
    this.#batchDrives = [];
    this.#isBatchOfAll = false;
  }

  #others(): number {
    return this.#dataVersion.get() as number;
  }
}
