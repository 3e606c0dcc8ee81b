import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type Koa from 'koa';
import type { DavResponse } from '../dav/request.js';
import type { FirnState } from './context.js';

/** What is read and thrown away of a body that nobody wanted, so that the answer arrives before the connection ends. */
const DRAIN_BYTES_MAX = 4 * 1024 * 1024;
const DRAIN_MS_MAX = 5_000;

/**
 * Writes an answer to the socket, past Koa's own, which would guess at types and lengths.
 * A stream that fails half-way ends the connection: the client sees that the answer is incomplete.
 */
export function send(context: Koa.ParameterizedContext<FirnState>, answer: DavResponse): void {
  const { req, res, state } = context;
  context.respond = false;
  const { body, headers, status } = answer;
  const isHead = context.method === 'HEAD';
  if (headers['Content-Length'] === undefined && !(body instanceof Readable) && status !== 304 && status !== 204) {
    if (!isHead) headers['Content-Length'] = String(body === null ? 0 : Buffer.byteLength(body));
  }
  headers['X-Request-Id'] = state.requestId;
  if (!req.complete && mayHaveMoreBody(req)) drain(req, res, headers);
  res.writeHead(status, headers);
  if (isHead || body === null) {
    if (body instanceof Readable) body.destroy();
    res.end();
  } else if (body instanceof Readable) {
    sendStream(body, res, (error) => state.log.error({ err: error, url: state.url }, 'an answer broke off'));
  } else {
    res.end(body);
  }
}

function sendStream(body: Readable, res: ServerResponse, onError: (error: Error) => void): void {
  body.on('error', (error) => {
    if (!res.destroyed) onError(error);
    res.destroy();
  });
  // Whoever goes away first takes the other along.
  res.on('close', () => body.destroy());
  body.pipe(res);
}

function mayHaveMoreBody(req: IncomingMessage): boolean {
  return req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0;
}

/**
 * Deals with the rest of a body that isn't wanted. Little is read, so that the connection can go on (KIO sends bodies
 * with a request that will get a 401); of much, only what is under way, and then the connection ends.
 */
function drain(req: IncomingMessage, res: ServerResponse, headers: Record<string, string>): void {
  const size = Number(req.headers['content-length'] ?? Number.NaN);
  // A client that waits for 100 Continue has sent nothing, and may send nothing: the connection can't be used again.
  const isWaiting = req.headers.expect !== undefined && !req.readableDidRead;
  const isSmall = size <= DRAIN_BYTES_MAX && !isWaiting;
  if (!isSmall) headers.Connection = 'close';
  let left = DRAIN_BYTES_MAX;
  req.removeAllListeners('data');
  req.on('data', (chunk: Uint8Array) => {
    left -= chunk.length;
    if (left < 0) end();
  });
  req.on('error', end);
  const timer = setTimeout(end, DRAIN_MS_MAX);
  timer.unref();
  req.once('end', () => clearTimeout(timer));
  req.resume();
  function end(): void {
    clearTimeout(timer);
    if (res.writableFinished) req.socket.destroySoon();
    else res.once('finish', () => req.socket.destroySoon());
  }
}
