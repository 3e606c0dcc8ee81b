import { setTimeout as wait } from 'node:timers/promises';
import type { Drive } from '../../drive/drive.js';
import { DriveError } from '../../drive/drive-error.js';
import { makeFolders } from '../../drive/folders.js';
import { StoreBusyError } from '../../stores/drive-store.js';
import type { FileEnd, FileRow, FolderRow, ImportStore, SourceId } from '../../stores/import-store.js';
import type { JobId } from '../../stores/job-store.js';
import { PassingError, retrying } from '../back-off.js';
import { JobFailedError } from '../job-runner.js';
import { ChangedError, expectedDigests, incomingFile } from './fetch-file.js';
import type { ImportProgress, ImportRequest } from './import-request.js';
import { ImportTally } from './import-tally.js';
import { listFolder, toPath, withoutTrash } from './list-folder.js';
import { type SourceClient, SourceRefusal } from './source-client.js';
import { planOf, roomFor, storeFile } from './store-file.js';

const LISTINGS_AT_ONCE = 2;
const FILES_AT_ONCE = 4;
const PAGE = 100;
/** How long one waits for the other kind of work to bring something, and between two reports. */
const PAUSE_MS = 200;
const REPORT_MS = 1000;
const BACK_OFF = { firstMs: 500, longestMs: 120_000, triesMax: 6 };
/** So many failures of the network, one after the other, say that the source is away. */
const FAILURES_IN_A_ROW_MAX = 12;

export interface ImportRunParts {
  readonly imports: ImportStore;
  readonly drive: Drive;
  readonly client: SourceClient;
  readonly request: ImportRequest;
  readonly jobId: JobId;
  readonly sourceId: SourceId;
  readonly signal: AbortSignal;
}

/** One run of an import: lists folders and takes files side by side. All it knows is in the store. */
export class ImportRun {
  readonly #parts: ImportRunParts;
  readonly #root: URL;
  readonly #to: readonly string[];
  readonly #tally: ImportTally;
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  #isListed = false;
  #failuresInARow = 0;

  constructor(parts: ImportRunParts) {
    this.#parts = parts;
    this.#root = new URL(parts.request.url);
    this.#to = toPath(parts.request.to);
    this.#tally = new ImportTally(parts.imports, parts.jobId, parts.sourceId);
    this.#signal = AbortSignal.any([parts.signal, this.#stop.signal]);
  }

