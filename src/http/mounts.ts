import { isCloudPath } from '../cloud/cloud-paths.js';
import type { DriveId } from '../stores/values.js';
import { withoutPrefix } from './prefix.js';

/** Where an address can lead, by kind. Paths are still percent-encoded. */
interface Mountings {
  readonly drive: {
    readonly driveId: DriveId;
    /** What comes before the drive's own path: empty at a drive's own host, else `/dav/ID`; after a proxy's prefix. */
    readonly base: string;
    readonly path: string;
  };
  /** Below a prefix, the addresses of ownCloud and Nextcloud; `driveId` null: the own drive of the client's user. */
  readonly cloud: { readonly driveId: DriveId | null; readonly prefix: string; readonly path: string };
  /** `/api/drives/ID/changes`, for programs that want JSON. */
  readonly api: { readonly driveId: DriveId; readonly path: string };
  /** `/api/…` else: the JSON API of the console. */
  readonly 'console-api': { readonly path: string };
  /** `/console/…`: the pages of the console. */
  readonly console: { readonly path: string };
  /** `/`, `/dav` and `/dav/` of a host that is no drive's: Windows and GNOME walk up to them (client-requirements R31). */
  readonly parent: { readonly path: '/' | '/dav/' };
  /** `/healthz`, `/readyz`, `/metrics`, and addresses that lead nowhere. */
  readonly other: { readonly path: string };
}

export type MountKind = keyof Mountings;
export type MountOf<Kind extends MountKind> = { [Each in Kind]: { readonly kind: Each } & Mountings[Each] }[Kind];
/** Where an address leads. */
export type Mount = MountOf<MountKind>;
/** The mounts behind which a drive is. */
export type DriveMount = MountOf<'drive' | 'cloud'>;

const API_MOUNT = /^\/api\/drives\/(\d{6,15})(?=\/changes(?:\/|$))/;
const PATH_MOUNT = /^\/+dav\/+(\d{6,15})(?=\/|$)/;

/** Where a request has come. */
export interface Here {
  readonly host: string;
  readonly mount: DriveMount;
  /** See `FirnState`. */
  readonly prefix: string;
}

/** Tells drives from addresses, by host and by path (PRODUCT A1). */
export class Mounts {
  readonly #hostPattern: RegExp;

  /** `driveHost`: a host name with `{id}` for the drive's number; a `*` takes any characters. */
  constructor(driveHost: string) {
    const source = driveHost
      .toLowerCase()
      .replace(/[.+?^$()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.+')
      .replace('{id}', '(\\d{6,15})');
    this.#hostPattern = new RegExp(`^${source}$`);
  }

  /**
   * `host` as in the `Host` header; a port doesn't matter. `path` begins with a slash. Several slashes count as one, as they
   * do inside a drive: programs join a base that ends in a slash and a path that begins with one.
   */
  find(host: string, path: string): Mount {
    const id = this.driveOfHost(host);
    if (id !== null) return within(id, '', path);
    const match = PATH_MOUNT.exec(path);
    if (match) return within(Number(match[1]) as DriveId, `/dav/${match[1]}`, path.slice(match[0].length) || '/');
    if (isCloudPath(path)) return { kind: 'cloud', driveId: null, prefix: '', path };
    return findPlace(path.replace(/\/{2,}/g, '/'));
  }

  /**
   * The drive that an address in a header of a request to `here` speaks of; null: another server's. Behind proxies
   * scheme, port and host may differ from what we see (PRODUCT A5), so a path of our form counts on any host, and a
   * path of the request's own form on its own host.
   */
  findTarget(here: Here, host: string | null, address: string): DriveMount | null {
    const { mount, prefix } = here;
    const path = withoutPrefix(prefix, address);
    const target = this.find(host ?? here.host, path);
    if (target.kind === 'drive' || target.kind === 'cloud') return target;
    const isHere = host === null || bareHost(host) === bareHost(here.host);
    const isOwnHost = (mount.kind === 'drive' ? mount.base : mount.prefix) === prefix;
    return isHere && isOwnHost && mount.driveId !== null ? within(mount.driveId, '', path) : null;
  }

  /** Null when the host isn't a drive's. */
  driveOfHost(host: string): DriveId | null {
    const first = host.charCodeAt(0);
    // Most hosts begin with a letter and most patterns with the number: spares the expression.
    if (first > 0x39 && this.#hostPattern.source.startsWith('^(\\d')) return null;
    const match = this.#hostPattern.exec(bareHost(host));
    return match ? (Number(match[1]) as DriveId) : null;
  }
}

/** What is of no drive and no cloud. */
function findPlace(path: string): Mount {
  const api = API_MOUNT.exec(path);
  if (api) return { kind: 'api', driveId: Number(api[1]) as DriveId, path: path.slice(api[0].length) };
  if (path.startsWith('/api/')) return { kind: 'console-api', path };
  if (path === '/console' || path.startsWith('/console/')) return { kind: 'console', path };
  if (path === '/') return { kind: 'parent', path: '/' };
  if (path === '/dav' || path === '/dav/') return { kind: 'parent', path: '/dav/' };
  return { kind: 'other', path };
}

/** An address of one drive. */
function within(driveId: DriveId, base: string, path: string): DriveMount {
  if (isCloudPath(path)) return { kind: 'cloud', driveId, prefix: base, path };
  return { kind: 'drive', driveId, base, path };
}

function bareHost(host: string): string {
  return host.toLowerCase().replace(/:\d*$/, '').replace(/\.$/, '');
}
