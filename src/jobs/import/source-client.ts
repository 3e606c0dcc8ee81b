import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { setTimeout as wait } from 'node:timers/promises';
import { RetryableError } from '../back-off.js';
import { type AddressGuard, RefusedAddressError } from './address-guard.js';
import { HttpAuthentication, type SourceLogin } from './http-authentication.js';

const REDIRECTS_MAX = 5;
const CONNECTIONS_MAX = 8;
/** Tries of one request with nonces that are new, or replace one that got stale meanwhile. */
const NEW_MAX = 2;
const STALE_MAX = 4;
/** Of an answer whose text nobody reads, so that its connection can be used again. */
const DRAIN_BYTES_MAX = 64 * 1024;

export interface SourceOptions {
  readonly guard: AddressGuard;
  /** Silence after which a request has failed, in milliseconds. */
  readonly idleMs: number;
}

/** A folder of many members takes its time before the first byte comes: so many times the usual silence. */
const LISTING_PATIENCE = 5;
/** Waited out here; who wants longer is left alone until then, in milliseconds. */
const QUIET_MAX_MS = 120_000;

/** The source said no to one file or folder, or to the password. */
export class SourceRefusal extends Error {
  override readonly name = 'SourceRefusal';
  constructor(readonly status: number) {
    super(`The source answered ${status}.`);
  }
}

/**
 * Requests to one other server, with its password, over connections that go to checked addresses only. Redirects are
 * followed; the password is for the origin that the user named alone.
 */
export class SourceClient {
  readonly #home: URL;
  readonly #authentication: HttpAuthentication;
  readonly #options: SourceOptions;
  #quietUntil = 0;
  readonly #agents: { readonly http: HttpAgent; readonly https: HttpsAgent };

  constructor(origin: URL, login: SourceLogin, options: SourceOptions) {
    this.#home = origin;
    this.#authentication = new HttpAuthentication(login);
    this.#options = options;
    const settings = { keepAlive: true, maxSockets: CONNECTIONS_MAX, lookup: options.guard.lookup };
    this.#agents = { http: new HttpAgent(settings), https: new HttpsAgent(settings) };
  }

  /**
   * Without TLS, asks first how the source wants to have the password: a source that takes Digest never gets the password
   * itself. Throws as `send` does.
   */
  async introduce(url: URL, signal: AbortSignal): Promise<void> {
    if (url.protocol !== 'http:' || this.#authentication.isChosen) return;
    await this.#quiet(signal);
    const answer = await this.#once('PROPFIND', url, { Depth: '0' }, undefined, signal);
    const challenge = answer.headers['www-authenticate'];
    if (answer.statusCode === 401 && challenge !== undefined) this.#authentication.take(challenge);
    drain(answer);
  }

  /**
   * The head of a successful answer (2xx), whose body is the caller's to read, and the URL that gave it. While the source
   * asks for a pause (RFC 9110 §10.2.3) nobody's request goes out. Throws `RetryableError`, `SourceRefusal`, and
   * `RefusedAddressError`.
   */
  async send(
    method: string,
    url: URL,
    { headers = {}, body, signal }: { headers?: Record<string, string>; body?: string; signal: AbortSignal },
  ): Promise<{ readonly answer: IncomingMessage; readonly url: URL }> {
    let at = url;
    let redirects = 0;
    for (let challenges = 0; ; ) {
      await this.#quiet(signal);
      const isOwn = this.#isOwn(at);
      const credentials = isOwn ? this.#authentication.header(method, targetOf(at)) : null;
      const authorization: Record<string, string> = credentials ? { Authorization: credentials } : {};
      const answer = await this.#once(method, at, { ...headers, ...authorization }, body, signal);
      const status = answer.statusCode!;
      if (status >= 200 && status < 300) return { answer, url: at };
      drain(answer);
      const { location } = answer.headers;
      if ([301, 302, 303, 307, 308].includes(status) && location !== undefined) {
        if (++redirects > REDIRECTS_MAX) throw new SourceRefusal(status);
        at = redirected(at, location, status);
        continue;
      }
      const challenge = answer.headers['www-authenticate'];
      if (status === 401 && isOwn && challenge) {
        const taken = this.#authentication.take(challenge);
        // Few tries with a password that may be wrong: sources lock out who guesses.
        if (taken && challenges++ < (taken === 'stale' ? STALE_MAX : NEW_MAX)) continue;
      }
      throw this.#failure(status, answer.headers['retry-after']);
    }
  }

  close(): void {
    this.#agents.http.destroy();
    this.#agents.https.destroy();
  }

  /** Rejects at once where the source wants to be left alone for long. */
  async #quiet(signal: AbortSignal): Promise<void> {
    const left = this.#quietUntil - Date.now();
    if (left > QUIET_MAX_MS) throw new RetryableError('The source asks for a pause.', { afterMs: left });
    if (left > 0) await wait(left, undefined, { signal });
  }

