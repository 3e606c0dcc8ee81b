import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { PassingError } from '../back-off.js';
import { JobFailedError } from '../job-runner.js';
import { type AddressGuard, RefusedAddressError } from './address-guard.js';
import { HttpAuthentication, type SourceLogin } from './http-authentication.js';

const REDIRECTS_MAX = 5;
const CONNECTIONS_MAX = 8;
/** Of an answer whose text nobody reads, so that its connection can be used again. */
const DRAIN_BYTES_MAX = 64 * 1024;

export interface SourceOptions {
  readonly guard: AddressGuard;
  /** Silence after which a request has failed, in milliseconds. */
  readonly idleMs: number;
}

/** The source said no to one file or folder. */
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
  readonly #agents: { readonly http: HttpAgent; readonly https: HttpsAgent };

  constructor(origin: URL, login: SourceLogin, options: SourceOptions) {
    this.#home = origin;
    this.#authentication = new HttpAuthentication(login);
    this.#options = options;
    const settings = { keepAlive: true, maxSockets: CONNECTIONS_MAX, lookup: options.guard.lookup };
    this.#agents = { http: new HttpAgent(settings), https: new HttpsAgent(settings) };
  }

  /**
   * The head of a successful answer (2xx), whose body is the caller's to read, and the URL that gave it. Throws
   * `PassingError`, `SourceRefusal`, `JobFailedError` for a password that is refused, and `RefusedAddressError`.
   */
  async send(
    method: string,
    url: URL,
    { headers = {}, body, signal }: { headers?: Record<string, string>; body?: string; signal: AbortSignal },
  ): Promise<{ readonly answer: IncomingMessage; readonly url: URL }> {
    let at = url;
    let redirects = 0;
    for (let challenges = 0; ; ) {
      const answer = await this.#once(method, at, headers, body, signal);
      const status = answer.statusCode!;
      if (status >= 200 && status < 300) return { answer, url: at };
      drain(answer);
      const { location } = answer.headers;
      if ([301, 302, 303, 307, 308].includes(status) && location !== undefined) {
        if (++redirects > REDIRECTS_MAX) throw new SourceRefusal(status);
        at = redirected(at, location, status);
        continue;
      }
      const isOwn = this.#isOwn(at);
      const challenge = answer.headers['www-authenticate'];
      if (status === 401 && isOwn && challenge && challenges++ < 2 && this.#authentication.take(challenge)) continue;
      throw failure(status, answer.headers['retry-after'], isOwn);
    }
  }

  close(): void {
    this.#agents.http.destroy();
    this.#agents.https.destroy();
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
    const target = `${url.pathname}${url.search}`;
    const credentials = this.#isOwn(url) ? { Authorization: this.#authentication.header(method, target) } : {};
    return new Promise((resolve, reject) => {
      const outgoing = (isSecure ? requestHttps : requestHttp)(url, {
        method,
        agent: isSecure ? this.#agents.https : this.#agents.http,
        headers: {
          'User-Agent': 'Firn-Import/1',
          ...headers,
          ...credentials,
          ...(body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) }),
        },
        signal,
        timeout: this.#options.idleMs,
      });
      outgoing.on('timeout', () => outgoing.destroy(new PassingError('The source was silent for too long.')));
      outgoing.on('error', (error) => {
        if (signal.aborted || error instanceof PassingError || error instanceof RefusedAddressError) reject(error);
        else reject(new PassingError(`The source can't be reached: ${error.message}`, { cause: error }));
      });
      outgoing.on('response', resolve);
      outgoing.end(body);
    });
  }
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

function failure(status: number, retryAfter: string | undefined, isOwn: boolean): Error {
  if (status === 401 && isOwn) return new JobFailedError('The source refuses the user name or the password.');
  if (status === 408 || status === 423 || status === 425 || status === 429 || status >= 500) {
    return new PassingError(`The source answered ${status}.`, { afterMs: parseRetryAfter(retryAfter) });
  }
  return new SourceRefusal(status);
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
