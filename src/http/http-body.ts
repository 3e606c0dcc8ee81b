import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RequestBody } from '../dav/request.js';
import { DriveError } from '../drive/drive-error.js';
import { HttpError } from '../http-error.js';
import { giveBack } from './give-back.js';
import { checkCount } from './request-head.js';

/**
 * For the whole of a body that is read into memory, and for what is left of one that nobody wants, in milliseconds: at a
 * byte now and then connections would be held for ever. Uploads may take as long as they make progress (PRODUCT U5).
 */
export const SMALL_BODY_MS = 60_000;

/** Thrown when the client goes away in the middle of its request: there is nobody to answer. */
export class ClientGoneError extends Error {
  override readonly name = 'ClientGoneError';
}

/** The body of a request on the wire. Nothing is asked for (`100 Continue`) before somebody reads. */
export class HttpBody implements RequestBody {
  readonly size: number | null;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.#request = request;
    this.#response = response;
    this.size = announcedSize(request);
  }

  chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    return this.#read(() => {});
  }

  pieces(): AsyncGenerator<Uint8Array, void, undefined> {
    return this.#read(giveBack);
  }

  async *#read(onRead: (chunk: Uint8Array) => void): AsyncGenerator<Uint8Array, void, undefined> {
    this.#checkEncoding();
    this.#continue();
    try {
      // An upload that is refused half-way still gets its answer: the socket has to stay.
      for await (const chunk of this.#request.iterator({ destroyOnReturn: false })) {
        yield chunk as Uint8Array;
        onRead(chunk as Uint8Array);
      }
    } catch (error) {
      throw new ClientGoneError('the client went away during an upload', { cause: error });
    }
    this.#checkComplete();
    // From here on the silence is ours: the last sync of a large upload on a slow disk must not end the connection.
    this.#request.socket.setTimeout(0);
  }

  readAll(): Promise<Uint8Array> {
    this.#checkEncoding();
    return this.#collect(this.size ?? 0, () => new DriveError('incomplete', 'More came than was announced.'));
  }

  async readAtMost(bytesMax: number): Promise<Uint8Array | null> {
    if (this.size === 0) return null;
    this.#checkEncoding();
    const tooLarge = () => new HttpError(413, `A body of this kind has at most ${bytesMax} bytes.`);
    if (this.size !== null && this.size > bytesMax) throw tooLarge();
    const body = await this.#collect(bytesMax, tooLarge, SMALL_BODY_MS);
    return body.length === 0 ? null : body;
  }

  #collect(bytesMax: number, tooLarge: () => Error, timeMs?: number): Promise<Uint8Array> {
    this.#continue();
    const request = this.#request;
    return new Promise((resolve, reject) => {
      const chunks: Uint8Array[] = [];
      let size = 0;
      let isOver = false;
      const timer = timeMs === undefined ? undefined : setTimeout(() => fail(tooSlow()), timeMs);
      const fail = (error: unknown) => {
        isOver = true;
        clearTimeout(timer);
        request.removeListener('data', take);
        reject(error);
      };
      const take = (chunk: Uint8Array) => {
        size += chunk.length;
        if (size > bytesMax) fail(tooLarge());
        else chunks.push(chunk);
      };
      request.on('data', take);
      request.once('end', () => {
        isOver = true;
        clearTimeout(timer);
        try {
          this.#checkComplete();
          resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));
        } catch (error) {
          reject(error);
        }
      });
      request.once('error', (cause) => fail(new ClientGoneError('the client went away', { cause })));
      // Every request closes; an error and its stack cost more than reading a small body.
      request.once('close', () => {
        if (!isOver) fail(new ClientGoneError('the client went away'));
      });
    });
  }

  #continue(): void {
    if (this.#request.headers.expect !== undefined && !this.#response.headersSent) this.#response.writeContinue();
  }

  /** Bytes in another coding than their own would be stored as they come, and given back as something else. */
  #checkEncoding(): void {
    const coding = this.#request.headers['content-encoding']?.trim().toLowerCase();
    if (coding !== undefined && coding !== '' && coding !== 'identity') {
      throw new HttpError(415, 'Bodies are taken as they are: send this without Content-Encoding.');
    }
  }

  #checkComplete(): void {
    if (!this.#request.complete) throw new ClientGoneError('the client went away during an upload');
    checkCount(this.#request.rawTrailers, 'trailers');
  }
}

function tooSlow(): HttpError {
  const message = `The body of this request did not come within ${SMALL_BODY_MS / 1000} seconds. Send it again.`;
  return new HttpError(408, message, { headers: { Connection: 'close' } });
}

/** Ends the connection of a request that is answered when the rest of its body, which is thrown away, takes too long. */
export function boundRest(request: IncomingMessage): void {
  if (request.complete || request.socket.destroyed) return;
  const timer = setTimeout(() => request.socket.destroy(), SMALL_BODY_MS);
  timer.unref();
  request.once('close', () => clearTimeout(timer));
}

/** Null: no length was announced but a body may come. */
function announcedSize(request: IncomingMessage): number | null {
  if (request.headers['transfer-encoding'] !== undefined) return null;
  const text = request.headers['content-length'];
  return text === undefined ? 0 : Number(text);
}
