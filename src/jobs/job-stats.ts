/** How the runs of one kind of job went in this process. */
export interface JobStats {
  readonly name: string;
  /** Runs that came to an end of their own; those that a stop or a cancellation broke off don't count. */
  readonly runs: number;
  readonly failures: number;
  /** Milliseconds since 1970, of the last run that succeeded; null before it. */
  readonly succeededAt: number | null;
  /** How long the last run took; null before it. */
  readonly lastSeconds: number | null;
}

/** Counts the runs of jobs since the start. */
export class JobTotals {
  readonly #stats = new Map<string, JobStats>();

  constructor(names: readonly string[]) {
    for (const name of names)
      this.#stats.set(name, { name, runs: 0, failures: 0, succeededAt: null, lastSeconds: null });
  }

  note(name: string, { isFailed, seconds, now }: { isFailed: boolean; seconds: number; now: number }): void {
    const { runs, failures, succeededAt } = this.#stats.get(name)!;
    this.#stats.set(name, {
      name,
      runs: runs + 1,
      failures: failures + (isFailed ? 1 : 0),
      succeededAt: isFailed ? succeededAt : now,
      lastSeconds: seconds,
    });
  }

  all(): JobStats[] {
    return [...this.#stats.values()];
  }
}
