import { randomUUID } from 'node:crypto';
import type { MetadataStore } from '../../stores/metadata-store.js';
import type { UploadRow } from '../../stores/uploads.js';

/** How long a lease lasts that isn't renewed, in milliseconds: its process has ended. */
const LEASE_MS = 60_000;
/** How far the clocks of two processes may be apart, in milliseconds. */
const DRIFT_MS = 60_000;
/** Work that is over sooner takes no lease, in milliseconds: the transaction at its end decides anyway. */
const SHORT_MS = 1_000;
const RENEWED_MS = 20_000;
/** An upload that is at work and has less time left than the first is given the second, in milliseconds. */
const LEFT_MS = 4 * 60_000;
const KEPT_MS = 5 * 60_000;

/**
 * Whether somebody works on the upload alone, in whichever process. `now` in milliseconds since 1970. A lease that ends later
 * than any can is of a clock that was ahead, and counts for nothing.
 */
export function isLeased({ lease }: UploadRow, now: number): boolean {
  return lease !== null && lease.until > now && lease.until <= now + LEASE_MS + DRIFT_MS;
}

export interface HoldOptions {
  readonly metadata: MetadataStore;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Whether nobody else is to begin work on the upload. */
  readonly isAlone: boolean;
}

/**
 * What a request that works on an upload has of it: it doesn't expire, in no process, and the request may have it alone.
 * Renewed by itself until `end`.
 */
export class UploadHold {
  readonly #upload: UploadRow;
  readonly #options: HoldOptions;
  readonly #holder = randomUUID();
  readonly #timers: readonly NodeJS.Timeout[];
  #expiresAt: number;
  #mayBeLeased = false;
  #renewing: Promise<void> = Promise.resolve();

  private constructor(upload: UploadRow, options: HoldOptions) {
    this.#upload = upload;
    this.#options = options;
    this.#expiresAt = upload.expiresAt;
    const renew = () => {
      this.#renewing = this.#renewing.then(() => this.#renew());
    };
    this.#timers = [setTimeout(renew, SHORT_MS), setInterval(renew, RENEWED_MS)];
    for (const timer of this.#timers) timer.unref();
  }

  /** Rejects as `MetadataStore.write` does, for an upload that is about to expire. */
  static async begin(upload: UploadRow, options: HoldOptions): Promise<UploadHold> {
    const hold = new UploadHold(upload, options);
    try {
      await hold.#keep();
      return hold;
    } catch (error) {
      await hold.end();
      throw error;
    }
  }

  /** Gives back what is left to give back. Never rejects. */
  async end(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    await this.#renewing;
    if (!this.#mayBeLeased) return;
    const { driveId, id } = this.#upload;
    await this.#options.metadata
      .write([driveId], ({ uploads }) => uploads.endLease(id, this.#holder))
      // It ends by itself.
      .catch(() => undefined);
  }

  /** Never rejects: without a lease others may begin, and the transaction at the end decides whose work counts. */
  async #renew(): Promise<void> {
    try {
      await this.#keep();
      if (this.#options.isAlone) await this.#lease();
    } catch {
      // It is tried again before the lease has ended.
    }
  }

  /** Writes for an upload alone that would expire soon. */
  async #keep(): Promise<void> {
    const { metadata, now } = this.#options;
    if (this.#expiresAt >= now() + LEFT_MS) return;
    const { driveId, id } = this.#upload;
    const until = now() + KEPT_MS;
    await metadata.write([driveId], ({ uploads }) => uploads.keep(id, until));
    this.#expiresAt = until;
  }

  async #lease(): Promise<void> {
    const { metadata, now } = this.#options;
    const holder = this.#holder;
    this.#mayBeLeased = true;
    await metadata.write([this.#upload.driveId], async ({ uploads }) => {
      const row = await uploads.find(this.#upload);
      if (row?.id !== this.#upload.id || row.finishedAt !== null) return;
      if (row.lease?.holder !== holder && isLeased(row, now())) return;
      await uploads.setLease(row.id, { holder, until: now() + LEASE_MS });
    });
  }
}
