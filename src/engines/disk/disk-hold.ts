import type { ReceivedBytes, StoredBlob, UploadOutcome } from '../../stores/blob-store.js';
import type { BlobId, BlobPlace, Digests } from '../../stores/values.js';
import { translateFull, unlinkIfThere } from './file-calls.js';

/** What a hold asks of its store. */
export interface HoldingStore {
  /** Links a file of `incoming/` to a place where nothing is, or is the same; durable when it resolves. */
  link(path: string, place: BlobPlace | BlobId): Promise<void>;
  /** A place of these bytes that was never used before. */
  newPlace(id: BlobId): BlobPlace;
  pathOf(place: BlobPlace): string;
}

/** A whole upload. Its file in `incoming/` is a second name of the bytes, whatever becomes of the first. */
export class DiskHold implements StoredBlob {
  readonly id: BlobId;
  readonly size: number;
  readonly digests: Digests;
  readonly #store: HoldingStore;
  readonly #path: string;
  #place: BlobPlace | null = null;
  #outcome: UploadOutcome | null = null;

  constructor(store: HoldingStore, path: string, { id, size, digests }: ReceivedBytes) {
    this.#store = store;
    this.#path = path;
    this.id = id;
    this.size = size;
    this.digests = digests;
  }

  get place(): BlobPlace | null {
    return this.#place;
  }

  async restore(): Promise<void> {
    await this.#link(this.#place ?? this.id);
  }

  async relocate(): Promise<void> {
    const place = this.#store.newPlace(this.id);
    await this.#link(place);
    this.#place = place;
  }

  async release(outcome: UploadOutcome): Promise<void> {
    this.#outcome ??= outcome;
    await forget(this.#path);
    // Where the hash says, others may have stored the same bytes: there the collector decides.
    if (this.#outcome === 'surplus' && this.#place !== null) await forget(this.#store.pathOf(this.#place));
  }

  async #link(place: BlobPlace | BlobId): Promise<void> {
    try {
      await this.#store.link(this.#path, place);
    } catch (error) {
      throw translateFull(error);
    }
  }
}

/** What the file is for has been decided; one that stays is cleared at the next start, or by the collector. */
export async function forget(path: string): Promise<void> {
  try {
    await unlinkIfThere(path);
  } catch {
    // See above.
  }
}
