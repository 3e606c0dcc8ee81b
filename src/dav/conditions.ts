import { locksCovering } from '../drive/locks/locks.js';
import { findVacatedLocks, isAt } from '../drive/locks/vacated-locks.js';
import type { DrivePath } from '../drive/names.js';
import type { Permit } from '../drive/permit.js';
import type { Found, Resource } from '../drive/resource.js';
import type { Snapshot } from '../drive/snapshot.js';
import { mayFollow, syncToken } from '../drive/sync/sync-token.js';
import { HttpError } from '../http-error.js';
import { evaluateConditional } from './headers/conditional.js';
import { parseDestination } from './headers/destination.js';
import { evaluateIf, type IfList, type IfState, parseIf, resourcesOf, tokensOf } from './headers/if-header.js';
import { parseLockToken } from './headers/lock-token.js';
import { type DavRequest, headerOf } from './request.js';

/** Resources that one `If` header may speak of: each is a look-up inside the transaction. */
const IF_RESOURCES_MAX = 64;

/** The conditions of a request, read once; they are evaluated before the body is taken and again at the commit. */
export interface Conditions {
  readonly ifLists: readonly IfList[];
  /** Paths on this drive of the resources that tagged lists name. */
  readonly paths: ReadonlyMap<string, DrivePath>;
  /** Lock tokens that the request submits (RFC 4918 §10.4.1). */
  readonly tokens: ReadonlySet<string>;
}

/** What conditions are read from. */
export type ConditionSource = Pick<DavRequest, 'method' | 'headers' | 'url' | 'drive' | 'locate'>;

/** Reads `If` and, of clients that send it alone (client-requirements R6), `Lock-Token`. Throws `HttpError` 400. */
export async function readConditions(request: ConditionSource): Promise<Conditions> {
  const ifHeader = headerOf(request, 'if');
  const tokens = new Set<string>();
  const lockToken = headerOf(request, 'lock-token');
  if (lockToken !== undefined && request.method !== 'UNLOCK') tokens.add(parseLockToken(lockToken));
  if (ifHeader === undefined) return { ifLists: [], paths: new Map(), tokens };
  const ifLists = parseIf(ifHeader);
  for (const token of tokensOf(ifLists)) tokens.add(token);
  const resources = resourcesOf(ifLists);
  if (resources.length > IF_RESOURCES_MAX) throw new HttpError(400, 'The If header names too many resources.');
  const paths = new Map<string, DrivePath>();
  for (const resource of resources) {
    if (resource === null) continue;
    const { host, path } = parseDestination(resource, request.url);
    const target = await request.locate(host, path);
    if (target?.drive?.membership.driveId === request.drive.membership.driveId) paths.set(resource, target.path);
  }
  return { ifLists, paths, tokens };
}

/** The tokens and conditions of a request, as the drive's verbs take them. Throws as `readConditions`. */
export async function readPermit(request: ConditionSource): Promise<Required<Permit>> {
  const conditions = await readConditions(request);
  return {
    tokens: conditions.tokens,
    check: (snapshot, found, to) => checkConditions(request, conditions, snapshot, found, to),
  };
}

/**
 * Evaluates RFC 9110 §13 and RFC 4918 §10.4 on what is there at this moment. Throws `HttpError` 412; tells whether a GET
 * is to be answered 304. `destination` is that of a COPY or MOVE.
 */
export async function checkConditions(
  request: Pick<DavRequest, 'method' | 'headers'>,
  conditions: Conditions,
  snapshot: Snapshot,
  found: Found,
  destination: Found | null = null,
): Promise<'proceed' | 'not-modified'> {
  if (conditions.ifLists.length > 0) await checkIf(conditions, snapshot, found, destination);
  if (!hasConditionals(request)) return 'proceed';
  const { resource } = found;
  const hides = resource !== null && (await isPlaceholder(request, conditions, snapshot, found));
  return checkHeaders(request, resource, hides);
}

/** As `checkConditions`, for a request that only reads and has no `If`: nothing but the resource is looked at. */
export function checkRead(
  request: Pick<DavRequest, 'method' | 'headers'>,
  resource: Resource,
): 'proceed' | 'not-modified' {
  return hasConditionals(request) ? checkHeaders(request, resource, false) : 'proceed';
}

function checkHeaders(
  { method, headers }: Pick<DavRequest, 'method' | 'headers'>,
  resource: Resource | null,
  hides: boolean,
): 'proceed' | 'not-modified' {
  const result = evaluateConditional({
    method,
    headers,
    etag: hides ? null : (resource?.etag ?? null),
    lastModifiedSeconds: resource ? Math.floor(resource.modified / 1000) : null,
  });
  if (result === 'precondition-failed') {
    throw new HttpError(412, failedSentence(headers, resource !== null));
  }
  return result;
}

