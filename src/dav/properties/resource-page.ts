import { locksAround, locksCovering } from '../../drive/locks/locks.js';
import { PROPERTIES_BYTES_MAX } from '../../drive/properties.js';
import { roomOf } from '../../drive/quota.js';
import type { Found, Resource } from '../../drive/resource.js';
import type { Snapshot } from '../../drive/snapshot.js';
import type { PropertyRow } from '../../stores/metadata-store.js';
import type { NodeId } from '../../stores/values.js';
import { type DavRequest, HrefWriter, headerOf, hrefOf } from '../request.js';
import type { TextBytes } from '../text-bytes.js';
import { responseWithStatus } from '../xml/multistatus.js';
import { propertyKey } from '../xml/property-name.js';
import type { PropertyFacts } from './live-properties.js';
import { LockIndex } from './lock-index.js';
import type { Member } from './multistatus-pages.js';
import type { PropertySelection } from './property-selection.js';

export interface AnswerQuota extends NonNullable<PropertyFacts['quota']> {
  /** Bytes that fit under the quotas, whatever the disk has. */
  readonly left: number;
}

/** What holds for a whole answer that shows properties of resources. */
export interface Answer {
  readonly request: DavRequest;
  readonly selection: PropertySelection;
  readonly locks: LockIndex;
  readonly quota: AnswerQuota | null;
  readonly restoration: number | null;
}

/**
 * Gathers what an answer about `found` needs. `free`: see `freeBytes`. `withMembers`: members of what was found are
 * shown as well.
 */
export async function prepareAnswer(
  request: DavRequest,
  selection: PropertySelection,
  snapshot: Snapshot,
  found: Found,
  { free, withMembers }: { readonly free: number | null; readonly withMembers: boolean },
): Promise<Answer> {
  const [locks, quota, restoration] = await Promise.all([
    selection.needsLocks ? (withMembers ? locksAround : locksCovering)(snapshot, found) : [],
    quotaOf(snapshot, found, { request, selection, free }),
    selection.needsRestoration ? snapshot.lastRestoration() : null,
  ]);
  return { request, selection, locks: new LockIndex(locks), quota, restoration };
}

/** For an answer about what has neither locks nor quota. */
export function plainAnswer(request: DavRequest, selection: PropertySelection): Answer {
  return { request, selection, locks: new LockIndex([]), quota: null, restoration: null };
}

/** Room on the server's disk, where the answer needs it; asked for before the snapshot, which waits for nothing else. */
export async function freeBytes(request: DavRequest, selection: PropertySelection): Promise<number | null> {
  return selection.needsQuota && !isQuotaHidden(request) ? request.drive.freeBytes() : null;
}

/**
 * Appends the members' responses until the page has `bytesMax`; one at least. Returns how many. A statement for each need.
 * `isFirst`: nothing came before them.
 */
export async function renderMembers(
  snapshot: Snapshot,
  answer: Answer,
  members: readonly Member[],
  { bytes, bytesMax, isFirst }: { readonly bytes: TextBytes; readonly bytesMax: number; readonly isFirst: boolean },
): Promise<number> {
  const { request, selection } = answer;
  const page = selection.needsDead ? membersOfPage(members, bytesMax) : members;
  const resources = page.filter((member) => member.kind !== 'gone');
  const [dead, digests] = await Promise.all([
    selection.needsDead ? deadProperties(snapshot, resources) : new Map(),
    selection.needsDigests ? snapshot.digests(resources) : new Map(),
  ]);
  const facts: PropertyFacts = {
    now: snapshot.now,
    membership: snapshot.membership,
    isPast: snapshot.moment !== null,
    quota: answer.quota,
    restoration: answer.restoration,
    locks: answer.locks,
    dead,
    digests,
    hrefOf: (path, isCollection) => hrefOf(request, path, isCollection),
  };
  const hrefs = new HrefWriter(request);
  let count = 0;
  for (const member of page) {
    const href = hrefs.write(member.path, member.isCollection);
    const text =
      member.kind === 'gone'
        ? responseWithStatus(href, 404)
        : selection.render(href, member, facts, isFirst && count === 0);
    bytes.append(text);
    count++;
    if (bytes.length > bytesMax) break;
  }
  return count;
}

/** As many of the members as have no more dead properties together than a page takes; one at least. */
function membersOfPage(members: readonly Member[], bytesMax: number): readonly Member[] {
  let bytes = 0;
  const end = members.findIndex((member, index) => {
    // Of a collection it is what everything below has as well.
    if (member.kind !== 'gone') bytes += Math.min(member.node?.propertyBytes ?? 0, PROPERTIES_BYTES_MAX);
    return index > 0 && bytes > bytesMax;
  });
  return end < 0 ? members : members.slice(0, end);
}

async function deadProperties(snapshot: Snapshot, resources: readonly Resource[]): Promise<PropertyFacts['dead']> {
  const byNode = new Map<NodeId, Map<string, PropertyRow>>();
  for (const row of await snapshot.deadProperties(resources)) {
    const rows = byNode.get(row.nodeId);
    if (rows) rows.set(propertyKey(row), row);
    else byNode.set(row.nodeId, new Map([[propertyKey(row), row]]));
  }
  return byNode;
}

/** One for a whole answer: that of the resource asked for. */
async function quotaOf(
  snapshot: Snapshot,
  found: Found,
  { request, selection, free }: { request: DavRequest; selection: PropertySelection; free: number | null },
): Promise<AnswerQuota | null> {
  if (!selection.needsQuota || isQuotaHidden(request)) return null;
  const isCommon = found.space === 'common' || found.resource?.kind === 'common';
  const room = await roomOf(snapshot, isCommon ? 'common' : 'home');
  return { ...room, available: availableBytes(room.left, free) };
}

/** What the quotas and the disk leave; null: nobody knows an end. */
export function availableBytes(left: number, free: number | null): number | null {
  const available = Math.min(left, free ?? Infinity);
  return Number.isFinite(available) ? available : null;
}

export function isQuotaHidden(request: DavRequest): boolean {
  return request.options.isQuotaHiddenFromFinder && /^WebDAVFS\//.test(headerOf(request, 'user-agent') ?? '');
}
