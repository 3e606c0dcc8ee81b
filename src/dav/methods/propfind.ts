import { Listing, PAGE_MEMBERS, STEP_MEMBERS } from '../../drive/listing.js';
import type { Resource } from '../../drive/resource.js';
import type { Snapshot } from '../../drive/snapshot.js';
import { turns } from '../../drive/turns.js';
import { checkConditions, readConditions } from '../conditions.js';
import { parseDepth } from '../headers/depth.js';
import { prefersMinimal, wantsDepthNoroot } from '../headers/prefer.js';
import { readSelection } from '../properties/property-selection.js';
import { type Answer, BYTES_A_MEMBER, freeBytes, prepareAnswer, renderPage } from '../properties/resource-page.js';
import { type DavRequest, type DavResponse, existing, headerOf, Pages, respond } from '../request.js';
import { TextBytes } from '../text-bytes.js';
import { MULTISTATUS_CLOSE, MULTISTATUS_CONTENT_TYPE, MULTISTATUS_OPEN } from '../xml/multistatus.js';
import { XML_BODY_BYTES_MAX } from '../xml/parse-xml.js';

/**
 * PROPFIND, RFC 4918 §9.1. Members are read and sent page by page: an answer that fits a page has a length, a longer
 * one streams, and while a slow client reads nothing is held.
 */
export async function propfind(request: DavRequest): Promise<DavResponse> {
  const depth = parseDepth(headerOf(request, 'depth'), 'infinity');
  const body = await request.body.readXml(XML_BODY_BYTES_MAX);
  const isMinimal = prefersMinimal(request.headers);
  const selection = readSelection(body, headerOf(request, 'content-type'), {
    isMinimal,
    isLean: isFromWindows(request),
  });
  const conditions = await readConditions(request);
  const free = await freeBytes(request, selection);
  if (depth !== '0') await turns.enter();
  const first = await request.drive.read(async (snapshot) => {
    const found = await snapshot.find(request.path);
    const resource = existing(request, found);
    await checkConditions(request, conditions, snapshot, found);
    const withMembers = depth !== '0';
    const answer = await prepareAnswer(request, selection, snapshot, found, { free, withMembers });
    const isNoroot = withMembers && wantsDepthNoroot(request.headers);
    if (!withMembers || !resource.isCollection) {
      return { answer, text: await renderAll(snapshot, answer, [resource]), listing: null };
    }
    const listing = new Listing(resource, { isDeep: depth === 'infinity' });
    const members = (await listing.next(snapshot, PAGE_MEMBERS)) ?? [];
    const page = isNoroot ? members : [resource, ...members];
    if (listing.isDone) return { answer, text: await renderAll(snapshot, answer, page), listing: null };
    return { answer, text: await renderPage(snapshot, answer, page, MULTISTATUS_OPEN, ''), listing };
  });
  const headers = {
    'Content-Type': MULTISTATUS_CONTENT_TYPE,
    ...(isMinimal ? { 'Preference-Applied': 'return=minimal' } : {}),
  };
  if (!first.listing) return respond(207, headers, first.text);
  return respond(207, headers, new Pages(streamPages(first.answer, first.text, first.listing)));
}

async function* streamPages(answer: Answer, first: Uint8Array, listing: Listing): AsyncGenerator<Uint8Array> {
  yield first;
  const bytes = new TextBytes(STEP_MEMBERS * BYTES_A_MEMBER);
  while (!listing.isDone) {
    yield await answer.request.drive.read(async (snapshot) => {
      const members = (await listing.next(snapshot)) ?? [];
      bytes.clear();
      return renderPage(snapshot, answer, members, '', listing.isDone ? MULTISTATUS_CLOSE : '', bytes);
    });
  }
}

function renderAll(snapshot: Snapshot, answer: Answer, resources: readonly Resource[]): Promise<Uint8Array> {
  return renderPage(snapshot, answer, resources, MULTISTATUS_OPEN, MULTISTATUS_CLOSE);
}

/** Windows' redirector takes listings of up to 1,000,000 bytes, and asks for all properties (CLIENTS R38). */
function isFromWindows(request: DavRequest): boolean {
  return /^Microsoft-WebDAV-MiniRedir\//.test(headerOf(request, 'user-agent') ?? '');
}
