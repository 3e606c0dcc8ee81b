import type { BlockList } from 'node:net';
import type { Accounts } from '../accounts/accounts.js';
import type { Audit } from '../accounts/audit.js';
import { bulkUpload } from '../cloud/bulk-upload.js';
import { dispatchFile } from '../cloud/chunked-put.js';
import { type CloudPlace, findCloudPlace } from '../cloud/cloud-paths.js';
import { findTree, isUser } from '../cloud/cloud-trees.js';
import type { LoginFlows } from '../cloud/login-flows.js';
import { type CloudUser, ocs } from '../cloud/ocs.js';
import { type CloudAnswer, type CloudRequest, json } from '../cloud/request.js';
import { statusPhp } from '../cloud/status.js';
import { trashTree } from '../cloud/trash-tree.js';
import { uploadsTree } from '../cloud/uploads-tree.js';
import { nextcloudVersions, owncloudVersions } from '../cloud/versions-tree.js';
import { withHttpErrors } from '../dav/dispatch.js';
import { decodePath } from '../dav/headers/path.js';
import type { DavRequest, DavResponse } from '../dav/request.js';
import { Drive } from '../drive/drive.js';
import { roomOf } from '../drive/quota.js';
import { HttpError } from '../http-error.js';
import type { SignedIn, SignIn } from './authenticate.js';
import type { Answer, Context } from './context.js';
import { type DavBridgeParts, driveAnswer, makeDavRequest, type Visit } from './dav-bridge.js';
import { isSecure } from './forwarded.js';
import { HttpBody } from './http-body.js';
import type { MountOf } from './mounts.js';
import { sendParent } from './parents.js';
import { send } from './send.js';

/** Of the forms of the sign-in pages and of the poll. */
const FORM_BYTES_MAX = 16 * 1024;

type CloudMount = MountOf<'cloud'>;

export interface CloudParts extends DavBridgeParts {
  readonly accounts: Accounts;
  readonly audit: Audit;
  readonly loginFlows: LoginFlows;
  /** Proxies whose `X-Forwarded-Proto` is believed. */
  readonly trustedProxies: BlockList;
  /** Where people reach this server; null: as the request says. */
  readonly publicUrl: string | null;
}

/** Answers at the addresses of ownCloud and Nextcloud (client-requirements R34). */
export function cloudAnswer(parts: CloudParts, signIn: SignIn): Answer<'cloud'> {
  const answerDrive = driveAnswer(parts, signIn);
  return async (context, mount) => {
    const place = findCloudPlace(mount.prefix, mount.path);
    switch (place.kind) {
      case 'status':
        return status(context, mount, answerDrive);
      case 'index':
        return send(context, await indexPhp(makeCloudRequest(parts, context, mount), parts.loginFlows));
      case 'ocs': {
        const request = makeCloudRequest(parts, context, mount);
        const findUser = () => readUser(parts, context, mount, signIn);
        return send(context, await ocs(request, findUser, parts.accounts));
      }
      case 'nothing':
        throw new HttpError(404, 'There is nothing here.');
      default:
        return answerTree(parts, context, { who: await signIn(context, mount.driveId), mount }, place);
    }
  };
}

/** Who asks OCS. Throws what `signIn` throws. */
async function readUser(parts: CloudParts, context: Context, mount: CloudMount, signIn: SignIn): Promise<CloudUser> {
  const { credential, membership } = await signIn(context, mount.driveId);
  const user = await parts.accounts.findUser(membership.email);
  const quota = await new Drive(membership, credential, parts.drives).read((snapshot) => roomOf(snapshot, 'home'));
  return {
    email: membership.email,
    name: user?.name ?? membership.email,
    credential,
    quota: { used: quota.used, available: Number.isFinite(quota.left) ? quota.left : null },
  };
}

function makeCloudRequest(parts: CloudParts, context: Context, mount: CloudMount): CloudRequest {
  const { req, state } = context;
  return {
    method: context.method,
    path: `/${decodePath(mount.path).join('/')}`,
    query: new URLSearchParams(state.search),
    headers: req.headers,
    address: addressOf(parts, context, mount),
    remoteAddress: state.remoteAddress,
    driveId: mount.driveId,
    readForm: async () => {
      const body = await new HttpBody(context.req, context.res).readAtMost(FORM_BYTES_MAX);
      return new URLSearchParams(Buffer.from(body ?? []).toString('utf8'));
    },
  };
}

