import type { IncomingHttpHeaders } from 'node:http';
import type { DriveId } from '../stores/values.js';

/** A request at one of the addresses of ownCloud and Nextcloud that are no WebDAV. */
export interface CloudRequest {
  /** Upper case. */
  readonly method: string;
  /** Below the prefix, decoded, without query: `/ocs/v2.php/cloud/user`, `/index.php/login/v2`. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** Where the client reaches this server, with the prefix and no slash at the end: `https://example.org/dav/123456`. */
  readonly address: string;
  readonly remoteAddress: string;
  /** The drive that the address is for; null: the own one of the user who asks. */
  readonly driveId: DriveId | null;
  /** The body as a form. Rejects with `HttpError` 413 beyond 16 KiB. */
  readForm(): Promise<URLSearchParams>;
}

export interface CloudAnswer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: string | null;
}

export function json(status: number, value: unknown): CloudAnswer {
  const headers = { 'Content-Type': 'application/json; charset=utf-8', 'Cache-Control': 'no-store' };
  return { status, headers, body: JSON.stringify(value) };
}
