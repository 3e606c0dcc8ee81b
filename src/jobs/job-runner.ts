import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { ClaimedJob, JobOutcome } from '../stores/job-store.js';
import type { MetadataStore } from '../stores/metadata-store.js';
import { type BackOff, backOffMs, RetryableError } from './back-off.js';
import { type JobStats, JobTotals } from './job-stats.js';

/** How often a process looks for work that is due, and for a wish to cancel, in milliseconds. */
const LOOK_MS = 500;
/** How long a job stays with a process that says nothing, in milliseconds. */
const LEASE_MS = 10_000;
/** How long an ending process waits for jobs that don't end, in milliseconds: a disk that hangs must not keep it. */
const STOP_MS = 10_000;
const MINUTE_MS = 60_000;
/** How often times of jobs are looked at that lie too far ahead, in milliseconds. */
const TIMES_MS = 60 * MINUTE_MS;
/** How long another side may have a job wait, in milliseconds. */
const AFTER_MAX_MS = 24 * 60 * MINUTE_MS;

export interface JobKind {
  readonly kind: string;
  /** Null: runs when it was added. */
  readonly everyMinutes: number | null;
  readonly backOff: BackOff;
  /** Goes on where it was when the same job is run again. `JobFailedError`: no use in another try. */
  run(work: JobWork): Promise<void>;
}

export interface JobWork {
  readonly job: ClaimedJob;
  /** Aborted when the job is cancelled or the process ends. */
  readonly signal: AbortSignal;
  /** Soon in the store, for people to see. */
  report(progress: object): void;
  /** It got on: failures before this are forgotten, and its tries count again. */
  renew(): void;
}

/** Another try is of no use. The message is for people. */
export class JobFailedError extends Error {
  override readonly name = 'JobFailedError';
}

/** Kinds of which so many run at once in one process. */
export interface JobLane {
  readonly kinds: readonly JobKind[];
  readonly limit: number;
}

type Ending = 'cancelled' | 'stopping' | 'lost';

interface Running {
  readonly job: ClaimedJob;
  readonly abort: AbortController;
  ending: Ending | null;
  progress: object | null;
  isRenewed: boolean;
  readonly done: Promise<void>;
}

/** Takes jobs that are due, keeps their lease while they run, and says how they ended. */
export class JobRunner {
  readonly #metadata: MetadataStore;
  readonly #lanes: readonly JobLane[];
  readonly #log: Logger;
  readonly #now: () => number;
  /** Milliseconds that pass whatever the clock is set to. */
  readonly #passed: () => number;
  #timesKeptAt = 0;
  readonly #owner = randomUUID();
  readonly #running = new Map<number, Running>();
  readonly #totals: JobTotals;
  #timer: NodeJS.Timeout | null = null;
  #looking: Promise<void> | null = null;
  #isStopped = false;
  #isPrepared = false;
  #isFailing = false;

  constructor(
    metadata: MetadataStore,
    lanes: readonly JobLane[],
    log: Logger,
    now: () => number = Date.now,
    passed = () => performance.now(),
  ) {
    this.#metadata = metadata;
    this.#lanes = lanes;
    this.#log = log;
    this.#now = now;
    this.#passed = passed;
    this.#totals = new JobTotals(lanes.flatMap(({ kinds }) => kinds.map(({ kind }) => kind)));
  }

  /** How each kind of job did since the start. */
  stats(): JobStats[] {
    return this.#totals.all();
  }

  /** Where the store takes nothing, jobs begin when it does: the server reads meanwhile. */
  async start(): Promise<void> {
    await this.#prepare().catch((error: unknown) => this.#tellFailure(error));
    this.#timer = setInterval(() => this.#lookSoon(), LOOK_MS);
    this.#timer.unref();
  }

