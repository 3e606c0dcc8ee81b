import type { FileCount, FileEnd, FileRow, FileState, SourceId } from '../../stores/import-store.js';
import type { JobId } from '../../stores/job-store.js';
import type { MetadataStore } from '../../stores/metadata-store.js';
import type { ImportProgress } from './import-request.js';

/** How long the speed looks back, in milliseconds. */
const SPEED_MS = 10_000;

type Counts = Record<FileState, { files: number; bytes: number }>;

/** Counts from the store, so that a run which goes on after a crash shows what is true; then kept by what the run does. */
export class ImportTally {
  readonly #metadata: MetadataStore;
  readonly #jobId: JobId;
  readonly #sourceId: SourceId;
  readonly #samples: { at: number; bytes: number }[] = [];
  #counts = emptyCounts();
  #folders = { total: 0, waiting: 0, failed: 0 };
  #received = 0;
  /** Of files that are on their way, by their rows. */
  readonly #coming = new Map<number, number>();

  constructor(metadata: MetadataStore, jobId: JobId, sourceId: SourceId) {
    this.#metadata = metadata;
    this.#jobId = jobId;
    this.#sourceId = sourceId;
  }

  get failedFolders(): number {
    return this.#folders.failed;
  }

  /** Reads all rows of the source: not for every second. */
  async load(): Promise<void> {
    const [folders, files] = await this.#metadata.read(
      [],
      async ({ imports }) =>
        [await imports.countFolders(this.#jobId), await imports.countFiles(this.#sourceId, this.#jobId)] as const,
    );
    this.#folders = { ...folders };
    this.#counts = emptyCounts();
    this.addFiles(files);
  }

  addFolders(count: number): void {
    this.#folders.total += count;
    this.#folders.waiting += count;
  }

  endFolder(isFailed: boolean): void {
    this.#folders.waiting--;
    if (isFailed) this.#folders.failed++;
  }

  addFiles(counts: readonly FileCount[]): void {
    for (const { state, files, bytes } of counts) this.#add(state, files, bytes);
  }

  endFile({ id, size }: FileRow, { state }: FileEnd): void {
    this.#coming.delete(id);
    this.#add('waiting', -1, -(size ?? 0));
    this.#add(state, 1, size ?? 0);
  }

  /** A try to take the file begins; is told of its bytes. */
  beginFile({ id }: FileRow): (bytes: number) => void {
    this.#coming.set(id, 0);
    return (bytes) => {
      this.#received += bytes;
      this.#coming.set(id, this.#coming.get(id)! + bytes);
    };
  }

  progress(now: number = Date.now()): ImportProgress {
    const { gone, done, unchanged, skipped, failed } = this.#counts;
    const all = Object.values(this.#counts);
    return {
      folders: this.#folders.total,
      foldersLeft: this.#folders.waiting,
      files: all.reduce((sum, { files }) => sum + files, 0) - gone.files,
      bytes: all.reduce((sum, { bytes }) => sum + bytes, 0) - gone.bytes,
      done: done.files,
      doneBytes: done.bytes,
      endedBytes: done.bytes + unchanged.bytes + skipped.bytes + failed.bytes + this.#comingBytes(),
      unchanged: unchanged.files,
      skipped: skipped.files,
      failed: failed.files + this.#folders.failed,
      gone: gone.files,
      receivedBytes: this.#received,
      bytesPerSecond: this.#speed(now),
    };
  }

  #add(state: FileState, files: number, bytes: number): void {
    this.#counts[state].files += files;
    this.#counts[state].bytes += bytes;
  }

  #comingBytes(): number {
    return [...this.#coming.values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  #speed(now: number): number {
    this.#samples.push({ at: now, bytes: this.#received });
    while (this.#samples.length > 2 && this.#samples[0]!.at < now - SPEED_MS) this.#samples.shift();
    const first = this.#samples[0]!;
    return now === first.at ? 0 : Math.round(((this.#received - first.bytes) * 1000) / (now - first.at));
  }
}

function emptyCounts(): Counts {
  const none = () => ({ files: 0, bytes: 0 });
  return { waiting: none(), done: none(), unchanged: none(), skipped: none(), failed: none(), gone: none() };
}
