import { checkNewName, type DrivePath } from '../../drive/names.js';
import type { FolderRow, NewFile, NewFolder } from '../../stores/import-store.js';
import { PassingError } from '../back-off.js';
import { decoderFor, LISTING_REQUEST, type ListedResource, ListingError, ListingParser } from './listing-parser.js';
import type { SourceClient } from './source-client.js';
import { decodeName, memberName } from './source-paths.js';

/** Members that go to the database at once. */
const PAGE = 200;
/** What a kDrive's root shows beside the drive's own folder, in the languages of its users. */
const TRASH_NAMES = new Set(['Trash', 'Papierkorb', 'Corbeille', 'Cestino', 'Papelera']);

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
  const url = new URL(root.href.replace(/\/$/, `/${folder.href}`));
  let page: ListedMembers = { folders: [], files: [] };
  for await (const listed of responses(client, url, signal)) {
    const segment = memberName(listed.href, url);
    if (segment === null) continue;
    addMember(page, folder, segment, listed);
    if (page.folders.length + page.files.length < PAGE) continue;
    yield page;
    page = { folders: [], files: [] };
  }
  yield page;
}

/** The root of a kDrive shows the drive's folder and its trash: of these two the first is meant, without its name. */
export function withoutTrash({ folders, files }: ListedMembers): NewFolder | null {
  if (files.length > 0 || folders.length !== 2) return null;
  const trash = folders.find(({ target }) => TRASH_NAMES.has(target));
  const drive = folders.find((folder) => folder !== trash);
  return trash && drive ? { ...drive, target: '' } : null;
}

function addMember(page: ListedMembers, folder: FolderRow, segment: string, listed: ListedResource): void {
  const name = decodeName(segment).normalize('NFC');
  const target = folder.target === '' ? name : `${folder.target}/${name}`;
  const refusal = refusalOf(name);
  if (listed.isCollection && refusal === null) {
    page.folders.push({ href: `${folder.href}${segment}/`, target });
    return;
  }
  const { size, modified, etag, checksum, isCollection } = listed;
  page.files.push({
    href: `${folder.href}${segment}${isCollection ? '/' : ''}`,
    target,
    size,
    modified: modified === null ? null : Math.floor(modified / 1000) * 1000,
    etag,
    checksum,
    stamp: JSON.stringify([etag, size, modified]),
    refusal,
  });
}

function refusalOf(name: string): string | null {
  try {
    checkNewName(name);
    return null;
  } catch {
    return 'name';
  }
}

async function* responses(client: SourceClient, url: URL, signal: AbortSignal): AsyncGenerator<ListedResource> {
  const headers = { Depth: '1', 'Content-Type': 'application/xml; charset=utf-8', Accept: '*/*' };
  const { answer } = await client.send('PROPFIND', url, { headers, body: LISTING_REQUEST, signal });
  const parser = new ListingParser();
  let decoder: ReturnType<typeof decoderFor> | null = null;
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      decoder ??= decoderFor(answer.headers['content-type'], chunk);
      yield* parser.write(decoder.decode(chunk, { stream: true }));
    }
    parser.end();
  } catch (error) {
    if (signal.aborted || !(error instanceof Error)) throw error;
    if (error instanceof ListingError) throw new PassingError(error.message, { cause: error });
    throw new PassingError(`The listing broke off: ${error.message}`, { cause: error });
  } finally {
    answer.destroy();
  }
}

export function toPath(target: string): DrivePath {
  return target === '' ? [] : target.split('/');
}
