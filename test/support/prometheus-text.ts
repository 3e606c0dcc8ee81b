export interface ParsedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface ParsedMetric {
  readonly name: string;
  readonly type: string;
  readonly samples: readonly ParsedSample[];
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(.*)\\})? (-?(?:\\d+(?:\\.\\d+)?(?:e[+-]?\\d+)?)|Nan|[+-]Inf)$`, 'i');
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/;

/**
 * Reads Prometheus' text format 0.0.4 and is strict about it: throws at a line that is none, a sample outside of its
 * metric, a metric or a series that comes twice, a histogram whose buckets don't add up.
 */
export function parsePrometheus(text: string): Map<string, ParsedMetric> {
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  const metrics = new Map<string, { name: string; type: string; samples: ParsedSample[] }>();
  let current: { name: string; type: string; samples: ParsedSample[] } | undefined;
  const seen = new Set<string>();
  for (const line of text.slice(0, -1).split('\n')) {
    if (line === '') continue;
    const help = new RegExp(`^# HELP (${NAME}) \\S.*$`).exec(line);
    const type = new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram|summary)$`).exec(line);
    if (help) {
      current = { name: help[1]!, type: '', samples: [] };
      if (metrics.has(current.name)) throw new Error(`${current.name} comes twice`);
      metrics.set(current.name, current);
    } else if (type) {
      if (!current || current.name !== type[1] || current.type !== '') throw new Error(`a type out of place: ${line}`);
      current.type = type[2]!;
    } else {
      const sample = parseSample(line);
      if (!current || !belongs(sample.name, current)) throw new Error(`a sample out of place: ${line}`);
      const series = line.slice(0, line.lastIndexOf(' '));
      if (seen.has(series)) throw new Error(`a series comes twice: ${line}`);
      seen.add(series);
      current.samples.push(sample);
    }
  }
  for (const metric of metrics.values()) checkMetric(metric);
  return metrics;
}

function parseSample(line: string): ParsedSample {
  const match = SAMPLE.exec(line);
  if (!match) throw new Error(`not a sample: ${line}`);
  const labels: Record<string, string> = {};
  for (let rest = match[2] ?? ''; rest !== ''; ) {
    const label = LABEL.exec(rest);
    if (!label || label[1]! in labels) throw new Error(`not labels: ${line}`);
    labels[label[1]!] = label[2]!;
    rest = rest.slice(label[0].length);
  }
  const value = match[3]!.replace('Inf', 'Infinity');
  return { name: match[1]!, labels, value: Number(value) };
}

function belongs(sample: string, { name, type }: { name: string; type: string }): boolean {
  if (type === '') return false;
  const suffix = sample.startsWith(name) ? sample.slice(name.length) : null;
  if (type === 'histogram') return suffix === '_bucket' || suffix === '_sum' || suffix === '_count';
  return suffix === '' || (type === 'summary' && (suffix === '_sum' || suffix === '_count'));
}

function checkMetric({ name, type, samples }: ParsedMetric): void {
  if (type === 'counter' && samples.some(({ value }) => !(value >= 0))) throw new Error(`${name} counts below 0`);
  if (type !== 'histogram') return;
  const last = new Map<string, { le: number; count: number }>();
  for (const { name: sample, labels, value } of samples) {
    const { le, ...rest } = labels;
    const key = JSON.stringify(rest);
    const before = last.get(key);
    if (sample.endsWith('_bucket')) {
      const bound = Number(le!.replace('Inf', 'Infinity'));
      if (before && (bound <= before.le || value < before.count)) throw new Error(`${name}: buckets out of order`);
      last.set(key, { le: bound, count: value });
    } else if (sample.endsWith('_count') && (before?.le !== Infinity || before.count !== value)) {
      throw new Error(`${name}: ${value} is not what the buckets count`);
    }
  }
}
