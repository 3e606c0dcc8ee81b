import { FavoriteListing } from '../../drive/favorites.js';
import type { Resource } from '../../drive/resource.js';
import type { Snapshot } from '../../drive/snapshot.js';
import { nextPage, SYNC_PAGE_MAX, type SyncPage } from '../../drive/sync/sync-page.js';
import { cursorAtStart, findCursor, mayFollow, syncToken } from '../../drive/sync/sync-token.js';
import { turns } from '../../drive/turns.js';
import { HttpError } from '../../http-error.js';
import { checkConditions, readConditions } from '../conditions.js';
import { parseDepth } from '../headers/depth.js';
import { prefersMinimal } from '../headers/prefer.js';
import {
  type Gone,
  MemberList,
  type MemberSource,
  MultistatusPages,
  respondPages,
} from '../properties/multistatus-pages.js';
import { PropertySelection } from '../properties/property-selection.js';
import { freeBytes, prepareAnswer } from '../properties/resource-page.js';
import { type DavRequest, type DavResponse, headerOf, hrefOf, readResource } from '../request.js';
import { OWNCLOUD_NAMESPACE, readFilterFiles } from '../xml/filter-files-request.js';
import { MULTISTATUS_CONTENT_TYPE, responseWithStatus } from '../xml/multistatus.js';
import { parseXml, XML_BODY_BYTES_MAX } from '../xml/parse-xml.js';
import type { PropertyName } from '../xml/property-name.js';
import { readSyncCollection, type SyncCollectionRequest } from '../xml/sync-collection-request.js';
import { DAV_NAMESPACE, type XmlElement } from '../xml/xml-element.js';

/** REPORT, RFC 3253 §3.6: `sync-collection`, RFC 6578, and ownCloud's `filter-files`. */
export async function report(request: DavRequest): Promise<DavResponse> {
  const body = await request.body.readAtMost(XML_BODY_BYTES_MAX);
  if (!body) throw new HttpError(400, 'A REPORT needs a body that says which.');
  const element = parseXml(body, headerOf(request, 'content-type'));
  if (element.namespace === DAV_NAMESPACE && element.name === 'sync-collection')
    return syncCollection(request, element);
  if (element.namespace === OWNCLOUD_NAMESPACE && element.name === 'filter-files') return filterFiles(request, element);
  const options = { condition: 'supported-report' } as const;
  // Nextcloud's and ownCloud's programs take no for an answer as a method that isn't there.
  const status = element.namespace === DAV_NAMESPACE ? 403 : 501;
  throw new HttpError(status, 'Of the reports there are sync-collection (RFC 6578) and oc:filter-files here.', options);
}

/** ownCloud's: the favourites below a folder, which its and Nextcloud's apps show as a list. */
async function filterFiles(request: DavRequest, element: XmlElement): Promise<DavResponse> {
  return reportOn(request, readFilterFiles(element), async (_snapshot, folder) => ({
    members: new FavoriteListing(folder),
    after: '',
  }));
}

/** The frame of a report on a folder: the properties that it asks for of the members that `look` finds, page by page. */
async function reportOn(
  request: DavRequest,
  properties: readonly PropertyName[],
  look: (snapshot: Snapshot, folder: Resource) => Promise<{ members: MemberSource; after: string }>,
): Promise<DavResponse> {
  const isMinimal = prefersMinimal(request.headers);
  const selection = new PropertySelection({ kind: 'prop', properties }, { isMinimal });
  const conditions = await readConditions(request);
  const free = await freeBytes(request, selection);
  await turns.enter();
  const pages = await request.drive.read(async (snapshot) => {
    const found = await snapshot.find(request.path);
    const folder = readResource(request, found);
    await checkConditions(request, conditions, snapshot, found);
    checkFolder(folder);
    const [answer, { members, after }] = await Promise.all([
      prepareAnswer(request, selection, snapshot, found, { free, withMembers: true }),
      look(snapshot, folder),
    ]);
    return new MultistatusPages(answer, members, [], after).begin(snapshot);
  });
  return respondPages(headersOf(isMinimal), pages);
}

/** Throws `HttpError` 403 for what has no members. */
function checkFolder(resource: Resource): void {
  if (!mayFollow(resource)) {
    throw new HttpError(403, 'A file has no members to report on.', { condition: 'supported-report' });
  }
}

function headersOf(isMinimal: boolean): Record<string, string> {
  return {
    'Content-Type': MULTISTATUS_CONTENT_TYPE,
    ...(isMinimal ? { 'Preference-Applied': 'return=minimal' } : {}),
  };
}

/**
 * RFC 6578 §3: what changed in a collection since a token. An answer holds one page of it, so its size and work are
 * bounded; where there is more it says so (§3.6), and its token goes on from there.
 */
async function syncCollection(request: DavRequest, element: XmlElement): Promise<DavResponse> {
  // §3.2: of other depths it isn't defined; a missing header means 0.
  if (parseDepth(headerOf(request, 'depth'), '0') !== '0') {
    throw new HttpError(400, 'A sync-collection report takes Depth 0: its sync-level says how deep it goes.');
  }
  const wanted = readSyncCollection(element);
  return reportOn(request, wanted.properties, async (snapshot, folder) => {
    const cursor = wanted.token === '' ? cursorAtStart(folder) : await findCursor(snapshot, folder, wanted.token);
    if (!cursor) {
      throw new HttpError(403, 'This sync-token is not valid here any more: begin again with an empty one.', {
        condition: 'valid-sync-token',
      });
    }
    const page = await nextPage(snapshot, folder, cursor, { isDeep: wanted.isDeep, limit: limitOf(wanted) });
    const token = syncToken(folder, snapshot.membership, page.cursor);
    const members = new MemberList([...page.removed.map(goneOf), ...page.changed]);
    return { members, after: after(request, page, token) };
  });
}

function limitOf({ limit }: SyncCollectionRequest): number {
  return Math.min(limit ?? SYNC_PAGE_MAX, SYNC_PAGE_MAX);
}

/** What is gone comes first: a name may be somebody else's by now. */
function goneOf({ path, isCollection }: SyncPage['removed'][number]): Gone {
  return { kind: 'gone', path, isCollection };
}

function after(request: DavRequest, { isComplete }: SyncPage, token: string): string {
  const top = hrefOf(request, request.path, true);
  const more = isComplete ? '' : responseWithStatus(top, 507, 'number-of-matches-within-limits');
  return `${more}<D:sync-token>${token}</D:sync-token>`;
}
