import type Koa from 'koa';
import { bulkUpload } from '../cloud/bulk-upload.js';
import { trashTree } from '../cloud/trash-tree.js';
import { DavError } from '../dav/dav-error.js';
import { dispatch, withDavErrors } from '../dav/dispatch.js';
import type { DavRequest, DavResponse } from '../dav/request.js';
import type { SignIn } from './authenticate.js';
import { type CloudPlace, findCloudPlace } from './cloud-paths.js';
import { findTree, isUser } from './cloud-trees.js';
import type { FirnState } from './context.js';
import { type DavBridgeParts, makeDavRequest } from './dav-bridge.js';
import type { Mount } from './mounts.js';
import { propfindFolders } from './parents.js';
import { send } from './send.js';

type Context = Koa.ParameterizedContext<FirnState>;
type CloudMount = Extract<Mount, { kind: 'cloud' }>;

/** Answers at the addresses of ownCloud and Nextcloud (CLIENTS R34). Other requests go on. */
export function cloudBridge(parts: DavBridgeParts, signIn: SignIn): Koa.Middleware<FirnState> {
  return async (context, next) => {
    const { mount } = context.state;
    if (mount.kind !== 'cloud') return next();
    const place = findCloudPlace(mount.prefix, mount.path);
    switch (place.kind) {
      case 'status':
        return status(context, mount, next);
      case 'ocs':
      case 'index':
      case 'nothing':
        throw new DavError(404, 'There is nothing here.');
      default:
        await signIn(context, mount.driveId);
        return answerTree(parts, context, mount, place);
    }
  };
}

/**
 * `/status.php`, which programs ask for without credentials. In a drive that may be a file as well, to whoever brings
 * credentials or does something else than read.
 */
async function status(context: Context, mount: CloudMount, next: Koa.Next): Promise<void> {
  const isRead = context.method === 'GET' || context.method === 'HEAD';
  if (mount.driveId === null || (isRead && context.req.headers.authorization === undefined)) {
    send(context, { status: 200, headers: { 'Content-Type': 'application/json' }, body: '{}' });
    return;
  }
  context.state.mount = { kind: 'drive', driveId: mount.driveId, base: mount.prefix, path: mount.path };
  try {
    await next();
  } catch (error) {
    if (!(isRead && error instanceof DavError && error.status === 404)) throw error;
    send(context, { status: 200, headers: { 'Content-Type': 'application/json' }, body: '{}' });
  }
}

async function answerTree(
  parts: DavBridgeParts,
  context: Context,
  mount: CloudMount,
  place: Exclude<CloudPlace, { kind: 'status' | 'ocs' | 'index' | 'nothing' }>,
): Promise<void> {
  if (place.kind === 'parent') {
    if (context.method !== 'PROPFIND') throw new DavError(405, 'This folder only leads to others.');
    return propfindFolders(context, context.state.url, []);
  }
  const { membership } = context.state;
  const tree = isUser(place.user, membership) ? findTree(place, membership) : null;
  if (!tree) throw new DavError(404, 'There is nothing of yours at this address.');
  const request = makeDavRequest(parts, context, { ...tree, isCloud: true, prefix: mount.prefix });
  send(context, await TREES[place.kind](request));
}

type TreeKind = Extract<CloudPlace, { readonly base: string }>['kind'];

const TREES: Readonly<Record<TreeKind, (request: DavRequest) => Promise<DavResponse>>> = {
  files: dispatch,
  bulk: (request) => withDavErrors(request, () => bulkUpload(request)),
  trash: trashTree,
  // Only a place to move things to.
  restore: async () => {
    throw new DavError(405, 'Move something from the trash to here to restore it.');
  },
  uploads: async () => {
    throw new DavError(501, 'todo');
  },
};
