import Database from 'better-sqlite3';
import { StorageFullError } from '../../stores/blob-store.js';
import type { DiskFailure, TurnLender } from '../../stores/write-turns.js';
import type { OwnLog } from './own-log.js';

/** The turns of one worker, in the process that keeps the log: they wait in the same line as its own. */
export class LentTurns implements TurnLender {
  readonly #log: OwnLog;
  /** Ends the turn that the worker has. */
  #end: (() => void) | null = null;
  #isGone = false;

  constructor(log: OwnLog) {
    this.#log = log;
  }

  async take(): Promise<string | null> {
    return new Promise((resolve) => {
      const turn = this.#log.turn(async () => {
        if (this.#isGone) return;
        await new Promise<void>((end) => {
          this.#end = end;
          resolve(this.#log.trouble);
        });
      });
      void turn.then(() => this.#log.shorten());
    });
  }

  give(): void {
    this.#end?.();
    this.#end = null;
  }

  async failed({ code, message }: DiskFailure): Promise<'full' | 'failing'> {
    const reason = await this.#log.failed(new Database.SqliteError(message, code));
    return reason instanceof StorageFullError ? 'full' : 'failing';
  }

  makeRoom(): Promise<boolean> {
    return this.#log.makeRoom();
  }

  emptyLog(): Promise<boolean> {
    return this.#log.empty();
  }

  async gone(): Promise<void> {
    this.#isGone = true;
    if (!this.#end) return;
    await this.#log.doubt();
    this.give();
  }
}
