import { Readable } from 'node:stream';
import type { Drive } from '../../drive/drive.js';
import { DriveError } from '../../drive/drive-error.js';
import { Listing } from '../../drive/listing.js';
import type { Resource } from '../../drive/resource.js';
import { turns } from '../../drive/turns.js';
import { HttpError } from '../../http-error.js';
import type { ContentRow } from '../../stores/metadata-store.js';
import type { ByteRange } from '../../stores/values.js';
import { type ConditionSource, type Conditions, checkConditions, checkRead, readConditions } from '../conditions.js';
import { contentTypeOf } from '../content-type.js';
import { evaluateConditional, ifRangeMatches } from '../headers/conditional.js';
import { formatHttpDate } from '../headers/http-date.js';
import { contentRange, parseRange, type RangeRequest } from '../headers/range.js';
import { type DavRequest, type DavResponse, headerOf, hrefOf, readResource, respond } from '../request.js';
import { escapeAttribute, escapeText } from '../xml/serialize-xml.js';

/** What keeps an uploaded page from running in a browser on this server's origin. */
const SAFE: Readonly<Record<string, string>> = {
  'Content-Security-Policy': "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; media-src 'self'",
  'X-Content-Type-Options': 'nosniff',
  // Pages elsewhere can't show it with the password that the browser knows.
  'Cross-Origin-Resource-Policy': 'same-origin',
};

/** GET and HEAD, RFC 9110 §9.3.1, §13, §14. A collection answers with a plain index (client-requirements R29). */
export function get(request: DavRequest): Promise<DavResponse> {
  return read(request, (resource, headers) => index(request, resource, headers));
}

/** A file that is wanted, at whichever door. */
export type FileRequest = ConditionSource & Pick<DavRequest, 'path' | 'isFolderUrl'>;

/** As `get`, for who doesn't want a collection's index. Throws `DriveError` `is-a-collection`. */
export function getFile(request: FileRequest): Promise<DavResponse> {
  return read(request, () => {
    throw new DriveError('is-a-collection', 'This is a folder; it has no content.');
  });
}

async function read(
  request: FileRequest,
  ofCollection: (resource: Resource, headers: Record<string, string>) => DavResponse,
): Promise<DavResponse> {
  const conditions = await readConditions(request);
  const { outcome, ...opened } = await (conditions.ifLists.length > 0
    ? findIf(request, conditions)
    : findKept(request));
  const { resource } = opened;
  if (resource.isCollection && outcome === 'proceed') return ofCollection(resource, headersOf(resource));
  return answerContent(request, opened, outcome);
}

type Outcome = { readonly outcome: 'proceed' | 'not-modified' };

/** Under a condition on locks or other resources. */
function findIf(request: FileRequest, conditions: Conditions): Promise<Opened & Outcome> {
  return request.drive.read(async (snapshot) => {
    const found = await snapshot.find(request.path, { withContent: withContent(request) });
    const resource = readResource(request, found);
    return { resource, content: found.content, outcome: await checkConditions(request, conditions, snapshot, found) };
  });
}

async function findKept(request: FileRequest): Promise<Opened & Outcome> {
  const { drive, path } = request;
  const withContents = withContent(request);
  const found = await drive.kept({ key: `file ${withContents}\n${path.join('/')}`, withContents }, async () => {
    const { resource, content } = await drive.read((snapshot) => snapshot.find(path, { withContent: withContents }));
    return { value: { resource, content }, bytes: resource && bytesToKeep(content) };
  });
  const resource = readResource(request, found);
  return { resource, content: found.content, outcome: checkRead(request, resource) };
}

function withContent({ method }: FileRequest): boolean {
  return method === 'GET';
}

/** Null for a content whose bytes are elsewhere: to read them costs more than to find them. */
function bytesToKeep(content: ContentRow | null): number | null {
  if (content === null) return 0;
  return content.bytes === null ? null : content.bytes.length;
}

/** As `getFile`, for what lies in no tree; conditions speak of it alone. Throws `HttpError` 412 and 416. */
export async function getContent(request: FileRequest, file: Opened): Promise<DavResponse> {
  const { etag, modified } = file.resource;
  const { method, headers } = request;
  const lastModifiedSeconds = Math.floor(modified / 1000);
  const outcome = evaluateConditional({ method, headers, etag, lastModifiedSeconds });
  if (outcome === 'precondition-failed') throw new HttpError(412, 'This is not what you have read before.');
  return answerContent(request, file, outcome);
}

interface Opened {
  readonly resource: Resource;
  readonly content: ContentRow | null;
}

function headersOf(resource: Resource): Record<string, string> {
  return {
    ETag: resource.etag,
    'Last-Modified': formatHttpDate(resource.modified),
    'Cache-Control': 'private, no-cache',
    ...SAFE,
  };
}

