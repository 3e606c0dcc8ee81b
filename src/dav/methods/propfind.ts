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
  const answer = mayBeKept ? await keptAnswer(request, question) : await workOut(request, question);
  const headers = {
    'Content-Type': MULTISTATUS_CONTENT_TYPE,
    ...(isMinimal ? { 'Preference-Applied': 'return=minimal' } : {}),
  };
  return respond(207, headers, takeBody(answer));
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

/** Made for this request. */
interface FreshAnswer {
  body: Uint8Array | Pages | null;
  readonly quota: AnswerQuota | null;
  readonly isLocked: boolean;
}

/**
 * The body, which a fresh answer has no more then: promises of a request that waited for its turn are old to V8, and would keep
 * it until the next full collection (decision 0021).
 */
function takeBody(answer: PropfindAnswer | FreshAnswer): Uint8Array | Pages {
  const { body } = answer;
  if ('isLocked' in answer) answer.body = null;
  return body!;
}

function keptAnswer(request: DavRequest, question: Question): Promise<PropfindAnswer | FreshAnswer> {
  const { depth, selection, isNoroot, free } = question;
  const { base, root, path, spelling, isFolderUrl, isCloud } = request;
  const asked = [depth, selection.id, isNoroot, isFolderUrl, isCloud, isQuotaHidden(request)].join(' ');
  return request.drive.kept<PropfindAnswer | FreshAnswer>(
    {
      key: `propfind ${asked}\n${base}\n${root.join('/')}\n${spelling}\n${path.join('/')}`,
      withContents: selection.needsDigests,
      holds: ({ quota }) => quota === null || availableBytes(quota.left, free) === quota.available,
    },
    async () => {
      const answer = await workOut(request, question);
      const isWhole = answer.body instanceof Uint8Array;
      // What is left of a lock's time is another each second; of many pages none is here yet.
      const bytes = answer.isLocked || !isWhole ? null : (answer.body as Uint8Array).length;
      return { value: answer, bytes, toKeep: () => copyOf(answer) };
    },
  );
}

function copyOf({ body, quota }: FreshAnswer): PropfindAnswer {
  const bytes = body as Uint8Array;
  return { body: isTight(bytes) ? bytes : new Uint8Array(bytes), quota };
}

/** Whether what it was made in isn't much larger. */
function isTight({ length, buffer }: Uint8Array): boolean {
  return length > KEPT_AS_IT_IS_BYTES && length > 0.8 * buffer.byteLength;
}

async function workOut(
  request: DavRequest,
  { depth, selection, isNoroot, conditions, free }: Question,
): Promise<FreshAnswer> {
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
