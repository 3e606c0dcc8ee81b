import type Koa from 'koa';
import { dispatchFile } from '../cloud/chunked-put.js';
import { type CloudPlace, findCloudPlace } from '../cloud/cloud-paths.js';
import { findTree, isUser } from '../cloud/cloud-trees.js';
import { decodePath, encodeSegment } from '../dav/headers/path.js';
import type { DavOptions, DavRequest, Target } from '../dav/request.js';
import { Drive, type DriveParts } from '../drive/drive.js';
import { normalizePath } from '../drive/names.js';
import type { AccountStore, Membership } from '../stores/account-store.js';
import type { DriveId } from '../stores/values.js';
import type { FirnState } from './context.js';
import { originOf } from './forwarded.js';
import { ClientGoneError, HttpBody } from './http-body.js';
import type { Mount, Mounts } from './mounts.js';
import { send } from './send.js';

export interface DavBridgeParts {
  readonly driveParts: DriveParts;
  readonly accounts: AccountStore;
  readonly mounts: Mounts;
  readonly options: DavOptions;
}

/** How an address shows a drive: what `DavRequest` says of it. */
export type Address = Pick<DavRequest, 'base' | 'root' | 'path' | 'spelling' | 'isFolderUrl' | 'isCloud'> & {
  /** What comes before `/remote.php` in the addresses of uploads. */
  readonly prefix: string;
};

/** From Koa's request to one of the protocol layer, and its answer back to the socket. */
export function davBridge(parts: DavBridgeParts): Koa.Middleware<FirnState> {
  return async (context, next) => {
    const { mount } = context.state;
    if (mount.kind !== 'drive') return next();
    const address = {
      base: mount.base,
      root: [],
      path: normalizePath(decodePath(mount.path)),
      spelling: mount.path,
      isFolderUrl: mount.path.endsWith('/'),
      isCloud: false,
      prefix: mount.base,
    };
    send(context, await dispatchFile(makeDavRequest(parts, context, address)));
  };
}

/** A request as the protocol layer sees it. */
export function makeDavRequest(
  parts: DavBridgeParts,
  context: Koa.ParameterizedContext<FirnState>,
  address: Address,
): DavRequest {
  const { membership, credential, url } = context.state;
  // One by one: taking the rest of an object apart and together again took 5 % of a small GET.
  const { base, root, path, spelling, isFolderUrl, isCloud, prefix } = address;
  return {
    base,
    root,
    path,
    spelling,
    isFolderUrl,
    isCloud,
    origin: originOf(context.req),
    uploadsBase: `${prefix}/remote.php/dav/uploads/${encodeSegment(membership.email)}/`,
    method: context.method,
    headers: context.req.headers,
    url,
    drive: new Drive(membership, credential, parts.driveParts),
    body: new HttpBody(context.req, context.res),
    signal: goneSignal(context.req, context.res),
    options: parts.options,
    locate: (host, path) => locate(parts, context, host, path),
  };
}

/** Finds what an address in a header leads to, with the rights of whoever asks. */
async function locate(
  parts: DavBridgeParts,
  context: Koa.ParameterizedContext<FirnState>,
  host: string | null,
  path: string,
): Promise<Target | null> {
  const { mount, prefix } = context.state;
  const target = parts.mounts.findTarget({ host: context.req.headers.host ?? '', mount, prefix }, host, path);
  if (target?.kind === 'drive') {
    const membership = await openDrive(parts, context.state, target.driveId);
    return targetOf(parts, context.state, membership, normalizePath(decodePath(target.path)));
  }
  if (target?.kind === 'cloud') {
    const membership = await openDrive(parts, context.state, target.driveId);
    return locateInCloud(parts, context.state, membership, findCloudPlace(target.prefix, target.path));
  }
  return null;
}

function locateInCloud(
  parts: DavBridgeParts,
  state: FirnState,
  membership: Membership | null,
  place: CloudPlace,
): Target | null {
  if (place.kind !== 'files' && place.kind !== 'trash') return null;
  const tree = membership && isUser(place.user, membership) ? findTree(place, membership) : null;
  return targetOf(parts, state, tree && membership, tree?.path ?? []);
}

function targetOf(
  { driveParts }: DavBridgeParts,
  { credential }: FirnState,
  membership: Membership | null,
  path: Target['path'],
): Target {
  return { drive: membership && new Drive(membership, credential, driveParts), path };
}

/** The membership on a drive; null for the own one where the request itself is for that, or where there is none. */
async function openDrive(
  { accounts, driveParts }: DavBridgeParts,
  { membership, mount, credential }: FirnState,
  driveId: DriveId | null,
): Promise<Membership | null> {
  const isSame = driveId === null ? isForOwnDrive(mount) : driveId === membership.driveId;
  if (isSame) return membership;
  return (await accounts.access(credential, driveId, driveParts.now())).membership;
}

function isForOwnDrive(mount: Mount): boolean {
  return mount.kind === 'cloud' && mount.driveId === null;
}

/**
 * Aborted when the client goes away before the whole body is here; what came whole is stored, though nobody waits for the
 * answer. Made only for uploads, which are what can be broken off.
 */
export function goneSignal(req: Koa.Context['req'], res: Koa.Context['res']): AbortSignal {
  if (req.method === 'COPY') return leavingSignal(req, res);
  if (!UPLOADS.has(req.method ?? '')) return NEVER;
  const controller = new AbortController();
  res.once('close', () => {
    if (!req.complete) controller.abort(new ClientGoneError('the client went away'));
  });
  return controller.signal;
}

/**
 * Of a COPY, which may take minutes and has no body: the silence is ours, and who goes away gives it up. Also who only
 * closes its own side: nobody would notice that it is gone.
 */
function leavingSignal({ socket }: Koa.Context['req'], res: Koa.Context['res']): AbortSignal {
  const controller = new AbortController();
  const leave = () => controller.abort(new ClientGoneError('the client went away'));
  socket.setTimeout(0);
  socket.once('end', leave);
  res.once('close', () => {
    socket.removeListener('end', leave);
    if (!res.writableFinished) leave();
  });
  return controller.signal;
}

const UPLOADS: ReadonlySet<string> = new Set(['PUT', 'PATCH', 'POST']);
const NEVER = new AbortController().signal;
