import { dispatch } from '../dav/dispatch.js';
import { PATH_SEGMENTS_MAX } from '../dav/headers/path.js';
import { type DavRequest, type DavResponse, headerOf, respond } from '../dav/request.js';
import { isAccessLost } from '../drive/drive-error.js';
import { normalizePath } from '../drive/names.js';
import { HttpError } from '../http-error.js';
import { type Part, readParts } from './multipart.js';

/** Files of one request. Nextcloud's desktop program 3.7 sends up to 100. */
const FILES_MAX = 1000;
/** Contents kept in memory until they are stored together, in bytes: many commits share one sync then. */
const TOGETHER_BYTES_MAX = 4 * 1024 * 1024;
/** What a part may say of its own file; Nextcloud's desktop program sends `If-Match` with each that it has changed. */
const CONDITIONS = ['if', 'if-match', 'if-none-match', 'if-unmodified-since'];

interface Result {
  readonly error: boolean;
  readonly [name: string]: string | boolean;
}

/**
 * Nextcloud's bulk upload (capability `dav.bulkupload` 1.0, desktop 3.7): a POST of many small files, each stored as a
 * PUT of its own would be. A file that is refused has its reason in the answer, the others are stored.
 */
export async function bulkUpload(request: DavRequest): Promise<DavResponse> {
  if (request.method !== 'POST') throw new HttpError(405, 'A bulk upload is a POST.', { headers: { Allow: 'POST' } });
  const results = new Map<string, Promise<Result>>();
  try {
    await takeParts(request, results);
  } finally {
    // Whatever the answer is, nothing of this request goes on after it.
    await Promise.allSettled(results.values());
  }
  const answer: [string, Result][] = [];
  for (const [name, result] of results) answer.push([name, await result]);
  const headers = { 'Content-Type': 'application/json; charset=utf-8' };
  return respond(200, headers, JSON.stringify(Object.fromEntries(answer)));
}

async function takeParts(request: DavRequest, results: Map<string, Promise<Result>>): Promise<void> {
  let waiting: Promise<Result>[] = [];
  let bytes = 0;
  for await (const part of readParts(request.body.chunks(), headerOf(request, 'content-type'))) {
    const name = part.headers.get('x-file-path') ?? '';
    if (name === '') throw new HttpError(400, 'A part of the bulk upload has no X-File-Path.');
    if (results.has(name)) throw new HttpError(400, 'Two parts of the bulk upload are for the same file.');
    if (results.size >= FILES_MAX) throw new HttpError(413, `A bulk upload has at most ${FILES_MAX} files.`);
    if (part.size > TOGETHER_BYTES_MAX) {
      results.set(name, Promise.resolve(await store(request, name, part, part.read())));
      continue;
    }
    const content: Uint8Array[] = [];
    for await (const chunk of part.read()) content.push(chunk);
    const result = store(request, name, part, content);
    // Heard when the answer is put together; the process must not end over it before.
    result.catch(() => undefined);
    results.set(name, result);
    waiting.push(result);
    bytes += part.size;
    if (bytes < TOGETHER_BYTES_MAX) continue;
    await Promise.all(waiting);
    waiting = [];
    bytes = 0;
  }
}

/** Never rejects for what is wrong with this file alone. */
async function store(
  request: DavRequest,
  name: string,
  part: Part,
  content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<Result> {
  try {
    const { headers } = await dispatch({ ...request, ...putOf(request, name, part, content) });
    const { ETag = '', 'OC-FileId': fileId = '', 'OC-Perm': permissions = '' } = headers;
    return { error: false, etag: ETag.replaceAll('"', ''), fileid: fileId, permissions };
  } catch (error) {
    if (!(error instanceof HttpError) || isAccessLost(error.cause)) throw error;
    return { error: true, message: error.message };
  }
}

function putOf(
  request: DavRequest,
  name: string,
  part: Part,
  content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Pick<DavRequest, 'method' | 'headers' | 'path' | 'spelling' | 'isFolderUrl' | 'body'> {
  const md5 = part.headers.get('x-file-md5');
  const mtime = part.headers.get('x-file-mtime') ?? part.headers.get('x-oc-mtime');
  const checksum = part.headers.get('oc-checksum') ?? (md5 === undefined ? undefined : `MD5:${md5}`);
  const conditions = CONDITIONS.flatMap((condition) => {
    const value = part.headers.get(condition);
    return value === undefined ? [] : [[condition, value]];
  });
  const segments = name.split('/').filter((segment) => segment !== '');
  if (segments.some((segment) => segment === '.' || segment === '..' || segment.includes('\0'))) {
    throw new HttpError(400, 'The path of a file in the bulk upload holds what no name may hold.');
  }
  if (segments.length > PATH_SEGMENTS_MAX) throw new HttpError(414, 'The path is too deep.');
  return {
    method: 'PUT',
    headers: {
      ...Object.fromEntries(conditions),
      ...(mtime === undefined ? {} : { 'x-oc-mtime': mtime }),
      ...(checksum === undefined ? {} : { 'oc-checksum': checksum }),
    },
    path: [...request.root, ...normalizePath(segments)],
    spelling: '',
    isFolderUrl: false,
    body: {
      size: part.size,
      chunks: async function* () {
        yield* content;
      },
      readAll: async () => {
        const chunks: Uint8Array[] = [];
        for await (const chunk of content) chunks.push(chunk);
        return Buffer.concat(chunks);
      },
      readAtMost: async () => null,
    },
  };
}
