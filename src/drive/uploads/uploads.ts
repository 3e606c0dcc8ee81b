import { MAKES_ROOM, type MetadataStore } from '../../stores/metadata-store.js';
import type { PartRow, UploadRow } from '../../stores/uploads.js';
import type { UploadId } from '../../stores/values.js';
import { CLIENT_DIGESTS, type Contents, type ReceivedContent } from '../contents.js';
import { DriveError } from '../drive-error.js';
import { workOffDue } from '../due-drives.js';
import { Assemblies } from './assemblies.js';
import { isLeased, UploadHold } from './upload-hold.js';

/** Rows that one transaction of the expiry removes. */
const EXPIRY_ROWS = 1_000;
const HOUR_MS = 3_600_000;

export interface UploadsOptions {
  readonly metadata: MetadataStore;
  readonly contents: Contents;
  /** How long after its last part an upload goes. */
  readonly expiryHours: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** What the uploads of all drives share in this process: what is under way, and what is being put together. */
export class Uploads {
  readonly assemblies: Assemblies;
  readonly #options: UploadsOptions;
  /** What this process works on alone, known sooner than by a lease. That nothing is lost doesn't depend on it. */
  readonly #alone = new Set<UploadId>();
  readonly #working = new Set<Promise<unknown>>();

  constructor(options: UploadsOptions) {
    this.#options = options;
    this.assemblies = new Assemblies(options.metadata, options.contents);
  }

  /** When an upload goes, if no part comes any more. */
  expiry(now: number): number {
    return now + this.#options.expiryHours * HOUR_MS;
  }

  /** Throws `busy` where another request, of whichever process, works on the upload alone. `upload`: as it is now. */
  checkFree(upload: UploadRow): void {
    if (!this.#alone.has(upload.id) && !isLeased(upload, this.#options.now())) return;
    throw new DriveError('busy', 'Another request is working on this upload. Try again in a moment.');
  }

  /** Runs work on an upload that others may work on as well, which doesn't expire meanwhile. Throws as `checkFree`. */
  async sharing<T>(upload: UploadRow, work: () => Promise<T>): Promise<T> {
    this.checkFree(upload);
    return this.#holding(upload, false, work);
  }

  /**
   * As `sharing`, and nobody else begins to work on the upload meanwhile: at once in this process, and after a second in
   * others. What the work changes it checks in its transaction.
   */
  async alone<T>(upload: UploadRow, work: () => Promise<T>): Promise<T> {
    this.checkFree(upload);
    this.#alone.add(upload.id);
    try {
      return await this.#holding(upload, true, work);
    } finally {
      this.#alone.delete(upload.id);
    }
  }

  async #holding<T>(upload: UploadRow, isAlone: boolean, work: () => Promise<T>): Promise<T> {
    const { metadata, now } = this.#options;
    const working = UploadHold.begin(upload, { metadata, now, isAlone }).then((hold) =>
      work().finally(() => hold.end()),
    );
    this.#working.add(working);
    try {
      return await working;
    } finally {
      this.#working.delete(working);
    }
  }

  /** Removes an upload with its parts, whatever has become of the rights of who began it. */
  async giveUp(upload: UploadRow): Promise<void> {
    await this.#options.metadata.write(
      [upload.driveId],
      (transaction) => transaction.uploads.remove(upload.id),
      MAKES_ROOM,
    );
    this.assemblies.drop(upload.id);
  }

  /** The whole of an upload whose stored parts, in order, are these, and whose last bytes may not be stored as one. */
  async putTogether(
    upload: UploadRow,
    order: readonly PartRow[],
    tail: ReceivedContent | undefined,
  ): Promise<ReceivedContent> {
    if (order.length === 0) return tail ?? receiveNothing(this.#options.contents);
    if (!tail) return this.assemblies.finish(upload.id, order);
    const { row } = tail;
    const last = { name: '', number: upload.received, size: row.size, blobId: row.id, content: row };
    return this.assemblies.finish(upload.id, [...order, last]);
  }

  /** Removes what has expired by that time on any drive, in short transactions. Rejects with the signal's reason. */
  async removeExpired(expiryAt = this.#options.now(), signal?: AbortSignal): Promise<void> {
    const { metadata } = this.#options;
    await workOffDue(metadata, { what: 'uploads', before: expiryAt, signal }, (driveId) =>
      metadata.write(
        [driveId],
        (transaction) => transaction.uploads.removeExpired(driveId, expiryAt, EXPIRY_ROWS),
        MAKES_ROOM,
      ),
    );
  }

  /** Gives up what is being put together; parts stay. To be called when no request's body is on its way any more. */
  async stop(): Promise<void> {
    await this.assemblies.stop();
    await Promise.allSettled(this.#working);
  }
}

function receiveNothing(contents: Contents): Promise<ReceivedContent> {
  const incoming = { size: 0, readAll: async () => new Uint8Array(), chunks: async function* () {} };
  const limit = { bytes: 0, error: () => new DriveError('too-large', 'More came than nothing.') };
  return contents.receive(incoming, { size: 0, digests: [], kept: CLIENT_DIGESTS }, limit);
}
