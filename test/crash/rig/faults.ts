import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { constants, tmpdir } from 'node:os';
import path from 'node:path';
import { compile } from './compile.js';

/** The form of the page is that of faults.c. */
const pageBytes = 4096;
const hitsAt = 16;
const listingAt = 20;
const callAt = 64;
const pathAt = 128;
const actions = { 'kill before': 1, 'kill after': 2, fail: 3, 'do nothing': 4, wait: 5 } as const;

export interface Fault {
  readonly action: keyof typeof actions;
  /** `link`, `rename`, `open`, …; `sync` is fsync and fdatasync, `write` each kind of write. */
  readonly call: string;
  /** What the path contains, or ends with where `$` is at its end; `tcp` for a connection. */
  readonly path: string;
  /** Which of the calls that fit, counted from 1; 0 for each of them. */
  readonly which?: number;
  /** For `fail`. */
  readonly error?: 'EIO' | 'ENOSPC';
  /** For `wait`. */
  readonly milliseconds?: number;
}

/** A file-system call that a program made. */
export interface Call {
  readonly name: string;
  readonly path: string;
}

/** Faults in the file-system calls of the programs that run with `environment`. */
export class Faults {
  readonly #folder: string;
  readonly #page: number;
  readonly environment: Record<string, string>;

  private constructor(folder: string, library: string) {
    this.#folder = folder;
    const file = path.join(folder, 'control');
    this.#page = openSync(file, 'w+');
    ftruncateSync(this.#page, pageBytes);
    this.environment = { LD_PRELOAD: library, CRASH_FAULTS: file };
  }

  static async make(): Promise<Faults> {
    const library = await compile('faults.c', '-shared', '-fPIC', '-ldl');
    return new Faults(mkdtempSync(path.join(tmpdir(), 'firn-faults-')), library);
  }

  arm({ action, call, path: part, which = 1, error = 'EIO', milliseconds = 0 }: Fault): void {
    const page = Buffer.alloc(pathAt + 512);
    page.writeUInt32LE(actions[action], 4);
    page.writeUInt32LE(action === 'wait' ? milliseconds : constants.errno[error], 8);
    page.writeInt32LE(which, 12);
    page.write(call, callAt);
    page.write(part, pathAt);
    this.disarm();
    writeSync(this.#page, page.subarray(4), 0, page.length - 4, 4);
    this.#setNumber(0, 1);
  }

  disarm(): void {
    this.#setNumber(0, 0);
  }

  /** How many calls the armed fault was in. */
  hits(): number {
    const number = Buffer.alloc(4);
    readSync(this.#page, number, 0, 4, hitsAt);
    return number.readUInt32LE();
  }

  /** The calls that are made while `work` runs, in their order. */
  async callsDuring(work: () => Promise<unknown>): Promise<Call[]> {
    const list = `${this.environment.CRASH_FAULTS}.calls`;
    truncateSync(list);
    this.#setNumber(listingAt, 1);
    try {
      await work();
    } finally {
      this.#setNumber(listingAt, 0);
    }
    return readFileSync(list, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const end = line.indexOf(' ');
        return { name: line.slice(0, end), path: line.slice(end + 1) };
      });
  }

  remove(): void {
    closeSync(this.#page);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #setNumber(at: number, value: number): void {
    const number = Buffer.alloc(4);
    number.writeUInt32LE(value);
    writeSync(this.#page, number, 0, 4, at);
  }
}
