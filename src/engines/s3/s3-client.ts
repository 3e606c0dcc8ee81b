import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { errorOf, readText, S3Error, type S3Request, S3Sender, type S3Settings } from './s3-request.js';
import {
  type AnswerElement,
  completeBody,
  deleteBody,
  expectRoot,
  find,
  findAll,
  need,
  parseAnswer,
  S3AnswerError,
} from './s3-xml.js';

/** Names that a DeleteObjects takes, and that a page of a listing has. */
const PAGE = 1000;
/** When an object was stored, by the clock of the node that stored it: the server's own has seconds only. */
const STORED_AT = 'x-amz-meta-stored-at';

export interface S3Object {
  readonly key: string;
  readonly size: number;
  readonly storedAt: Date;
}

export interface OpenObject {
  readonly response: IncomingMessage;
  /** Of the whole object. */
  readonly size: number;
  readonly storedAt: Date;
}

export interface SendOptions {
  readonly signal?: AbortSignal | undefined;
  /** Sent once, where nothing depends on it. */
  readonly isRepeatable?: boolean;
}

/** The requests of S3 that Firn makes: no HEAD and no conditions, which servers answer in different ways. */
export class S3Client {
  readonly #sender: S3Sender;

  constructor(settings: S3Settings) {
    this.#sender = new S3Sender(settings);
  }

  get silenceMs(): number {
    return this.#sender.silenceMs;
  }

  close(): void {
    this.#sender.close();
  }

  /** Stores an object whole. The server compares it with its SHA-256 (hex), which is computed where it isn't given. */
  async put(key: string, body: readonly Uint8Array[], sha256?: string): Promise<void> {
    await this.#ask({ method: 'PUT', key, headers: timeHeader(), body, ...(sha256 ? { sha256 } : {}) });
  }

  /** Begins to read an object from `start` to `end`, inclusive; null where there is none of that name. */
  async get(key: string, range: { readonly start: number; readonly end: number } | null): Promise<OpenObject | null> {
    const headers: Record<string, string> = range ? { Range: `bytes=${range.start}-${range.end}` } : {};
    try {
      return await this.#sender.send({ method: 'GET', key, headers }, async (response) => openedAs(response, range));
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  }

  /** Size and time of an object, or null. A GET of one byte. */
  async stat(key: string): Promise<S3Object | null> {
    let found: OpenObject | null;
    try {
      found = await this.get(key, { start: 0, end: 0 });
    } catch (error) {
      // Nothing is in the range: it is empty.
      if (!(error instanceof S3Error) || error.status !== 416) throw error;
      found = await this.get(key, null);
    }
    if (!found) return null;
    found.response.resume();
    return { key, size: found.size, storedAt: found.storedAt };
  }

  /** Begins an upload in parts; its number. */
  async beginParts(key: string): Promise<string> {
    const answer = await this.#ask({ method: 'POST', key, query: { uploads: '' }, headers: timeHeader() });
    return need(expectRoot(parseAnswer(answer), 'InitiateMultipartUploadResult'), 'UploadId');
  }

  /** Stores a part (1 to 10,000); its ETag. */
  putPart(
    { key, uploadId, number }: { readonly key: string; readonly uploadId: string; readonly number: number },
    body: readonly Uint8Array[],
    sha256: string,
    options: SendOptions,
  ): Promise<string> {
    const query = { partNumber: String(number), uploadId };
    return this.#sender.send({ method: 'PUT', key, query, body, sha256, ...options }, async (response) => {
      await readNothingWrong(response);
      const { etag } = response.headers;
      if (!etag) throw new S3AnswerError('the object storage gave a part no ETag');
      return etag;
    });
  }

  /**
   * Makes the object of its parts. Tried again like others: where a former try was done after all and the upload is
   * unknown therefore, `size` tells by the object.
   */
  async completeParts(key: string, uploadId: string, etags: readonly string[], size: number): Promise<void> {
    const body = [Buffer.from(completeBody(etags))];
    try {
      const answer = await this.#ask({ method: 'POST', key, query: { uploadId }, body });
      expectRoot(parseAnswer(answer), 'CompleteMultipartUploadResult');
    } catch (error) {
      if (!(error instanceof S3Error) || error.code !== 'NoSuchUpload') throw error;
      if ((await this.stat(key))?.size !== size) throw error;
    }
  }

  /** Gives up an upload in parts, also where there is none. Never after `completeParts` was called. */
  async abortParts(key: string, uploadId: string): Promise<void> {
    try {
      await this.#ask({ method: 'DELETE', key, query: { uploadId } });
    } catch (error) {
      if (!(error instanceof S3Error) || error.status !== 404) throw error;
    }
  }

  /** Deletes objects, also those that aren't there. When it rejects, some may be gone. */
  async deleteAll(keys: readonly string[], options: SendOptions = {}): Promise<void> {
    for (let start = 0; start < keys.length; start += PAGE) {
      const body = [Buffer.from(deleteBody(keys.slice(start, start + PAGE)))];
      const headers = { 'Content-MD5': createHash('md5').update(body[0]!).digest('base64') };
      const request: S3Request = { method: 'POST', key: null, query: { delete: '' }, headers, body, ...options };
      const root = expectRoot(parseAnswer(await this.#ask(request)), 'DeleteResult');
      const failed = findAll(root, 'Error').find((each) => find(each, 'Code') !== 'NoSuchKey');
      if (failed) {
        const [code, message] = [find(failed, 'Code') ?? '', find(failed, 'Message') ?? ''];
        throw new S3Error(`the object storage did not delete an object: ${code}: ${message}`, 200, code);
      }
    }
  }

  /** All objects whose names begin with `prefix` and come after `after`, in order. Rejects where a page can't be had. */
  async *list(prefix: string, after = ''): AsyncGenerator<S3Object, void, undefined> {
    let more: Record<string, string> = after === '' ? {} : { 'start-after': after };
    for (let last = after; ; ) {
      const query = { 'list-type': '2', 'max-keys': String(PAGE), prefix, ...more };
      const page = await this.#listed(query, 'ListBucketResult');
      for (const found of findAll(page, 'Contents').map(objectOf)) {
        if (!found.key.startsWith(prefix) || found.key <= last) throw new S3AnswerError('a listing is out of order');
        last = found.key;
        yield found;
      }
      if (need(page, 'IsTruncated') !== 'true') return;
      more = { 'continuation-token': need(page, 'NextContinuationToken') };
    }
  }

  /** The uploads in parts that were begun and have not ended, of names that begin with `prefix`. */
  async *listParts(
    prefix: string,
  ): AsyncGenerator<{ readonly key: string; readonly uploadId: string }, void, undefined> {
    for (let marker: Record<string, string> = {}; ; ) {
      const page = await this.#listed({ uploads: '', prefix, ...marker }, 'ListMultipartUploadsResult');
      for (const upload of findAll(page, 'Upload')) {
        const key = need(upload, 'Key');
        if (key.startsWith(prefix)) yield { key, uploadId: need(upload, 'UploadId') };
      }
      if (need(page, 'IsTruncated') !== 'true') return;
      marker = { 'key-marker': need(page, 'NextKeyMarker'), 'upload-id-marker': need(page, 'NextUploadIdMarker') };
    }
  }

  #listed(query: Record<string, string>, name: string): Promise<AnswerElement> {
    const read = async (response: IncomingMessage) => expectRoot(parseAnswer(await readNothingWrong(response)), name);
    return this.#sender.send({ method: 'GET', key: null, query }, read);
  }

  #ask(request: S3Request): Promise<string> {
    return this.#sender.send(request, readNothingWrong);
  }
}

