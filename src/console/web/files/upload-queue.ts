import { type NameWish, TusUpload, type UploadMeans, type UploadSource } from './tus-upload.js';

export interface QueueTotals {
  readonly files: number;
  readonly doneFiles: number;
  readonly failedFiles: number;
  /** Somebody has to say whether they replace what is there. */
  readonly takenFiles: number;
  readonly pausedFiles: number;
  /** None of those: under way, or about to be. */
  readonly busyFiles: number;
  readonly bytes: number;
  readonly sentBytes: number;
}

/** All uploads of this page, a few at a time. */
export class UploadQueue {
  readonly #atOnce: number;
  readonly #listeners = new Set<() => void>();
  readonly #doneListeners = new Set<(upload: TusUpload) => void>();
  #uploads: readonly TusUpload[] = [];
  #running = 0;

  constructor(atOnce: number) {
    this.#atOnce = atOnce;
  }

  /** In the order they were added, without those cancelled. */
  get uploads(): readonly TusUpload[] {
    return this.#uploads;
  }

  add(sources: readonly UploadSource[], means: UploadMeans): readonly TusUpload[] {
    const added = sources.map((source) => new TusUpload(source, means, () => this.#changed()));
    this.#uploads = [...this.#uploads, ...added];
    this.#changed();
    this.#fill();
    return added;
  }

  pause(upload: TusUpload): void {
    upload.pause();
  }

  /** After a pause, for another try, and with what to do about a name that is taken. */
  resume(upload: TusUpload, wish?: NameWish): void {
    upload.queueAgain(wish);
    this.#fill();
  }

  pauseAll(): void {
    for (const upload of this.#uploads) upload.pause();
  }

  /** What is paused; and for `taken` what is to be done about it. */
  resumeAll(stage: 'paused' | 'failed' | 'taken' = 'paused', wish?: NameWish): void {
    for (const upload of this.#uploads) if (upload.stage === stage) upload.queueAgain(wish);
    this.#fill();
  }

  /** Takes what is done off the list. */
  clearDone(): void {
    this.#uploads = this.#uploads.filter(({ stage }) => stage !== 'done');
    this.#changed();
  }

  async cancel(upload: TusUpload): Promise<void> {
    this.#uploads = this.#uploads.filter((one) => one !== upload);
    this.#changed();
    await upload.cancel();
  }

  async cancelAll(): Promise<void> {
    const open = this.#uploads.filter(({ stage }) => stage !== 'done');
    this.#uploads = [];
    this.#changed();
    await Promise.all(open.map((upload) => upload.cancel()));
  }

  /** Stops all and forgets them; what is on the server stays there until it expires. */
  dropAll(): void {
    const dropped = this.#uploads;
    this.#uploads = [];
    for (const upload of dropped) upload.pause();
    this.#changed();
  }

  /** The network is back. */
  wake(): void {
    for (const upload of this.#uploads) upload.wake();
  }

  totals(): QueueTotals {
    const totals = {
      files: 0,
      doneFiles: 0,
      failedFiles: 0,
      takenFiles: 0,
      pausedFiles: 0,
      busyFiles: 0,
      bytes: 0,
      sentBytes: 0,
    };
    for (const { stage, source, sentBytes } of this.#uploads) {
      totals.files++;
      totals.bytes += source.content.size;
      totals.sentBytes += sentBytes;
      if (stage === 'done') totals.doneFiles++;
      else if (stage === 'failed') totals.failedFiles++;
      else if (stage === 'taken') totals.takenFiles++;
      else if (stage === 'paused') totals.pausedFiles++;
      else totals.busyFiles++;
    }
    return totals;
  }

  /** Called on every change, as often as bytes move. Returns what ends it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Called with each file that is on the drive. Returns what ends it. */
  onDone(listener: (upload: TusUpload) => void): () => void {
    this.#doneListeners.add(listener);
    return () => this.#doneListeners.delete(listener);
  }

  #fill(): void {
    for (const upload of this.#uploads) {
      if (this.#running >= this.#atOnce) return;
      if (upload.stage === 'waiting') void this.#run(upload);
    }
  }

  async #run(upload: TusUpload): Promise<void> {
    this.#running++;
    await upload.run();
    this.#running--;
    if (upload.stage === 'done') for (const listener of this.#doneListeners) listener(upload);
    this.#fill();
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}