  #failure(status: number, retryAfter: string | undefined): Error {
    if (![408, 423, 425, 429].includes(status) && status < 500) return new SourceRefusal(status);
    const afterMs = parseRetryAfter(retryAfter);
    if ((status === 429 || status === 503) && afterMs !== null) {
      this.#quietUntil = Math.max(this.#quietUntil, Date.now() + afterMs);
    }
    return new RetryableError(`The source answered ${status}.`, { afterMs });
  }

  /** Also the same host with TLS in place of none, at their usual ports. */
  #isOwn({ origin, protocol, hostname, port }: URL): boolean {
    if (origin === this.#home.origin) return true;
    return protocol === 'https:' && port === '' && this.#home.port === '' && hostname === this.#home.hostname;
  }

  #once(
    method: string,
    url: URL,
    headers: Record<string, string>,
    body: string | undefined,
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    this.#options.guard.checkHost(url.hostname);
    const isSecure = url.protocol === 'https:';
    return new Promise((resolve, reject) => {
      const outgoing = (isSecure ? requestHttps : requestHttp)(url, {
        method,
        agent: isSecure ? this.#agents.https : this.#agents.http,
        headers: {
          'User-Agent': 'Firn-Import/1',
          ...headers,
          ...(body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) }),
        },
        signal,
        timeout: this.#options.idleMs * (method === 'PROPFIND' ? LISTING_PATIENCE : 1),
      });
      outgoing.on('timeout', () => outgoing.destroy(new RetryableError('The source was silent for too long.')));
      outgoing.on('error', (error) => {
        if (signal.aborted || error instanceof RetryableError || error instanceof RefusedAddressError) reject(error);
        else reject(new RetryableError(`The source can't be reached: ${error.message}`, { cause: error }));
      });
      outgoing.on('response', resolve);
      outgoing.end(body);
    });
  }
}

/** As it is sent, and as Digest has it. */
function targetOf({ pathname, search }: URL): string {
  return `${pathname}${search}`;
}

function redirected(from: URL, location: string, status: number): URL {
  let to: URL;
  try {
    to = new URL(location, from);
  } catch {
    throw new SourceRefusal(status);
  }
  if (!/^https?:$/.test(to.protocol)) throw new SourceRefusal(status);
  // What a redirect carries as credentials is nobody's.
  to.username = '';
  to.password = '';
  return to;
}

/** Seconds, or a date (RFC 9110 §10.2.3); in milliseconds from now. */
export function parseRetryAfter(text: string | undefined, now: number = Date.now()): number | null {
  if (text === undefined) return null;
  if (/^\s*\d{1,9}\s*$/.test(text)) return Number(text) * 1000;
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : Math.max(0, at - now);
}

function drain(answer: IncomingMessage): void {
  let left = DRAIN_BYTES_MAX;
  answer.on('data', (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) answer.destroy();
  });
  // An answer that breaks off has told all that we need.
  answer.on('error', () => {});
}