/** The body of an answer. Throws `S3Error` where it tells of an error although the status was 200. */
async function readNothingWrong(response: IncomingMessage): Promise<string> {
  const body = await readText(response);
  if (/<Error[\s>]/.test(body.slice(0, 500)) && parseAnswer(body).name === 'Error') throw errorOf(body, 200);
  return body;
}

/** Throws `S3AnswerError` where the answer isn't the part of an object that was asked for. */
function openedAs(
  response: IncomingMessage,
  range: { readonly start: number; readonly end: number } | null,
): OpenObject {
  const { statusCode: status, headers } = response;
  const length = Number(headers['content-length'] ?? Number.NaN);
  const storedAt = new Date(Number(headers[STORED_AT]) || Date.parse(headers['last-modified'] ?? ''));
  const part = /^bytes (\d+)-(\d+)\/(\d+)$/
    .exec(headers['content-range'] ?? '')
    ?.slice(1)
    .map(Number);
  if (range && status === 206 && part) {
    const [start, end, size] = part as [number, number, number];
    if (start === range.start && end === Math.min(range.end, size - 1) && length === end - start + 1) {
      return { response, size, storedAt };
    }
  } else if (status === 200 && Number.isSafeInteger(length) && isOfObject(headers)) {
    if (!range || (range.start === 0 && length === range.end + 1)) return { response, size: length, storedAt };
  }
  response.destroy();
  throw new S3AnswerError('the object storage sent another part than was asked for');
}

/** Whether an answer without a range is of an object that Firn stored. */
function isOfObject(headers: IncomingMessage['headers']): boolean {
  return headers[STORED_AT] !== undefined;
}

function isMissing(error: unknown): boolean {
  return error instanceof S3Error && error.code === 'NoSuchKey';
}

function objectOf(element: AnswerElement): S3Object {
  const [size, storedAt] = [Number(need(element, 'Size')), new Date(need(element, 'LastModified'))];
  if (!Number.isSafeInteger(size) || Number.isNaN(storedAt.getTime())) throw new S3AnswerError('a listing is damaged');
  return { key: need(element, 'Key'), size, storedAt };
}

function timeHeader(): Record<string, string> {
  return { [STORED_AT]: String(Date.now()) };
}