  /** Rejects with the first failure that is of the source as a whole; what is queued stays queued. */
  async all(report: (progress: ImportProgress) => void): Promise<void> {
    const { imports, jobId, sourceId } = this.#parts;
    await imports.addFolders(jobId, [{ href: '', target: '' }]);
    const reporting = this.#report(report);
    const work = [this.#list(), this.#take()];
    try {
      await Promise.all(work);
      const { failed } = await imports.countFolders(jobId);
      // What lies in a folder that could not be listed isn't gone.
      if (failed === 0) while ((await imports.markGone(sourceId, jobId, PAGE)) > 0);
    } finally {
      this.#stop.abort();
      await Promise.allSettled(work);
      await reporting;
      report(await this.#tally.progress());
    }
  }

  async #report(report: (progress: ImportProgress) => void): Promise<void> {
    while (!this.#signal.aborted) {
      report(await this.#tally.progress());
      // The end of the run ends the pause.
      await wait(REPORT_MS, undefined, { signal: this.#signal }).catch(() => {});
    }
  }

  async #list(): Promise<void> {
    const { imports, jobId } = this.#parts;
    for (;;) {
      const page = await imports.waitingFolders(jobId, 0, PAGE);
      if (page.length === 0) break;
      await inLanes(page, LISTINGS_AT_ONCE, this.#signal, (folder) => this.#listFolder(folder));
    }
    this.#isListed = true;
  }

  async #listFolder(folder: FolderRow): Promise<void> {
    const { imports, jobId, sourceId, client, drive } = this.#parts;
    const path = [...this.#to, ...toPath(folder.target)];
    let reason: string | null = null;
    try {
      await drive.write((changes) => makeFolders(changes, path));
      await retrying(
        async () => {
          let isFirst = folder.href === '';
          for await (const members of listFolder(client, this.#root, folder, this.#signal)) {
            const inner = isFirst ? withoutTrash(members) : null;
            isFirst = false;
            await imports.addFolders(jobId, inner ? [inner] : members.folders);
            await imports.addFiles(sourceId, jobId, members.files, 'same-name');
          }
        },
        BACK_OFF,
        this.#signal,
      );
    } catch (error) {
      reason = reasonOf(error, this.#signal);
      // Without the first folder there is nothing to import.
      if (folder.href === '') throw firstFailure(error);
      if (error instanceof PassingError) this.#noteFailure(error);
    }
    if (reason === null) this.#failuresInARow = 0;
    await imports.endFolder(folder.id, reason);
  }

  async #take(): Promise<void> {
    const { imports, sourceId, jobId } = this.#parts;
    for (;;) {
      const wasListed = this.#isListed;
      const page = await imports.waitingFiles(sourceId, jobId, 0, PAGE);
      if (page.length === 0) {
        if (wasListed) return;
        await wait(PAUSE_MS, undefined, { signal: this.#signal });
        continue;
      }
      await inLanes(page, FILES_AT_ONCE, this.#signal, async (file) => {
        await imports.endFile(file.id, await this.#takeFile(file));
      });
    }
  }

  async #takeFile(file: FileRow): Promise<FileEnd> {
    try {
      const end = await retrying(() => this.#transfer(file), BACK_OFF, this.#signal);
      this.#failuresInARow = 0;
      return end;
    } catch (error) {
      const reason = reasonOf(error, this.#signal);
      if (error instanceof PassingError && !(error instanceof ChangedError)) this.#noteFailure(error);
      return { state: 'failed', reason, blob: null };
    }
  }

  async #transfer(file: FileRow): Promise<FileEnd> {
    const { drive, client, request, imports } = this.#parts;
    const path = [...this.#to, ...toPath(file.target)];
    const rule = request.conflict;
    const begin = await drive.read(async (snapshot) => {
      const found = await snapshot.find(path);
      const plan = planOf(found, file, rule);
      return { plan, room: typeof plan === 'object' ? 0 : await roomFor(snapshot, drive, found, file) };
    });
    if (typeof begin.plan === 'object') return begin.plan;
    const url = new URL(this.#root.href.replace(/\/$/, `/${file.href}`));
    const incoming = incomingFile(client, url, file, this.#signal, this.#tally.add);
    const expected = { size: file.size, digests: expectedDigests(file.checksum), kept: [] };
    try {
      const content = await drive.receive(incoming, expected, begin.room, this.#signal);
      // Without a date nothing else would tell it from a file that was there before.
      if (file.modified === null && file.blob === null) await imports.noteBlob(file.id, content.row.id);
      return await storeFile(drive, content, { file, path, rule });
    } catch (error) {
      const isPassing =
        error instanceof StoreBusyError ||
        (error instanceof DriveError && ['incomplete', 'digest-mismatch', 'busy'].includes(error.kind));
      if (!isPassing) throw error;
      throw new ChangedError(error.message, { cause: error });
    }
  }

  #noteFailure(error: PassingError): void {
    if (++this.#failuresInARow >= FAILURES_IN_A_ROW_MAX) throw error;
  }
}

/** A code, and what the source or the drive said, for the report. Rethrows what no report should hide. */
function reasonOf(error: unknown, signal: AbortSignal): string {
  signal.throwIfAborted();
  if (error instanceof SourceRefusal) return `refused: ${error.status}`;
  if (error instanceof DriveError) return `${error.kind}: ${error.message}`;
  if (error instanceof ChangedError) {
    const isChecksum = error.cause instanceof DriveError && error.cause.kind === 'digest-mismatch';
    return isChecksum ? 'checksum' : 'changed';
  }
  if (error instanceof PassingError) return `unreachable: ${error.message}`;
  throw error;
}

function firstFailure(error: unknown): unknown {
  if (error instanceof SourceRefusal) {
    const text = error.status === 404 ? 'There is no such folder' : 'There is no WebDAV folder to be read';
    return new JobFailedError(`${text} at this address (the source answered ${error.status}).`, { cause: error });
  }
  return error instanceof DriveError ? new JobFailedError(error.message, { cause: error }) : error;
}

/** Does the work for each, so many at once. Rejects with the first failure, once what is running has ended. */
async function inLanes<T>(
  all: readonly T[],
  lanes: number,
  signal: AbortSignal,
  work: (one: T) => Promise<void>,
): Promise<void> {
  let next = 0;
  let failure: { readonly error: unknown } | null = null;
  const lane = async () => {
    while (next < all.length && !failure) {
      const one = all[next++]!;
      try {
        signal.throwIfAborted();
        await work(one);
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  if (failure) throw (failure as { readonly error: unknown }).error;
}
