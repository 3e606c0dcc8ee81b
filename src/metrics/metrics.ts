import { AggregatorRegistry, collectDefaultMetrics, Registry } from 'prom-client';
import type { Authenticator } from '../accounts/authenticator.js';
import type { Passwords } from '../accounts/passwords.js';
import type { KeptAnswers } from '../drive/kept-answers.js';
import type { ChangeWatch } from '../drive/sync/change-watch.js';
import type { GcTotals } from '../jobs/gc-totals.js';
import type { JobRunner } from '../jobs/job-runner.js';
import type { ScrubTotals } from '../jobs/scrub.js';
import type { BlobStore } from '../stores/blob-store.js';
import type { Durability } from '../stores/durability.js';
import type { EngineHistogram } from '../stores/engine-histogram.js';
import type { MetadataStore } from '../stores/metadata-store.js';
import type { ScrubStore } from '../stores/scrub-store.js';
import type { ConnectionCounts } from './connection-counts.js';
import {
  registerAnswers,
  registerBackups,
  registerCluster,
  registerJobs,
  registerSignIns,
  registerStores,
} from './part-metrics.js';
import type { RequestCounts } from './request-counts.js';
import { registerRequests } from './request-metrics.js';
import { readTotals, type Totals } from './totals.js';

/** What one server of a cluster knows. */
export interface ClusterCounts {
  readonly aheadMs: number;
  /** What was wrong or a risk, and how many servers lived. */
  readonly lastLook: { readonly notes: number; readonly living: number };
}

/** Whose numbers are shown. */
export interface MetricsSources {
  readonly requests: RequestCounts;
  readonly connections: ConnectionCounts;
  readonly authenticator: Pick<Authenticator, 'counts'>;
  readonly passwords: Pick<Passwords, 'runs' | 'queue'>;
  readonly answers: Pick<KeptAnswers, 'stats'>;
  readonly metadata: MetadataStore;
  readonly blobs: BlobStore;
  /** Milliseconds since 1970. */
  now(): number;
  readonly durability: Pick<Durability, 'trouble' | 'lossesAtStart'>;
  readonly engineMetrics: readonly EngineHistogram[];
  /** Of a cluster; null where the server is alone. */
  readonly member: ClusterCounts | null;
  readonly changeWatch: Pick<ChangeWatch, 'waiting'>;
  readonly jobs: Pick<JobRunner, 'stats'>;
  readonly gc: GcTotals;
  readonly scrub: ScrubTotals;
  readonly scrubStore: ScrubStore;
}

/** Prometheus' metrics as data, which travel between processes. */
export type Counts = Awaited<ReturnType<Registry['getMetricsAsJSON']>>;

/**
 * Everything that /metrics shows, in Prometheus' text format. Labels take a fixed set of values: no paths, no users,
 * no drives. Nothing is kept for it but counts; the rest is made when somebody asks.
 */
export class Metrics {
  readonly contentType: string;
  readonly #registry = new Registry();
  readonly #sources: MetricsSources;
  #totals: Totals = {
    drives: null,
    uploads: null,
    imports: null,
    scrub: null,
    backups: null,
    freeBytes: null,
    failures: 0,
  };
  #isObservingProcess = false;

  constructor(sources: MetricsSources) {
    this.#sources = sources;
    this.contentType = this.#registry.contentType;
    registerRequests(this.#registry, sources);
    registerSignIns(this.#registry, sources);
    registerAnswers(this.#registry, sources);
    registerStores(this.#registry, sources, () => this.#totals);
    registerJobs(this.#registry, sources, () => this.#totals);
    registerBackups(this.#registry, () => this.#totals);
    if (sources.member) registerCluster(this.#registry, sources.member);
  }

  /** What the stores don't answer in time is left out. */
  async text(): Promise<string> {
    this.#observeProcess();
    this.#totals = await readTotals(this.#sources, this.#totals.failures);
    return this.#registry.metrics();
  }

  /** What this process alone counts, for `textOfAll` in another one. */
  async counts(): Promise<Counts> {
    this.#observeProcess();
    return this.#registry.getMetricsAsJSON();
  }

  /** As `text`, with the counts of other processes added to those of this one. */
  async textOfAll(others: readonly Counts[]): Promise<string> {
    this.#totals = await readTotals(this.#sources, this.#totals.failures);
    return AggregatorRegistry.aggregate([await this.counts(), ...others]).metrics();
  }

  /** Node's own are watched from the first scrape on: who doesn't scrape doesn't pay for it. */
  #observeProcess(): void {
    if (!this.#isObservingProcess) collectDefaultMetrics({ register: this.#registry });
    this.#isObservingProcess = true;
  }
}

/**
 * Adds what a process has counted that ended to what those before it had: totals never go back. Its gauges were of it
 * alone.
 */
export async function addEnded(before: Counts, ended: Counts): Promise<Counts> {
  const lasting = ended.filter(({ type }) => LASTING.includes(String(type)));
  return AggregatorRegistry.aggregate([before, lasting]).getMetricsAsJSON();
}

const LASTING = ['counter', 'histogram'];
