import type { IncomingMessage } from 'node:http';
import { checkNewName, type DrivePath } from '../../drive/names.js';
import type { FolderRow, NewFile, NewFolder } from '../../stores/import-store.js';
import { RetryableError } from '../back-off.js';
import { decoderFor, LISTING_REQUEST, type ListedResource, ListingError, ListingParser } from './listing-parser.js';
import type { SourceClient } from './source-client.js';
import { decodeName, isSame, memberName } from './source-paths.js';

/** Members that go to the database at once. */
const PAGE = 200;
/** Of one listing: half a million members. */
const LISTING_BYTES_MAX = 256 * 1024 * 1024;
/** Below the root, in bytes of UTF-8: as long as a path of Linux may be. Firn takes 256 names in one. */
const TARGET_BYTES_MAX = 4096;
const TARGET_NAMES_MAX = 250;
/** Of a member that is left out, for the report. */
const SHOWN_MAX = 1024;
/** What a kDrive's root shows beside the drive's own folder, in the languages of its users. */
const TRASH_NAMES = new Set(['Trash', 'Papierkorb', 'Corbeille', 'Cestino', 'Papelera']);

const UNKNOWN = { size: null, modified: null, etag: null, checksum: null, stamp: '' };

export interface ListedMembers {
  readonly folders: NewFolder[];
  readonly files: NewFile[];
}

/** The members of a folder, page by page, as they come. Throws what `SourceClient.send` does. */
export async function* listFolder(
  client: SourceClient,
  root: URL,
  folder: FolderRow,
  signal: AbortSignal,
): AsyncGenerator<ListedMembers> {
  let page: ListedMembers = { folders: [], files: [] };
  // A redirect may lead elsewhere, and the hrefs are of there.
  const { url, resources } = await listed(client, new URL(`${root.href}${folder.href}`), '1', signal);
  let elsewhere = 0;
  let isFound = false;
  for await (const resource of resources) {
    const segment = memberName(resource.href, url);
    isFound ||= segment !== null || isSame(resource.href, url);
    if (segment === null) {
      elsewhere++;
      continue;
    }
    addMember(page, folder, segment, resource);
    if (page.folders.length + page.files.length < PAGE) continue;
    yield page;
    page = { folders: [], files: [] };
  }
  // Taken for empty, all that was imported before would look deleted.
  if (elsewhere > 0 && !isFound) throw new RetryableError(notBelowText(url));
  yield page;
}

export function notBelowText({ pathname }: URL): string {
  return `The source lists addresses that do not lie below ${pathname}.`;
}

/** Whether a drive's own address may be meant: a host of its own, or Firn's address by path. */
export function isDriveRoot({ pathname }: URL): boolean {
  return pathname === '/' || /^\/dav\/\d+\/$/.test(pathname);
}

/**
 * The root of a kDrive shows the drive's folder and its trash: of these two the first is meant, without its name. The
 * other is reported: it might be somebody's own folder. Other members are given back as they are.
 */
export function withoutTrash(members: ListedMembers): ListedMembers {
  const { folders, files } = members;
  if (files.length > 0 || folders.length !== 2) return members;
  const trash = folders.find(({ target }) => TRASH_NAMES.has(target));
  const drive = folders.find((folder) => folder !== trash);
  if (!trash || !drive) return members;
  return { folders: [{ ...drive, target: '' }], files: [{ ...UNKNOWN, ...trash, refusal: 'trash' }] };
}

function addMember(page: ListedMembers, folder: FolderRow, segment: string, listed: ListedResource): void {
  const name = decodeName(segment).normalize('NFC');
  const target = folder.target === '' ? name : `${folder.target}/${name}`;
  const refusal = refusalOf(name, target);
  if (listed.isCollection && refusal === null) {
    page.folders.push({ href: `${folder.href}${segment}/`, target });
    return;
  }
  const { size, modified, etag, checksum, isCollection } = listed;
  page.files.push({
    href: `${folder.href}${refusal === 'name' ? segment.slice(0, SHOWN_MAX) : segment}${isCollection ? '/' : ''}`,
    target: refusal === 'name' ? target.slice(0, folder.target.length + SHOWN_MAX) : target,
    size,
    modified: modified === null ? null : Math.floor(modified / 1000) * 1000,
    etag,
    checksum,
    stamp: etag === null && modified === null ? '' : JSON.stringify([etag, size, modified]),
    refusal,
  });
}

function refusalOf(name: string, target: string): string | null {
  try {
    checkNewName(name);
  } catch {
    return 'name';
  }
  const isTooDeep = Buffer.byteLength(target) > TARGET_BYTES_MAX || target.split('/').length > TARGET_NAMES_MAX;
  return isTooDeep ? 'depth' : null;
}

/** A listing as it comes, and the address that gave it, with a slash at the end. Throws what `SourceClient.send` does. */
export async function listed(
  client: SourceClient,
  folder: URL,
  depth: '0' | '1',
  signal: AbortSignal,
): Promise<{ readonly url: URL; readonly resources: AsyncGenerator<ListedResource> }> {
  const headers = { Depth: depth, 'Content-Type': 'application/xml; charset=utf-8', Accept: '*/*' };
  const { answer, url: at } = await client.send('PROPFIND', folder, { headers, body: LISTING_REQUEST, signal });
  const url = new URL(at);
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return { url, resources: parsed(answer, signal) };
}

/** The resources of a multistatus as it comes. Throws `ListingError`, also where it is larger than `bytesMax`. */
export async function* readListing(
  body: AsyncIterable<Uint8Array>,
  contentType: string | undefined,
  { bytesMax = LISTING_BYTES_MAX } = {},
): AsyncGenerator<ListedResource> {
  const parser = new ListingParser();
  let decoder: ReturnType<typeof decoderFor> | null = null;
  let left = bytesMax;
  for await (const chunk of body) {
    left -= chunk.length;
    if (left < 0) throw new ListingError(`The source's listing of one folder has more than ${bytesMax} bytes.`);
    decoder ??= decoderFor(contentType, chunk);
    yield* parser.write(decoder.decode(chunk, { stream: true }));
  }
  parser.end();
}

async function* parsed(answer: IncomingMessage, signal: AbortSignal): AsyncGenerator<ListedResource> {
  try {
    yield* readListing(answer as AsyncIterable<Buffer>, answer.headers['content-type']);
  } catch (error) {
    if (signal.aborted || !(error instanceof Error)) throw error;
    if (error instanceof ListingError) throw new RetryableError(error.message, { cause: error });
    throw new RetryableError(`The listing broke off: ${error.message}`, { cause: error });
  } finally {
    answer.destroy();
  }
}

export function toPath(target: string): DrivePath {
  return target === '' ? [] : target.split('/');
}
