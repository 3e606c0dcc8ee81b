import type { JobId } from './job-store.js';
import type { BlobId, DriveId } from './values.js';

/**
 * What imports know of their sources: the folders that one run still has to list, and the files of a source over all its
 * runs. Nothing here is held in memory, so a source may have millions of files. Times are milliseconds since 1970.
 */
export interface ImportStore {
  /** The source of that key, which is made where there is none. */
  openSource(key: string, driveId: DriveId): Promise<SourceId>;

  /** Folders that the run knows already are left as they are. Returns how many are new. */
  addFolders(jobId: JobId, folders: readonly NewFolder[]): Promise<number>;
  /** Folders that wait, after the one given, in the order in which they came. */
  waitingFolders(jobId: JobId, after: number, limit: number): Promise<FolderRow[]>;
  endFolder(id: number, reason: string | null): Promise<void>;
  failedFolders(jobId: JobId, after: number, limit: number): Promise<FolderRow[]>;
  countFolders(jobId: JobId): Promise<{ readonly total: number; readonly waiting: number; readonly failed: number }>;

  /**
   * Notes files that a run has seen. One that was taken and has the stamp that it had then is `unchanged`, one whose
   * target belongs to another file of this run is `skipped` with `sameNameReason`, all others wait. A run that sees a file again leaves
   * it as it is. Returns those that the run had not seen, by the state that they have now.
   */
  addFiles(sourceId: SourceId, jobId: JobId, files: readonly NewFile[], sameNameReason: string): Promise<FileCount[]>;
  waitingFiles(sourceId: SourceId, jobId: JobId, after: number, limit: number): Promise<FileRow[]>;
  /** `blob` null: nothing was taken. */
  endFile(id: number, end: FileEnd): Promise<void>;
  /** Remembers which bytes are about to be stored, so that a run that goes on after a crash knows them as its own. */
  noteBlob(id: number, blob: BlobId): Promise<void>;
  /** Marks up to `limit` files as gone that the run did not see. Returns how many. */
  markGone(sourceId: SourceId, jobId: JobId, limit: number): Promise<number>;
  countFiles(sourceId: SourceId, jobId: JobId): Promise<readonly FileCount[]>;
  /** Of the states `skipped`, `failed`, `gone`, one of them at a time. */
  filesIn(sourceId: SourceId, state: FileState, after: number, limit: number): Promise<FileRow[]>;
}

/** What a snapshot knows of imports. */
export type ImportView = Pick<
  ImportStore,
  'waitingFolders' | 'failedFolders' | 'countFolders' | 'waitingFiles' | 'countFiles' | 'filesIn'
>;

export type SourceId = number;
export type FileState = 'waiting' | 'done' | 'unchanged' | 'skipped' | 'failed' | 'gone';

export interface NewFolder {
  /** Below the source's root, encoded as the source has it, with a slash at the end; empty: the root. */
  readonly href: string;
  /** Below the destination, names in NFC. */
  readonly target: string;
}
export interface FolderRow extends NewFolder {
  readonly id: number;
  readonly reason: string | null;
}

export interface NewFile {
  readonly href: string;
  readonly target: string;
  readonly size: number | null;
  readonly modified: number | null;
  readonly etag: string | null;
  /** `SHA1:…` as `oc:checksums` has it. */
  readonly checksum: string | null;
  /** All that tells one version from another; empty: nothing does, and the file is never `unchanged`. */
  readonly stamp: string;
  /** Why it can't be stored; null: it can. */
  readonly refusal: string | null;
}
export interface FileRow extends Omit<NewFile, 'refusal'> {
  readonly id: number;
  readonly jobId: JobId;
  readonly state: FileState;
  readonly reason: string | null;
  /** What this source left at the target last. */
  readonly blob: BlobId | null;
}

export interface FileEnd {
  readonly state: 'done' | 'skipped' | 'failed';
  readonly reason: string | null;
  readonly blob: BlobId | null;
}

export interface FileCount {
  readonly state: FileState;
  readonly files: number;
  readonly bytes: number;
}
