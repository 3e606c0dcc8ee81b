import { setMaxListeners } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import type { Drive } from '../../drive/drive.js';
import { DriveError, isAccessLost } from '../../drive/drive-error.js';
import type { DrivePath } from '../../drive/names.js';
import type { FileCount, FileEnd, FileRow, FolderRow, ImportStore, SourceId } from '../../stores/import-store.js';
import type { JobId } from '../../stores/job-store.js';
import type { MetadataStore } from '../../stores/metadata-store.js';
import { retrying } from '../back-off.js';
import { JobFailedError } from '../job-runner.js';
import { mayBeAway, NO_MEMBER, reasonOf } from './failure-reasons.js';
import { incomingFile } from './fetch-file.js';
import { FileQueue } from './file-queue.js';
import type { ImportProgress, ImportRequest } from './import-request.js';
import { ImportTally } from './import-tally.js';
import { isDriveRoot, listFolder, toPath, withoutTrash } from './list-folder.js';
import { type SourceClient, SourceRefusal } from './source-client.js';
import { findRoot } from './source-root.js';
import { storeFile } from './store-file.js';

const LISTINGS_AT_ONCE = 2;
const FILES_AT_ONCE = 6;
const PAGE = 100;
const GONE_PAGE = 1000;
const REPORT_MS = 1000;
/** What a run remembers in the database; a tree without an end has more. */
const FOLDERS_MAX = 100_000;
const FILES_MAX = 2_000_000;
/** For one file or folder; a source that is away has the job's own pauses. */
const BACK_OFF = { firstMs: 500, longestMs: 120_000, triesMax: 6 };

export interface ImportRunParts {
  readonly metadata: MetadataStore;
  readonly drive: Drive;
  readonly client: SourceClient;
  readonly request: ImportRequest;
  readonly jobId: JobId;
  readonly sourceId: SourceId;
  readonly signal: AbortSignal;
  /** Something came: the source is there. */
  readonly renew: () => void;
}

/** One run of an import: lists folders and takes files side by side. All it knows is in the store. */
export class ImportRun {
  readonly #parts: ImportRunParts;
  readonly #to: DrivePath;
  readonly #tally: ImportTally;
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  #root: URL;
  #isListed = false;

