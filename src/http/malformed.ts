import { randomUUID } from 'node:crypto';
import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import { renderErrorBody } from '../dav/error-body.js';
import { HttpError } from '../http-error.js';
import { HEADERS_MAX } from './request-head.js';
import { LINGER_MS } from './send.js';

/** What Node says of a connection that it can't go on with. */
interface ClientError extends NodeJS.ErrnoException {
  /** The bytes that could not be read. */
  readonly rawPacket?: Buffer;
}

/**
 * Answers what never becomes a request, as every other error is answered: Node by itself sends a bare status line. Without
 * an answer end connections that broke, and those with an answer under way, into which nothing may be written.
 */
export function answerMalformed(server: Server, log: Logger): void {
  const answers = new WeakMap<Duplex, ServerResponse>();
  const note = ({ socket }: IncomingMessage, response: ServerResponse) => void answers.set(socket, response);
  for (const event of ['request', 'checkContinue', 'checkExpectation']) server.on(event, note);
  server.on('clientError', (error: ClientError, socket: Duplex) => {
    const answer = answers.get(socket);
    const isUnderWay = answer?.headersSent && !answer.writableFinished;
    const refusal = refusalOf(error);
    if (!refusal || isUnderWay || socket.destroyed) socket.destroy();
    // More of what is thrown away until the client has seen the answer.
    else if (socket.writable) refuse(error, refusal, socket, log);
  });
}

function refuse(error: ClientError, refusal: HttpError, socket: Duplex, log: Logger): void {
  const requestId = randomUUID();
  log.debug({ requestId, code: error.code, status: refusal.status }, 'not a request');
  const body = Buffer.from(renderErrorBody(refusal, requestId));
  const head = [
    `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status]}`,
    `Date: ${new Date().toUTCString()}`,
    'Content-Type: application/xml; charset=utf-8',
    `Content-Length: ${body.length}`,
    `X-Request-Id: ${requestId}`,
    'Connection: close',
  ];
  const isHead = error.rawPacket?.subarray(0, 5).toString('latin1') === 'HEAD ';
  socket.write(`${head.join('\r\n')}\r\n\r\n`);
  socket.end(isHead ? undefined : body);
  // A connection closed with bytes under way is reset, and the answer lost with it.
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  timer.unref();
  socket.once('close', () => clearTimeout(timer));
}

/** Null for a connection that broke. */
function refusalOf({ code, message }: ClientError): HttpError | null {
  switch (code) {
    // Node 24 says so of too many headers as well.
    case 'HPE_HEADER_OVERFLOW':
      return new HttpError(
        431,
        `The headers of this request are too many (${HEADERS_MAX} are the most) or too long, or its address is.`,
      );
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new HttpError(413, 'The chunks of this body have too long extensions.');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new HttpError(408, 'The request did not come in time. Send it again.');
    default: {
      if (!code?.startsWith('HPE_')) return null;
      const reason = message.replace(/^Parse Error: */, '').slice(0, 200);
      return new HttpError(400, `This is no request that HTTP/1.1 knows (${reason}).`);
    }
  }
}
