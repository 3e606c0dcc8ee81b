import type { Check } from './checks.js';

/** The transcript of one client (client-requirements 4): what it sends, in order, and what it needs of the answers. */
export interface Transcript {
  readonly client: string;
  /** Of client-requirements. */
  readonly section: string;
  /**
   * `challenged`: each request goes out without credentials first, and again with them after the 401. `preemptive`: with
   * credentials at once (client-requirements 3).
   */
  readonly signsIn: 'challenged' | 'preemptive';
  /** Sent with each request. */
  readonly headers: Headers;
  /** Where the base folder lies: among the member's own files, or in the folder that all members share. */
  readonly isShared?: boolean;
  /** What is there when the client comes: collections end with a slash. Below the base folder. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  readonly rows: readonly Row[];
}

/** A row of a table. Rows build on those before them. */
export interface Row {
  readonly row: string;
  /** The rule that it shows, for the test's title. */
  readonly rule: string;
  /** Rows of client-requirements 5, at least one. */
  readonly proves: readonly `R${number}`[];
  readonly steps: readonly Step[];
  /** All steps at once, each on a connection of its own. */
  readonly isParallel?: boolean;
}

/**
 * One request. In `path`, `headers`, `body` and the texts of checks a name in braces stands for a value:
 *
 * - `{B}`: the path of the base folder, encoded, without a slash at the end (`/dav/123456/finder`)
 * - `{D}`: the path of the drive, without a slash at the end; empty on the drive's own host
 * - `{H}`: scheme, host and port as the client sees them; `{host}` without the scheme
 * - `{user}`, `{password}`
 * - whatever earlier steps have captured
 */
export interface Step {
  readonly method: string;
  /** The request target; `{parents}` alone: all folders from the root of the host to the drive, one after the other. */
  readonly path: string;
  readonly headers?: Headers;
  /** A list of chunks goes without a length. */
  readonly body?: string | Uint8Array | readonly Uint8Array[];
  /** Statuses that the client takes for success, or for the refusal that it expects. */
  readonly accept: readonly number[];
  readonly checks?: readonly Check[];
  /** Values for later steps, by name. */
  readonly captures?: Readonly<Record<string, Capture>>;
  /** `nobody` never sends credentials; `bob` is another member of the drive. */
  readonly as?: 'nobody' | 'bob';
  /** What the client makes of the user's name. */
  readonly userName?: string;
  /** What stands in `Authorization` before the challenge. */
  readonly firstAuthorization?: string;
  /** Over TLS the client would rather speak HTTP/2. */
  readonly prefersHttp2?: boolean;
}

/** Sent as written, in this order; null takes a common header away. */
export type Headers = Readonly<Record<string, string | null>>;

/** Where a value is: in a header (the first group of the pattern), or in a property of the first response. */
export type Capture =
  | { readonly header: string; readonly match?: RegExp }
  | { readonly property: string }
  | { readonly json: readonly string[] };
