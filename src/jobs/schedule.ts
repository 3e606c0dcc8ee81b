import type { Logger } from 'pino';

export interface Job {
  readonly name: string;
  readonly everyMinutes: number;
  run(): Promise<void>;
}

export interface JobStats {
  readonly name: string;
  readonly runs: number;
  readonly failures: number;
  /** Milliseconds since 1970, of the last run that succeeded; null before it. */
  readonly succeededAt: number | null;
  /** How long the last run took; null before it. */
  readonly lastSeconds: number | null;
}

const MINUTE_MS = 60_000;

/** Runs jobs now and then, one at a time; a failure is logged and the job tried again at its next time. */
export class Schedule {
  readonly #jobs: readonly Job[];
  readonly #log: Logger;
  readonly #timers: NodeJS.Timeout[] = [];
  /** Jobs that are running or wait for their turn: none waits twice. */
  readonly #due = new Set<Job>();
  readonly #stats = new Map<string, JobStats>();
  #running: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(jobs: readonly Job[], log: Logger) {
    this.#jobs = jobs;
    this.#log = log;
    for (const { name } of jobs) {
      this.#stats.set(name, { name, runs: 0, failures: 0, succeededAt: null, lastSeconds: null });
    }
  }

  start(): void {
    for (const job of this.#jobs) {
      const timer = setInterval(() => this.#enqueue(job), job.everyMinutes * MINUTE_MS);
      timer.unref();
      this.#timers.push(timer);
    }
  }

  /** Waits for the job that is running. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const timer of this.#timers) clearInterval(timer);
    await this.#running;
  }

  /** How each job did since the start. */
  stats(): JobStats[] {
    return [...this.#stats.values()];
  }

  #enqueue(job: Job): void {
    if (this.#due.has(job)) return;
    this.#due.add(job);
    this.#running = this.#running.then(async () => {
      if (this.#isStopped) return;
      const startedAt = performance.now();
      let isFailed = false;
      try {
        await job.run();
        this.#log.info({ job: job.name }, 'a job ran');
      } catch (error) {
        isFailed = true;
        this.#log.error({ err: error, job: job.name }, 'a job failed');
      } finally {
        this.#due.delete(job);
        this.#note(job, isFailed, performance.now() - startedAt);
      }
    });
  }

  #note({ name }: Job, isFailed: boolean, milliseconds: number): void {
    const { runs, failures, succeededAt } = this.#stats.get(name)!;
    this.#stats.set(name, {
      name,
      runs: runs + 1,
      failures: failures + (isFailed ? 1 : 0),
      succeededAt: isFailed ? succeededAt : Date.now(),
      lastSeconds: milliseconds / 1000,
    });
  }
}
