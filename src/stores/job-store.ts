import type { DriveId, UserId } from './values.js';

/** Work in the background, for all processes on the storage. Times are milliseconds since 1970. */
export interface JobStore {
  /**
   * A job that runs once, as soon as somebody claims it. With `openMax` null where its user has so many of the kind that
   * have not ended.
   */
  add(job: NewJob, now: number): Promise<JobRow>;
  add(job: NewJob, now: number, openMax: number | null): Promise<JobRow | null>;
  /** Makes sure of a job that recurs: first after its interval, at the known time where it is known. */
  ensureRecurring(kind: string, everyMinutes: number, now: number): Promise<void>;
  /**
   * Pulls back what was written while the clock was ahead: leases to `leaseMs` from now, jobs that wait for another try to
   * `waitMs`. Those that recur are `ensureRecurring`'s.
   */
  pullBack(now: number, longest: { readonly leaseMs: number; readonly waitMs: number }): Promise<void>;
  find(id: JobId): Promise<JobRow | null>;
  /** The newest first, before the job `before`. */
  list(filter: JobFilter, before: JobId | null, limit: number): Promise<JobRow[]>;
  /** How many jobs of the kind have not ended. */
  countOpen(kind: string): Promise<OpenJobs>;

  /** Whether `claim` would find one. */
  isDue(kinds: readonly string[], now: number): Promise<boolean>;
  /**
   * Takes the job of one of the kinds that has been due for longest, be it waiting or of an owner that let its lease run
   * out. It is the owner's alone until `leaseUntil`. Of a user one job of a kind runs at a time, and the user whose last
   * one began longest ago comes first. Null where nothing is due.
   */
  claim(kinds: readonly string[], owner: string, now: number, leaseUntil: number): Promise<ClaimedJob | null>;
  /** Extends the lease, and keeps the progress where one is given. `lost`: another owner may have it by now. */
  extend(id: JobId, owner: string, leaseUntil: number, progress: object | null): Promise<Lease>;
  /**
   * The owner gives the job up: for another try at a time, or for good. A job that recurs waits in any case. The secret of
   * a job that is at its end is gone then, and leaves no bytes in the database's files. False where the lease was lost.
   */
  end(id: JobId, owner: string, outcome: JobOutcome, now: number): Promise<boolean>;
  /** One that waits is cancelled, one that runs is told to stop. False where there is no such job, or it had ended. */
  cancel(id: JobId, now: number): Promise<boolean>;
  /** Removes secrets that a job which ended should no longer have. Returns how many. */
  wipeSecrets(): Promise<number>;
}

/** What a snapshot knows of jobs. */
export type JobView = Pick<JobStore, 'find' | 'list' | 'countOpen' | 'isDue'>;

export type JobId = number;
export type JobState = 'waiting' | 'running' | 'succeeded' | 'failed' | 'cancelled';
export type Lease = 'held' | 'cancelled' | 'lost';

export interface OpenJobs {
  readonly waiting: number;
  readonly running: number;
}

export interface NewJob {
  readonly kind: string;
  readonly userId: UserId | null;
  readonly driveId: DriveId | null;
  /** Becomes JSON; no secrets. */
  readonly parameters: object;
  /** Encrypted. */
  readonly secret: string | null;
}

export interface JobRow extends Omit<NewJob, 'secret'> {
  readonly id: JobId;
  readonly state: JobState;
  readonly everyMinutes: number | null;
  /** When it is due, or when the lease of one that runs ends. */
  readonly runAt: number;
  readonly isCancelAsked: boolean;
  /** Failures since it last got on. */
  readonly attempts: number;
  readonly hasSecret: boolean;
  readonly progress: object | null;
  readonly error: string | null;
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
}

export interface ClaimedJob extends JobRow {
  readonly secret: string | null;
}

export interface JobFilter {
  readonly kind?: string;
  readonly userId?: UserId;
  /** Those that have not ended. */
  readonly isOpen?: boolean;
}

export type JobOutcome =
  | { readonly kind: 'succeeded'; readonly runAt: number | null; readonly progress: object | null }
  /** Not of its own doing: it is due at once, and no try was lost. */
  | { readonly kind: 'interrupted'; readonly progress: object | null }
  | {
      readonly kind: 'retry';
      readonly runAt: number;
      /** In a row, with this one. */
      readonly failures: number;
      readonly error: string;
      readonly progress: object | null;
    }
  | { readonly kind: 'failed' | 'cancelled'; readonly error: string | null; readonly progress: object | null };
