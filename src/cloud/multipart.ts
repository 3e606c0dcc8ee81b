import { isUtf8 } from 'node:buffer';
import { HttpError } from '../http-error.js';
import { readWhole } from '../stores/values.js';

/** Bytes of one part's headers: a path of 16 KiB and a little more. */
const HEADERS_BYTES_MAX = 32 * 1024;

/** One part of a `multipart/related` body. Its bytes are to be read before the next part is asked for. */
export interface Part {
  /** Names in lower case; values are UTF-8. */
  readonly headers: ReadonlyMap<string, string>;
  /** Bytes of the part, as its `Content-Length` says. */
  readonly size: number;
  /** The bytes. Throws `HttpError` 400 when fewer come, or more than that stand before the next boundary. */
  read(): AsyncGenerator<Uint8Array, void, undefined>;
}

/**
 * Reads a body of parts that all say their `Content-Length`, as Nextcloud's desktop program sends them, so no boundary is
 * searched for in the bytes. `contentType` is the request's. Throws `HttpError` 400 for anything else.
 */
export async function* readParts(
  source: AsyncIterable<Uint8Array>,
  contentType: string | undefined,
): AsyncGenerator<Part, void, undefined> {
  const delimiter = `--${boundaryOf(contentType)}`;
  const reader = new ByteReader(source);
  let line = await firstLine(reader);
  while (line !== `${delimiter}--`) {
    if (line !== delimiter) throw malformed('a part does not begin with its boundary');
    const headers = await readHeaders(reader);
    const size = readWhole(headers.get('content-length') ?? '');
    if (size === null) throw malformed('a part has no Content-Length');
    let rest = size;
    let next: string | null = null;
    const read = async function* () {
      while (rest > 0) {
        const chunk = await reader.take(rest);
        if (chunk === null) throw malformed('it ends in the middle of a part');
        rest -= chunk.length;
        yield chunk;
      }
      next ??= await delimiterAfter(reader, delimiter);
    };
    yield { headers, size, read };
    if (next === null) for await (const _ of read());
    line = next!;
  }
  // What may follow the last boundary says nothing; read, it leaves the connection for the next request.
  while (await reader.take(Number.MAX_SAFE_INTEGER));
}

/** Line ends may stand before the first boundary. */
async function firstLine(reader: ByteReader): Promise<string> {
  for (;;) {
    const line = await reader.line(HEADERS_BYTES_MAX);
    if (line === null) throw malformed('it ends without its last boundary');
    if (line !== '') return line;
  }
}

/** One line end belongs to the boundary; anything else is a part of another length than it said. */
async function delimiterAfter(reader: ByteReader, delimiter: string): Promise<string> {
  const rest = await reader.line(HEADERS_BYTES_MAX);
  const line = rest === '' ? await reader.line(HEADERS_BYTES_MAX) : rest;
  if (line === null) throw malformed('it ends without its last boundary');
  if (rest === '' && (line === delimiter || line === `${delimiter}--`)) return line;
  throw malformed('a part is longer than its Content-Length');
}

async function readHeaders(reader: ByteReader): Promise<Map<string, string>> {
  const headers = new Map<string, string>();
  for (let left = HEADERS_BYTES_MAX; ; ) {
    const line = await reader.line(left);
    if (line === null) throw malformed('it ends in the headers of a part');
    if (line === '') return headers;
    left -= line.length;
    const colon = line.indexOf(':');
    if (colon <= 0) throw malformed('a part has a header that is none');
    headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
}

function boundaryOf(contentType = ''): string {
  const [, quoted, plain] = /^multipart\/related\b.*;\s*boundary=(?:"([^"]+)"|([^\s;]+))/i.exec(contentType) ?? [];
  const boundary = quoted ?? plain;
  if (boundary === undefined) throw new HttpError(415, 'A bulk upload is multipart/related with a boundary.');
  return boundary;
}

function malformed(what: string): HttpError {
  return new HttpError(400, `This is not a bulk upload that can be read: ${what}.`);
}

/** A name that isn't UTF-8 would be stored as another one. */
function textOf(line: Buffer): string {
  if (!isUtf8(line)) throw malformed('a line is not UTF-8');
  return line.toString('utf8').replace(/\r$/, '');
}

/** Lines and bytes off a stream of chunks. */
class ByteReader {
  readonly #source: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array(0);

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** Up to `bytesMax` of what comes next; null at the end. */
  async take(bytesMax: number): Promise<Uint8Array | null> {
    if (!(await this.#fill())) return null;
    const taken = this.#chunk.subarray(0, bytesMax);
    this.#chunk = this.#chunk.subarray(taken.length);
    return taken;
  }

  /** A line without its end; null at the end of the stream. Throws `HttpError` 400 for one of more than `bytesMax`. */
  async line(bytesMax: number): Promise<string | null> {
    const parts: Uint8Array[] = [];
    let size = 0;
    while (await this.#fill()) {
      const end = this.#chunk.indexOf(0x0a);
      const part = this.#chunk.subarray(0, end < 0 ? undefined : end);
      parts.push(part);
      size += part.length;
      if (size > bytesMax) throw malformed('a line is too long');
      this.#chunk = this.#chunk.subarray(part.length + (end < 0 ? 0 : 1));
      if (end >= 0) return textOf(Buffer.concat(parts));
    }
    return null;
  }

  async #fill(): Promise<boolean> {
    while (this.#chunk.length === 0) {
      const next = await this.#source.next();
      if (next.done) return false;
      this.#chunk = next.value;
    }
    return true;
  }
}
