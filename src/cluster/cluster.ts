import type { Logger } from 'pino';
import { inTime } from '../metrics/in-time.js';
import type { ClusterEngine, NewServer } from '../stores/cluster-store.js';
import { CLOCK_WARN_MS, type ClusterReport, knownServers, readReport } from './cluster-report.js';
import { type JoinOptions, join } from './join.js';
import { Probe } from './probe.js';

/** How often a server says that it lives, in milliseconds. */
const RENEW_MS = 10_000;
/** How often the settings of the database's server are looked at, in milliseconds. */
const LOOK_MS = 60_000;
/** From here on a machine's clock is not only wrong: certificates and signatures are refused. In milliseconds. */
const CLOCK_MAX_MS = 60_000;
/** How long the other servers have for saying whether something fails for them, too, in milliseconds. */
const OTHERS_MS = 15_000;
/** How long an ending server waits for a database that takes nothing, in milliseconds. */
const LEAVE_MS = 5_000;
const BUCKET_FAILS = 'the object storage fails';
const DATABASE_FAILS = 'the database fails';
const CLOCK = "This machine's clock is ahead of the database's by";

export interface ClusterParts {
  readonly engine: ClusterEngine;
  /** Rejects where the bucket can't be read; null where all bytes are elsewhere. */
  readonly checkBucket: (() => Promise<void>) | null;
  readonly log: Logger;
}

/** This server among those on its database. */
export class Cluster {
  readonly #engine: ClusterEngine;
  readonly #log: Logger;
  readonly #self: NewServer;
  readonly #database: Probe;
  readonly #bucket: Probe;
  readonly #timers: NodeJS.Timeout[] = [];
  /** Faults and warnings that the log has. */
  #told: readonly string[] = [];
  #living = 1;
  /** When a failure was last told, by its text. */
  readonly #said = new Map<string, number>();
  #work: Promise<void> = Promise.resolve();

  private constructor({ engine, checkBucket, log }: ClusterParts, self: NewServer) {
    this.#engine = engine;
    this.#log = log;
    this.#self = self;
    this.#database = new Probe(async () => {
      const { refusal } = await engine.look();
      if (refusal !== null) throw new Error(refusal);
    });
    this.#bucket = new Probe(async () => checkBucket?.());
  }

  /** Rejects as `join` does. */
  static async join(parts: ClusterParts, options: JoinOptions): Promise<Cluster> {
    const cluster = new Cluster(parts, await join(parts.engine.store, options));
    try {
      await cluster.#look();
    } catch (error) {
      await cluster.leave();
      throw error;
    }
    cluster.#every(RENEW_MS, () => cluster.#renew());
    cluster.#every(LOOK_MS, () => cluster.#look());
    return cluster;
  }

  get aheadMs(): number {
    return this.#engine.aheadMs();
  }

  /** What was wrong at the last look, a minute ago at most, and how many servers lived. */
  get lastLook(): { readonly notes: number; readonly living: number } {
    return { notes: this.#told.length, living: this.#living };
  }

  /** As `readReport`, this machine's clock included, and which of the servers this is. */
  async report(): Promise<ClusterReport & { readonly id: string }> {
    const report = await readReport(this.#engine);
    const seconds = Math.round(this.aheadMs / 1000);
    const clock = Math.abs(this.aheadMs) > CLOCK_WARN_MS ? [`${CLOCK} ${seconds} s.`] : [];
    return { ...report, faults: [...report.faults, ...clock], id: this.#self.id };
  }

  /**
   * Why this server can't answer requests that another could, in a few words; null where it can. What fails for all of them is no reason: they
   * would leave together, and nobody would answer what still can be.
   */
  async fault(): Promise<string | null> {
    if (Math.abs(this.aheadMs) > CLOCK_MAX_MS) return "the machine's clock is wrong";
    const [database, bucket] = await Promise.all([this.#database.look(), this.#bucket.look()]);
    if (database) {
      this.#say(database.error, DATABASE_FAILS);
      return DATABASE_FAILS;
    }
    if (!bucket) return null;
    this.#say(bucket.error, BUCKET_FAILS);
    const isOwn = await this.#isOwnFault(bucket.since).catch(() => null);
    if (isOwn === null) return DATABASE_FAILS;
    return isOwn ? BUCKET_FAILS : null;
  }

  /** After the last request. */
  async leave(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    const left = this.#work.then(() => this.#engine.store.leave(this.#self.id));
    await inTime(left, LEAVE_MS).catch((error: unknown) => {
      this.#log.warn({ err: error }, 'could not say that this server leaves: it counts as silent for a while');
    });
  }

  /** Alone it can't be told from one that all have. */
  async #isOwnFault(since: number): Promise<boolean> {
    const others = (await knownServers(this.#engine.store)).filter(
      ({ id, state }) => id !== this.#self.id && state === 'lives',
    );
    if (others.length === 0) return true;
    return performance.now() - since > OTHERS_MS && others.some(({ trouble }) => trouble === null);
  }

  async #renew(): Promise<void> {
    const bucket = await this.#bucket.look();
    if (bucket) this.#say(bucket.error, BUCKET_FAILS);
    if (await this.#engine.store.renew(this.#self.id, bucket ? BUCKET_FAILS : null)) return;
    this.#say(null, 'another server has taken the name of this one, which was silent for too long');
  }

  /** The log is told what is new. */
  async #look(): Promise<void> {
    const { faults, warnings, servers } = await this.report();
    const found = [...faults, ...warnings];
    for (const text of found) if (!this.#told.includes(text)) this.#log.warn(text);
    this.#told = found;
    this.#living = servers.filter(({ state }) => state === 'lives').length;
  }

  /** At most once a minute. */
  #say(error: unknown, text: string): void {
    if (performance.now() - (this.#said.get(text) ?? Number.NEGATIVE_INFINITY) < LOOK_MS) return;
    this.#said.set(text, performance.now());
    this.#log.error(error === null ? {} : { err: error }, text);
  }

  #every(ms: number, work: () => Promise<void>): void {
    let isRunning = false;
    const run = async () => {
      if (isRunning) return;
      isRunning = true;
      // What the database doesn't answer is told by requests and by /readyz.
      await work().catch((error: unknown) => this.#say(error, DATABASE_FAILS));
      isRunning = false;
    };
    this.#timers.push(
      setInterval(() => {
        this.#work = Promise.all([this.#work, run()]).then(() => {});
      }, ms).unref(),
    );
  }
}
