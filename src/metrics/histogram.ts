/** Upper bounds of the buckets of durations, in seconds. */
export const DURATION_BOUNDS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600,
] as const;

/** Counts durations by size. Prometheus' own client looks a histogram up by its labels each time, which costs more. */
export class Durations {
  /** One bucket a bound, and one for what is longer; each counts what is in no smaller one. */
  readonly buckets = new Float64Array(DURATION_BOUNDS.length + 1);
  sum = 0;

  add(seconds: number): void {
    let index = 0;
    while (index < DURATION_BOUNDS.length && seconds > DURATION_BOUNDS[index]!) index++;
    this.buckets[index]!++;
    this.sum += seconds;
  }
}
