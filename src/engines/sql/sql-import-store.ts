import type {
  FileCount,
  FileEnd,
  FileRow,
  FileState,
  FolderRow,
  ImportStore,
  NewFile,
  NewFolder,
  SourceId,
} from '../../stores/import-store.js';
import type { JobId } from '../../stores/job-store.js';
import type { BlobId, DriveId } from '../../stores/values.js';
import * as statements from './import-statements.js';
import type { Schema } from './schema.js';
import type { SqlConnection } from './sql-database.js';

/** What imports remember, in one transaction or snapshot. */
export class SqlImportStore implements ImportStore {
  readonly #connection: SqlConnection;

  constructor(connection: SqlConnection) {
    this.#connection = connection;
  }

  async openSource(key: string, drive: DriveId): Promise<SourceId> {
    const row = await statements.putSource.first(this.#connection, { key, drive });
    return row!.id;
  }

  async addFolders(job: JobId, folders: readonly NewFolder[]): Promise<number> {
    if (folders.length === 0) return 0;
    let added = 0;
    for (const { href, target } of folders) {
      added += await statements.addFolder.run(this.#connection, { job, href, target });
    }
    return added;
  }

  waitingFolders(job: JobId, after: number, limit: number): Promise<FolderRow[]> {
    return this.#foldersIn('waiting', job, after, limit);
  }

  failedFolders(job: JobId, after: number, limit: number): Promise<FolderRow[]> {
    return this.#foldersIn('failed', job, after, limit);
  }

  async endFolder(id: number, reason: string | null): Promise<void> {
    const state = reason === null ? 'done' : 'failed';
    await statements.endFolder.run(this.#connection, { id, state, reason });
  }

  async countFolders(job: JobId) {
    const rows = await statements.countFolders.all(this.#connection, { job });
    const count = (state: string) => rows.find((row) => row.state === state)?.count ?? 0;
    return {
      total: rows.reduce((sum, row) => sum + row.count, 0),
      waiting: count('waiting'),
      failed: count('failed'),
    };
  }

  async addFiles(
    source: SourceId,
    job: JobId,
    files: readonly NewFile[],
    sameNameReason: string,
  ): Promise<FileCount[]> {
    if (files.length === 0) return Promise.resolve([]);
    const counts = new Map<FileState, { state: FileState; files: number; bytes: number }>();
    for (const { refusal, ...file } of files) {
      const { href, target } = file;
      const twin = await statements.findTarget.first(this.#connection, { source, target, job, href });
      const reason = twin ? sameNameReason : refusal;
      const state = reason === null ? 'waiting' : 'skipped';
      const row = { ...file, source, job, state, reason } as const;
      const put = await statements.putFile.first(this.#connection, row);
      if (!put) continue;
      const count = counts.get(put.state) ?? { state: put.state, files: 0, bytes: 0 };
      count.files++;
      count.bytes += file.size ?? 0;
      counts.set(put.state, count);
    }
    return [...counts.values()];
  }

  async waitingFiles(source: SourceId, job: JobId, after: number, limit: number): Promise<FileRow[]> {
    const page = { source, job, after, limit };
    return (await statements.waitingFiles.all(this.#connection, page)).map(toFile);
  }

  async endFile(id: number, end: FileEnd): Promise<void> {
    await statements.endFile.run(this.#connection, { id, ...end });
  }

  async noteBlob(id: number, blob: BlobId): Promise<void> {
    await statements.noteBlob.run(this.#connection, { id, blob });
  }

  markGone(source: SourceId, job: JobId, limit: number): Promise<number> {
    return statements.markGone.run(this.#connection, { source, job, limit });
  }

  countFiles(source: SourceId, job: JobId): Promise<readonly FileCount[]> {
    return statements.countFiles.all(this.#connection, { source, job });
  }

  async filesIn(source: SourceId, state: FileState, after: number, limit: number): Promise<FileRow[]> {
    const page = { source, state, after, limit };
    return (await statements.filesIn.all(this.#connection, page)).map(toFile);
  }

  #foldersIn(state: Schema['import_folder']['state'], job: JobId, after: number, limit: number): Promise<FolderRow[]> {
    return statements.foldersIn.all(this.#connection, { job, state, after, limit });
  }
}

function toFile(row: Omit<Schema['import_file'], 'id'> & { id: number }): FileRow {
  return {
    id: row.id,
    href: row.href,
    target: row.target,
    jobId: row.job_id,
    state: row.state,
    reason: row.reason,
    stamp: row.stamp,
    size: row.size,
    modified: row.modified,
    etag: row.etag,
    checksum: row.checksum,
    blob: row.blob as BlobId | null,
  };
}
