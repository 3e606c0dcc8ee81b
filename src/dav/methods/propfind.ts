import { Listing, PAGE_MEMBERS } from '../../drive/listing.js';
import { locksCovering, type PlacedLock } from '../../drive/locks.js';
import { COMMON_NAME } from '../../drive/names.js';
import { roomOf } from '../../drive/quota.js';
import type { Found, Resource } from '../../drive/resource.js';
import type { Snapshot } from '../../drive/snapshot.js';
import type { PropertyRow } from '../../stores/drive-store.js';
import type { BlobId, NodeId } from '../../stores/values.js';
import { checkConditions, readConditions } from '../conditions.js';
import { parseDepth } from '../headers/depth.js';
import { prefersMinimal, wantsDepthNoroot } from '../headers/prefer.js';
import type { PropertyFacts } from '../properties/live-properties.js';
import { type PropertySelection, readSelection } from '../properties/property-selection.js';
import {
  type DavRequest,
  type DavResponse,
  existing,
  HrefWriter,
  headerOf,
  hrefOf,
  Pages,
  respond,
} from '../request.js';
import { TextBytes } from '../text-bytes.js';
import { MULTISTATUS_CLOSE, MULTISTATUS_CONTENT_TYPE, MULTISTATUS_OPEN } from '../xml/multistatus.js';
import { XML_BODY_BYTES_MAX } from '../xml/parse-xml.js';

/** A usual member of a usual answer, in bytes. */
const BYTES_A_MEMBER = 700;

/** What holds for a whole answer. */
interface Answer {
  readonly request: DavRequest;
  readonly selection: PropertySelection;
  readonly locks: readonly PlacedLock[];
  readonly quota: PropertyFacts['quota'];
}

/**
 * PROPFIND, RFC 4918 §9.1. Members are read and sent page by page: an answer that fits a page has a length, a longer
 * one streams, and while a slow client reads nothing is held.
 */
