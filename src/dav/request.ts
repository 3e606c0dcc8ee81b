import type { IncomingHttpHeaders } from 'node:http';
import type { Incoming } from '../drive/contents.js';
import type { Drive } from '../drive/drive.js';
import type { DrivePath } from '../drive/names.js';
import type { Found, Resource } from '../drive/resource.js';
import { HttpError } from '../http-error.js';
import type { BlobStream } from '../stores/blob-store.js';
import { headerValue } from './headers/header-value.js';
import { encodePath, encodeSegment } from './headers/path.js';

/** A request to one drive, as the methods see it: no socket, no framework. */
export interface DavRequest {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  /** The request target without query, still percent-encoded. */
  readonly url: string;
  /** What comes before the drive's own path in addresses: empty, or `/dav/123456` (PRODUCT A1), or a longer one. */
  readonly base: string;
  /** Leading segments of paths that addresses leave out: the trees of ownCloud and Nextcloud begin in the drive's folder. */
  readonly root: DrivePath;
  /** The address is one of ownCloud's or Nextcloud's: the headers that their programs want are answered. */
  readonly isCloud: boolean;
  /** Scheme and host as the client sees them, like `https://files.example.org`. */
  readonly origin: string;
  /** Where the addresses of uploads in parts begin, encoded, with a slash at the end. */
  readonly uploadsBase: string;
  readonly path: DrivePath;
  /** The address's own part of `path`, still percent-encoded, as it came; empty where no address says it. */
  readonly spelling: string;
  /** The address ends with a slash, so it can only be a collection's (client-requirements R17). */
  readonly isFolderUrl: boolean;
  readonly drive: Drive;
  readonly body: RequestBody;
  /** Aborted when the client goes away before the whole body is here. */
  readonly signal: AbortSignal;
  readonly options: DavOptions;
  /** Finds the drive and path of an address as `Destination` gives it, encoded; null: it isn't on this server. */
  readonly locate: (host: string | null, path: string) => Promise<Target | null>;
}

export interface Target {
  /** Null: there is no such drive for this principal. */
  readonly drive: Drive | null;
  readonly path: DrivePath;
}

export interface RequestBody extends Incoming {
  /** Reads the whole of a small body, such as XML. Null: there is none. Rejects with `HttpError` 413 beyond `bytesMax`. */
  readAtMost(bytesMax: number): Promise<Uint8Array | null>;
}

export interface DavOptions {
  readonly lockTimeoutMaxSeconds: number;
  /** Leaves quota out of answers to Finder (client-requirements R30). */
  readonly isQuotaHiddenFromFinder: boolean;
}

export interface DavResponse {
  readonly status: number;
  readonly headers: Record<string, string>;
  /**
   * Of `Pages` the next is asked for when the last one has left the process, so its memory may be used again. `send` takes it
   * out: the objects of a request that waited for its turn are old to V8, and what they still name outlives many collections.
   */
  body: string | Uint8Array | BlobStream | Pages | null;
}

export class Pages {
  constructor(readonly source: AsyncIterable<Uint8Array>) {}
}

export type DavMethod = (request: DavRequest) => Promise<DavResponse>;

export function respond(
  status: number,
  headers: Record<string, string> = {},
  body: DavResponse['body'] = null,
): DavResponse {
  return { status, headers, body };
}

/** What addresses in an answer are made of. */
export type Addressed = Pick<DavRequest, 'base' | 'root' | 'path' | 'spelling'>;

/** What RFC 3986 §3.3 lets a segment hold. */
const SEGMENT = /^(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})*$/;

/**
 * The address of a path in the form that the request used (client-requirements R18): as far as it is the path that was
 * asked for, it is spelt as it came, because clients compare it letter by letter (RFC 4918 §8.3; cadaver, owncloudcmd).
 */
export function hrefOf(request: Addressed, path: DrivePath, isCollection: boolean): string {
  const { base, root, path: asked } = request;
  const spelt = request.spelling.split('/').filter((segment) => segment !== '');
  let href = base;
  let index = root.length;
  for (; index < path.length && path[index] === asked[index]; index++) {
    const segment = spelt[index - root.length];
    // Whatever else a client has sent is no address.
    if (segment === undefined || !SEGMENT.test(segment)) href += `/${encodeSegment(path[index]!)}`;
    else href += `/${segment}`;
  }
  if (index >= path.length) return isCollection || path.length <= root.length ? `${href}/` : href;
  return href + encodePath(path.slice(index), isCollection);
}

/** What a read finds. Throws `HttpError` 404 where there is nothing, or a file under the address of a folder. */
export function readResource(request: Pick<DavRequest, 'isFolderUrl'>, found: Pick<Found, 'resource'>): Resource {
  const { resource } = found;
  if (!resource || (request.isFolderUrl && !resource.isCollection)) {
    throw new HttpError(404, 'There is nothing of that name.');
  }
  return resource;
}

/** Writes the addresses of many resources: those that follow each other in one folder share its encoded path. */
export class HrefWriter {
  readonly #request: Addressed;
  #folder: DrivePath;
  #prefix: string;

  constructor(request: Addressed) {
    this.#request = request;
    this.#folder = request.root;
    this.#prefix = `${request.base}/`;
  }

  write(path: DrivePath, isCollection: boolean): string {
    const name = path.at(-1);
    if (name === undefined || path.length <= this.#request.root.length) return hrefOf(this.#request, path, true);
    if (!this.#isInFolder(path)) {
      this.#folder = path.slice(0, -1);
      this.#prefix = hrefOf(this.#request, this.#folder, true);
    }
    if (path.length <= this.#request.path.length) return hrefOf(this.#request, path, isCollection);
    return this.#prefix + encodeSegment(name) + (isCollection ? '/' : '');
  }

  #isInFolder(path: DrivePath): boolean {
    const depth = this.#folder.length;
    if (path.length !== depth + 1) return false;
    for (let index = depth - 1; index >= 0; index--) if (path[index] !== this.#folder[index]) return false;
    return true;
  }
}

export function headerOf(request: Pick<DavRequest, 'headers'>, name: string): string | undefined {
  return headerValue(request.headers, name);
}
