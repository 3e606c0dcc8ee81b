/** How full the storage was, a point a day. */
export interface StorageHistory {
  /** Bytes on all drives, trash included. */
  usedBytes(): Promise<number>;
  /**
   * How many of the next `limit` rows after the number `after` are files; `last` is null when there were no more. In
   * parts, so that nobody waits long.
   */
  countFiles(after: number, limit: number): Promise<{ readonly files: number; readonly last: number | null }>;
  /** In place of the same day's. */
  putPoint(point: StoragePoint): Promise<void>;
  /** The last `limit` days that have one, the earliest first. */
  points(limit: number): Promise<StoragePoint[]>;
}

export interface StoragePoint {
  /** Of UTC, like `2027-01-31`. */
  readonly day: string;
  readonly usedBytes: number;
  readonly files: number;
}
