/** Counts that one engine alone has, as the page of metrics shows them. They cost nothing to read. */
export interface EngineHistogram {
  /** Like `firn_store_commit_writes`. */
  readonly name: string;
  readonly help: string;
  /** Upper ends of the buckets that are shown. */
  readonly bounds: readonly number[];
  /** How often the value N was seen, at index N; kept up to date. */
  readonly counts: ArrayLike<number>;
}
