import { dispatch, withHttpErrors } from '../dav/dispatch.js';
import { type DavRequest, type DavResponse, respond } from '../dav/request.js';
import { leadsToRestore } from './cloud-trees.js';

/**
 * Nextcloud's trash bin: `trashbin/USER/trash/NAME`. A MOVE to `trashbin/USER/restore/…` takes something back to where
 * it was, a DELETE of the bin itself empties it. All else is as in the drive's own `Trash`. `onEmptied` hears how many
 * things went for good.
 */
export function trashTree(request: DavRequest, onEmptied: (removed: number) => Promise<void>): Promise<DavResponse> {
  const isTop = request.path.length === request.root.length;
  if (request.method === 'MOVE' && leadsToRestore(request, 'trashbin'))
    return withHttpErrors(request, () => takeBack(request));
  if (request.method === 'DELETE' && isTop) return withHttpErrors(request, () => empty(request, onEmptied));
  return dispatch(request);
}

async function takeBack({ drive, path }: DavRequest): Promise<DavResponse> {
  await drive.restore([path]);
  return respond(201);
}

/** Of the member's own deleted files and of the common ones, which is what they see. */
async function empty({ drive }: DavRequest, onEmptied: (removed: number) => Promise<void>): Promise<DavResponse> {
  await onEmptied(await drive.emptyTrash());
  return respond(204);
}