/**
 * `/index.php/…`: signing in; and what isn't here fails softly, for programs that ask for everything
 * (client-requirements 2.12).
 */
async function indexPhp(request: CloudRequest, flows: LoginFlows): Promise<CloudAnswer> {
  // Nextcloud's Android app looks whether it is on-line.
  if (request.path === '/index.php/204') return { status: 204, headers: {}, body: null };
  return (await flows.answer(request)) ?? json(404, { message: 'There is nothing here.' });
}

/** The public address counts where the host isn't a drive's own. */
function addressOf({ publicUrl, trustedProxies, mounts }: CloudParts, context: Context, mount: CloudMount): string {
  const host = context.req.headers.host ?? '';
  if (publicUrl !== null && mounts.driveOfHost(host) === null) {
    return publicUrl.replace(/\/+$/, '') + mount.prefix.slice(context.state.prefix.length);
  }
  return `${isSecure(context.req, trustedProxies) ? 'https' : 'http'}://${host}${mount.prefix}`;
}

/**
 * `/status.php`, which programs ask for without credentials. In a drive that may be a file as well, to anyone who brings
 * credentials or does something else than read.
 */
async function status(context: Context, mount: CloudMount, answerDrive: Answer<'drive'>): Promise<void> {
  const isRead = context.method === 'GET' || context.method === 'HEAD';
  if (mount.driveId === null && !isRead) {
    throw new HttpError(405, 'This page can only be read.', { headers: { Allow: 'GET, HEAD, OPTIONS' } });
  }
  if (mount.driveId === null || (isRead && context.req.headers.authorization === undefined)) {
    return send(context, statusPhp());
  }
  try {
    await answerDrive(context, { kind: 'drive', driveId: mount.driveId, base: mount.prefix, path: mount.path });
  } catch (error) {
    if (!(isRead && error instanceof HttpError && error.status === 404)) throw error;
    send(context, statusPhp());
  }
}

async function answerTree(
  parts: CloudParts,
  context: Context,
  visit: Visit,
  place: Exclude<CloudPlace, { kind: 'status' | 'ocs' | 'index' | 'nothing' }>,
): Promise<void> {
  const { membership } = visit.who;
  const nothing = new HttpError(404, 'There is nothing of yours at this address.');
  if (!isUser(place.user, membership)) throw nothing;
  if (place.kind === 'parent') {
    if (context.method !== 'PROPFIND') {
      throw new HttpError(405, 'This folder only leads to others.', { headers: { Allow: 'OPTIONS, PROPFIND' } });
    }
    // With two slashes at its start an href would name another host.
    return sendParent(context, context.state.prefix + context.state.url.replace(/\/{2,}/g, '/'), []);
  }
  const tree = findTree(place, membership);
  if (!tree) throw nothing;
  const request = makeDavRequest(parts, context, visit, { ...tree, isCloud: true });
  send(context, await TREES[place.kind](request, (removed) => noteEmptied(parts.audit, context, visit.who, removed)));
}

async function noteEmptied(audit: Audit, { req, state }: Context, who: SignedIn, removed: number): Promise<void> {
  if (removed === 0) return;
  const { userId, driveId, email } = who.membership;
  const actor = { name: email, remoteAddress: state.remoteAddress, client: req.headers['user-agent'] ?? '' };
  await audit.note('trash-emptied', userId, actor, { drive: driveId, removed });
}

type TreeKind = Extract<CloudPlace, { readonly base: string }>['kind'];

type Tree = (request: DavRequest, onTrashEmptied: (removed: number) => Promise<void>) => Promise<DavResponse>;

function onlyToMoveTo(sentence: string): Tree {
  return async () => {
    throw new HttpError(405, sentence, { headers: { Allow: 'OPTIONS' } });
  };
}

const TREES: Readonly<Record<TreeKind, Tree>> = {
  files: dispatchFile,
  bulk: (request) => withHttpErrors(request, () => bulkUpload(request)),
  trash: trashTree,
  restore: onlyToMoveTo('Move something from the trash to here to restore it.'),
  uploads: uploadsTree,
  versions: nextcloudVersions,
  'version-restore': onlyToMoveTo('Move a version to here to restore it.'),
  meta: owncloudVersions,
};
