import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import Database from 'better-sqlite3';

/** The thread has one connection with little cache, and no data of its own. */
const MEMORY_LIMITS = { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 1 };

/**
 * What runs in the thread. Text, because a thread needs a file of JavaScript and the tests run from TypeScript. Both descriptors are
 * opened before anything is written behind them and stay open: a failed sync is reported to those alone that were open when the page was
 * written, and closing the database's would drop the locks of the whole process (fcntl). A log that was deleted keeps nothing.
 */
const PROGRAM = `
const { parentPort, workerData } = require('node:worker_threads');
const { fdatasyncSync, fstatSync, fsyncSync, openSync } = require('node:fs');
const Database = require(workerData.sqlite);
const database = new Database(workerData.path, { timeout: 0, fileMustExist: true });
database.pragma('synchronous = FULL');
database.pragma('wal_autocheckpoint = 0');
database.pragma('cache_size = -256');
database.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get();
const file = openSync(workerData.path, 'r');
const log = openSync(workerData.path + '-wal', 'r');
const deeds = {
  begin() {},
  syncLog() {
    const startedAt = performance.now();
    fdatasyncSync(log);
    if (fstatSync(log).nlink === 0) throw new Error('the log was deleted');
    return performance.now() - startedAt;
  },
  pass: () => void database.pragma('wal_checkpoint(PASSIVE)'),
  syncDatabase: () => void fsyncSync(file),
  commit: () => void database.pragma('user_version = 0'),
  close: () => void database.close(),
};
parentPort.on('message', (deed) => {
  try {
    parentPort.postMessage({ took: deeds[deed]() ?? 0 });
  } catch ({ code, message }) {
    parentPort.postMessage({ code, message });
  }
});
`;

type Deed = 'begin' | 'syncLog' | 'pass' | 'syncDatabase' | 'commit' | 'close';

/** How long it took in milliseconds, where that matters; or what failed. */
type Answer = { readonly took: number } | { readonly code?: string; readonly message: string };

type Task = 'syncs' | 'checkpoints';

/** One for the syncs of the log and one for checkpoints, which commits must not wait for: each begun when it is first needed. */
export class LogThreads {
  readonly #threads = new Map<Task, LogThread>();

  constructor(private readonly path: string) {}

  /** Resolves when there is one that can work; false where there is no room for it. */
  async has(task: Task): Promise<boolean> {
    if (this.#threads.get(task)?.hasEnded) this.#threads.delete(task);
    return this.of(task).begun.then(
      () => true,
      () => false,
    );
  }

  of(task: Task): LogThread {
    const thread = this.#threads.get(task) ?? new LogThread(this.path);
    this.#threads.set(task, thread);
    return thread;
  }

  /** Their connections, before the last one of this process is closed. */
  async close(): Promise<void> {
    for (const thread of this.#threads.values()) await thread.close();
  }

  /** After it was closed. */
  async end(): Promise<void> {
    for (const thread of this.#threads.values()) await thread.end();
  }
}

/** What waits for the disk, off the event loop: syncs of the log, and checkpoints, by a connection of its own. */
class LogThread {
  readonly #worker: Worker;
  /** Resolves when its descriptors are open: what is written from then on is for it to sync. */
  readonly begun: Promise<void>;
  readonly #waiting: { resolve(took: number): void; reject(error: Error): void }[] = [];
  #error: Error | null = null;

  /** `path` of a database that is open with a log; this process keeps it open until the thread was closed. */
  constructor(path: string) {
    const sqlite = createRequire(import.meta.url).resolve('better-sqlite3');
    const workerData = { path, sqlite };
    // What Node would close with the thread are the descriptors, too: `end` comes after the database was closed.
    this.#worker = new Worker(PROGRAM, { eval: true, execArgv: [], resourceLimits: MEMORY_LIMITS, workerData });
    this.#worker.unref();
    this.#worker.on('message', (answer: Answer) => this.#settle(answer));
    this.#worker.on('error', (error) => this.#fail(error));
    this.#worker.on('exit', () => this.#fail(new Error('the thread that syncs the log has ended')));
    this.begun = this.#ask('begin').then(() => {});
  }

  get hasEnded(): boolean {
    return this.#error !== null;
  }

  /** Resolves when the log is on the disk, with the time that took in milliseconds. Rejects with `SQLITE_IOERR_FSYNC` where it may not be, for whatever reason. */
  async syncLog(): Promise<number> {
    return this.#ask('syncLog').catch(throwAsFailedSync);
  }

  /** Moves what nobody reads to the database, beside writers. Rejects with SQLite's error. */
  async pass(): Promise<void> {
    await this.#ask('pass').catch(unlessBusy);
  }

  /** What a pass has moved is on the disk, so that the next one has little to sync. Rejects as `syncLog` does. */
  async syncDatabase(): Promise<void> {
    await this.#ask('syncDatabase').catch(throwAsFailedSync);
  }

  /** A commit of its own that changes nothing: where the log begins at its start again, this one waits for the sync of its header. */
  async commit(): Promise<void> {
    await this.#ask('commit').catch(unlessBusy);
  }

  async close(): Promise<void> {
    await this.#ask('close').catch(() => {});
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  #ask(deed: Deed): Promise<number> {
    return new Promise((resolve, reject) => {
      if (this.#error) return reject(this.#error);
      this.#waiting.push({ resolve, reject });
      this.#worker.postMessage(deed);
    });
  }

  #settle(answer: Answer): void {
    const asked = this.#waiting.shift();
    if ('took' in answer) asked?.resolve(answer.took);
    else asked?.reject(new Database.SqliteError(answer.message, answer.code ?? 'SQLITE_IOERR'));
  }

  #fail(error: Error): void {
    this.#error ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#error);
  }
}

function unlessBusy(error: unknown): void {
  const isBusy = error instanceof Database.SqliteError && /^SQLITE_(BUSY|LOCKED)/.test(error.code);
  if (!isBusy) throw error;
}

function throwAsFailedSync(error: Error): never {
  throw new Database.SqliteError(error.message, 'SQLITE_IOERR_FSYNC');
}
