import { createHash } from 'node:crypto';
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { setTimeout as wait } from 'node:timers/promises';
import aws4 from 'aws4';
import { StoreFailingError } from '../../stores/metadata-store.js';
import { find, parseAnswer, S3AnswerError } from './s3-xml.js';

/** How often a request that may be repeated is sent. */
const TRIES = 4;
/** An answer that is read whole: a page of 1,000 names has some 300 KB. */
const ANSWER_BYTES_MAX = 4 * 1024 * 1024;
const CONNECTIONS_IDLE = 32;

/** Where the objects are, and who may have them. */
export interface S3Settings {
  /** `http:` or `https:`, without a path. */
  readonly endpoint: URL;
  readonly bucket: string;
  readonly region: string;
  readonly accessKey: string;
  readonly secretKey: string;
  /** Whether the bucket is in the path; else it is in the host. */
  readonly isPathStyle: boolean;
  /** Certificates (PEM) that are trusted in addition to none: the system's own are used where this is null. */
  readonly ca: string | null;
  /** How long the server may be silent. */
  readonly silenceMs?: number;
  /** The pause before the second try; the next ones are three times as long each. */
  readonly backOffMs?: number;
}

export interface S3Request {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** Null: the bucket itself. Of characters that need no escape. */
  readonly key: string | null;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: readonly Uint8Array[];
  /** SHA-256 of the body in hex, where it is known already. */
  readonly sha256?: string;
  readonly signal?: AbortSignal | undefined;
  /** False: it is sent once. */
  readonly isRepeatable?: boolean;
}

/** The object storage refused a request, or didn't answer it. */
export class S3Error extends StoreFailingError {
  constructor(
    message: string,
    /** HTTP's; 0 where no answer came. */
    readonly status: number,
    /** The server's own word, such as `NoSuchKey`, or that of the system. */
    readonly code: string,
    options?: ErrorOptions,
  ) {
    super(message, { ...options, part: 'object storage' });
  }

  /** Whether the same request may succeed in a moment. */
  get isPassing(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500 || PASSING_CODES.includes(this.code);
  }
}

/** Of 400 and the like: the bytes or the time were lost on the way; and what an answer of 200 may hide. */
const PASSING_CODES = [
  'RequestTimeout',
  'BadDigest',
  'XAmzContentSHA256Mismatch',
  'IncompleteBody',
  'InternalError',
  'SlowDown',
  'ServiceUnavailable',
];

/** What radosgw answers to a PUT whose connection was half-closed amid the body: nothing that is stored can be missing. */
const OF_A_CUT_BODY = 'NoSuchKey';

/** Sends signed requests over connections that are kept. */
export class S3Sender {
  readonly #settings: S3Settings;
  readonly #agent: HttpAgent;
  readonly #host: string;

  constructor(settings: S3Settings) {
    this.#settings = settings;
    const { endpoint, bucket, isPathStyle, ca } = settings;
    const options = { keepAlive: true, maxFreeSockets: CONNECTIONS_IDLE };
    this.#agent =
      endpoint.protocol === 'https:' ? new HttpsAgent({ ...options, ...(ca ? { ca } : {}) }) : new HttpAgent(options);
    this.#host = isPathStyle ? endpoint.host : `${bucket}.${endpoint.host}`;
  }

  get silenceMs(): number {
    return this.#settings.silenceMs ?? 15_000;
  }

  /** Closes what is connected and not in use. */
  close(): void {
    this.#agent.destroy();
  }

  /**
   * Sends the request, up to four times where it may be repeated, until `read` has taken the answer: it may throw an
   * `S3AnswerError` for one that is cut or something else. Rejects with `S3Error`, or the signal's reason.
   */
  async send<T>(request: S3Request, read: (response: IncomingMessage) => Promise<T>): Promise<T> {
    for (let tries = 1, pause = this.#settings.backOffMs ?? 200; ; tries++, pause *= 3) {
      try {
        return await this.#once(request, read);
      } catch (error) {
        request.signal?.throwIfAborted();
        const failure = toS3Error(error);
        const isPassing = failure.isPassing || (request.method === 'PUT' && failure.code === OF_A_CUT_BODY);
        if (!isPassing || tries === TRIES || request.isRepeatable === false) throw failure;
      }
      await wait(pause * (0.5 + Math.random()), undefined, request.signal ? { signal: request.signal } : {}).catch(
        () => {},
      );
      request.signal?.throwIfAborted();
    }
  }

