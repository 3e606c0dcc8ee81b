import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { type DavResponse, Pages } from '../dav/request.js';
import { turns } from '../drive/turns.js';
import type { BlobStream } from '../stores/blob-store.js';
import type { Context } from './context.js';

/** A body that nobody wants is read and thrown away up to here, so that the connection can go on. */
const DRAIN_BYTES_MAX = 4 * 1024 * 1024;
/** How long a client that sends more may take to see the answer before the connection ends, in milliseconds. */
export const LINGER_MS = 5_000;

/**
 * Writes an answer to the socket, past Koa's own, which would guess at types and lengths.
 * A stream that fails half-way ends the connection: the client sees that the answer is incomplete.
 */
export function send(context: Context, answer: DavResponse): void {
  const { req, res, state } = context;
  context.respond = false;
  const { body, headers, status } = answer;
  answer.body = null;
  const isHead = context.method === 'HEAD';
  if (headers['Content-Length'] === undefined && !isStreamed(body) && status !== 304 && status !== 204) {
    if (!isHead) headers['Content-Length'] = String(body === null ? 0 : Buffer.byteLength(body));
  }
  headers['X-Request-Id'] = state.requestId;
  if (isStopping(req)) headers.Connection = 'close';
  const isLingering = !req.complete && hasUnwantedBody(req);
  if (isLingering) headers.Connection = 'close';
  else if (!req.complete) dropRest(req);
  state.note.answeredAt = performance.now();
  res.writeHead(status, headers);
  if (isStreamed(body) && !isHead) {
    const onError = (error: unknown) => state.log.error({ err: error, url: state.url }, 'an answer broke off');
    if (body instanceof Pages) void sendPages(body.source, res, onError, { isInTurns: true });
    else if (body.pieces) void sendPages(body.pieces(), res, onError, { isInTurns: false });
    else sendStream(body, res, onError);
    return;
  }
  if (body instanceof Readable) body.destroy();
  const bytes = isHead || isStreamed(body) ? null : body;
  if (isLingering) linger(req, res, bytes);
  else if (bytes === null) res.end();
  else res.end(bytes);
}

function isStreamed(body: DavResponse['body']): body is BlobStream | Pages {
  return body instanceof Readable || body instanceof Pages;
}

/** After SIGTERM connections end with the answer under way, so that clients come back to the next process. */
function isStopping(req: IncomingMessage): boolean {
  return (req.socket as Socket & { server?: Server }).server?.listening === false;
}

function sendStream(body: Readable, res: ServerResponse, onError: (error: Error) => void): void {
  body.on('error', (error) => {
    if (!res.destroyed) onError(error);
    res.destroy();
  });
  // The side that goes away first takes the other along.
  res.on('close', () => body.destroy());
  body.pipe(res);
}

/** Asks for each page when the one before has left the process. `isInTurns`: making one keeps the event loop busy. */
async function sendPages(
  pages: AsyncIterable<Uint8Array>,
  res: ServerResponse,
  onError: (error: unknown) => void,
  { isInTurns }: { readonly isInTurns: boolean },
): Promise<void> {
  // A client that goes away in the middle of a page never takes it.
  let goOn = () => {};
  res.once('close', () => goOn());
  try {
    for await (const page of pages) {
      if (res.destroyed) return;
      await new Promise<void>((resolve) => {
        goOn = resolve;
        res.write(page, () => resolve());
      });
      if (res.destroyed) return;
      if (isInTurns) await turns.next();
    }
    res.end();
  } catch (error) {
    if (!res.destroyed) onError(error);
    res.destroy();
  }
}

/**
 * Whether there is more of a body to come than is worth reading. What is little is read and thrown away, and the
 * connection goes on: KIO sends bodies with requests that will get a 401.
 */
function hasUnwantedBody(req: IncomingMessage): boolean {
  if (req.headers['transfer-encoding'] === undefined && req.headers['content-length'] === undefined) return false;
  // A client that waits for 100 Continue has sent nothing, and may send nothing: nobody knows what comes next.
  if (req.headers.expect !== undefined && !req.readableDidRead) return true;
  return !(Number(req.headers['content-length']) <= DRAIN_BYTES_MAX);
}

/** Reads what is left of a body away. Node does so only where nobody has begun to read; the next request waits behind it. */
function dropRest(req: IncomingMessage): void {
  if (!req.readableDidRead) return;
  req.removeAllListeners('data');
  // Its end is all that matters of it now.
  req.on('error', () => {});
  req.resume();
}

/**
 * Sends all of the answer, but ends it only when the client has stopped sending, or had time to see it: a connection
 * closed with bytes under way is reset, and the answer lost with it.
 */
function linger(req: IncomingMessage, res: ServerResponse, body: string | Uint8Array | null): void {
  if (body === null || body.length === 0) res.flushHeaders();
  else res.write(body);
  const end = () => {
    clearTimeout(timer);
    res.end();
  };
  const timer = setTimeout(end, LINGER_MS);
  timer.unref();
  req.removeAllListeners('data');
  req.once('end', end);
  req.once('close', end);
  // Its end is all that matters of it now.
  req.on('error', end);
  if (req.headers.expect !== undefined && !req.readableDidRead) end();
  else req.resume();
}
