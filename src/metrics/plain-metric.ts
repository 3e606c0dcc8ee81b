import type { Registry } from 'prom-client';

export interface Sample {
  readonly value: number;
  readonly labels?: Readonly<Record<string, string | number>>;
  /** Where it isn't the metric's own: `_bucket`, `_sum`, `_count` of a histogram. */
  readonly metricName?: string;
}

type Kind = 'counter' | 'gauge' | 'histogram';

/**
 * Registers a metric whose samples are made when somebody asks, from numbers that are kept elsewhere. To prom-client a
 * metric is whatever says its name and gives samples; its own classes keep the numbers by hashes of labels. `ofAll`: what of
 * several processes is shown.
 */
export function register(
  registry: Registry,
  kind: Kind,
  name: string,
  help: string,
  samples: () => readonly Sample[],
  ofAll: 'sum' | 'max' = 'sum',
): void {
  const get = async () => ({ name, help, type: kind, aggregator: ofAll, values: samples().map(labelled) });
  registry.registerMetric({ name, help, get } as unknown as Parameters<Registry['registerMetric']>[0]);
}

/** Where metrics of processes are added up, what has no labels says so. */
function labelled(sample: Sample): Sample {
  return sample.labels ? sample : { ...sample, labels: {} };
}

/** The samples of one histogram: `buckets` counts what is in no smaller one, the last what is beyond all bounds. */
export function histogramSamples(
  name: string,
  labels: Readonly<Record<string, string>>,
  bounds: readonly number[],
  buckets: ArrayLike<number>,
  sum: number,
): Sample[] {
  const samples: Sample[] = [];
  let count = 0;
  for (let index = 0; index < buckets.length; index++) {
    count += buckets[index]!;
    const le = index < bounds.length ? bounds[index]! : '+Inf';
    samples.push({ metricName: `${name}_bucket`, labels: { ...labels, le }, value: count });
  }
  samples.push({ metricName: `${name}_sum`, labels, value: sum });
  samples.push({ metricName: `${name}_count`, labels, value: count });
  return samples;
}
