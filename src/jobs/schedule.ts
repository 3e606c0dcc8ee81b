import type { Logger } from 'pino';

export interface Job {
  readonly name: string;
  readonly everyMinutes: number;
  run(): Promise<void>;
}

const MINUTE_MS = 60_000;

/** Runs jobs now and then, one at a time; a failure is logged and the job tried again at its next time. */
export class Schedule {
  readonly #jobs: readonly Job[];
  readonly #log: Logger;
  readonly #timers: NodeJS.Timeout[] = [];
  /** Jobs that are running or wait for their turn: none waits twice. */
  readonly #due = new Set<Job>();
  #running: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(jobs: readonly Job[], log: Logger) {
    this.#jobs = jobs;
    this.#log = log;
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

  #enqueue(job: Job): void {
    if (this.#due.has(job)) return;
    this.#due.add(job);
    this.#running = this.#running.then(async () => {
      if (this.#isStopped) return;
      try {
        await job.run();
        this.#log.info({ job: job.name }, 'a job ran');
      } catch (error) {
        this.#log.error({ err: error, job: job.name }, 'a job failed');
      } finally {
        this.#due.delete(job);
      }
    });
  }
}