export async function propfind(request: DavRequest): Promise<DavResponse> {
  const depth = parseDepth(headerOf(request, 'depth'), 'infinity');
  const body = await request.body.readXml(XML_BODY_BYTES_MAX);
  const isMinimal = prefersMinimal(request.headers);
  const selection = readSelection(body, headerOf(request, 'content-type'), { isMinimal });
  const conditions = await readConditions(request);
  const free = selection.needsQuota && !isQuotaHidden(request) ? await request.drive.parts.contents.freeBytes() : null;
  const first = await request.drive.read(async (snapshot) => {
    const found = await snapshot.find(request.path);
    const resource = existing(request, found);
    await checkConditions(request, conditions, snapshot, found);
    const answer: Answer = {
      request,
      selection,
      locks: selection.needsLocks ? await locksOf(snapshot, found, depth !== '0') : [],
      quota: await quotaOf(snapshot, found, { request, selection, free }),
    };
    const isNoroot = depth !== '0' && wantsDepthNoroot(request.headers);
    if (depth === '0' || !resource.isCollection) {
      return { answer, text: await renderAll(snapshot, answer, [resource]), listing: null };
    }
    const listing = new Listing(resource, { isDeep: depth === 'infinity' });
    const members = (await listing.next(snapshot)) ?? [];
    const page = isNoroot ? members : [resource, ...members];
    if (listing.isDone) return { answer, text: await renderAll(snapshot, answer, page), listing: null };
    return { answer, text: await render(snapshot, answer, page, MULTISTATUS_OPEN, ''), listing };
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
  const bytes = new TextBytes(PAGE_MEMBERS * BYTES_A_MEMBER);
  while (!listing.isDone) {
    yield await answer.request.drive.read(async (snapshot) => {
      const members = (await listing.next(snapshot)) ?? [];
      bytes.clear();
      return render(snapshot, answer, members, '', listing.isDone ? MULTISTATUS_CLOSE : '', bytes);
    });
  }
}

function renderAll(snapshot: Snapshot, answer: Answer, resources: readonly Resource[]): Promise<Uint8Array> {
  return render(snapshot, answer, resources, MULTISTATUS_OPEN, MULTISTATUS_CLOSE);
}

async function render(
  snapshot: Snapshot,
  answer: Answer,
  resources: readonly Resource[],
  before: string,
  after: string,
  bytes = new TextBytes(1024 + resources.length * BYTES_A_MEMBER),
): Promise<Uint8Array> {
  const { request, selection } = answer;
  const facts: PropertyFacts = {
    now: snapshot.now,
    membership: snapshot.membership,
    quota: answer.quota,
    locks: answer.locks,
    dead: selection.needsDead ? await deadProperties(snapshot, resources) : new Map(),
    digests: selection.needsDigests ? await snapshot.view.digests(blobIds(resources)) : new Map(),
    hrefOf: (path, isCollection) => hrefOf(request, path, isCollection),
  };
  const hrefs = new HrefWriter(request);
  bytes.append(before);
  for (const resource of resources) {
    bytes.append(selection.render(hrefs.write(resource.path, resource.isCollection), resource, facts));
  }
  bytes.append(after);
  return bytes.take();
}

async function deadProperties(
  snapshot: Snapshot,
  resources: readonly Resource[],
): Promise<ReadonlyMap<NodeId, readonly PropertyRow[]>> {
  const nodes = resources.flatMap(({ node }) => (node?.hasProperties ? [node.id] : []));
  if (nodes.length === 0) return new Map();
  const byNode = new Map<NodeId, PropertyRow[]>();
  for (const row of await snapshot.view.properties(nodes)) {
    const rows = byNode.get(row.nodeId);
    if (rows) rows.push(row);
    else byNode.set(row.nodeId, [row]);
  }
  return byNode;
}

function blobIds(resources: readonly Resource[]): BlobId[] {
  return resources.flatMap(({ node }) => (node?.blobId ? [node.blobId] : []));
}

/** Locks that cover the resource, and those below where members are listed too; their number bounds the work. */
async function locksOf(snapshot: Snapshot, found: Found, withMembers: boolean): Promise<PlacedLock[]> {
  const locks = await locksCovering(snapshot, found);
  const resource = found.resource!;
  if (!withMembers || !resource.isCollection) return locks;
  const tops: { id: NodeId; path: readonly string[] }[] = resource.node
    ? [{ id: resource.node.id, path: resource.path }]
    : [];
  if (resource.kind === 'root' || resource.kind === 'home') {
    for (const folder of resource.kind === 'root' ? await snapshot.rootFolders() : [resource]) {
      if (folder.kind !== 'home') continue;
      if (resource.kind === 'root') tops.push({ id: snapshot.membership.homeId, path: folder.path });
      const common = await snapshot.common([...folder.path, COMMON_NAME]);
      tops.push({ id: snapshot.membership.commonId, path: common.path });
    }
  }
  for (const { id, path } of tops) {
    const below = await snapshot.view.locksBelow(id, snapshot.now);
    for (const lock of below) locks.push({ lock, path: [...path, ...lock.path] });
  }
  return locks;
}

/** One for a whole answer: that of the resource asked for. */
async function quotaOf(
  snapshot: Snapshot,
  found: Found,
  { request, selection, free }: { request: DavRequest; selection: PropertySelection; free: number | null },
): Promise<PropertyFacts['quota']> {
  if (!selection.needsQuota || isQuotaHidden(request)) return null;
  const isCommon = found.space === 'common' || found.resource?.kind === 'common';
  const room = await roomOf(snapshot, isCommon ? 'common' : 'home');
  const available = Math.min(room.left, free ?? Infinity);
  return { used: room.used, available: Number.isFinite(available) ? available : null };
}

function isQuotaHidden(request: DavRequest): boolean {
  return request.options.isQuotaHiddenFromFinder && /^WebDAVFS\//.test(headerOf(request, 'user-agent') ?? '');
}
