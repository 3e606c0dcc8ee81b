import type { Logger } from 'pino';
import { limitPast } from '../drive/past/room.js';
import type { Membership } from '../stores/account-store.js';
import type { BlobIndex } from '../stores/blob-index.js';
import type { BlobStore } from '../stores/blob-store.js';
import type { MetadataStore } from '../stores/metadata-store.js';
import type { DriveId } from '../stores/values.js';
import { collectSoon } from './gc.js';

/** How long a content is unnamed before its bytes go early, in seconds: who was about to open it has done so. */
const GRACE_SECONDS = 10;
/** How much comes between two looks at the disk, in bytes. */
const LOOK_BYTES = 64 * 1024 * 1024;

export interface EarlyCollectionOptions {
  readonly blobs: BlobStore;
  readonly blobIndex: BlobIndex;
  readonly metadata: MetadataStore;
  readonly log: Pick<Logger, 'warn'>;
  readonly graceSeconds?: number;
}

/**
 * Collects between the hourly times. What is overwritten or deleted for good is gone for the quota at once, and keeps its
 * bytes until a collector comes. Where more has come to a drive than its whole quota since the last time, most
 * of it is unnamed by now, or of a past that takes more room than it may; where more has come than the disk has left, what was replaced is wanted back. One collection
 * runs at a time.
 */
export class EarlyCollection {
  readonly #options: EarlyCollectionOptions;
  readonly #stop = new AbortController();
  /** Bytes that came since the last collection began. */
  #byDrive = new Map<DriveId, number>();
  #total = 0;
  #lookedAt = 0;
  #isDue = false;
  #running: Promise<void> | null = null;

  constructor(options: EarlyCollectionOptions) {
    this.#options = options;
  }

  /** Bytes have come to the disk for a drive, whatever becomes of them. */
  readonly note = (drive: Pick<Membership, 'driveId' | 'driveQuotaBytes'>, bytes: number): void => {
    const { driveId, driveQuotaBytes: quotaBytes } = drive;
    const received = (this.#byDrive.get(driveId) ?? 0) + bytes;
    this.#byDrive.set(driveId, received);
    this.#total += bytes;
    if (quotaBytes !== null && received > quotaBytes) this.#begin();
    else if (this.#total - this.#lookedAt >= LOOK_BYTES) {
      this.#lookedAt = this.#total;
      this.#options.blobs.freeBytes().then((free) => {
        if (free !== null && free < this.#total) this.#begin();
      }, this.#tell);
    }
  };

  /** Gives up what runs. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** The hourly collection comes in any case. */
  readonly #tell = (error: unknown): void => {
    this.#options.log.warn({ err: error }, 'what was replaced could not be collected early');
  };

  #begin(): void {
    this.#isDue = true;
    if (!this.#stop.signal.aborted) this.#running ??= this.#collect();
  }

  async #collect(): Promise<void> {
    const { blobs, blobIndex, metadata, graceSeconds = GRACE_SECONDS } = this.#options;
    const { signal } = this.#stop;
    try {
      while (this.#isDue) {
        this.#isDue = false;
        this.#byDrive = new Map();
        this.#total = 0;
        this.#lookedAt = 0;
        await limitPast(metadata, () => blobs.freeBytes(), signal);
        await collectSoon({ blobs, blobIndex, now: Date.now, graceSeconds, signal });
      }
    } catch (error) {
      if (!signal.aborted) this.#tell(error);
    } finally {
      this.#running = null;
    }
  }
}
