import { mkdtempSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { undoAtExit } from '../../support/at-exit.js';
import { type BootedServer, type BootOptions, bootServer } from '../../support/boot-server.js';
import { type Attempt, type KnownState, LoadWorker, type Random, seededRandom } from '../load.js';
import { checkWorker, listMarks, type Promised } from '../observe.js';
import { makeCrashState, type Survivors } from './crash-state.js';
import { type FileSystem, Mount, PowerDisk } from './power-disk.js';

export interface Cut {
  /** Bytes of the disk's log that came before it. */
  readonly at: number;
  readonly survivors: Survivors;
  readonly random: Random;
}

/** A server on a disk that is written down, and what comes of it where the power is cut. */
export class PowerRun {
  readonly #folder: string;
  readonly disk: PowerDisk;
  readonly server: BootedServer;
  readonly workers: LoadWorker[] = [];
  readonly #isGone: () => void;
  #states = 0;

  private constructor(folder: string, disk: PowerDisk, server: BootedServer, isGone: () => void) {
    this.#folder = folder;
    this.#isGone = isGone;
    this.disk = disk;
    this.server = server;
  }

  static async start(fileSystem: FileSystem, options: BootOptions = {}): Promise<PowerRun> {
    const folder = mkdtempSync(path.join(tmpdir(), 'firn-power-'));
    const isGone = undoAtExit(() => rmSync(folder, { recursive: true, force: true }));
    const disk = await PowerDisk.start(folder, fileSystem);
    try {
      const server = await bootServer({ ...options, storage: path.join(disk.place, 'storage') });
      return new PowerRun(folder, disk, server, isGone);
    } catch (cause) {
      await disk.end();
      throw cause;
    }
  }

  /** Makes the workers and their folders; the power is cut after that. */
  async prepare(count: number, seed: number): Promise<void> {
    for (let number = 0; number < count; number++) {
      const worker = new LoadWorker(number, seededRandom(seed + number));
      const url = `${this.server.pathMount}${worker.folder}/`;
      const answer = await fetch(url, { method: 'MKCOL', headers: { authorization: this.server.authorization } });
      if (answer.status !== 201) throw new Error(`MKCOL answered ${answer.status}`);
      this.workers.push(worker);
    }
  }

  /** Lets all workers write, while `meanwhile` lasts. */
  async loadDuring(meanwhile: () => Promise<void>): Promise<void> {
    const target = { mount: this.server.pathMount, authorization: this.server.authorization };
    let isOver = false;
    const load = Promise.all(this.workers.map((worker) => worker.run(target, () => isOver, this.disk)));
    try {
      await Promise.race([meanwhile(), load]);
    } finally {
      isOver = true;
      await load;
    }
  }

  get acknowledged(): number {
    return this.workers.reduce((sum, worker) => sum + worker.acknowledged, 0);
  }

  /** Requests that were acknowledged or refused. */
  get answered(): number {
    const ended = ({ endedAt }: Attempt) => endedAt < Number.POSITIVE_INFINITY;
    return this.workers.reduce((sum, worker) => sum + worker.attempts.filter(ended).length, 0);
  }

  /**
   * Starts a server on what the disk holds after a power cut, lets `look` see it, and has both checks run over it.
   * Rejects when the server doesn't start or a check finds something.
   */
  async afterCut(cut: Cut, look: (server: BootedServer) => Promise<void>): Promise<void> {
    const name = `state-${this.#states++}`;
    const image = path.join(this.#folder, `${name}.img`);
    await makeCrashState(this.disk, image, { cut: cut.at, survivors: cut.survivors, random: cut.random });
    const mount = await Mount.of(image, path.join(this.#folder, name), this.disk.fileSystem);
    try {
      const storage = path.join(mount.place, 'storage');
      const server = await bootServer({ storage, account: this.server });
      try {
        await look(server);
        await server.stop();
        // A non-zero exit code throws, with what fsck says.
        await server.firn('fsck');
        checkDatabase(path.join(storage, 'firn.db'));
      } finally {
        await server.kill();
        await server.remove();
      }
    } finally {
      await mount.unmount();
      await rm(image);
    }
  }

  /** Every difference between what was acknowledged before the cut and what is there after it, one sentence each. */
  async differencesAfter(cut: Cut): Promise<string[]> {
    const differences: string[] = [];
    await this.afterCut(cut, async (server) => {
      const target = { mount: server.pathMount, authorization: server.authorization };
      const trashMarks = await listMarks(target, 'Trash');
      const compare = (promised: Promised) => checkWorker(promised, target, trashMarks, new Set(), true);
      for (const worker of this.workers) {
        const { promised, refused } = promisedAt(worker, cut.at);
        const found = await compare(promised);
        if (found.length === 0) continue;
        for (const state of refused) {
          if ((await compare({ ...promised, state })).length === 0) found.unshift('refused, but visible:');
        }
        differences.push(...found);
      }
      const strangers = [...trashMarks.keys()].filter((name) => !this.workers.some((worker) => worker.isMine(name)));
      differences.push(...strangers.map((name) => `Trash/${name} is nobody's`));
    });
    return differences;
  }

  async end(): Promise<void> {
    await this.server.kill();
    await this.server.remove();
    await this.disk.end();
    await rm(this.#folder, { recursive: true, force: true });
    this.#isGone();
  }
}

/** What a worker knew when the disk's log was `cut` bytes long, and what it had been refused since its last success. */
function promisedAt(worker: LoadWorker, cut: number): { promised: Promised; refused: KnownState[] } {
  const begun = worker.attempts.filter(({ begunAt }) => begunAt <= cut);
  const isOver = ({ endedAt }: Attempt) => endedAt <= cut;
  const last = begun.findLastIndex((attempt) => isOver(attempt) && attempt.isAcknowledged);
  const empty = { live: new Map(), trash: new Map() };
  const state = begun[last]?.after ?? begun[0]?.before ?? empty;
  const later = begun.slice(last + 1);
  return {
    promised: {
      folder: worker.folder,
      isMine: (name) => worker.isMine(name),
      state,
      pending: later.find((attempt) => !isOver(attempt))?.after ?? null,
    },
    refused: later.filter(isOver).map(({ after }) => after),
  };
}

function checkDatabase(file: string): void {
  const database = new Database(file, { fileMustExist: true });
  try {
    const rows = database.pragma('integrity_check') as { integrity_check: string }[];
    const text = rows.map(({ integrity_check }) => integrity_check).join('; ');
    if (text !== 'ok') throw new Error(`PRAGMA integrity_check: ${text}`);
  } finally {
    database.close();
  }
}
