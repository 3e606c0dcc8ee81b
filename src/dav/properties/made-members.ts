import type { Snapshot } from '../../drive/snapshot.js';
import { type Depth, parseDepth } from '../headers/depth.js';
import { type DavRequest, type DavResponse, headerOf } from '../request.js';
import { MULTISTATUS_CONTENT_TYPE } from '../xml/multistatus.js';
import { XML_BODY_BYTES_MAX } from '../xml/parse-xml.js';
import { type Member, MemberList, MultistatusPages, respondPages } from './multistatus-pages.js';
import { type PropertySelection, readSelection } from './property-selection.js';
import { plainAnswer } from './resource-page.js';

/** What a PROPFIND asks of members that are no files of the drive. Rejects with `HttpError`. */
export async function readPropfind(request: DavRequest): Promise<{ depth: Depth; selection: PropertySelection }> {
  const depth = parseDepth(headerOf(request, 'depth'), 'infinity');
  const body = await request.body.readAtMost(XML_BODY_BYTES_MAX);
  return { depth, selection: readSelection(body, headerOf(request, 'content-type'), { isMinimal: false }) };
}

/** 207 with the members that `find` returns, all of them in memory. */
export async function respondMembers(
  request: DavRequest,
  selection: PropertySelection,
  find: (snapshot: Snapshot) => Promise<readonly Member[]>,
): Promise<DavResponse> {
  const pages = await request.drive.read(async (snapshot) =>
    new MultistatusPages(plainAnswer(request, selection), new MemberList(await find(snapshot))).begin(snapshot),
  );
  return respondPages({ 'Content-Type': MULTISTATUS_CONTENT_TYPE }, pages);
}