  async #prepare(): Promise<void> {
    await this.#metadata.write([], ({ jobs }) => jobs.wipeSecrets());
    await this.#keepTimes();
    this.#isPrepared = true;
  }

  /**
   * Breaks off what is running, and waits a while for its end; another process, or this one after its next start, goes
   * on with it.
   */
  async stop(waitMs = STOP_MS): Promise<void> {
    this.#isStopped = true;
    if (this.#timer) clearInterval(this.#timer);
    for (const running of this.#running.values()) end(running, 'stopping');
    const over = this.#looking?.then(() => this.#endAll()) ?? this.#endAll();
    const timer = new AbortController();
    await Promise.race([over, wait(waitMs, null, timer).catch(() => {})]);
    timer.abort();
    for (const { job } of this.#running.values())
      this.#log.warn({ job: job.kind }, 'ending in spite of a job that does not end');
  }

  /** At the start and each hour: a clock that was ahead and is right again keeps no job waiting for a year. */
  async #keepTimes(): Promise<void> {
    this.#timesKeptAt = this.#passed();
    const recurring = this.#lanes
      .flatMap(({ kinds }) => kinds)
      .flatMap(({ kind, everyMinutes }) => (everyMinutes === null ? [] : [{ kind, everyMinutes }]));
    await this.#metadata.write([], async ({ jobs }) => {
      const now = this.#now();
      for (const { kind, everyMinutes } of recurring) await jobs.ensureRecurring(kind, everyMinutes, now);
      await jobs.pullBack(now, { leaseMs: LEASE_MS, waitMs: AFTER_MAX_MS });
    });
  }

  async #endAll(): Promise<void> {
    for (const running of this.#running.values()) end(running, 'stopping');
    await Promise.all([...this.#running.values()].map(({ done }) => done));
  }

  #lookSoon(): void {
    if (this.#looking || this.#isStopped) return;
    this.#looking = this.#look()
      .then(() => {
        this.#isFailing = false;
      })
      .catch((error: unknown) => this.#tellFailure(error))
      .finally(() => {
        this.#looking = null;
      });
  }

  /** Once, however long it lasts: the log may be on the disk that is full. */
  #tellFailure(error: unknown): void {
    if (!this.#isFailing) this.#log.error({ err: error }, 'jobs could not be looked for; they are tried again');
    this.#isFailing = true;
  }

  async #look(): Promise<void> {
    if (!this.#isPrepared) await this.#prepare();
    await Promise.all([...this.#running.values()].map((running) => this.#extend(running)));
    if (this.#passed() - this.#timesKeptAt > TIMES_MS) await this.#keepTimes();
    for (const lane of this.#lanes) await this.#fill(lane);
  }

  async #fill({ kinds, limit }: JobLane): Promise<void> {
    const names = kinds.map(({ kind }) => kind);
    const taken = () => [...this.#running.values()].filter(({ job }) => names.includes(job.kind)).length;
    while (!this.#isStopped && taken() < limit) {
      const job = await this.#claim(names);
      if (!job) return;
      this.#begin(job, kinds.find(({ kind }) => kind === job.kind)!);
    }
  }

  /** Looks before it writes: who looks often and finds nothing costs no commit. */
  async #claim(kinds: readonly string[]): Promise<ClaimedJob | null> {
    const now = this.#now();
    if (!(await this.#metadata.readOne([], ({ jobs }) => jobs.isDue(kinds, now)))) return null;
    return this.#metadata.write([], ({ jobs }) => jobs.claim(kinds, this.#owner, now, now + LEASE_MS));
  }

  #begin(job: ClaimedJob, kind: JobKind): void {
    const abort = new AbortController();
    let settle = () => {};
    const done = new Promise<void>((resolve) => {
      settle = resolve;
    });
    const running: Running = { job, abort, ending: null, progress: null, isRenewed: false, done };
    this.#running.set(job.id, running);
    void this.#run(running, kind)
      .catch((error: unknown) => this.#log.error({ err: error, job: job.kind }, 'the end of a job could not be noted'))
      .finally(() => {
        this.#running.delete(job.id);
        settle();
      });
  }

  async #run(running: Running, kind: JobKind): Promise<void> {
    const { job, abort } = running;
    const report = (progress: object) => {
      running.progress = progress;
    };
    let failure: { readonly error: unknown } | null = null;
    const startedAt = performance.now();
    try {
      if (job.isCancelAsked) end(running, 'cancelled');
      abort.signal.throwIfAborted();
      const renew = () => {
        running.isRenewed = true;
      };
      await kind.run({ job, signal: abort.signal, report, renew });
    } catch (error) {
      failure = { error };
    }
    const outcome = this.#outcome(running, kind, failure);
    this.#note(job, outcome, failure?.error, (performance.now() - startedAt) / 1000);
    if (running.ending === 'lost') return;
    await this.#metadata.write([], ({ jobs }) => jobs.end(job.id, this.#owner, outcome, this.#now()));
  }

  #note({ kind: job, id, everyMinutes }: ClaimedJob, { kind }: JobOutcome, error: unknown, seconds: number): void {
    const isFailed = kind === 'failed' || kind === 'retry';
    // Who asked for a job sees how it ended; of the server's own the log alone tells.
    const level = isExpected(error) && everyMinutes === null ? 'warn' : 'error';
    if (isFailed) this.#log[level]({ err: error, job, id }, 'a job failed');
    else if (kind === 'succeeded') this.#log.info({ job, id }, 'a job ran');
    else return;
    this.#totals.note(job, { isFailed, seconds, now: this.#now() });
  }

  #outcome(running: Running, kind: JobKind, failure: { readonly error: unknown } | null): JobOutcome {
    const { job, ending, progress } = running;
    const now = this.#now();
    if (!failure) {
      const runAt = kind.everyMinutes === null ? null : now + kind.everyMinutes * MINUTE_MS;
      return { kind: 'succeeded', runAt, progress };
    }
    if (ending === 'cancelled') return { kind: 'cancelled', error: null, progress };
    if (ending !== null) return { kind: 'interrupted', progress };
    const { error: cause } = failure;
    const error = isExpected(cause)
      ? (cause as Error).message
      : 'An unexpected error; the log of the server tells more.';
    const failures = (running.isRenewed ? 0 : job.attempts) + 1;
    const isOver = cause instanceof JobFailedError || failures >= kind.backOff.triesMax;
    if (kind.everyMinutes === null && isOver) return { kind: 'failed', error, progress };
    const wanted = cause instanceof RetryableError ? cause.afterMs : null;
    const pause = wanted === null ? backOffMs(failures, kind.backOff) : Math.min(wanted, AFTER_MAX_MS);
    return { kind: 'retry', runAt: now + pause, failures, error, progress };
  }

  async #extend(running: Running): Promise<void> {
    const { job, progress } = running;
    const lease = await this.#metadata.write([], ({ jobs }) =>
      jobs.extend(job.id, this.#owner, this.#now() + LEASE_MS, progress),
    );
    // The end may have been noted meanwhile.
    if (lease !== 'held' && this.#running.get(job.id) === running) end(running, lease);
  }
}

function isExpected(error: unknown): boolean {
  return error instanceof RetryableError || error instanceof JobFailedError;
}

function end(running: Running, ending: Ending): void {
  running.ending ??= ending;
  running.abort.abort();
}
