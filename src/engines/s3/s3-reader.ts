import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { StoreFailingError } from '../../stores/metadata-store.js';

export interface ObjectPart {
  readonly response: IncomingMessage;
  readonly start: number;
  /** Inclusive. */
  readonly end: number;
}

/**
 * The bytes of an object from `start` to `end`. Where the connection breaks, or is silent while more is wanted, it goes on
 * from there by another request, as long as each brings something; else it fails.
 */
export class S3Reader extends Readable {
  readonly #end: number;
  readonly #reopen: (start: number) => Promise<IncomingMessage>;
  readonly #silence: NodeJS.Timeout;
  #response: IncomingMessage | null = null;
  #position: number;
  /** Where the present request began. */
  #begunAt: number;

  constructor(part: ObjectPart, silenceMs: number, reopen: (start: number) => Promise<IncomingMessage>) {
    super({ highWaterMark: 1 });
    this.#position = part.start;
    this.#begunAt = part.start;
    this.#end = part.end;
    this.#reopen = reopen;
    this.#silence = setTimeout(() => this.#breakOff(), silenceMs);
    this.#silence.unref();
    this.#use(part.response);
  }

  override _read(): void {
    if (!this.#response?.isPaused()) return;
    this.#silence.refresh();
    this.#response.resume();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    clearTimeout(this.#silence);
    // What was read to its end leaves the connection for others.
    if (this.#position <= this.#end) this.#response?.destroy();
    this.#response = null;
    callback(error);
  }

  #use(response: IncomingMessage): void {
    this.#response = response;
    // Who reads slowly holds the connection still for as long as the client likes.
    response.socket.setTimeout(0);
    response.on('data', (chunk: Buffer) => this.#take(response, chunk));
    response.on('error', () => {
      // The end of it comes next.
    });
    response.on('close', () => this.#goOn(response));
    response.pause();
  }

  #take(response: IncomingMessage, chunk: Buffer): void {
    this.#silence.refresh();
    this.#position += chunk.length;
    if (this.#position > this.#end) {
      clearTimeout(this.#silence);
      this.push(chunk);
      this.push(null);
    } else if (!this.push(chunk)) response.pause();
  }

  /** Not where nobody wants more. */
  #breakOff(): void {
    if (this.#response?.isPaused() === false) this.#response.destroy();
  }

  #goOn(response: IncomingMessage): void {
    if (this.#response !== response || this.#position > this.#end) return;
    this.#response = null;
    const rest = this.#end + 1 - this.#position;
    if (this.#position === this.#begunAt) {
      this.destroy(
        new StoreFailingError(`the object storage broke off ${rest} bytes before the end`, { part: 'object storage' }),
      );
      return;
    }
    this.#begunAt = this.#position;
    this.#reopen(this.#position).then(
      (next) => {
        if (this.destroyed) return void next.destroy();
        this.#use(next);
        this._read();
      },
      (error: Error) => this.destroy(error),
    );
  }
}
