import type { Changes } from './changes.js';
import { DriveError } from './drive-error.js';
import type { DrivePath } from './names.js';
import type { Resource } from './resource.js';

/** Makes the folders that are missing along a path, and says how many. Throws `DriveError`. */
export async function makeFolders(changes: Changes, path: DrivePath): Promise<{ resource: Resource; made: number }> {
  let made = 0;
  for (let depth = 0; ; depth++) {
    const found = await changes.find(path.slice(0, depth));
    if (found.resource === null) made++;
    const resource = found.resource ?? (await changes.makeCollection(found));
    if (!resource.isCollection) {
      throw new DriveError('not-a-collection', `"${path.join('/')}" leads through a file; name a folder.`);
    }
    if (depth === path.length) return { resource, made };
  }
}
