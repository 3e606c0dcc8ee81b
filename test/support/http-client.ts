import { type Agent, type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http';
import { type RequestOptions as HttpsOptions, request as secureRequest } from 'node:https';
import { connect, type Socket } from 'node:net';
import { Readable } from 'node:stream';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
  readonly text: string;
  /** `100 Continue` came before the answer. */
  readonly isContinued: boolean;
}

export interface RequestOptions {
  /** Sent as given; `Content-Length` is added for bodies that are a string or bytes. */
  readonly headers?: OutgoingHttpHeaders;
  /** Chunks go without a length. With an `Expect` header nothing goes out before `100 Continue`. */
  readonly body?: string | Uint8Array | AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/** Where a server listens, on loopback. */
export interface Endpoint {
  readonly port: number;
  /** With TLS: the authority that its certificate must be from, in PEM, the name if it isn't the address, ALPN's list. */
  readonly tls?: { readonly ca: string; readonly name?: string; readonly protocols?: string[] };
  /** Keeps connections; without it each request has its own. */
  readonly agent?: Agent;
}

/** Node's own client: it sends the target and the headers as they are, and follows nothing. */
export function sendRequest(
  to: number | Endpoint,
  method: string,
  target: string,
  options: RequestOptions,
): Promise<Answer> {
  const { body, headers = {} } = options;
  const isWhole = typeof body === 'string' || body instanceof Uint8Array;
  const length = isWhole && !hasHeader(headers, LENGTHS) ? { 'Content-Length': Buffer.byteLength(body) } : {};
  const outgoing = open(typeof to === 'number' ? { port: to } : to, {
    method,
    path: target,
    headers: { ...length, ...headers },
  });
  const isWaiting = hasHeader(headers, /^expect$/i);
  return new Promise((resolve, reject) => {
    let isAnswered = false;
    let isContinued = false;
    outgoing.on('response', (incoming) => {
      isAnswered = true;
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('error', reject);
      incoming.on('end', () => {
        const bytes = Buffer.concat(chunks);
        const { statusCode, headers } = incoming;
        resolve({ status: statusCode!, headers, bytes, text: bytes.toString(), isContinued });
        // A body that was never asked for never goes.
        if (isWaiting && !isContinued) outgoing.destroy();
      });
    });
    // A server may answer before it has read the body, and close.
    outgoing.on('error', (error) => isAnswered || reject(error));
    const sendBody = () => {
      if (body === undefined || isWhole) outgoing.end(body);
      else Readable.from(body, { objectMode: false }).pipe(outgoing);
    };
    if (!isWaiting) return sendBody();
    outgoing.once('continue', () => {
      isContinued = true;
      sendBody();
    });
    outgoing.flushHeaders();
  });
}

function open({ port, tls, agent }: Endpoint, options: HttpsOptions) {
  const where = { host: '127.0.0.1', port, ...(agent ? { agent } : {}), ...options };
  if (!tls) return request(where);
  const { name, ca, protocols } = tls;
  return secureRequest({
    ...where,
    ca,
    ...(name === undefined ? {} : { servername: name }),
    ...(protocols === undefined ? {} : { ALPNProtocols: protocols }),
  });
}

const LENGTHS = /^(content-length|transfer-encoding)$/i;

function hasHeader(headers: OutgoingHttpHeaders, name: RegExp): boolean {
  return Object.keys(headers).some((key) => name.test(key));
}

/** One answer read off a raw connection. */
export interface RawAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A raw connection, for requests that no client library would send and for watching what comes back when. */
export class Connection {
  readonly socket: Socket;
  /** Whatever has come, as Latin-1 text, that `readAnswer` has not taken yet. */
  received = '';
  isEnded = false;
  #wake = () => {};

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (text) => {
      this.received += text;
      this.#wake();
    });
    // Resets are an end like any other here.
    socket.on('error', () => {});
    socket.on('close', () => {
      this.isEnded = true;
      this.#wake();
    });
  }

  static open(port: number): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1' });
      socket.once('connect', () => resolve(new Connection(socket)));
      socket.once('error', reject);
    });
  }

  write(text: string | Uint8Array): void {
    this.socket.write(typeof text === 'string' ? Buffer.from(text, 'latin1') : text);
  }

  /** Writes a head: the lines joined, and the empty one that ends it. */
  writeHead(...lines: string[]): void {
    this.write(`${lines.join('\r\n')}\r\n\r\n`);
  }

  /** Waits until `done` holds of what has come, or the other side has closed. */
  async until(done: () => boolean): Promise<void> {
    while (!done() && !this.isEnded) await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  /** Reads one answer; `100 Continue` counts as one. Throws when the connection ends before. */
  async readAnswer(): Promise<RawAnswer> {
    await this.until(() => this.received.includes('\r\n\r\n'));
    const end = this.received.indexOf('\r\n\r\n');
    if (end < 0) throw new Error(`the connection ended after ${JSON.stringify(this.received)}`);
    const [statusLine = '', ...lines] = this.received.slice(0, end).split('\r\n');
    const headers: Record<string, string> = {};
    for (const line of lines) {
      headers[line.slice(0, line.indexOf(':')).toLowerCase()] = line.slice(line.indexOf(':') + 1).trim();
    }
    const status = Number(statusLine.split(' ')[1]);
    const length = status === 100 || status === 204 ? 0 : Number(headers['content-length'] ?? 0);
    await this.until(() => this.received.length >= end + 4 + length);
    const body = this.received.slice(end + 4, end + 4 + length);
    this.received = this.received.slice(end + 4 + length);
    return { status, headers, body };
  }

  close(): void {
    this.socket.destroy();
  }
}
