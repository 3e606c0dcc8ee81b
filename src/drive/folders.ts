import type { NodeId } from '../stores/values.js';
import type { Drive } from './drive.js';
import { DriveError } from './drive-error.js';
import type { DriveTransaction } from './drive-transaction.js';
import { checkLocks } from './locks/locks.js';
import { COMMON_NAME, type DrivePath, normalizePath } from './names.js';
import type { Resource } from './resource.js';

/** Makes the folders that are missing along a path, and says how many. Throws `DriveError`, also for a lock in the way. */
export async function makeFolders(
  changes: DriveTransaction,
  path: DrivePath,
): Promise<{ resource: Resource; made: number }> {
  let made = 0;
  for (let depth = 0; ; depth++) {
    const found = await changes.find(path.slice(0, depth));
    if (found.resource === null) {
      await checkLocks(changes, found, { tokens: new Set(), changesParent: true });
      made++;
    }
    const resource = found.resource ?? (await changes.makeCollection(found));
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
  const { resource, made } = await drive.write((changes) => makeFolders(changes, path));
  if (resource.kind !== 'node' && resource.kind !== 'common') {
    const message = `"${folder}" is one of the drive's own folders; name a folder inside it, like /joplin.`;
    throw new DriveError('forbidden', message);
  }
  return { id: resource.node!.id, made };
}

/** Where the drive's user sees a folder now: `/Firn/joplin`. Null: it was deleted. */
export function scopePath(drive: Drive, id: NodeId): Promise<string | null> {
  const { homeId, commonId, driveName } = drive.membership;
  return drive.read(async ({ view }) => {
    const line = [...(await view.findNodes([id])), ...(await view.ancestors(id))].reverse();
    const start = line.findIndex((node) => node.id === homeId || node.id === commonId);
    if (start < 0) return null;
    const first = line[start]!.id === commonId ? [driveName, COMMON_NAME] : [driveName];
    return `/${[...first, ...line.slice(start + 1).map(({ name }) => name)].join('/')}`;
  });
}
