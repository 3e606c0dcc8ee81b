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
  /** Keeps a collector of this process from deleting what is at the place, from before anything is. */
  hold(place: BlobPlace): HeldPlace;
  letGo(place: BlobPlace): void;
  isThere(place: BlobPlace): Promise<boolean>;
  copy(from: BlobRef & { readonly place: BlobPlace }, to: BlobPlace): Promise<void>;
  delete(place: BlobPlace): Promise<void>;
  giveBack(lease: S3Lease): void;
}

/** A place that an upload of this process holds. */
export interface HeldPlace {
  /** A collector has deleted it: out of sight it is, and goes with the hold. */
  isTaken: boolean;
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
  #held: HeldPlace;
  #outcome: UploadOutcome | null = null;

  constructor(store: HoldingStore, lease: S3Lease, place: BlobPlace, { id, size, digests }: ReceivedBytes) {
    this.#store = store;
    this.#lease = lease;
    this.#place = place;
    this.#held = store.hold(place);
    this.id = id;
    this.size = size;
    this.digests = digests;
  }

  /** Throws where the process stood still for so long that the object may have been swept. */
  get place(): BlobPlace {
    if (this.#outcome === null) this.#lease.checkHeld();
    return this.#place;
  }

  async restore(): Promise<void> {
    const wasTaken = this.#held.isTaken;
    this.#held.isTaken = false;
    if (!wasTaken && !(await this.#store.isThere(this.#place))) throw new BlobMissingError(this.id);
  }

  async relocate(): Promise<void> {
    const { id, size } = this;
    const former = this.#place;
    const { isTaken } = this.#held;
    const place = this.#lease.nextPlace();
    const held = this.#store.hold(place);
    try {
      await this.#store.copy({ id, size, place: former }, place);
    } catch (error) {
      this.#store.letGo(place);
      throw error;
    }
    [this.#place, this.#held] = [place, held];
    if (isTaken) await this.#forget(former);
    this.#store.letGo(former);
  }

  async release(outcome: UploadOutcome): Promise<void> {
    if (this.#outcome !== null) return;
    this.#outcome = outcome;
    if (outcome === 'surplus' || this.#held.isTaken) await this.#forget(this.#place);
    this.#store.letGo(this.#place);
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
