import Database from 'better-sqlite3';
import { StorageFullError } from '../../stores/blob-store.js';
import type { Tell } from '../../stores/durability.js';
import { StoreFailingError } from '../../stores/metadata-store.js';
import { probeWrite } from '../disk/probe-write.js';
import type { WriteAheadLog } from './write-ahead-log.js';

/** How often the log is tried again while the disk fails, in milliseconds. */
const RESCUE_MS = 1_000;

const FOREIGN_READER = 'another program reads from the database and keeps its log from being emptied';

export interface KeeperOptions {
  /** Folder of the database. */
  readonly folder: string;
  readonly tell: Tell;
  /** Ends the process at once, closing nothing. */
  readonly end: () => void;
}

/**
 * Decides whether the log can be trusted (docs/decisions/0011). After a failed write or sync of it nothing more is
 * acknowledged until its blocks were given back: a file system may show right bytes there that are not on the disk.
 * After a failed sync of the database itself nothing is acknowledged by this process any more.
 */
export class LogKeeper {
  readonly #log: WriteAheadLog;
  readonly #options: KeeperOptions;
  #state: 'well' | 'overfull' | 'distrusted' | 'lost' = 'well';
  #isRead = false;
  #timer: NodeJS.Timeout | null = null;

  constructor(log: WriteAheadLog, options: KeeperOptions) {
    this.#log = log;
    this.#options = options;
  }

  /** Nothing that this process writes, syncs or closes is to be believed: its next start goes by the log. */
  get isLost(): boolean {
    return this.#state === 'lost';
  }

  /** Null where all is well. */
  get trouble(): string | null {
    if (this.#state === 'well') return null;
    if (this.#state === 'overfull') return `${FOREIGN_READER}: nothing more is stored until that has ended`;
    return this.#state === 'lost'
      ? 'the disk failed to keep the database: nothing more is stored until the server was started again'
      : 'the disk failed to store a commit: nothing more is stored until its log could be emptied';
  }

  /** `rescue` is called at intervals until the log was emptied. */
  distrust(cause: unknown, rescue: () => void): void {
    if (this.#state === 'distrusted' || this.#state === 'lost') return;
    this.#state = 'distrusted';
    this.#tell('error', 'the disk failed to store a commit; nothing is acknowledged until the log was emptied', cause);
    this.#repeat(rescue);
  }

  /** As `distrust`, of a commit whose process ended: its disk may have failed it, and nobody was told. */
  doubt(rescue: () => void): void {
    if (this.#state === 'distrusted' || this.#state === 'lost') return;
    this.#state = 'distrusted';
    this.#tell('warn', 'a worker ended during its turn to write; nothing is acknowledged until the log was emptied');
    this.#repeat(rescue);
  }

  /** The log grows, because somebody else reads what was there before. */
  tellReader(bytes: number): void {
    if (this.#isRead) return;
    this.#isRead = true;
    const size = `${Math.round(bytes / 1e6)} MB`;
    const advice =
      'look for a shell, a viewer or a copy that has firn.db open; a log that gets too long ends all writing';
    this.#tell('warn', `${FOREIGN_READER}, which has ${size}: ${advice}`);
  }

  /** Nobody stands in the way of the log any more. */
  forgetReader(): void {
    this.#isRead = false;
  }

  /** Nothing is written until the log could be emptied: it would fill the disk. `rescue` is called at intervals until then. */
  overfill(rescue: () => void): void {
    if (this.#state !== 'well') return;
    this.#state = 'overfull';
    this.#tell('error', `${FOREIGN_READER}: nothing more is stored until that has ended`);
    this.#repeat(rescue);
  }

  /** As `WriteAheadLog.pass`, but throws nothing: `rescue` is called at intervals where it failed. */
  pass(rescue: () => void): void {
    try {
      this.#log.pass();
    } catch (error) {
      this.failed(error, rescue);
    }
  }

  /** As `WriteAheadLog.truncate`, but false where it failed too. Call it while nothing reads or writes here. */
  empty(rescue: () => void): boolean {
    if (this.#state === 'lost') return false;
    try {
      if (!this.#log.truncate()) return false;
    } catch (error) {
      this.failed(error, rescue);
      return false;
    }
    if (this.#state !== 'well') {
      this.#state = 'well';
      this.stop();
      this.#tell('warn', 'the log was emptied and the database is safe; writes are taken again');
    }
    return true;
  }

  /** What the writes are told that the failure was about. */
  async reason(cause: unknown): Promise<Error> {
    return (await isFull(this.#options.folder))
      ? new StorageFullError({ cause })
      : new StoreFailingError('the disk failed to store this', { cause });
  }

  stop(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
  }

  /** A checkpoint failed; `rescue` is called at intervals where it can be tried again. */
  failed(cause: unknown, rescue: () => void): void {
    // Nothing was lost for a lack of room: the log stays.
    if (!isIoError(cause)) return;
    // A sync tells a failure once; the next one would say that all is well (wiki.postgresql.org/wiki/Fsync_Errors).
    if (isFailedSync(cause)) this.lose(cause);
    else this.distrust(cause, rescue);
  }

  /** A sync failed of what was written already: nothing of this process is to be believed. */
  lose(cause: unknown): void {
    if (this.#state === 'lost') return;
    this.#state = 'lost';
    this.#tell(
      'fatal',
      'the disk failed to sync the database; reads go on until the disk is well, then this ends',
      cause,
    );
    this.stop();
    this.#repeat(() => void this.#endWhenWell());
  }

  /** A start on a dead disk would end reading too; on a well one it makes good what was lost. */
  async #endWhenWell(): Promise<void> {
    try {
      await probeWrite(this.#options.folder);
    } catch {
      return; // Asked again soon.
    }
    this.#tell(
      'fatal',
      'the disk takes writes again: ending, so that the next start brings the database in order; ' +
        'a backup that is restored into a new folder leaves the blocks that failed behind',
    );
    this.#options.end();
  }

  #repeat(work: () => void): void {
    this.#timer ??= setInterval(work, RESCUE_MS).unref();
  }

  #tell(level: 'fatal' | 'error' | 'warn', message: string, cause?: unknown): void {
    this.#options.tell({ level, message, ...(cause === undefined ? {} : { cause }) });
  }
}

/** Whether the disk failed, be it for a lack of room that showed too late for SQLite to name it. */
export function isIoError(error: unknown): boolean {
  return error instanceof Database.SqliteError && error.code.startsWith('SQLITE_IOERR');
}

function isFailedSync(error: unknown): boolean {
  return error instanceof Database.SqliteError && error.code === 'SQLITE_IOERR_FSYNC';
}

async function isFull(folder: string): Promise<boolean> {
  try {
    await probeWrite(folder);
    return false;
  } catch (error) {
    return error instanceof StorageFullError;
  }
}