function failedSentence(headers: DavRequest['headers'], isThere: boolean): string {
  if (!isThere) return 'This is no longer there: somebody has deleted, moved or renamed it.';
  if (headers['if-none-match']?.trim() === '*') return 'There is a file or folder of that name already.';
  return 'Somebody has changed this since you read it. Read it again before you save.';
}

/** Whether the answer depends on the headers that `checkConditions` looks at. */
export function isConditional(request: Pick<DavRequest, 'headers'>, { ifLists }: Conditions): boolean {
  return ifLists.length > 0 || hasConditionals(request);
}

function hasConditionals({ headers }: Pick<DavRequest, 'headers'>): boolean {
  return (
    headers['if-match'] !== undefined ||
    headers['if-none-match'] !== undefined ||
    headers['if-modified-since'] !== undefined ||
    headers['if-unmodified-since'] !== undefined
  );
}

/**
 * Whether this is the empty file that a LOCK of the same client has made (RFC 4918 §7.3): davfs2 1.6 then sends
 * `If-None-Match: *` and means "unless somebody else was first" (client-requirements R5).
 */
async function isPlaceholder(
  request: Pick<DavRequest, 'method' | 'headers'>,
  conditions: Conditions,
  snapshot: Snapshot,
  found: Found,
): Promise<boolean> {
  if (request.method !== 'PUT' || found.resource?.size !== 0 || headerOf(request, 'if-none-match')?.trim() !== '*') {
    return false;
  }
  const locks = await locksCovering(snapshot, found);
  return locks.some(({ lock }) => lock.nodeId === found.resource?.node?.id && conditions.tokens.has(lock.token));
}

/** What is at each resource that the header names; undefined for one elsewhere. */
type NamedResources = ReadonlyMap<string | null, Found | undefined>;

async function checkIf(
  conditions: Conditions,
  snapshot: Snapshot,
  found: Found,
  destination: Found | null,
): Promise<void> {
  const named = new Map<string | null, Found | undefined>();
  const states = new Map<string | null, IfState | null>();
  for (const resource of resourcesOf(conditions.ifLists)) {
    const path = resource === null ? null : conditions.paths.get(resource);
    const at = path === null ? found : path && (await snapshot.find(path));
    named.set(resource, at);
    states.set(resource, at ? await stateOf(snapshot, at) : null);
  }
  const holds = () => evaluateIf(conditions.ifLists, (resource) => states.get(resource) ?? null);
  if (holds()) return;
  for (const [resource, tokens] of await furtherTokens(conditions, snapshot, named, destination)) {
    const state = states.get(resource);
    if (state) states.set(resource, { ...state, stateTokens: [...state.stateTokens, ...tokens] });
  }
  if (!holds())
    throw new HttpError(
      412,
      'The lock or the version that you relied on is no longer there. Read it again before you save.',
    );
}

/**
 * Tokens that make a condition true at second sight: of locks whose file the client has just moved away to put another in
 * its place, and, in lists without a tag, of the destination. RFC 2518 §9.4.1.1 had such lists speak of every resource of
 * the method, and so do programs of its time (Office; client-requirements 4.2).
 */
async function furtherTokens(
  conditions: Conditions,
  snapshot: Snapshot,
  named: NamedResources,
  destination: Found | null,
): Promise<Map<string | null, string[]>> {
  const vacated = await findVacatedLocks(snapshot, conditions.tokens);
  const vacatedAt = (at: Found) => vacated.filter((lock) => isAt(lock, at)).map(({ token }) => token);
  const further = new Map<string | null, string[]>();
  for (const [resource, at] of named) if (at) further.set(resource, vacatedAt(at));
  if (destination && named.has(null)) {
    const { stateTokens } = await stateOf(snapshot, destination);
    further.get(null)!.push(...stateTokens, ...vacatedAt(destination));
  }
  return further;
}

/** A folder's sync token is a state token of it, too (RFC 6578 §5). */
async function stateOf(snapshot: Snapshot, found: Found): Promise<IfState> {
  const { resource } = found;
  const locks = await locksCovering(snapshot, found);
  const stateTokens: string[] = locks.map(({ lock }) => lock.token);
  if (resource && mayFollow(resource)) stateTokens.push(syncToken(resource, snapshot.membership));
  return { etag: resource?.etag ?? null, stateTokens };
}
