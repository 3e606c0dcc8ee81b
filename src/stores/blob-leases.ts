/** What the places begin with that a process uses while it holds the lease. Random, never used again. */
export type LeaseId = string & { readonly __brand: 'LeaseId' };

/**
 * Which names a process may be using for the blobs that it stores: noted before the first of them, so that what an ended process
 * left can be found by its lease. For engines whose places are never used twice. Times in milliseconds since 1970.
 */
export interface BlobLeases {
  /** Durable when it resolves. */
  begin(id: LeaseId, until: number): Promise<void>;
  /** Sets the end, earlier or later. False where the lease is known no more: nothing stored under it may be named. */
  renew(id: LeaseId, until: number): Promise<boolean>;
  /** Up to `limit` of those that ended before, the oldest first. */
  ended(before: number, limit: number): Promise<LeaseId[]>;
  /** Forgets a lease that ended before: what it left was seen to. */
  remove(id: LeaseId, endedBefore: number): Promise<void>;
  /** What this storage is called where several might share a place for blobs: random, made with the storage. */
  storageId(): Promise<string>;
}
