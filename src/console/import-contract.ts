/** The part of the contract between pages and API that is about imports; see `contract.ts`. */

/** POST /api/imports/test: tries the connection, takes nothing. */
export interface ImportSourceBody {
  readonly url: string;
  readonly user: string;
  readonly password: string;
  /** A folder below the address; empty: all. */
  readonly from: string;
}
export interface ImportSourceAnswer {
  /** Where redirects lead. */
  readonly url: string;
  /** What the folder itself holds, without what lies deeper. */
  readonly folders: number;
  readonly files: number;
  readonly bytes: number;
  /** There are more than were counted. */
  readonly isMore: boolean;
  /** The first names, folders with a slash at the end. */
  readonly names: readonly string[];
  /** It is the root of a drive, whose trash will be left out. */
  readonly isDriveRoot: boolean;
}
export type ImportConflict = 'skip' | 'overwrite' | 'keep-both';
/** POST /api/imports, which answers with the `ImportEntry`. */
export interface ImportBody extends ImportSourceBody {
  readonly driveId: number;
  /** A folder of the drive; empty: the drive's own. */
  readonly to: string;
  readonly conflict: ImportConflict;
}
/** GET /api/imports?before=: one's own, the newest first. */
export interface ImportsAnswer {
  readonly imports: readonly ImportEntry[];
  readonly next: number | null;
}
/** GET /api/imports/ID; DELETE cancels it, what has come stays. GET /api/imports/ID/report is CSV. */
export interface ImportEntry {
  readonly id: number;
  readonly state: 'waiting' | 'running' | 'succeeded' | 'failed' | 'cancelled';
  readonly driveId: number | null;
  readonly url: string;
  readonly user: string;
  readonly to: string;
  readonly conflict: ImportConflict;
  /** Of the last try that failed; there may be another. */
  readonly error: string | null;
  readonly nextAt: string | null;
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  /** Null before anything is known. */
  readonly progress: ImportCounts | null;
}
export interface ImportCounts {
  readonly folders: number;
  readonly foldersLeft: number;
  /** All that are known so far, with `done`, `unchanged`, `skipped`, `failed` among them. */
  readonly files: number;
  readonly bytes: number;
  readonly done: number;
  readonly unchanged: number;
  readonly skipped: number;
  readonly failed: number;
  /** Imported earlier, and not at the source any more. */
  readonly gone: number;
  /** Of all files that have come to their end, however. */
  readonly endedBytes: number;
  readonly bytesPerSecond: number;
}
