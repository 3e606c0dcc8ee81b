import { createServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, isIPv6, type Socket } from 'node:net';
import type { Logger } from 'pino';
import type { ConnectionCounts } from '../metrics/connection-counts.js';
import { answerMalformed } from './malformed.js';
import { HEADERS_MAX } from './request-head.js';
import { makeTlsServer } from './tls-server.js';

/** Silence after which an idle keep-alive connection ends; clients want at least 15 s (client-requirements R36). */
const KEEP_ALIVE_MS = 65_000;
/** For the head of a request alone; bodies may take as long as they make progress (PRODUCT U5). */
const HEADERS_TIMEOUT_MS = 60_000;
/** Bytes of a request's head: a path of 16 KiB, an `If` header of 64 KiB. */
const HEADERS_BYTES_MAX = 96 * 1024;
const CONNECTIONS_MAX = 10_000;
/** How long requests may go on whose connections were ended: a disk that hangs must not keep the process. */
const SETTLE_MS = 10_000;

export interface HttpServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** PEM files; both or none. */
  readonly tlsCertificate: string | null;
  readonly tlsKey: string | null;
  /** A transfer without progress ends after this. */
  readonly idleTimeoutSeconds: number;
  /** How long running requests may go on after `close`. */
  readonly shutdownGraceSeconds: number;
}

/** Node's server with Firn's limits: what listens, and how it ends. */
export class HttpServer {
  readonly #server: Server;
  readonly #options: HttpServerOptions;
  readonly #inFlight = new InFlightRequests();
  readonly #log: Logger;

  /** `answer` must not reject. */
  constructor(
    answer: (...of: Parameters<RequestListener>) => Promise<unknown>,
    options: HttpServerOptions,
    { connections, log }: { readonly connections: ConnectionCounts; readonly log: Logger },
  ) {
    this.#server = makeServer(this.#inFlight.counting(answer), options, connections, log);
    this.#options = options;
    this.#log = log;
  }

  get url(): string {
    const { address, port } = this.#server.address() as AddressInfo;
    const host = isIPv6(address) ? `[${address}]` : address;
    return `${this.#options.tlsCertificate === null ? 'http' : 'https'}://${host}:${port}`;
  }

  /** Rejects when the address is taken, or isn't one of this machine. */
  listen(): Promise<void> {
    const { host, port } = this.#options;
    const server = this.#server;
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, () => {
        server.removeListener('error', reject);
        resolve();
      });
    });
  }

  /** Takes no new connections, lets transfers finish for a while, and ends the others. */
  async close(): Promise<void> {
    const server = this.#server;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => server.closeAllConnections(), this.#options.shutdownGraceSeconds * 1000);
      server.close(() => {
        clearTimeout(timer);
        resolve();
      });
      server.closeIdleConnections();
    });
    const left = await this.#inFlight.settle(SETTLE_MS);
    if (left > 0) this.#log.warn({ requests: left }, 'ending in spite of requests that do not end');
  }
}

function makeServer(
  listener: RequestListener,
  { tlsCertificate, tlsKey, idleTimeoutSeconds }: HttpServerOptions,
  connections: ConnectionCounts,
  log: Logger,
): Server {
  const options = {
    maxHeaderSize: HEADERS_BYTES_MAX,
    requestTimeout: 0,
    headersTimeout: HEADERS_TIMEOUT_MS,
    requireHostHeader: false,
  };
  const server =
    tlsCertificate !== null && tlsKey !== null
      ? makeTlsServer({ ...options, certificate: tlsCertificate, key: tlsKey }, log)
      : createServer(options);
  server.on('request', listener);
  // Node would send `100 Continue` or a bare 417 by itself; the body is asked for when somebody wants it (PRODUCT U2).
  server.on('checkContinue', listener);
  server.on('checkExpectation', listener);
  answerMalformed(server, log);
  // A client that has sent all of a request and closes its side still gets its answer; Node would end the connection.
  Object.assign(server, { httpAllowHalfOpen: true });
  server.on(tlsKey === null ? 'connection' : 'secureConnection', (socket: Socket) => {
    // Not before the handshake: who goes away in it has to be gone.
    socket.allowHalfOpen = true;
    connections.add(socket);
  });
  server.on('clientError', () => connections.malformed++);
  // One more than is taken: Node drops the rest without a word, and the count shows that there was one.
  server.maxHeadersCount = HEADERS_MAX + 1;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.maxConnections = CONNECTIONS_MAX;
  tellDropped(server, log);
  server.timeout = idleTimeoutSeconds * 1000;
  return server;
}

type Handler = (...of: Parameters<RequestListener>) => Promise<unknown>;

/**
 * Counts the requests that are being worked on, also those whose connection is gone already: what they use must stay
 * open until they end.
 */
class InFlightRequests {
  #count = 0;
  #wake = () => {};

  /** `handle` must not reject. */
  counting(handle: Handler): RequestListener {
    const end = () => {
      this.#count--;
      if (this.#count === 0) this.#wake();
    };
    return (req, res) => {
      this.#count++;
      void handle(req, res).then(end);
    };
  }

  /** Waits until all have ended, `maxMs` milliseconds at most. Returns how many have not. */
  async settle(maxMs: number): Promise<number> {
    if (this.#count > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, maxMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return this.#count;
  }
}

/** How often the log tells of it, in milliseconds. */
const TOLD_MS = 60_000;

/** Tells the log of connections beyond `maxConnections`, which Node ends without a word. */
export function tellDropped(server: Server, log: Logger, passed = () => performance.now()): void {
  let dropped = 0;
  let toldAt = Number.NEGATIVE_INFINITY;
  server.on('drop', () => {
    dropped++;
    if (passed() - toldAt < TOLD_MS) return;
    toldAt = passed();
    log.warn({ dropped, connectionsMax: server.maxConnections }, 'all connections are taken; others are ended at once');
    dropped = 0;
  });
}
