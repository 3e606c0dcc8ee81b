import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import path from 'node:path';
import { undoAtExit } from '../../support/at-exit.js';
import { mustRun, waitUntil } from '../../support/run-program.js';
import { compile } from './compile.js';

export type FileSystem = 'ext4' | 'xfs';

const mebibyte = 1024 * 1024;
/** mkfs.xfs makes none of less than 300 MiB; both are sparse. */
const diskBytes = { ext4: 160 * mebibyte, xfs: 320 * mebibyte };
/** All is written when the file system is made, so that no thread of the kernel writes later on. */
const makers = {
  ext4: ['mkfs.ext4', '-q', '-F', '-b', '4096', '-E', 'nodiscard,lazy_itable_init=0,lazy_journal_init=0'],
  xfs: ['mkfs.xfs', '-q', '-f', '-K'],
};

/** A copy of an XFS has the name of the original, which is mounted beside it. */
const mountOptions = { ext4: 'loop', xfs: 'loop,nouuid' };

/** Throws, with the reason, where this machine can't mount what the test makes. */
export function checkCanMount(): void {
  if (process.getuid?.() !== 0) throw new Error('this test mounts file systems: it runs as root only');
  for (const device of ['/dev/fuse', '/dev/loop-control']) {
    if (!existsSync(device)) throw new Error(`${device} is missing on this machine: the power can not be cut here`);
  }
}

/** Mounts an image until `unmount`, or until the process ends. */
export class Mount {
  readonly place: string;
  readonly #isGone: () => void;

  private constructor(place: string) {
    this.place = place;
    this.#isGone = undoAtExit(() => spawnSync('umount', ['-l', place]));
  }

  static async of(image: string, place: string, fileSystem: FileSystem): Promise<Mount> {
    await mkdir(place, { recursive: true });
    await mustRun('mount', ['-t', fileSystem, '-o', mountOptions[fileSystem], image, place]);
    return new Mount(place);
  }

  async unmount(): Promise<void> {
    await mustRun('umount', [this.place]);
    this.#isGone();
  }
}

/** A mounted file system on a disk that writes down what it is told; see recording-disk.c. */
export class PowerDisk {
  readonly #folder: string;
  readonly #recorder: ChildProcess;
  readonly #mount: Mount;
  readonly fileSystem: FileSystem;
  /** The disk as it was before the first record. */
  readonly base: string;
  readonly log: string;

  private constructor(folder: string, fileSystem: FileSystem, recorder: ChildProcess, mount: Mount) {
    this.#folder = folder;
    this.fileSystem = fileSystem;
    this.#recorder = recorder;
    this.#mount = mount;
    this.base = path.join(folder, 'base.img');
    this.log = path.join(folder, 'log');
  }

  /** In an empty folder, which holds everything that the disk needs. */
  static async start(folder: string, fileSystem: FileSystem): Promise<PowerDisk> {
    const image = path.join(folder, 'disk.img');
    const file = await open(image, 'w');
    await file.truncate(diskBytes[fileSystem]);
    await file.close();
    const [maker, ...options] = makers[fileSystem];
    await mustRun(maker!, [...options, image]);
    await copySparse(image, path.join(folder, 'base.img'));
    const program = await compile(
      'recording-disk.c',
      ...['-D_FILE_OFFSET_BITS=64', '-I/usr/include/fuse3', '-lfuse3', '-lpthread'],
    );
    const fuse = path.join(folder, 'fuse');
    await mkdir(fuse);
    const recorder = spawn(program, [image, path.join(folder, 'log'), fuse], { stdio: ['ignore', 2, 2] });
    const isGone = undoAtExit(() => {
      recorder.kill('SIGKILL');
      spawnSync('umount', ['-l', fuse]);
    });
    recorder.once('exit', isGone);
    await waitUntil('the recording disk is mounted', () => existsSync(path.join(fuse, 'disk')));
    const mount = await Mount.of(path.join(fuse, 'disk'), path.join(folder, 'mounted'), fileSystem);
    return new PowerDisk(folder, fileSystem, recorder, mount);
  }

  /** Where the file system is mounted. */
  get place(): string {
    return this.#mount.place;
  }

  /** How far the log is: what was acknowledged by now hangs on nothing behind it. */
  position(): number {
    return statSync(this.log).size;
  }

  /** See recording-disk.c. */
  order(text: string): void {
    writeFileSync(this.#control, text);
  }

  /** How many calls were refused since the last order. */
  refused(): number {
    return Number(/\d+/.exec(readFileSync(this.#control, 'utf8'))?.[0]);
  }

  /** Unmounts all of it; the files in the folder stay. */
  async end(): Promise<void> {
    this.order('well');
    await this.#mount.unmount();
    const ended = new Promise((resolve) => this.#recorder.once('exit', resolve));
    await mustRun('umount', [path.join(this.#folder, 'fuse')]);
    await ended;
  }

  get #control(): string {
    return path.join(this.#folder, 'fuse', 'control');
  }
}

export async function copySparse(from: string, to: string): Promise<void> {
  await mustRun('cp', ['--sparse=always', from, to]);
}
