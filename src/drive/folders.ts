import type { NodeId } from '../stores/values.js';
import type { Drive } from './drive.js';
import { DriveError } from './drive-error.js';
import type { DriveTransaction } from './drive-transaction.js';
import { checkLocks } from './locks/locks.js';
import { type DrivePath, normalizePath } from './names.js';
import { NO_TOKENS, type Permit } from './permit.js';
import { checkNewPlace } from './place-checks.js';
import { applyChanges, type PropertyChanges } from './properties.js';
import { type Found, type Resource, readResource, resourceOf } from './resource.js';
import { checkMayAdd } from './rights.js';

export interface CollectionWish {
  readonly permit: Permit;
  /** Milliseconds since 1970; null or absent: now. */
  readonly modified?: number | null;
  /** Properties that it is made with (RFC 5689). */
  readonly changes?: PropertyChanges;
}

/** MKCOL (RFC 4918 §9.3). Rejects with `DriveError`: `exists`, `parent-missing`, `forbidden`, `locked`, `drive-full`. */
export function makeCollection(
  drive: Drive,
  path: DrivePath,
  { permit: { tokens, check }, modified, changes }: CollectionWish,
): Promise<Resource> {
  const work = async (transaction: DriveTransaction): Promise<Resource> => {
    const found = await transaction.find(path);
    await check?.(transaction, found);
    await checkLocks(transaction, found, { tokens, changesParent: found.resource === null });
    const made = await insertCollection(transaction, found, modified ?? transaction.now);
    if (!changes) return made;
    await applyChanges(transaction, found, made.node!, changes);
    return readResource(await transaction.find(path));
  };
  return drive.write(work, { looks: { paths: [path] } });
}

async function insertCollection(transaction: DriveTransaction, found: Found, modified: number): Promise<Resource> {
  if (found.resource)
    throw new DriveError('exists', 'There is a file or folder of that name already. Take another name.');
  checkMayAdd(transaction.membership);
  checkNewPlace(found);
  return resourceOf(await transaction.insert(found, null, modified), 'node', found.path);
}

/** A folder, and how many of those that lead to it had to be made. */
export interface OpenedFolder {
  readonly resource: Resource;
  readonly made: number;
}

/** Makes the folders that are missing along a path. Rejects with `DriveError`, also for a lock in the way. */
export function makeFolders(drive: Drive, path: DrivePath): Promise<OpenedFolder> {
  return drive.write((transaction) => openFolder(transaction, path));
}

/** As `makeFolders`, inside a transaction. */
export async function openFolder(transaction: DriveTransaction, path: DrivePath): Promise<OpenedFolder> {
  let made = 0;
  for (let depth = 0; ; depth++) {
    const found = await transaction.find(path.slice(0, depth));
    if (found.resource === null) {
      await checkLocks(transaction, found, { ...NO_TOKENS, changesParent: true });
      made++;
    }
    const resource = found.resource ?? (await insertCollection(transaction, found, transaction.now));
    if (!resource.isCollection) {
      throw new DriveError('not-a-collection', `"${path.join('/')}" leads through a file; name a folder.`);
    }
    if (depth === path.length) return { resource, made };
  }
}

/**
 * The folder that an app password is to be limited to, at a path as the drive's user types it; what is missing of it is
 * made, and counted. Throws `DriveError`.
 */
export async function openScope(drive: Drive, folder: string): Promise<{ readonly id: NodeId; readonly made: number }> {
  const path = normalizePath(folder.split('/').filter((segment) => segment !== ''));
  const { resource, made } = await makeFolders(drive, path);
  if (resource.kind !== 'node' && resource.kind !== 'common') {
    const message = `"${folder}" is one of the drive's own folders; name a folder inside it, like /joplin.`;
    throw new DriveError('forbidden', message);
  }
  return { id: resource.node!.id, made };
}

/** Where the drive's user sees a folder now: `/Firn/joplin`. Null: it was deleted. */
export function scopePath(drive: Drive, id: NodeId): Promise<string | null> {
  return drive.read(async (snapshot) => {
    const path = await snapshot.pathOf(id);
    return path && `/${path.join('/')}`;
  });
}
