import type { DriveId } from '../stores/values.js';

/** Where an address leads. Paths are still percent-encoded. */
export type Mount =
  | {
      readonly kind: 'drive';
      readonly driveId: DriveId;
      /** What comes before the drive's own path: empty at a drive's own host, else `/dav/ID`. */
      readonly base: string;
      readonly path: string;
    }
  /** `/`, `/dav` and `/dav/` of a host that is no drive's: Windows and GNOME walk up to them (CLIENTS R31). */
  | { readonly kind: 'parent'; readonly path: '/' | '/dav/' }
  | { readonly kind: 'other' };

const PATH_MOUNT = /^\/dav\/(\d{6,15})(?=\/|$)/;

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

  /** `host` as in the `Host` header; a port doesn't matter. `path` begins with a slash. */
  find(host: string, path: string): Mount {
    const id = this.driveOfHost(host);
    if (id !== null) return { kind: 'drive', driveId: id, base: '', path };
    const match = PATH_MOUNT.exec(path);
    if (match) {
      const base = match[0];
      return { kind: 'drive', driveId: Number(match[1]) as DriveId, base, path: path.slice(base.length) || '/' };
    }
    if (path === '/') return { kind: 'parent', path: '/' };
    if (path === '/dav' || path === '/dav/') return { kind: 'parent', path: '/dav/' };
    return { kind: 'other' };
  }

  /**
   * The drive that an address in a header of a request to `here` speaks of; null: another server's. Behind proxies
   * scheme, port and host may differ from what we see (PRODUCT A5), so a path of our form counts on any host, and a
   * path of the request's own form on its own host.
   */
  findTarget(here: { readonly host: string; readonly mount: Mount }, host: string | null, path: string): Mount | null {
    const target = this.find(host ?? here.host, path);
    if (target.kind === 'drive') return target;
    const isHere = host === null || bareHost(host) === bareHost(here.host);
    return isHere && here.mount.kind === 'drive' && here.mount.base === '' ? { ...here.mount, path } : null;
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

function bareHost(host: string): string {
  return host.toLowerCase().replace(/:\d*$/, '').replace(/\.$/, '');
}
