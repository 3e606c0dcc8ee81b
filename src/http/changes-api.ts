import { encodePath } from '../dav/headers/path.js';
import { Drive, type DriveDependencies } from '../drive/drive.js';
import { type DrivePath, normalizePath } from '../drive/names.js';
import type { Resource } from '../drive/resource.js';
import type { Snapshot } from '../drive/snapshot.js';
import type { ChangeWatch } from '../drive/sync/change-watch.js';
import { nextPage, SYNC_PAGE_MAX, type SyncPage } from '../drive/sync/sync-page.js';
import { cursorAtStart, findCursor, mayFollow, syncToken } from '../drive/sync/sync-token.js';
import { turns } from '../drive/turns.js';
import { HttpError } from '../http-error.js';
import type { CredentialRef } from '../stores/account-store.js';
import { type DriveId, readWhole } from '../stores/values.js';
import type { SignedIn, SignIn } from './authenticate.js';
import type { Answer, Context } from './context.js';
import { send } from './send.js';

const LIMIT_DEFAULT = 1000;
/** Requests of one password that wait for a change; a program needs one for each folder that it follows. */
export const WAITING_MAX = 50;
/** Proxies give up after a minute. */
const TIMEOUT_MAX_SECONDS = 55;

export interface ChangesApiParts {
  readonly drives: DriveDependencies;
  readonly changeWatch: ChangeWatch;
}

interface ChangesQuery {
  readonly path: DrivePath;
  /** Null: nothing is known yet. */
  readonly since: string | null;
  readonly isDeep: boolean;
  readonly limit: number;
  readonly timeoutSeconds: number;
}

interface Seen {
  readonly page: SyncPage;
  readonly cursor: string;
  readonly rootRevision: number;
}

/**
 * `GET /api/drives/ID/changes`: what sync-collection says (RFC 6578), as JSON; with `timeout` it waits for something to
 * say. A cursor is a sync-token. docs/CLIENTS.md has the reference.
 */
export function changesAnswer(parts: ChangesApiParts, signIn: SignIn): Answer<'api'> {
  return async (context, mount) => {
    const who = await signIn(context, mount.driveId);
    if (mount.path !== '/changes') throw new HttpError(404, 'There is nothing here: changes are at /changes.');
    if (context.method !== 'GET' && context.method !== 'HEAD') {
      throw new HttpError(405, 'Changes can only be read.', { headers: { Allow: 'OPTIONS, GET, HEAD' } });
    }
    await answer(parts, context, mount.driveId, who);
  };
}

async function answer(
  { drives, changeWatch }: ChangesApiParts,
  context: Context,
  driveId: DriveId,
  { membership, credential }: SignedIn,
): Promise<void> {
  const query = readQuery(context.state.search);
  const who = nameOf(credential);
  const drive = new Drive(membership, credential, drives);
  // One change wakes all that wait: they look one after the other.
  const look = async () => {
    await turns.enter();
    return drive.read((snapshot) => readChanges(snapshot, query));
  };
  const gone = new AbortController();
  // Also who only closes its own side doesn't wait: nobody would notice that it is gone.
  const { socket } = context.req;
  const leave = () => gone.abort();
  if (socket.readableEnded) leave();
  socket.once('end', leave);
  context.res.once('close', () => {
    socket.removeListener('end', leave);
    leave();
  });
  const deadline = performance.now() + query.timeoutSeconds * 1000;
  let seen = await look();
  for (let left = deadline - performance.now(); isEmpty(seen) && left > 0; left = deadline - performance.now()) {
    // The silence is ours: the connection must not end over it.
    socket.setTimeout(0);
    if (changeWatch.waitingOf(who) >= WAITING_MAX) throw tooMany();
    await changeWatch.wait(who, membership.rootId, seen.rootRevision, left, gone.signal);
    if (gone.signal.aborted || changeWatch.isStopped) break;
    seen = await look();
  }
  send(context, {
    status: 200,
    headers: { 'Content-Type': 'application/json; charset=utf-8', 'Cache-Control': 'no-store' },
    body: JSON.stringify(describe(seen, `${context.state.prefix}/dav/${driveId}`)),
  });
}

function nameOf(credential: CredentialRef): string {
  return credential.kind === 'app' ? `app ${credential.id}` : `user ${credential.userId}`;
}

function tooMany(): HttpError {
  return new HttpError(429, `${WAITING_MAX} requests with this password wait for a change already. End some of them.`, {
    headers: { 'Retry-After': '60' },
  });
}

async function readChanges(snapshot: Snapshot, { path, since, isDeep, limit }: ChangesQuery): Promise<Seen> {
  const { resource } = await snapshot.find(path);
  if (!resource || !mayFollow(resource)) throw new HttpError(404, 'There is no folder of that path.');
  const cursor = since === null ? cursorAtStart(resource) : await findCursor(snapshot, resource, since);
  if (!cursor) throw new HttpError(410, 'This cursor is not valid here any more: begin again without "since".');
  const page = await nextPage(snapshot, resource, cursor, { isDeep, limit });
  const rootRevision = await snapshot.driveRevision();
  return { page, cursor: syncToken(resource, snapshot.membership, page.cursor), rootRevision };
}

function isEmpty({ page }: Seen): boolean {
  return page.isComplete && page.removed.length === 0 && page.changed.length === 0;
}

function describe({ page, cursor }: Seen, base: string) {
  return {
    cursor,
    more: !page.isComplete,
    removed: page.removed.map(({ path, isCollection }) => ({ path: `/${path.join('/')}`, isFolder: isCollection })),
    changed: page.changed.map((resource) => describeResource(resource, base)),
  };
}

function describeResource({ path, isCollection, node, etag, size, modified, created }: Resource, base: string) {
  return {
    path: `/${path.join('/')}`,
    href: base + encodePath(path, isCollection),
    isFolder: isCollection,
    id: node?.id ?? null,
    etag,
    size,
    modified: new Date(modified).toISOString(),
    created: new Date(created).toISOString(),
    ...(node?.blobId ? { sha256: node.blobId } : {}),
  };
}

/** Throws `HttpError` 400. */
function readQuery(search: string): ChangesQuery {
  const query = new URLSearchParams(search);
  const depth = query.get('depth') ?? 'infinity';
  if (depth !== '1' && depth !== 'infinity') throw new HttpError(400, '"depth" must be 1 or infinity.');
  return {
    path: normalizePath((query.get('path') ?? '').split('/').filter((name) => name !== '')),
    since: query.get('since') || null,
    isDeep: depth === 'infinity',
    limit: readNumber(query, 'limit', { min: 1, max: SYNC_PAGE_MAX, fallback: LIMIT_DEFAULT }),
    timeoutSeconds: readNumber(query, 'timeout', { min: 0, max: TIMEOUT_MAX_SECONDS, fallback: 0 }),
  };
}

/** A number above the greatest one means that. */
function readNumber(
  query: URLSearchParams,
  name: string,
  { min, max, fallback }: { readonly min: number; readonly max: number; readonly fallback: number },
): number {
  const text = query.get(name);
  if (text === null) return fallback;
  const number = readWhole(text);
  if (number === null || number < min) {
    throw new HttpError(400, `"${name}" must be a whole number, ${min} or more.`);
  }
  return Math.min(number, max);
}
