import { Listing } from '../../drive/listing.js';
import { turns } from '../../drive/turns.js';
import { checkConditions, readConditions } from '../conditions.js';
import { parseDepth } from '../headers/depth.js';
import { prefersMinimal, wantsDepthNoroot } from '../headers/prefer.js';
import { MultistatusPages, NOTHING, respondPages } from '../properties/multistatus-pages.js';
import { readSelection } from '../properties/property-selection.js';
import { freeBytes, prepareAnswer } from '../properties/resource-page.js';
import { type DavRequest, type DavResponse, headerOf, readResource } from '../request.js';
import { MULTISTATUS_CONTENT_TYPE } from '../xml/multistatus.js';
import { XML_BODY_BYTES_MAX } from '../xml/parse-xml.js';

/**
 * PROPFIND, RFC 4918 §9.1. Members are read and sent page by page: an answer that fits a page has a length, a longer
 * one streams, and while a slow client reads nothing is held.
 */
export async function propfind(request: DavRequest): Promise<DavResponse> {
  const depth = parseDepth(headerOf(request, 'depth'), 'infinity');
  const body = await request.body.readAtMost(XML_BODY_BYTES_MAX);
  const isMinimal = prefersMinimal(request.headers);
  const selection = readSelection(body, headerOf(request, 'content-type'), {
    isMinimal,
    isLean: isFromWindows(request),
    withQuota: request.isCloud,
  });
  const conditions = await readConditions(request);
  const free = await freeBytes(request, selection);
  if (depth !== '0') await turns.enter();
  const pages = await request.drive.read(async (snapshot) => {
    const found = await snapshot.find(request.path);
    const resource = readResource(request, found);
    await checkConditions(request, conditions, snapshot, found);
    const withMembers = depth !== '0';
    const answer = await prepareAnswer(request, selection, snapshot, found, { free, withMembers });
    const isNoroot = withMembers && resource.isCollection && wantsDepthNoroot(request.headers);
    const members =
      withMembers && resource.isCollection ? new Listing(resource, { isDeep: depth === 'infinity' }) : NOTHING;
    return new MultistatusPages(answer, members, isNoroot ? [] : [resource]).begin(snapshot);
  });
  const headers = {
    'Content-Type': MULTISTATUS_CONTENT_TYPE,
    ...(isMinimal ? { 'Preference-Applied': 'return=minimal' } : {}),
  };
  return respondPages(headers, pages);
}

/**
 * Windows' redirector takes listings of up to 1,000,000 bytes, and asks for all properties (client-requirements R38).
 */
function isFromWindows(request: DavRequest): boolean {
  return /^Microsoft-WebDAV-MiniRedir\//.test(headerOf(request, 'user-agent') ?? '');
}