  async #once<T>(request: S3Request, read: (response: IncomingMessage) => Promise<T>): Promise<T> {
    const response = await this.#answer(request);
    const { statusCode: status = 0 } = response;
    if (status >= 200 && status < 300) return read(response);
    throw errorOf(await readText(response), status);
  }

  #answer(request: S3Request): Promise<IncomingMessage> {
    const { signal, body = [] } = request;
    const options = this.#sign(request);
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const { endpoint } = this.#settings;
      const call = endpoint.protocol === 'https:' ? httpsRequest : httpRequest;
      const sent = call({ ...options, agent: this.#agent, timeout: this.silenceMs });
      const abort = () => sent.destroy(signal?.reason);
      signal?.addEventListener('abort', abort, { once: true });
      sent.on('timeout', () => sent.destroy(new SilenceError(this.silenceMs)));
      sent.on('error', reject);
      sent.on('response', (response) => {
        // Refused before all was sent: the rest would wait in the connection for nobody.
        if (!sent.writableFinished) response.once('end', () => sent.destroy());
        resolve(response);
      });
      sent.on('close', () => signal?.removeEventListener('abort', abort));
      for (const chunk of body) sent.write(chunk);
      sent.end();
    });
  }

  #sign({ method, key, query = {}, headers = {}, body = [], sha256 }: S3Request) {
    const { endpoint, bucket, region, isPathStyle, accessKey, secretKey } = this.#settings;
    const path = `/${[...(isPathStyle ? [bucket] : []), ...(key === null ? [] : [key])].join('/')}`;
    const asked = Object.entries(query).map(([name, value]) => `${name}=${encode(value)}`);
    const length = body.reduce((sum, chunk) => sum + chunk.byteLength, 0);
    const signed = aws4.sign(
      {
        service: 's3',
        region,
        method,
        host: this.#host,
        path: asked.length === 0 ? path : `${path}?${asked.join('&')}`,
        headers: {
          ...headers,
          ...(method === 'GET' || method === 'DELETE' ? {} : { 'Content-Length': length }),
          'X-Amz-Content-Sha256': sha256 ?? hashOf(body),
        },
      },
      { accessKeyId: accessKey, secretAccessKey: secretKey },
    );
    return {
      method,
      path: signed.path,
      headers: signed.headers,
      hostname: this.#host.replace(/:\d+$/, ''),
      port: endpoint.port || null,
    };
  }
}

/** Reads an answer whole. Throws `S3AnswerError` where it is cut or far too long. */
export async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of response) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > ANSWER_BYTES_MAX) throw new S3AnswerError('the object storage sent far more than was asked for');
    }
  } catch (error) {
    throw error instanceof S3AnswerError
      ? error
      : new S3AnswerError('an answer of the object storage broke off', { cause: error });
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** What an answer of an error says; also for those that come with 200. */
export function errorOf(body: string, status: number): S3Error {
  let [code, message] = ['', ''];
  try {
    const root = parseAnswer(body);
    code = find(root, 'Code') ?? '';
    message = find(root, 'Message') ?? '';
  } catch {
    // A proxy's own page, or nothing: the status tells.
  }
  const said = [code, message].filter((text) => text !== '').join(': ');
  return new S3Error(
    `the object storage answered ${status}${said === '' ? '' : `: ${said.slice(0, 300)}`}`,
    status,
    code,
  );
}

class SilenceError extends Error {
  readonly code = 'ETIMEDOUT';
  constructor(silenceMs: number) {
    super(`no byte for ${silenceMs / 1000} s`);
  }
}

function toS3Error(error: unknown): S3Error {
  if (error instanceof S3Error) return error;
  const { message, code = '' } = error as NodeJS.ErrnoException;
  const text = error instanceof S3AnswerError ? message : `the object storage doesn't answer: ${message}`;
  return new S3Error(text, 0, code, { cause: error });
}

function hashOf(body: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const chunk of body) hash.update(chunk);
  return hash.digest('hex');
}

/** As signatures have it: all but letters, digits and `-_.~`. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
