import { parseDestination } from '../dav/headers/destination.js';
import { decodePath } from '../dav/headers/path.js';
import { type DavRequest, headerOf } from '../dav/request.js';
import { type DrivePath, normalizePath, TRASH_NAME } from '../drive/names.js';
import { emailKey, type Membership } from '../stores/account-store.js';
import type { CloudPlace } from './cloud-paths.js';

/** A tree of ownCloud's addresses as the drive knows it. */
export interface CloudTree {
  readonly base: string;
  /** What `path` has before what the address says. */
  readonly root: DrivePath;
  readonly path: DrivePath;
  readonly spelling: string;
  readonly isFolderUrl: boolean;
}

const RESTORE = /\/(trashbin|versions)\/+([^/]+)\/+restore(?:\/|$)/;

type TreePlace = Extract<CloudPlace, { readonly base: string }>;

/**
 * Where a tree lies on the drive: `files` is the drive's own folder, because a sync program would take the trash beside
 * it for a folder to keep; an app password limited to a folder shows that folder, and has no trash: null. Throws
 * `HttpError` for a path that can't be read.
 */
export function findTree(place: TreePlace, membership: Membership): CloudTree | null {
  const isLimited = membership.scopeId !== null;
  const inTrash = place.kind === 'trash' || place.kind === 'restore';
  if (isLimited && inTrash) return null;
  const isOfFiles = place.kind === 'files' || place.kind === 'bulk';
  const root = inTrash ? [TRASH_NAME] : isOfFiles && !isLimited ? [membership.driveName] : [];
  const path = [...root, ...normalizePath(decodePath(place.path))];
  return { base: place.base, root, path, spelling: place.path, isFolderUrl: place.path.endsWith('/') };
}

/** Whether a user's name in an address is that of the user who asks: their e-mail address in any spelling. */
export function isUser(name: string | null, membership: Membership): boolean {
  return name === null || emailKey(name) === emailKey(membership.email);
}

/** Whether `Destination` is the user's own place to restore to in that tree, `TREE/USER/restore/…`. Throws `HttpError` 400. */
export function leadsToRestore(request: DavRequest, tree: 'trashbin' | 'versions'): boolean {
  const { path } = parseDestination(headerOf(request, 'destination'), request.url);
  const [, place, user] = RESTORE.exec(path) ?? [];
  return place === tree && isUser(decodePath(user!)[0] ?? '', request.drive.membership);
}
