import type Koa from 'koa';
import { dispatch } from '../dav/dispatch.js';
import { decodePath } from '../dav/headers/path.js';
import type { DavOptions, DavRequest, Target } from '../dav/request.js';
import { Drive, type DriveParts } from '../drive/drive.js';
import { normalizePath } from '../drive/names.js';
import type { AccountStore } from '../stores/account-store.js';
import type { FirnState } from './context.js';
import { ClientGoneError, HttpBody } from './http-body.js';
import type { Mounts } from './mounts.js';
import { send } from './send.js';

export interface DavBridgeParts {
  readonly driveParts: DriveParts;
  readonly accounts: AccountStore;
  readonly mounts: Mounts;
  readonly options: DavOptions;
}

/** From Koa's request to one of the protocol layer, and its answer back to the socket. */
export function davBridge(parts: DavBridgeParts): Koa.Middleware<FirnState> {
  const { accounts, driveParts, mounts, options } = parts;
  return async (context) => {
    const { membership, mount, url } = context.state;
    if (mount.kind !== 'drive') return;
    const here = { host: context.req.headers.host ?? '', mount };
    const drive = new Drive(membership, driveParts);
    const locate = async (host: string | null, path: string): Promise<Target | null> => {
      const target = mounts.findTarget(here, host, path);
      if (target?.kind !== 'drive') return null;
      const targetPath = normalizePath(decodePath(target.path));
      if (target.driveId === mount.driveId) return { drive, path: targetPath };
      const access = await accounts.access(context.state.credential, target.driveId, driveParts.now());
      return { drive: access.membership && new Drive(access.membership, driveParts), path: targetPath };
    };
    const request: DavRequest = {
      method: context.method,
      headers: context.req.headers,
      url,
      base: mount.base,
      path: normalizePath(decodePath(mount.path)),
      isFolderUrl: mount.path.endsWith('/'),
      drive,
      body: new HttpBody(context.req, context.res),
      signal: goneSignal(context.req, context.res),
      options,
      locate,
    };
    send(context, await dispatch(request));
  };
}

/** Made only for uploads, which are what can be broken off. */
function goneSignal(req: Koa.Context['req'], res: Koa.Context['res']): AbortSignal {
  if (req.method !== 'PUT') return NEVER;
  const controller = new AbortController();
  res.once('close', () => {
    if (!res.writableFinished) controller.abort(new ClientGoneError('the client went away'));
  });
  return controller.signal;
}

const NEVER = new AbortController().signal;