async function answerContent(
  request: FileRequest,
  { resource, content }: Opened,
  outcome: 'proceed' | 'not-modified',
): Promise<DavResponse> {
  const headers = headersOf(resource);
  if (outcome === 'not-modified') return respond(304, headers);
  headers['Accept-Ranges'] = 'bytes';
  headers['Content-Type'] = contentTypeOf(resource.name);
  const checksum = checksumHeader(content);
  if (checksum) headers['OC-Checksum'] = checksum;
  const range = wantedRange(request, resource);
  switch (range.kind) {
    case 'unsatisfiable':
      throw new HttpError(416, 'The file has no such part.', {
        headers: { 'Content-Range': contentRange(null, resource.size) },
      });
    case 'all':
      headers['Content-Length'] = String(resource.size);
      return respond(200, headers, request.method === 'GET' ? await open(request.drive, content) : null);
    case 'ranges':
      return partial(request.drive, content!, headers, range.ranges, resource.size);
  }
}

/** Ranges are for GET alone (RFC 9110 §14.2). */
function wantedRange(request: FileRequest, resource: Resource): RangeRequest {
  const value = request.method === 'GET' ? headerOf(request, 'range') : undefined;
  if (value === undefined) return { kind: 'all' };
  const ifRange = headerOf(request, 'if-range');
  if (ifRange !== undefined && !ifRangeMatches(ifRange, resource.etag, Math.floor(resource.modified / 1000))) {
    return { kind: 'all' };
  }
  return parseRange(value, resource.size);
}

async function open(drive: Drive, content: ContentRow | null, range?: ByteRange): Promise<DavResponse['body']> {
  if (!content) throw new Error('a file has no content row');
  return content.size === 0 ? null : drive.open(content, range);
}

async function partial(
  drive: Drive,
  content: ContentRow,
  headers: Record<string, string>,
  ranges: readonly ByteRange[],
  size: number,
): Promise<DavResponse> {
  const [only] = ranges;
  if (only && ranges.length === 1) {
    headers['Content-Range'] = contentRange(only, size);
    headers['Content-Length'] = String(only.end - only.start + 1);
    return respond(206, headers, await open(drive, content, only));
  }
  const boundary = `firn-${crypto.randomUUID()}`;
  const type = headers['Content-Type']!;
  const heads = ranges.map(
    (range) => `\r\n--${boundary}\r\nContent-Type: ${type}\r\nContent-Range: ${contentRange(range, size)}\r\n\r\n`,
  );
  const tail = `\r\n--${boundary}--\r\n`;
  const bytes = ranges.reduce((sum, range) => sum + range.end - range.start + 1, 0);
  const text = heads.reduce((sum, head) => sum + head.length, tail.length);
  headers['Content-Type'] = `multipart/byteranges; boundary=${boundary}`;
  headers['Content-Length'] = String(bytes + text);
  const parts = async function* () {
    for (const [index, range] of ranges.entries()) {
      yield heads[index]!;
      const part = await drive.open(content, range);
      if (part instanceof Uint8Array) yield part;
      else yield* part;
    }
    yield tail;
  };
  return respond(206, headers, Readable.from(parts(), { objectMode: false }));
}

/** ownCloud's desktop client checks it on downloads; only what a client sent is known (client-requirements R11). */
function checksumHeader(content: ContentRow | null): string | null {
  if (content?.sha1) return `SHA1:${content.sha1}`;
  return content?.md5 ? `MD5:${content.md5}` : null;
}

function index(request: DavRequest, top: Resource, headers: Record<string, string>): DavResponse {
  headers['Content-Type'] = 'text/html; charset=utf-8';
  if (request.method === 'HEAD') return respond(200, headers);
  const page = async function* () {
    const title = escapeText(top.name);
    yield `<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>${title}</title><h1>${title}</h1>\n<ul>\n`;
    const listing = new Listing(top, { isDeep: false });
    for (;;) {
      await turns.next();
      const members = await request.drive.read((snapshot) => listing.next(snapshot));
      if (!members) break;
      yield members.map((member) => indexLine(request, member)).join('');
    }
    yield '</ul>\n</html>\n';
  };
  return respond(200, headers, Readable.from(page(), { objectMode: false }));
}

function indexLine(request: DavRequest, { path, name, isCollection, size, modified }: Resource): string {
  const href = escapeAttribute(hrefOf(request, path, isCollection));
  const facts = isCollection ? '' : ` ${size} bytes, ${formatHttpDate(modified)}`;
  return `<li><a href="${href}">${escapeText(name)}${isCollection ? '/' : ''}</a>${facts}</li>\n`;
}
