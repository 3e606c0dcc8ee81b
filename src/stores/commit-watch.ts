import type { DriveId } from './values.js';

/** How far the commits had come when somebody looked: what is read afterwards is of then, or newer. */
export interface CommitMark {
  /** Commits of this process that reads see. */
  readonly own: number;
  /** Another number after each commit of another process. */
  readonly others: number;
}

/** What an answer was made from. */
export interface Basis {
  /** Nodes, properties, locks, trash and uploads of the drive. */
  readonly drive: DriveId;
  /** Also what is known of contents, which drives share: digests, bytes, places. */
  readonly withContents: boolean;
}

/**
 * Says of what was read before whether it would be read again. Commits alone are watched: what ends by time is for the caller to
 * know. No `no` is ever missing; a `yes` may be.
 */
export interface CommitWatch {
  /** At the cost of no row; null where the engine can't tell. */
  look(): CommitMark | null;
  /** Whether `AccountView.access` would answer as it did after `since`. `now`: a look just made. */
  areRightsSame(since: CommitMark, now: CommitMark): boolean;
  /** Whether reads of `basis` would answer as they did after `since`. */
  isSame(since: CommitMark, now: CommitMark, basis: Basis): boolean;
}

/** Of an engine that can't tell: nothing stands. */
export const UNWATCHED: CommitWatch = { look: () => null, areRightsSame: () => false, isSame: () => false };
