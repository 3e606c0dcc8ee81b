import { contentTypeOf } from '../dav/content-type.js';
import type { Drive } from '../drive/drive.js';
import type { Resource, ResourceKind } from '../drive/resource.js';
import { mayAdd, mayChange } from '../drive/rights.js';
import type { UserId } from '../stores/values.js';
import type { ConsoleParts } from './console-parts.js';
import type { FileEntry } from './contract/files.js';
import { writePath } from './drive-access.js';

const CHANGEABLE: ReadonlySet<ResourceKind> = new Set(['node', 'trashed', 'in-trash']);
/** What is put at the root lands in the drive's folder (PRODUCT D3). */
const TAKES_MORE: ReadonlySet<ResourceKind> = new Set(['root', 'home', 'common', 'node']);

/** Whose names are shown, of present members. */
export type Names = ReadonlyMap<UserId, string>;

export function describeFile({ membership }: Pick<Drive, 'membership'>, resource: Resource, names: Names): FileEntry {
  const { kind, path, name, isCollection, size, modified, etag } = resource;
  // What is inside a deleted folder can't be restored by itself.
  const trash = kind === 'trashed' ? resource.trash : null;
  return {
    path: writePath(path),
    name,
    isFolder: isCollection,
    size,
    modifiedAt: new Date(modified).toISOString(),
    etag,
    contentType: isCollection ? null : contentTypeOf(name),
    mayChange: CHANGEABLE.has(kind) && mayChange(membership),
    mayAdd: isCollection && TAKES_MORE.has(kind) && mayAdd(membership),
    trash: trash && {
      originalPath: writePath([membership.driveName, ...trash.originalPath.split('/')]),
      deletedAt: new Date(trash.deletedAt).toISOString(),
      deletedBy: trash.deletedBy === null ? null : (names.get(trash.deletedBy) ?? null),
    },
  };
}

const NOBODY: Names = new Map();

/** Asked for only where the trash tells who deleted something. */
export async function namesFor(resources: readonly Resource[], drive: Drive, parts: ConsoleParts): Promise<Names> {
  if (!resources.some(({ kind, trash }) => kind === 'trashed' && trash)) return NOBODY;
  const members = await parts.accounts.members(drive.membership.driveId);
  return new Map(members.map(({ userId, name, email }) => [userId, name || email]));
}
