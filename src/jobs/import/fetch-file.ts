import type { IncomingMessage } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { type Checksum, readChecksum } from '../../drive/checksum.js';
import type { Incoming } from '../../drive/contents.js';
import type { FileRow } from '../../stores/import-store.js';
import { backOffMs, RetryableError } from '../back-off.js';
import { type SourceClient, SourceRefusal } from './source-client.js';

/** Pauses before a transfer goes on where it broke off; then it begins again. */
const RESUME = { firstMs: 100, longestMs: 10_000, triesMax: 8 };
/** A transfer that got so far since it broke off last has all its tries again, in bytes. */
const PROGRESS_BYTES = 1024 * 1024;

/** The file is not, or no longer, what the listing says. */
export class ChangedError extends RetryableError {}

/** The bytes of one file of the source, as an upload. `begin` is called with the transfer, what it returns with each piece. */
export function incomingFile(
  client: SourceClient,
  url: URL,
  file: FileRow,
  signal: AbortSignal,
  begin: () => (bytes: number) => void,
): Incoming {
  const chunks = () => new Transfer(client, url, file, signal).bytes(begin());
  return {
    size: file.size,
    chunks,
    readAll: async () => {
      const all: Uint8Array[] = [];
      for await (const chunk of chunks()) all.push(chunk);
      return Buffer.concat(all);
    },
  };
}

/** Those of `oc:checksums` that can be checked. */
export function expectedDigests(checksum: string | null): Checksum[] {
  return (checksum ?? '').split(/[\s,]+/).flatMap((text) => readChecksum(text) ?? []);
}

/** One GET, which goes on with Range and If-Range where it stalls or breaks off (RFC 9110 §13.1.5, §14). */
class Transfer {
  readonly #client: SourceClient;
  readonly #url: URL;
  readonly #size: number | null;
  readonly #signal: AbortSignal;
  #offset = 0;
  #validator: string | null = null;

  constructor(client: SourceClient, url: URL, { size }: FileRow, signal: AbortSignal) {
    this.#client = client;
    this.#url = url;
    this.#size = size;
    this.#signal = signal;
  }

  async *bytes(onBytes: (bytes: number) => void): AsyncGenerator<Uint8Array, void, undefined> {
    let failures = 0;
    let from = 0;
    for (;;) {
      try {
        for await (const chunk of this.#part()) {
          this.#offset += chunk.length;
          onBytes(chunk.length);
          yield chunk;
        }
        return;
      } catch (error) {
        this.#signal.throwIfAborted();
        if (this.#offset - from >= PROGRESS_BYTES) failures = 0;
        from = this.#offset;
        const isHopeless = this.#validator === null || this.#offset === 0 || ++failures >= RESUME.triesMax;
        if (
          isHopeless ||
          !(error instanceof RetryableError) ||
          error instanceof ChangedError ||
          error.afterMs !== null
        ) {
          throw error;
        }
        await wait(backOffMs(failures, RESUME), undefined, { signal: this.#signal });
      }
    }
  }

  /** What is missing, as far as it comes. Throws `RetryableError` unless it came to its end. */
  async *#part(): AsyncGenerator<Buffer> {
    if (this.#offset > 0 && this.#offset === this.#size) return;
    const answer = await this.#ask();
    try {
      this.#check(answer);
      let left = this.#size === null ? Number.POSITIVE_INFINITY : this.#size - this.#offset;
      for await (const chunk of answer as AsyncIterable<Buffer>) {
        left -= chunk.length;
        if (left < 0) throw changed();
        yield chunk;
      }
      // All that was announced by the answer came, and it isn't what the listing announced.
      if (left > 0 && Number.isFinite(left)) throw changed();
    } catch (error) {
      if (error instanceof RetryableError) throw error;
      throw new RetryableError(`The transfer broke off: ${(error as Error).message}`, { cause: error });
    } finally {
      answer.destroy();
    }
  }

  async #ask(): Promise<IncomingMessage> {
    const headers: Record<string, string> = { 'Accept-Encoding': 'identity' };
    if (this.#offset > 0 && this.#validator !== null) {
      headers.Range = `bytes=${this.#offset}-`;
      headers['If-Range'] = this.#validator;
    }
    try {
      return (await this.#client.send('GET', this.#url, { headers, signal: this.#signal })).answer;
    } catch (error) {
      const isOther = error instanceof SourceRefusal && [412, 416].includes(error.status);
      throw this.#offset > 0 && isOther ? changed() : error;
    }
  }

  /** Throws `ChangedError` where the answer can't be the rest of the same bytes. */
  #check(answer: IncomingMessage): void {
    const { 'content-encoding': coding, 'content-range': range, etag } = answer.headers;
    if (coding !== undefined && coding !== 'identity') throw changed();
    if (this.#offset === 0) {
      if (answer.statusCode !== 200) throw changed();
      this.#validator = validatorOf(answer);
      return;
    }
    const [, start, size] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(range ?? '') ?? [];
    if (answer.statusCode !== 206 || Number(start) !== this.#offset) throw changed();
    if (this.#size !== null && size !== '*' && Number(size) !== this.#size) throw changed();
    if (this.#validator!.startsWith('"') && etag !== undefined && etag !== this.#validator) throw changed();
  }
}

function changed(): ChangedError {
  return new ChangedError('The file is not what the listing says.');
}

/**
 * What `If-Range` takes: an ETag that isn't weak, or a date that was a second old at least when it was said
 * (RFC 9110 §8.8.2.2, §13.1.5). Null: nothing says that later bytes belong to the same file.
 */
function validatorOf({ headers }: Pick<IncomingMessage, 'headers'>): string | null {
  const { etag, date, 'last-modified': modified } = headers;
  if (etag?.startsWith('"')) return etag;
  if (modified === undefined || date === undefined) return null;
  return Date.parse(date) - Date.parse(modified) >= 1000 ? modified : null;
}