  constructor(parts: ImportRunParts) {
    this.#parts = parts;
    this.#root = new URL(parts.request.url);
    this.#to = destination(parts.request.to, parts.drive.membership.driveName);
    this.#tally = new ImportTally(parts.metadata, parts.jobId, parts.sourceId);
    this.#signal = AbortSignal.any([parts.signal, this.#stop.signal]);
    // Each lane listens, with all that it waits for.
    setMaxListeners(100, this.#signal);
  }

  /** Rejects with the first failure that is of the source as a whole; what is queued stays queued. */
  async all(report: (progress: ImportProgress) => void): Promise<void> {
    const { metadata, jobId, sourceId, client, renew } = this.#parts;
    await this.#tally.load();
    report(this.#tally.progress());
    this.#root = await findRoot(client, this.#root, this.#signal);
    renew();
    this.#tally.addFolders(await this.#write((imports) => imports.addFolders(jobId, [{ href: '', target: '' }])));
    const reporting = this.#report(report);
    // The first failure is the reason, the others follow from it.
    const stop = (error: unknown) => this.#stop.abort(error);
    const queue = new FileQueue(
      (after, limit) => metadata.readOne([], ({ imports }) => imports.waitingFiles(sourceId, jobId, after, limit)),
      () => this.#isListed,
      this.#signal,
    );
    try {
      await Promise.all([this.#list(stop).catch(stop), runPool(FILES_AT_ONCE, () => this.#take(queue), stop)]);
      this.#signal.throwIfAborted();
      // What lies in a folder that could not be listed isn't gone.
      if (this.#tally.failedFolders === 0) await this.#markGone();
    } finally {
      this.#stop.abort();
      await reporting;
      report(this.#tally.progress());
    }
  }

  /** Rows by the thousand: none of the room that is kept for a full disk. */
  #write<T>(work: (imports: ImportStore) => Promise<T>): Promise<T> {
    return this.#parts.metadata.write([], ({ imports }) => work(imports), { mayUseReserve: false });
  }

  async #markGone(): Promise<void> {
    const { jobId, sourceId } = this.#parts;
    const mark = () => this.#write((imports) => imports.markGone(sourceId, jobId, GONE_PAGE));
    while ((await mark()) > 0) this.#signal.throwIfAborted();
    await this.#tally.load();
  }

  async #report(report: (progress: ImportProgress) => void): Promise<void> {
    while (!this.#signal.aborted) {
      report(this.#tally.progress());
      // The end of the run ends the pause.
      await wait(REPORT_MS, undefined, { signal: this.#signal }).catch(() => {});
    }
  }

  async #list(stop: (error: unknown) => void): Promise<void> {
    const { metadata, jobId } = this.#parts;
    for (;;) {
      const page = await metadata.readOne([], ({ imports }) => imports.waitingFolders(jobId, 0, PAGE));
      if (page.length === 0) break;
      await runPool(
        LISTINGS_AT_ONCE,
        async () => {
          for (let folder = page.shift(); folder; folder = page.shift()) await this.#listFolder(folder);
        },
        stop,
      );
      this.#signal.throwIfAborted();
    }
    this.#isListed = true;
  }

  async #listFolder(folder: FolderRow): Promise<void> {
    const { drive } = this.#parts;
    this.#signal.throwIfAborted();
    let reason: string | null = null;
    try {
      const path = [...this.#to, ...toPath(folder.target)];
      await drive.makeFolders(path);
      await retrying(() => this.#readListing(folder), BACK_OFF, this.#signal);
      this.#parts.renew();
    } catch (error) {
      reason = await this.#reasonOf(error);
      // Without the first folder there is nothing to import.
      if (folder.href === '') throw ofRoot(error);
    }
    await this.#write((imports) => imports.endFolder(folder.id, reason));
    this.#tally.endFolder(reason !== null);
  }

  async #readListing(folder: FolderRow): Promise<void> {
    const { jobId, sourceId, client } = this.#parts;
    let mayBeDrive = folder.href === '' && isDriveRoot(this.#root);
    for await (const page of listFolder(client, this.#root, folder, this.#signal)) {
      const members = mayBeDrive ? withoutTrash(page) : page;
      mayBeDrive = false;
      const [newFolders, newFiles] = await this.#write(
        async (imports): Promise<[number, FileCount[]]> => [
          await imports.addFolders(jobId, members.folders),
          await imports.addFiles(sourceId, jobId, members.files, 'same-name'),
        ],
      );
      this.#tally.addFolders(newFolders);
      this.#tally.addFiles(newFiles);
      this.#checkSize();
    }
  }

  #checkSize(): void {
    const { folders, files } = this.#tally.progress();
    const [count, max, what] = folders > FOLDERS_MAX ? [folders, FOLDERS_MAX, 'folders'] : [files, FILES_MAX, 'files'];
    if (count <= max) return;
    const advice = 'What came so far stays; import its folders one by one.';
    throw new JobFailedError(`The source has more than ${max.toLocaleString('en')} ${what}. ${advice}`);
  }

  async #take(queue: FileQueue): Promise<void> {
    for (let file = await queue.next(); file; file = await queue.next()) {
      const end = await this.#takeFile(file);
      await this.#write((imports) => imports.endFile(file.id, end));
      this.#tally.endFile(file, end);
      queue.done(file);
    }
  }

  async #takeFile(file: FileRow): Promise<FileEnd> {
    try {
      const end = await retrying(() => this.#transfer(file), BACK_OFF, this.#signal);
      this.#parts.renew();
      return end;
    } catch (error) {
      return { state: 'failed', reason: await this.#reasonOf(error), blob: null };
    }
  }

  async #transfer(file: FileRow): Promise<FileEnd> {
    const { drive, client, request } = this.#parts;
    const url = new URL(`${this.#root.href}${file.href}`);
    return storeFile(drive, {
      file,
      path: [...this.#to, ...toPath(file.target)],
      rule: request.conflict,
      incoming: incomingFile(client, url, file, this.#signal, () => this.#tally.beginFile(file)),
      onReceived: async (blob) => {
        // Without a date nothing else would tell it from a file that was there before.
        if (file.modified !== null || file.blob !== null) return;
        await this.#write((imports) => imports.noteBlob(file.id, blob));
      },
      signal: this.#signal,
    });
  }

  /** For the report. Rejects where the trouble is that of the source as a whole: then the job is tried again later. */
  async #reasonOf(error: unknown): Promise<string> {
    this.#signal.throwIfAborted();
    if (mayBeAway(error)) await findRoot(this.#parts.client, this.#root, this.#signal);
    return reasonOf(error);
  }
}

/** As the drive's user says it: with or without the drive's own folder in front. Never its trash. */
function destination(to: string, driveName: string): DrivePath {
  const path = toPath(to);
  return path[0] === driveName ? path : [driveName, ...path];
}

function ofRoot(error: unknown): unknown {
  if (error instanceof SourceRefusal) {
    const message = `The folder at this address can't be listed (the source answered ${error.status}).`;
    return new JobFailedError(message, { cause: error });
  }
  if (isAccessLost(error)) return new JobFailedError(NO_MEMBER, { cause: error });
  return error instanceof DriveError ? new JobFailedError(error.message, { cause: error }) : error;
}

/** Runs so many of the same loop side by side, and waits for all. `stop` is told of each failure, the first one first. */
async function runPool(lanes: number, loop: () => Promise<void>, stop: (error: unknown) => void): Promise<void> {
  await Promise.all(Array.from({ length: lanes }, () => loop().catch(stop)));
}
