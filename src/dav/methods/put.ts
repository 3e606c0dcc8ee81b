import type { ReceivedContent } from '../../drive/contents.js';
import { DriveError } from '../../drive/drive-error.js';
import type { DriveTransaction } from '../../drive/drive-transaction.js';
import { checkPutTarget, spaceOf } from '../../drive/drive-transaction.js';
import { checkLocks } from '../../drive/locks/locks.js';
import { takeUpLocks } from '../../drive/locks/vacated-locks.js';
import type { DrivePath } from '../../drive/names.js';
import { checkRoom, roomOf } from '../../drive/quota.js';
import type { Found, Resource } from '../../drive/resource.js';
import type { Snapshot } from '../../drive/snapshot.js';
import { HttpError } from '../../http-error.js';
import { cloudHeaders } from '../cloud-headers.js';
import { type Conditions, checkConditions, readConditions } from '../conditions.js';
import { parseAnnouncedDigests } from '../headers/digests.js';
import { formatHttpDate } from '../headers/http-date.js';
import { parseOcMtime } from '../headers/mtime.js';
import { type DavRequest, type DavResponse, headerOf, respond } from '../request.js';

export const OWNCLOUD_DIGESTS = ['sha1', 'md5'] as const;

/** PUT, RFC 9110 §9.3.4 and RFC 4918 §9.7, with PRODUCT U1–U4. */
export async function put(request: DavRequest): Promise<DavResponse> {
  if (headerOf(request, 'content-range') !== undefined) {
    // RFC 9110 §14.4: storing a part as the whole file would destroy it (client-requirements R28).
    throw new HttpError(400, 'Parts of a file can not be uploaded: send the whole file.');
  }
  const { body, drive } = request;
  const expected = {
    size: announcedSize(request),
    digests: parseAnnouncedDigests(request.headers),
    // A client of ownCloud's kind that sends one asks for the other: rclone 1.60 sends SHA-1 and compares MD5.
    kept: headerOf(request, 'oc-checksum') === undefined ? [] : OWNCLOUD_DIGESTS,
  };
  const modified = parseOcMtime(headerOf(request, 'x-oc-mtime'));
  const created = parseOcMtime(headerOf(request, 'x-oc-ctime'));
  const conditions = await readConditions(request);
  const size = body.size ?? expected.size;
  if (size !== null) drive.checkSize(size);
  const isSmall = drive.parts.contents.isSmall(body.size) && request.headers.expect === undefined;
  // The body of a small upload is here already: the check at the commit comes soon enough.
  const room = isSmall
    ? Infinity
    : await drive.read((snapshot) => checkBeforeBody(request, conditions, snapshot, size));
  const content = await drive.receive(body, expected, room, request.signal);
  const written = await writeFile({ request, conditions, path: request.path, modified, created }, content);
  return respond(written.isNew ? 201 : 204, writtenHeaders(request, written.resource, modified));
}

/** A file that is to be made or given other content. */
export interface FileToWrite {
  /** Whose conditional headers count. */
  readonly request: DavRequest;
  readonly conditions: Conditions;
  readonly path: DrivePath;
  /** Milliseconds since 1970; null: now. */
  readonly modified: number | null;
  /** The same of its making; without it a new file is made now, and another keeps its time. */
  readonly created?: number | null;
}

export interface WrittenFile {
  readonly resource: Resource;
  readonly isNew: boolean;
}

/**
 * Makes the file of the content, in one transaction that checks conditions, locks, rights and quota again (PRODUCT U4) and
 * does `besides` as well. The content is given up in any case. Throws `HttpError` and `DriveError`.
 */
export function writeFile(
  { request, conditions, path, modified, created = null }: FileToWrite,
  content: ReceivedContent,
  besides: (changes: DriveTransaction) => Promise<void> = async () => {},
): Promise<WrittenFile> {
  return request.drive.writeContent(content, async (changes) => {
    await besides(changes);
    const found = await changes.find(path);
    await check(request, conditions, changes, found);
    const written = await changes.putFile(found, content, modified ?? undefined);
    await takeUpLocks(changes, found, written.resource.node!, conditions.tokens);
    if (created !== null) await changes.transaction.setTimes(written.resource.node!, { created });
    return written;
  });
}

/** What the answer to a written file says of it. */
export function writtenHeaders(
  request: DavRequest,
  resource: Resource,
  modified: number | null,
): Record<string, string> {
  return {
    ETag: resource.etag,
    ...cloudHeaders(request, resource),
    'Last-Modified': formatHttpDate(resource.modified),
    ...(modified === null ? {} : { 'X-OC-MTime': 'accepted' }),
    ...(headerOf(request, 'x-oc-ctime') ? { 'X-OC-CTime': 'accepted' } : {}),
  };
}

/**
 * Finds the place of a file that is to be written, and checks for it what `writeFile` will check again, but for the quota.
 * Throws `HttpError` and `DriveError`.
 */
export async function findWritable(
  { request, conditions, path }: Omit<FileToWrite, 'modified' | 'created'>,
  snapshot: Snapshot,
): Promise<Found> {
  const found = await snapshot.find(path);
  await check(request, conditions, snapshot, found);
  checkPutTarget(found, snapshot.membership);
  return found;
}

/** Gives how many bytes may come. */
async function checkBeforeBody(
  request: DavRequest,
  conditions: Conditions,
  snapshot: Snapshot,
  size: number | null,
): Promise<number> {
  const found = await findWritable({ request, conditions, path: request.path }, snapshot);
  const replaced = found.resource?.size ?? 0;
  if (size !== null) await checkRoom(snapshot, spaceOf(found), size - replaced);
  const { left } = await roomOf(snapshot, spaceOf(found));
  return left + replaced;
}

async function check(request: DavRequest, conditions: Conditions, snapshot: Snapshot, found: Found): Promise<void> {
  await checkConditions(request, conditions, snapshot, found);
  await checkLocks(snapshot, found, {
    tokens: conditions.tokens,
    changesSelf: found.resource !== null,
    changesParent: found.resource === null,
  });
}

/** The size that the client says it will send, beside `Content-Length`: Finder's and ownCloud's headers (PRODUCT U3). */
function announcedSize(request: DavRequest): number | null {
  let size: number | null = null;
  for (const name of ['x-expected-entity-length', 'oc-total-length']) {
    const text = headerOf(request, name)?.trim();
    if (text === undefined) continue;
    if (!/^\d{1,15}$/.test(text)) throw new HttpError(400, `The ${name} header must be a number of bytes.`);
    if (size !== null && size !== Number(text)) throw new HttpError(400, 'The announced sizes differ.');
    size = Number(text);
  }
  if (size !== null && request.body.size !== null && request.body.size !== size) {
    throw new DriveError('incomplete', 'The announced size and the Content-Length differ.');
  }
  return size;
}
