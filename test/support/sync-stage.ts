import { expect } from 'vitest';
import { type BootedServer, bootServer } from './boot-server.js';
import { RemoteDrive } from './remote-drive.js';
import { requestsDuring, type SeenRequest } from './seen-requests.js';
import { SyncDevice, type SyncProgram } from './sync-device.js';
import { compareTrees, type Tree } from './trees.js';

/** One of the addresses at which sync programs reach a drive. */
export interface SyncAddress {
  readonly title: string;
  readonly tls: boolean;
  readonly of: (server: BootedServer) => string;
}

/** What a run did beyond looking, sorted: `PUT a/b.txt`, `POST bulk`, `MKCOL uploads/USER/123`. */
export function changesOf(seen: readonly SeenRequest[]): string[] {
  const name = (path: string) => path.replace(/^.*\/remote\.php\/dav\/(?:files\/[^/]+\/)?/, '');
  return seen
    .filter((request) => !isLook(request))
    .map(({ method, path }) => `${method} ${name(path)}`)
    .sort();
}

function isLook({ method, path }: SeenRequest): boolean {
  if (method === 'PROPFIND') return true;
  return method === 'GET' && /\/(?:status\.php|ocs\/v1\.php\/cloud\/(?:capabilities|user))$/.test(path);
}

/** A server, a folder that a sync program keeps, and the drive as others see it. */
export class SyncStage {
  readonly program: SyncProgram;
  readonly #address: SyncAddress;
  readonly #devices: SyncDevice[] = [];
  server!: BootedServer;
  device!: SyncDevice;
  remote!: RemoteDrive;

  constructor(program: SyncProgram, address: SyncAddress) {
    this.program = program;
    this.#address = address;
  }

  async begin(): Promise<void> {
    const environment = { FIRN_LOG_LEVEL: 'debug' };
    this.server = await bootServer({ hostMount: true, tls: this.#address.tls, environment });
    this.remote = new RemoteDrive(this.server);
    this.device = await this.another();
  }

  async end(): Promise<void> {
    await this.server?.remove();
    for (const device of this.#devices) await device.forget();
  }

  /** An empty folder on another computer, at `address` or where the stage is. */
  async another(address = this.#address.of(this.server)): Promise<SyncDevice> {
    const device = await SyncDevice.make(this.program, this.server, address);
    this.#devices.push(device);
    return device;
  }

  /** One run; returns what the server saw. */
  sync(device = this.device): Promise<SeenRequest[]> {
    return requestsDuring(this.server, () => device.sync());
  }

  /** Both sides must have the same names, bytes and times (in whole seconds); returns what they have. */
  async expectSame(device = this.device): Promise<Tree> {
    const [local, remote] = await Promise.all([device.readTree(), this.remote.readTree()]);
    expect(compareTrees(remote, local)).toEqual([]);
    const [localTimes, remoteTimes] = await Promise.all([device.readTimes(), this.remote.readTimes()]);
    expect(Object.fromEntries(localTimes)).toEqual(Object.fromEntries(remoteTimes));
    return local;
  }
}
