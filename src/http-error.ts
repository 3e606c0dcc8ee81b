/**
 * Precondition and postcondition codes, each an element of the `DAV:` namespace:
 * RFC 4918 §16, RFC 4331 §6, RFC 5689 §3.3, RFC 3253 §1.6, RFC 6578 §3.2.
 */
export type DavCondition =
  | 'cannot-modify-protected-property'
  | 'lock-token-matches-request-uri'
  | 'lock-token-submitted'
  | 'no-conflicting-lock'
  | 'no-external-entities'
  | 'number-of-matches-within-limits'
  | 'preserved-live-properties'
  | 'propfind-finite-depth'
  | 'quota-not-exceeded'
  | 'sufficient-disk-space'
  | 'supported-report'
  | 'valid-resourcetype'
  | 'valid-sync-token';

export interface HttpErrorOptions {
  readonly condition?: DavCondition;
  /** Further response headers, such as `Retry-After` or `Allow`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Encoded hrefs written inside the condition element, such as the locked resource of `lock-token-submitted`. */
  readonly hrefs?: readonly string[];
  readonly cause?: unknown;
}

/**
 * A refusal that becomes an HTTP answer. `message` is a plain sentence for the person at the client; it never holds
 * credentials or anything the client may not know.
 */
export class HttpError extends Error {
  readonly status: number;
  readonly condition: DavCondition | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly hrefs: readonly string[];

  constructor(status: number, message: string, options: HttpErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.name = 'HttpError';
    this.status = status;
    this.condition = options.condition ?? null;
    this.headers = options.headers ?? {};
    this.hrefs = options.hrefs ?? [];
  }
}
