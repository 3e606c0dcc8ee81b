import cluster, { type Worker } from 'node:cluster';
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import { inTime } from '../metrics/in-time.js';
import { addEnded, type Counts } from '../metrics/metrics.js';
import type { CallsOfWorkers, CallsToWorkers } from './calls.js';
import { Channel } from './channel.js';
import { closeUntaken } from './handed-over.js';

/** The first pause before a worker is started again, and the longest, in milliseconds. */
const RESTART_MS = 100;
const RESTART_MAX_MS = 10_000;
/** A worker that lived this long has done well: the next one is started without a pause that grew. */
const WELL_MS = 60_000;
/** How long a worker may take to say its counts; what it said the last time stands for it. */
const COUNTS_MS = 2_000;

/** What one worker may ask; `gone` is called when it has ended, and the next one waits for it. */
export interface WorkerSide {
  readonly answers: Omit<CallsOfWorkers, 'listening'>;
  gone(): Promise<void>;
}

/** By what a worker is told from all before it, in the names of its uploads. */
export function nameOfWorker({ id }: Worker): string {
  return `w${id}-`;
}

export interface CrewOptions {
  readonly count: number;
  /** Given to the workers in addition to this process's environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** How long workers may take to end, in milliseconds. */
  readonly endMs: number;
  side(name: string): WorkerSide;
  readonly log: Logger;
}

interface Member {
  readonly worker: Worker;
  readonly channel: Channel<CallsToWorkers>;
  readonly ended: Promise<void>;
  isListening: boolean;
  counts: Counts;
}

/** The workers of a server: starts them, starts those again that end, and ends them all. */
export class Crew {
  readonly #options: CrewOptions;
  readonly #members = new Set<Member>();
  /** Of all that have ended. */
  #endedCounts: Counts = [];
  readonly #timers = new Set<NodeJS.Timeout>();
  #state: 'starting' | 'running' | 'ending' = 'starting';

  constructor(options: CrewOptions) {
    this.#options = options;
    // Floats survive, and so do those that are no numbers. Connections go to the workers by turns.
    cluster.setupPrimary({ exec: fileURLToPath(new URL('../main.js', import.meta.url)), serialization: 'advanced' });
    cluster.schedulingPolicy = cluster.SCHED_RR;
  }

  /** Resolves with the address when all listen. Rejects when one of them can't. */
  async start(): Promise<string> {
    const [url] = await Promise.all(Array.from({ length: this.#options.count }, () => this.#begin(0)));
    this.#state = 'running';
    return url!;
  }

  /** Lets all end what they are answering; those that don't end are killed. */
  async stop(): Promise<void> {
    this.#state = 'ending';
    for (const timer of this.#timers) clearTimeout(timer);
    const members = [...this.#members];
    for (const { worker, channel, isListening } of members) {
      // One that doesn't answer yet wouldn't receive it.
      if (isListening) channel.tell('stop');
      else worker.process.kill('SIGKILL');
    }
    const killing = setTimeout(() => {
      for (const { worker } of this.#members) worker.process.kill('SIGKILL');
    }, this.#options.endMs);
    await Promise.all(members.map(({ ended }) => ended));
    clearTimeout(killing);
  }

  /** Of each worker, and of those before them. */
  async counts(): Promise<Counts[]> {
    await Promise.all(
      [...this.#members].map(async (member) => {
        member.counts = await inTime(member.channel.ask('counts'), COUNTS_MS).catch(() => member.counts);
      }),
    );
    return [this.#endedCounts, ...[...this.#members].map(({ counts }) => counts)];
  }

  /** Starts a worker in place of one that ended early after `failures` others; resolves when it listens. */
  #begin(failures: number): Promise<string> {
    const { side, environment } = this.#options;
    const worker = cluster.fork(environment);
    closeUntaken(worker.process);
    const { answers, gone } = side(nameOfWorker(worker));
    const startedAt = performance.now();
    return new Promise((resolve, reject) => {
      const listening = (url: string) => {
        member.isListening = true;
        resolve(url);
      };
      const channel = new Channel<CallsToWorkers>(worker, { ...answers, listening });
      const ended = new Promise<void>((settle) => {
        worker.once('exit', (code, signal) => {
          channel.end();
          reject(new Error(`a worker ended (${signal ?? code}) before it listened`));
          const early = performance.now() - startedAt > WELL_MS ? 0 : failures;
          void this.#ended(member, gone)
            .catch((error: unknown) => this.#options.log.error({ err: error }, 'what a worker left stays'))
            .then(() => this.#beginLater(early, { worker: worker.id, code, signal }))
            .finally(settle);
        });
      });
      const member: Member = { worker, channel, ended, isListening: false, counts: [] };
      this.#members.add(member);
    });
  }

  async #ended(member: Member, gone: () => Promise<void>): Promise<void> {
    this.#members.delete(member);
    await gone();
    this.#endedCounts = await addEnded(this.#endedCounts, member.counts);
  }

  #beginLater(failures: number, how: object): void {
    if (this.#state !== 'running') return;
    const pauseMs = Math.min(RESTART_MS * 2 ** failures, RESTART_MAX_MS);
    this.#options.log.error({ ...how, pauseMs }, 'a worker ended; another one is started');
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      // Where it ends before it listens, the next one is started as after any other end.
      this.#begin(failures + 1).then(
        () => this.#options.log.info('another worker answers'),
        () => {},
      );
    }, pauseMs);
    this.#timers.add(timer);
  }
}
