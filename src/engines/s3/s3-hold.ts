import {
  BlobMissingError,
  type BlobRef,
  type ReceivedBytes,
  type StoredBlob,
  type UploadOutcome,
} from '../../stores/blob-store.js';
import type { BlobId, BlobPlace, Digests } from '../../stores/values.js';
import type { S3Lease } from './s3-leases.js';

/** What a hold asks of its store. */
export interface HoldingStore {
  add(place: BlobPlace, hold: S3Hold): void;
  remove(place: BlobPlace): void;
  isThere(place: BlobPlace): Promise<boolean>;
  /** Copies the bytes to a new place, which it returns. */
  copy(from: BlobRef & { readonly place: BlobPlace }, lease: S3Lease): Promise<BlobPlace>;
  delete(place: BlobPlace): Promise<void>;
  giveBack(lease: S3Lease): void;
}

/**
 * A whole upload. Collectors of other processes leave its object alone as long as its lease is held; one of this process only
 * takes it out of sight, and it goes when the hold does.
 */
export class S3Hold implements StoredBlob {
  readonly id: BlobId;
  readonly size: number;
  readonly digests: Digests;
  readonly #store: HoldingStore;
  readonly #lease: S3Lease;
  #place: BlobPlace;
  #outcome: UploadOutcome | null = null;
  isTaken = false;

  constructor(store: HoldingStore, lease: S3Lease, place: BlobPlace, { id, size, digests }: ReceivedBytes) {
    this.#store = store;
    this.#lease = lease;
    this.#place = place;
    this.id = id;
    this.size = size;
    this.digests = digests;
    store.add(place, this);
  }

  /** Throws where the process stood still for so long that the object may have been swept. */
  get place(): BlobPlace {
    if (this.#outcome === null) this.#lease.checkHeld();
    return this.#place;
  }

  /** Tells the collector that it needn't delete the object: out of sight it is, and goes with the hold. */
  letTake(): boolean {
    if (this.#outcome !== null) return false;
    this.isTaken = true;
    return true;
  }

  async restore(): Promise<void> {
    const wasTaken = this.isTaken;
    this.isTaken = false;
    if (!wasTaken && !(await this.#store.isThere(this.#place))) throw new BlobMissingError(this.id);
  }

  async relocate(): Promise<void> {
    const { id, size } = this;
    const former = this.#place;
    const isTaken = this.isTaken;
    this.#place = await this.#store.copy({ id, size, place: former }, this.#lease);
    this.isTaken = false;
    this.#store.add(this.#place, this);
    this.#store.remove(former);
    if (isTaken) await this.#forget(former);
  }

  async release(outcome: UploadOutcome): Promise<void> {
    if (this.#outcome !== null) return;
    this.#outcome = outcome;
    if (outcome === 'surplus' || this.isTaken) await this.#forget(this.#place);
    this.#store.remove(this.#place);
    this.#store.giveBack(this.#lease);
  }

  /** What stays is found when the lease has ended. */
  async #forget(place: BlobPlace): Promise<void> {
    try {
      await this.#store.delete(place);
    } catch {
      // See above.
    }
  }
}
