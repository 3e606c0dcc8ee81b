import { checkLocks } from '../../drive/locks/locks.js';
import { vacateLocks } from '../../drive/locks/vacated-locks.js';
import { remove } from '../../drive/trash.js';
import { HttpError } from '../../http-error.js';
import { MAKES_ROOM } from '../../stores/drive-store.js';
import { checkConditions, readConditions } from '../conditions.js';
import { parseDepth } from '../headers/depth.js';
import { type DavRequest, type DavResponse, headerOf, respond } from '../request.js';

/** DELETE, RFC 4918 §9.6: into the trash, all or nothing (PRODUCT D4). */
export async function deleteResource(request: DavRequest): Promise<DavResponse> {
  const depth = parseDepth(headerOf(request, 'depth'), 'infinity');
  const conditions = await readConditions(request);
  await request.drive.write(async (changes) => {
    const found = await changes.find(request.path);
    if (found.resource?.isCollection && depth !== 'infinity') {
      throw new HttpError(400, 'A folder is deleted with all that is in it: Depth must be infinity.');
    }
    await checkConditions(request, conditions, changes, found);
    await checkLocks(changes, found, { tokens: conditions.tokens, changesParent: true, changesBelow: true });
    await vacateLocks(changes, found, conditions.tokens);
    await remove(changes, found);
  }, MAKES_ROOM);
  return respond(204);
}
