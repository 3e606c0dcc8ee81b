import { Listing } from '../../drive/listing.js';
import { turns } from '../../drive/turns.js';
import { type Conditions, checkConditions, isConditional, readConditions } from '../conditions.js';
import { type Depth, parseDepth } from '../headers/depth.js';
import { prefersMinimal, wantsDepthNoroot } from '../headers/prefer.js';
import { bodyOf, MultistatusPages, NOTHING } from '../properties/multistatus-pages.js';
import { isRemembered, type PropertySelection, readSelection } from '../properties/property-selection.js';
import {
  type AnswerQuota,
  availableBytes,
  freeBytes,
  isQuotaHidden,
  prepareAnswer,
} from '../properties/resource-page.js';
import { type DavRequest, type DavResponse, headerOf, type Pages, readResource, respond } from '../request.js';
import { MULTISTATUS_CONTENT_TYPE } from '../xml/multistatus.js';
import { XML_BODY_BYTES_MAX } from '../xml/parse-xml.js';

/** Of what is shorter the memory is shared with others. */
const KEPT_AS_IT_IS_BYTES = 16 * 1024;

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
  const isNoroot = wantsDepthNoroot(request.headers);
  const question = { depth, selection, isNoroot, conditions, free: await freeBytes(request, selection) };
  const mayBeKept = isRemembered(body) && !isConditional(request, conditions);
  const { body: answer } = mayBeKept ? await keptAnswer(request, question) : await workOut(request, question);
  const headers = {
    'Content-Type': MULTISTATUS_CONTENT_TYPE,
    ...(isMinimal ? { 'Preference-Applied': 'return=minimal' } : {}),
  };
  return respond(207, headers, answer);
}

interface Question {
  readonly depth: Depth;
  readonly selection: PropertySelection;
  readonly isNoroot: boolean;
  readonly conditions: Conditions;
  /** See `freeBytes`. */
  readonly free: number | null;
}

interface PropfindAnswer {
  readonly body: Uint8Array | Pages;
  readonly quota: AnswerQuota | null;
}

function keptAnswer(request: DavRequest, question: Question): Promise<PropfindAnswer> {
  const { depth, selection, isNoroot, free } = question;
  const { base, root, path, spelling, isFolderUrl, isCloud } = request;
  const asked = [depth, selection.id, isNoroot, isFolderUrl, isCloud, isQuotaHidden(request)].join(' ');
  return request.drive.kept(
    {
      key: `propfind ${asked}\n${base}\n${root.join('/')}\n${spelling}\n${path.join('/')}`,
      withContents: selection.needsDigests,
      holds: ({ quota }) => quota === null || availableBytes(quota.left, free) === quota.available,
    },
    async () => {
      const { isLocked, ...answer } = await workOut(request, question);
      // What is left of a lock's time is another each second; of many pages none is here yet.
      if (isLocked || !(answer.body instanceof Uint8Array)) return { value: answer, bytes: null };
      const { body } = answer;
      const toKeep = () => ({ ...answer, body: isTight(body) ? body : new Uint8Array(body) });
      return { value: answer, bytes: body.length, toKeep };
    },
  );
}

/** Whether what it was made in isn't much larger. */
function isTight({ length, buffer }: Uint8Array): boolean {
  return length > KEPT_AS_IT_IS_BYTES && length > 0.8 * buffer.byteLength;
}

async function workOut(
  request: DavRequest,
  { depth, selection, isNoroot, conditions, free }: Question,
): Promise<PropfindAnswer & { readonly isLocked: boolean }> {
  const withMembers = depth !== '0';
  if (withMembers) await turns.enter();
  const pages = await request.drive.read(async (snapshot) => {
    const found = await snapshot.find(request.path);
    const resource = readResource(request, found);
    await checkConditions(request, conditions, snapshot, found);
    const answer = prepareAnswer(request, selection, snapshot, found, { free, withMembers });
    const isListed = withMembers && resource.isCollection;
    const members = isListed ? new Listing(resource, { isDeep: depth === 'infinity' }) : NOTHING;
    return new MultistatusPages(answer, members, isListed && isNoroot ? [] : [resource]).begin(snapshot);
  });
  const { locks, quota } = await pages.answer;
  return { body: bodyOf(pages), quota, isLocked: !locks.isEmpty };
}

/**
 * Windows' redirector takes listings of up to 1,000,000 bytes, and asks for all properties (client-requirements R38).
 */
function isFromWindows(request: DavRequest): boolean {
  return /^Microsoft-WebDAV-MiniRedir\//.test(headerOf(request, 'user-agent') ?? '');
}
