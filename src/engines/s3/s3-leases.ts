import { randomBytes } from 'node:crypto';
import type { BlobLeases, LeaseId } from '../../stores/blob-leases.js';
import { StoreFailingError } from '../../stores/metadata-store.js';
import type { BlobPlace } from '../../stores/values.js';

/** A lease lasts so long after it was renewed, in milliseconds. */
const LEASE_MS = 3_600_000;
const RENEW_MS = 600_000;
/** New uploads take a new one after this long, so that each ends some day. */
const AGE_MS = 86_400_000;

/** Names for objects: those of a lease, which is noted before the first of them is used. */
export class S3Leases {
  readonly #leases: BlobLeases;
  readonly #now: () => number;
  readonly #held = new Set<S3Lease>();
  #current: S3Lease | null = null;
  #beginning: Promise<S3Lease> | null = null;
  #timer: NodeJS.Timeout | null = null;

  /** `now`: the time that others compare leases with, in milliseconds since 1970. */
  constructor(leases: BlobLeases, now: () => number) {
    this.#leases = leases;
    this.#now = now;
  }

  /** A lease for one upload, which gives it back by `release`. */
  async take(): Promise<S3Lease> {
    if (!this.#current || this.#current.isOld || !this.#current.isHeld) {
      this.#beginning ??= this.#begin().finally(() => {
        this.#beginning = null;
      });
      await this.#beginning;
    }
    const lease = this.#current!;
    lease.users++;
    return lease;
  }

  /** The upload has ended, and whatever becomes of its object is decided. */
  release(lease: S3Lease): void {
    lease.users--;
    this.#endUnused();
  }

  /** Ends all of them. */
  async close(): Promise<void> {
    if (this.#timer) clearInterval(this.#timer);
    this.#current = null;
    await this.#endUnused();
  }

  async #begin(): Promise<S3Lease> {
    const lease = new S3Lease();
    await this.#leases.begin(lease.id, this.#now() + LEASE_MS);
    this.#held.add(lease);
    this.#current = lease;
    this.#timer ??= setInterval(() => void this.#renewAll(), RENEW_MS).unref();
    this.#endUnused();
    return lease;
  }

  async #renewAll(): Promise<void> {
    for (const lease of this.#held) {
      try {
        const asked = lease.now();
        if (await this.#leases.renew(lease.id, this.#now() + LEASE_MS)) lease.renewedAt = asked;
        else lease.isLost = true;
      } catch {
        // The database doesn't answer: the lease ends by itself, if that goes on.
      }
    }
  }

  /** What can't be noted ends an hour later by itself. */
  async #endUnused(): Promise<void> {
    for (const lease of this.#held) {
      if (lease === this.#current || lease.users > 0) continue;
      this.#held.delete(lease);
      await this.#leases.renew(lease.id, this.#now()).catch(() => false);
    }
  }
}

/** By two clocks: one of them may have stood still or been set. */
interface Moment {
  readonly steady: number;
  readonly wall: number;
}

export class S3Lease {
  readonly id = randomBytes(16).toString('hex') as LeaseId;
  readonly #begunAt = this.now();
  renewedAt = this.#begunAt;
  isLost = false;
  /** Uploads whose fate isn't decided. */
  users = 0;
  #names = 0;

  /** A name that was never used before. */
  nextPlace(): BlobPlace {
    return `${this.id}/${++this.#names}` as BlobPlace;
  }

  get isOld(): boolean {
    return ageOf(this.#begunAt) > AGE_MS;
  }

  get isHeld(): boolean {
    return !this.isLost && ageOf(this.renewedAt) < LEASE_MS;
  }

  /** Throws where the process stood still for so long that others may have swept what is stored under the lease. */
  checkHeld(): void {
    if (!this.isHeld)
      throw new StoreFailingError('an upload was held up for too long: its lease has ended', {
        part: 'object storage',
      });
  }

  now(): Moment {
    return { steady: performance.now(), wall: Date.now() };
  }
}

function ageOf({ steady, wall }: Moment): number {
  return Math.max(performance.now() - steady, Date.now() - wall);
}
