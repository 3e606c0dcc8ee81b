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
import type { SqlDatabase } from './sql-database.js';

/** What imports remember, in an SQL database. */
export class SqlImportStore implements ImportStore {
  readonly #database: SqlDatabase;

  constructor(database: SqlDatabase) {
    this.#database = database;
  }

  async openSource(key: string, drive: DriveId): Promise<SourceId> {
    const row = await this.#database.write((connection) => statements.putSource.first(connection, { key, drive }));
    return row!.id;
  }

  async addFolders(job: JobId, folders: readonly NewFolder[]): Promise<number> {
    if (folders.length === 0) return 0;
    return this.#database.write(async (connection) => {
      let added = 0;
      for (const { href, target } of folders) {
        added += await statements.addFolder.run(connection, { job, href, target });
      }
      return added;
    });
  }

  waitingFolders(job: JobId, after: number, limit: number): Promise<FolderRow[]> {
    return this.#foldersIn('waiting', job, after, limit);
  }

  failedFolders(job: JobId, after: number, limit: number): Promise<FolderRow[]> {
    return this.#foldersIn('failed', job, after, limit);
  }

  async endFolder(id: number, reason: string | null): Promise<void> {
    const state = reason === null ? 'done' : 'failed';
    await this.#database.write((connection) => statements.endFolder.run(connection, { id, state, reason }));
  }

  async countFolders(job: JobId) {
    const rows = await this.#database.readOne((connection) => statements.countFolders.all(connection, { job }));
    const count = (state: string) => rows.find((row) => row.state === state)?.count ?? 0;
    return {
      total: rows.reduce((sum, row) => sum + row.count, 0),
      waiting: count('waiting'),
      failed: count('failed'),
    };
  }

  addFiles(source: SourceId, job: JobId, files: readonly NewFile[], sameNameReason: string): Promise<FileCount[]> {
    if (files.length === 0) return Promise.resolve([]);
    return this.#database.write(async (connection) => {
      const counts = new Map<FileState, { state: FileState; files: number; bytes: number }>();
      for (const { refusal, ...file } of files) {
        const { href, target } = file;
        const twin = await statements.findTarget.first(connection, { source, target, job, href });
        const reason = twin ? sameNameReason : refusal;
        const state = reason === null ? 'waiting' : 'skipped';
        const row = { ...file, source, job, state, reason } as const;
        const put = await statements.putFile.first(connection, row);
        if (!put) continue;
        const count = counts.get(put.state) ?? { state: put.state, files: 0, bytes: 0 };
        count.files++;
        count.bytes += file.size ?? 0;
        counts.set(put.state, count);
      }
      return [...counts.values()];
    });
  }

  async waitingFiles(source: SourceId, job: JobId, after: number, limit: number): Promise<FileRow[]> {
    const page = { source, job, after, limit };
    return (await this.#database.readOne((connection) => statements.waitingFiles.all(connection, page))).map(toFile);
  }

  async endFile(id: number, end: FileEnd): Promise<void> {
    await this.#database.write((connection) => statements.endFile.run(connection, { id, ...end }));
  }

  async noteBlob(id: number, blob: BlobId): Promise<void> {
    await this.#database.write((connection) => statements.noteBlob.run(connection, { id, blob }));
  }

  markGone(source: SourceId, job: JobId, limit: number): Promise<number> {
    return this.#database.write((connection) => statements.markGone.run(connection, { source, job, limit }));
  }

  countFiles(source: SourceId, job: JobId): Promise<readonly FileCount[]> {
    return this.#database.readOne((connection) => statements.countFiles.all(connection, { source, job }));
  }

  async filesIn(source: SourceId, state: FileState, after: number, limit: number): Promise<FileRow[]> {
    const page = { source, state, after, limit };
    return (await this.#database.readOne((connection) => statements.filesIn.all(connection, page))).map(toFile);
  }

  #foldersIn(state: Schema['import_folder']['state'], job: JobId, after: number, limit: number): Promise<FolderRow[]> {
    return this.#database.readOne((connection) => statements.foldersIn.all(connection, { job, state, after, limit }));
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
