import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { BootedServer } from './boot-server.js';
import { type ProgramResult, runProgram } from './run-program.js';
import { trusting } from './throwaway-ca.js';
import { readTree, type Tree } from './trees.js';

/** A sync program without a window, of Nextcloud or ownCloud. */
export interface SyncProgram {
  readonly name: 'nextcloudcmd' | 'owncloudcmd';
  /** The address as this program takes it. */
  readonly spell: (address: string) => string;
}

/** Journals and logs of the programs, and downloads that have not come to their end. */
const OWN_FILES = /^\.(?:_?sync_|owncloudsync|nextcloudsync)|(?:^|\/)\.[^/]*\.~[0-9a-f]+$/;

let seconds = Date.UTC(2021, 0, 1) / 1000;
/** A time in whole seconds, later than all before and long past: programs wait with files of this very moment. */
export function nextTime(): number {
  seconds += 86_461;
  return seconds;
}

/** A folder that a program keeps equal to a drive, as on a computer of its own. */
export class SyncDevice {
  readonly #program: SyncProgram;
  readonly #server: BootedServer;
  readonly #address: string;
  readonly #home: string;
  readonly folder: string;

  private constructor(program: SyncProgram, server: BootedServer, address: string, home: string) {
    this.#program = program;
    this.#server = server;
    this.#address = address;
    this.#home = home;
    this.folder = path.join(home, 'synced');
  }

  /** `address` as people type it, without a slash at the end. */
  static async make(program: SyncProgram, server: BootedServer, address: string): Promise<SyncDevice> {
    const home = await mkdtemp(path.join(tmpdir(), `firn-${program.name}-`));
    const device = new SyncDevice(program, server, address.replace(/\/$/, ''), home);
    await mkdir(device.folder);
    // Debian's owncloudcmd has no list of its own of what to leave out, and ends without one.
    await writeFile(path.join(home, 'exclude.lst'), '');
    return device;
  }

  #command(options: readonly string[]): [string, string[]] {
    const { name, spell } = this.#program;
    const { user, password, ca } = this.#server;
    const exclude = ['--exclude', path.join(this.#home, 'exclude.lst')];
    const login = ['--non-interactive', ...exclude, '-u', user, '-p', password];
    const parameters = [...login, ...options, this.folder, spell(this.#address)];
    return ca === null ? [name, parameters] : trusting(ca, name, parameters);
  }

  /** owncloudcmd leaves a file alone for 25 seconds after an error, unless the longest time is less. */
  get #environment(): Record<string, string> {
    return { HOME: this.#home, OWNCLOUD_BLACKLIST_TIME_MAX: '1' };
  }

  /** One run, which must end well. */
  async sync(): Promise<void> {
    const { code, output, errors } = await this.trySync();
    if (code === 0) return;
    const complaints = (output + errors).split('\n').filter((line) => /warning|critical|fatal|^Error/.test(line));
    throw new Error(`${this.#program.name} ended with exit code ${code}:\n${complaints.slice(-20).join('\n')}`);
  }

  /** One run, however it ends. */
  trySync(): Promise<ProgramResult> {
    return runProgram(...this.#command([]), { environment: this.#environment });
  }

  /** Begins a run that the caller kills. */
  start(...options: string[]): { kill: () => Promise<void> } {
    const [command, parameters] = this.#command(options);
    const env = { ...process.env, ...this.#environment };
    const child: ChildProcess = spawn(command, parameters, { env, stdio: 'ignore' });
    const ended = new Promise<void>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code) => {
        if (code === null) resolve();
        else reject(new Error(`${command} had ended with ${code} before it was to be killed`));
      });
    });
    // Heard by anyone who kills; a run that ends by itself before is no defect of this process.
    ended.catch(() => undefined);
    const kill = async () => {
      child.kill('SIGKILL');
      await ended;
    };
    return { kill };
  }

  placeOf(name: string): string {
    return path.join(this.folder, name);
  }

  /** Writes a file with a modification time that no other has. */
  async write(name: string, content: string | Buffer, time = nextTime()): Promise<void> {
    const place = this.placeOf(name);
    await mkdir(path.dirname(place), { recursive: true });
    await writeFile(place, content);
    await utimes(place, time, time);
  }

  async remove(name: string): Promise<void> {
    await rm(this.placeOf(name), { recursive: true });
  }

  /** What is in the folder, without the program's own files. */
  async readTree(): Promise<Tree> {
    return new Map([...(await readTree(this.folder))].filter(([name]) => !OWN_FILES.test(name)));
  }

  /** The modification time of each file, in whole seconds. */
  async readTimes(): Promise<Map<string, number>> {
    const files = [...(await this.readTree()).keys()].filter((name) => !name.endsWith('/'));
    const times = files.map(async (name): Promise<[string, number]> => {
      return [name, Math.floor((await stat(this.placeOf(name))).mtimeMs / 1000)];
    });
    return new Map(await Promise.all(times));
  }

  /** Removes the folder and what the program remembers. */
  async forget(): Promise<void> {
    await rm(this.#home, { recursive: true, force: true });
  }
}
