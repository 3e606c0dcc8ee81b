import type { ImportStore, SourceId } from '../../stores/import-store.js';
import type { JobId } from '../../stores/job-store.js';
import type { ImportProgress } from './import-request.js';

/** How long the speed looks back, in milliseconds. */
const SPEED_MS = 10_000;

/** Counts from the store, so that a run which goes on after a crash shows what is true, and the speed of late. */
export class ImportTally {
  readonly #imports: ImportStore;
  readonly #jobId: JobId;
  readonly #sourceId: SourceId;
  readonly #samples: { at: number; bytes: number }[] = [];
  #received = 0;

  constructor(imports: ImportStore, jobId: JobId, sourceId: SourceId) {
    this.#imports = imports;
    this.#jobId = jobId;
    this.#sourceId = sourceId;
  }

  readonly add = (bytes: number): void => {
    this.#received += bytes;
  };

  async progress(now: number = Date.now()): Promise<ImportProgress> {
    const folders = await this.#imports.countFolders(this.#jobId);
    const counts = await this.#imports.countFiles(this.#sourceId, this.#jobId);
    const of = (state: string) => counts.find((count) => count.state === state) ?? { files: 0, bytes: 0 };
    const known = counts.filter(({ state }) => state !== 'gone');
    return {
      folders: folders.total,
      foldersLeft: folders.waiting,
      files: known.reduce((sum, { files }) => sum + files, 0),
      bytes: known.reduce((sum, { bytes }) => sum + bytes, 0),
      done: of('done').files,
      doneBytes: of('done').bytes,
      unchanged: of('unchanged').files,
      skipped: of('skipped').files,
      failed: of('failed').files + folders.failed,
      gone: of('gone').files,
      receivedBytes: this.#received,
      bytesPerSecond: this.#speed(now),
    };
  }

  #speed(now: number): number {
    this.#samples.push({ at: now, bytes: this.#received });
    while (this.#samples.length > 2 && this.#samples[0]!.at < now - SPEED_MS) this.#samples.shift();
    const first = this.#samples[0]!;
    return now === first.at ? 0 : Math.round(((this.#received - first.bytes) * 1000) / (now - first.at));
  }
}
