import { readPermit } from '../dav/conditions.js';
import { toHttpError } from '../dav/drive-errors.js';
import { parseAnnouncedDigests } from '../dav/headers/digests.js';
import { parseOcMtime } from '../dav/headers/mtime.js';
import { PATH_SEGMENTS_MAX } from '../dav/headers/path.js';
import { cloudId, cloudPermissions } from '../dav/properties/live-properties.js';
import { type DavRequest, type DavResponse, headerOf, respond } from '../dav/request.js';
import { CLIENT_DIGESTS, type Incoming } from '../drive/contents.js';
import { isAccessLost } from '../drive/drive-error.js';
import { type DrivePath, normalizePath } from '../drive/names.js';
import type { BodyWish } from '../drive/write-file.js';
import { HttpError } from '../http-error.js';
import { type Part, readParts } from './multipart.js';

/** Files of one request. Nextcloud's desktop program 3.7 sends up to 100. */
const FILES_MAX = 1000;
/** Contents kept in memory until they are stored together, in bytes: many commits share one sync then. */
const TOGETHER_BYTES_MAX = 4 * 1024 * 1024;
/** What a part may say of its own file; Nextcloud's desktop program sends `If-Match` with each that it has changed. */
const CONDITIONS = ['if', 'if-match', 'if-none-match', 'if-unmodified-since'];

type Content = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

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
async function store(request: DavRequest, name: string, part: Part, content: Content): Promise<Result> {
  const { drive } = request;
  try {
    const { resource } = await drive.writeFile(
      pathOf(request, name),
      incoming(part, content),
      await wishOf(request, part),
    );
    const { membership } = drive;
    const etag = resource.etag.replaceAll('"', '');
    const permissions = cloudPermissions(resource, membership);
    return { error: false, etag, fileid: cloudId(resource, membership), permissions };
  } catch (error) {
    const known = isAccessLost(error) ? null : toHttpError(error, null);
    if (!known) throw error;
    return { error: true, message: known.message };
  }
}

/** Throws `HttpError` 400 and 414. */
function pathOf({ root }: DavRequest, name: string): DrivePath {
  const segments = name.split('/').filter((segment) => segment !== '');
  if (segments.some((segment) => segment === '.' || segment === '..' || segment.includes('\0'))) {
    throw new HttpError(400, 'The path of a file in the bulk upload holds what no name may hold.');
  }
  if (segments.length > PATH_SEGMENTS_MAX) throw new HttpError(414, 'The path is too deep.');
  return [...root, ...normalizePath(segments)];
}

/** What a part says of its file, as a PUT of its own would. */
async function wishOf({ url, drive, locate, signal }: DavRequest, { headers }: Part): Promise<BodyWish> {
  const md5 = headers.get('x-file-md5');
  const checksum = headers.get('oc-checksum') ?? (md5 === undefined ? undefined : `MD5:${md5}`);
  const conditions = CONDITIONS.flatMap((name) => {
    const value = headers.get(name);
    return value === undefined ? [] : [[name, value]];
  });
  return {
    permit: await readPermit({ method: 'PUT', headers: Object.fromEntries(conditions), url, drive, locate }),
    modified: parseOcMtime(headers.get('x-file-mtime') ?? headers.get('x-oc-mtime')),
    expected: {
      size: null,
      digests: checksum === undefined ? [] : parseAnnouncedDigests({ 'oc-checksum': checksum }),
      kept: checksum === undefined ? [] : CLIENT_DIGESTS,
    },
    signal,
  };
}

function incoming({ size }: Part, content: Content): Incoming {
  return {
    size,
    chunks: async function* () {
      yield* content;
    },
    readAll: async () => {
      const chunks: Uint8Array[] = [];
      for await (const chunk of content) chunks.push(chunk);
      return Buffer.concat(chunks);
    },
  };
}
