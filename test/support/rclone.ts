import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'vitest';
import type { BootedServer } from './boot-server.js';
import { mustRun, type ProgramResult, runProgram, waitUntil } from './run-program.js';

export interface RcloneRemote {
  readonly name: string;
  readonly vendor: 'other' | 'owncloud' | 'nextcloud';
  readonly addressOn: (server: BootedServer) => string;
}

const filesOf = (base: string, { user }: BootedServer) => `${base}remote.php/dav/files/${user}`;

/** Each vendor at each address that its users type: both of the drive's own, and those of ownCloud and Nextcloud. */
export const REMOTES: readonly RcloneRemote[] = [
  ...(['other', 'owncloud', 'nextcloud'] as const).flatMap((vendor): RcloneRemote[] => [
    { name: `${vendor}-path`, vendor, addressOn: ({ pathMount }) => pathMount },
    { name: `${vendor}-host`, vendor, addressOn: ({ hostMount }) => hostMount },
  ]),
  { name: 'owncloud-path-webdav', vendor: 'owncloud', addressOn: (server) => `${server.pathMount}remote.php/webdav` },
  { name: 'owncloud-host-webdav', vendor: 'owncloud', addressOn: (server) => `${server.hostMount}remote.php/webdav` },
  { name: 'owncloud-own-webdav', vendor: 'owncloud', addressOn: (server) => `${server.url}/remote.php/webdav` },
  { name: 'nextcloud-path-files', vendor: 'nextcloud', addressOn: (server) => filesOf(server.pathMount, server) },
  { name: 'nextcloud-host-files', vendor: 'nextcloud', addressOn: (server) => filesOf(server.hostMount, server) },
  { name: 'nextcloud-own-files', vendor: 'nextcloud', addressOn: (server) => filesOf(`${server.url}/`, server) },
];

/** rclone with a configuration of its own, which has all `REMOTES` of a booted server. */
export class Rclone {
  private constructor(
    /** Its home; whatever else a suite needs may lie there as well. */
    readonly folder: string,
    readonly environment: Record<string, string>,
  ) {}

  /** Trusts the server's throw-away authority unless told otherwise. */
  static async against(server: BootedServer, { isTrusting = true } = {}): Promise<Rclone> {
    const folder = await mkdtemp(path.join(tmpdir(), 'firn-rclone-'));
    const secret = (await mustRun('rclone', ['obscure', server.password])).trim();
    const sections = REMOTES.map(({ name, vendor, addressOn }) =>
      [`[${name}]`, 'type = webdav', `url = ${addressOn(server)}`, `vendor = ${vendor}`]
        .concat(`user = ${server.user}`, `pass = ${secret}`, '')
        .join('\n'),
    );
    const file = path.join(folder, 'rclone.conf');
    await writeFile(file, sections.join(''));
    const trust: Record<string, string> = server.ca && isTrusting ? { RCLONE_CA_CERT: server.ca.caFile } : {};
    return new Rclone(folder, { RCLONE_CONFIG: file, HOME: folder, ...trust });
  }

  /** Must succeed; gives standard output. */
  run(...parameters: string[]): Promise<string> {
    return mustRun('rclone', parameters, { environment: this.environment, folder: this.folder });
  }

  try(...parameters: string[]): Promise<ProgramResult> {
    return runProgram('rclone', parameters, { environment: this.environment, folder: this.folder });
  }

  /** The files that a command uploaded or deleted, from rclone's own report of each. */
  async changesOf(...parameters: string[]): Promise<string[]> {
    const result = await this.try(...parameters, '-v');
    expect(result.code, result.errors).toBe(0);
    return result.errors.split('\n').filter((line) => /: (Copied|Deleted|Updated|Moved|Removing|Renamed)\b/.test(line));
  }

  /** `rclone check` by hash: every file must have one, and none may differ. */
  async checkByHash(source: string, target: string): Promise<void> {
    const result = await this.try('check', source, target, '--checksum');
    expect(result.errors).toMatch(/ 0 differences found/);
    expect(result.errors).not.toMatch(/hashes could not be checked/);
    expect(result.code).toBe(0);
  }

  /**
   * Works while `rclone mount` has a remote at a folder, with a full cache. It doesn't upload while it ends: the work
   * has to wait for what it wants to see on the server.
   */
  async whileMounted(remote: string, place: string, work: () => Promise<void>): Promise<void> {
    const cache = path.join(this.folder, 'vfs-cache');
    const options = ['--vfs-cache-mode', 'full', '--vfs-write-back', '100ms', '--dir-cache-time', '1s'];
    const child: ChildProcess = spawn('rclone', ['mount', remote, place, '--cache-dir', cache, ...options], {
      env: { ...process.env, ...this.environment },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let errors = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      errors += chunk.toString('utf8');
    });
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    await waitUntil(`${place} is mounted`, async () => {
      if (child.exitCode !== null) throw new Error(`rclone mount ended with ${child.exitCode}: ${errors}`);
      return (await readFile('/proc/mounts', 'utf8')).includes(` ${place} `);
    });
    try {
      await work();
    } finally {
      await mustRun('fusermount3', ['-u', place]);
      await ended;
    }
  }

  remove(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }
}
