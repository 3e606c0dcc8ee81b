import { dispatchFile } from '../cloud/chunked-put.js';
import { type CloudPlace, findCloudPlace } from '../cloud/cloud-paths.js';
import { findTree, isUser } from '../cloud/cloud-trees.js';
import { decodePath, encodeSegment } from '../dav/headers/path.js';
import { type DavOptions, type DavRequest, type DavResponse, respond, type Target } from '../dav/request.js';
import { isInPast, snapshots } from '../dav/snapshots.js';
import { Drive, type DriveDependencies } from '../drive/drive.js';
import { normalizePath } from '../drive/names.js';
import { HttpError } from '../http-error.js';
import type { Membership } from '../stores/account-store.js';
import type { DriveId } from '../stores/values.js';
import type { SignedIn, SignIn } from './authenticate.js';
import type { Answer, Context } from './context.js';
import { originOf } from './forwarded.js';
import { goneSignal } from './gone-signal.js';
import { HttpBody } from './http-body.js';
import type { DriveMount, MountOf, Mounts } from './mounts.js';
import { send } from './send.js';

export interface DavBridgeParts {
  readonly drives: DriveDependencies;
  readonly mounts: Mounts;
  readonly options: DavOptions;
}

/** How an address shows a drive: what `DavRequest` says of it. */
export type Address = Pick<DavRequest, 'base' | 'root' | 'path' | 'spelling' | 'isFolderUrl' | 'isCloud'>;

/** Whose request it is, and where it came in. */
export interface Visit {
  readonly who: SignedIn;
  readonly mount: DriveMount;
}

/** Answers at a drive's own addresses: from Koa's request to one of the protocol layer, and its answer to the socket. */
export function driveAnswer(parts: DavBridgeParts, signIn: SignIn): Answer<'drive'> {
  return async (context, mount) => {
    if (isLookingForTheWayIn(context, mount)) return send(context, wayIn());
    const who = await signIn(context, mount.driveId);
    const address = {
      base: mount.base,
      root: [],
      path: normalizePath(decodePath(mount.path)),
      spelling: mount.path,
      isFolderUrl: mount.path.endsWith('/'),
      isCloud: false,
    };
    const request = makeDavRequest(parts, context, { who, mount }, address);
    send(context, await (isInPast(address.path) ? snapshots(request) : dispatchFile(request)));
  };
}

/**
 * Nextcloud desktop (3.7 to 3.16), before anybody signs in: where the bare GET of the address that it was given is a 401
 * with Basic, it asks for user and password itself; else it opens its login flow's page in the browser. ownCloud's program,
 * of the same descent, has no such flow.
 */
function isLookingForTheWayIn({ method, req: { headers } }: Context, { path }: MountOf<'drive'>): boolean {
  if (method !== 'GET' || path !== '/' || headers.authorization !== undefined) return false;
  return /\bmirall\/\d(?!.*\bownCloud\b)/i.test(headers['user-agent'] ?? '');
}

function wayIn(): DavResponse {
  const headers = { 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store', Vary: 'User-Agent' };
  return respond(200, headers, 'This is a drive of a Firn server. Sign in by the page in your browser.\n');
}

/** A request as the protocol layer sees it. */
export function makeDavRequest(parts: DavBridgeParts, context: Context, visit: Visit, address: Address): DavRequest {
  const { credential, membership, access } = visit.who;
  // One by one: taking the rest of an object apart and together again took 5 % of a small GET.
  const { base, root, path, spelling, isFolderUrl, isCloud } = address;
  return {
    base,
    root,
    path,
    spelling,
    isFolderUrl,
    isCloud,
    origin: originOf(context.req),
    uploadsBase: `${prefixOf(visit.mount)}/remote.php/dav/uploads/${encodeSegment(membership.email)}/`,
    method: context.method,
    headers: context.req.headers,
    url: context.state.url,
    drive: new Drive(membership, credential, parts.drives, { access }),
    body: new HttpBody(context.req, context.res),
    signal: goneSignal(context.req, context.res),
    options: parts.options,
    locate: (host, path) => locate(parts, context, visit, host, path),
  };
}

/** What comes before `/remote.php` in the addresses of uploads. */
function prefixOf(mount: DriveMount): string {
  return mount.kind === 'drive' ? mount.base : mount.prefix;
}

/** Finds what an address in a header leads to, with the rights of the user who asks. */
async function locate(
  parts: DavBridgeParts,
  context: Context,
  visit: Visit,
  host: string | null,
  path: string,
): Promise<Target | null> {
  const here = { host: context.req.headers.host ?? '', mount: visit.mount, prefix: context.state.prefix };
  const target = parts.mounts.findTarget(here, host, path);
  if (!target) return null;
  const membership = await openDrive(parts, visit, target.driveId);
  if (target.kind === 'cloud') {
    return locateInCloud(parts, visit.who, membership, findCloudPlace(target.prefix, target.path));
  }
  const segments = normalizePath(decodePath(target.path));
  if (isInPast(segments)) throw new HttpError(403, 'Nothing can be put into the past.');
  return targetOf(parts, visit.who, membership, segments);
}

function locateInCloud(
  parts: DavBridgeParts,
  who: SignedIn,
  membership: Membership | null,
  place: CloudPlace,
): Target | null {
  if (place.kind !== 'files' && place.kind !== 'trash') return null;
  const tree = membership && isUser(place.user, membership) ? findTree(place, membership) : null;
  return targetOf(parts, who, tree && membership, tree?.path ?? []);
}

function targetOf(
  { drives }: DavBridgeParts,
  { credential }: SignedIn,
  membership: Membership | null,
  path: Target['path'],
): Target {
  return { drive: membership && new Drive(membership, credential, drives), path };
}

/** The membership on a drive; null for the own one where the request itself is for that, or where there is none. */
async function openDrive(
  { drives }: DavBridgeParts,
  { who, mount }: Visit,
  driveId: DriveId | null,
): Promise<Membership | null> {
  const isSame = driveId === null ? isForOwnDrive(mount) : driveId === who.membership.driveId;
  if (isSame) return who.membership;
  const { metadata, now } = drives;
  const { membership } = await metadata.readOne([], ({ accounts }) => accounts.access(who.credential, driveId, now()));
  return membership;
}

function isForOwnDrive(mount: DriveMount): boolean {
  return mount.kind === 'cloud' && mount.driveId === null;
}
