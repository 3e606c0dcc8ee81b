import { HttpError } from '../../http-error.js';
import { readPermit } from '../conditions.js';
import { parseDepth } from '../headers/depth.js';
import { type DavRequest, type DavResponse, headerOf, respond } from '../request.js';

/** DELETE, RFC 4918 §9.6: into the trash, all or nothing (PRODUCT D4). */
export async function deleteResource(request: DavRequest): Promise<DavResponse> {
  const depth = parseDepth(headerOf(request, 'depth'), 'infinity');
  const { tokens, check } = await readPermit(request);
  await request.drive.remove([request.path], {
    tokens,
    check: async (snapshot, found) => {
      if (found.resource?.isCollection && depth !== 'infinity') {
        throw new HttpError(400, 'A folder is deleted with all that is in it: Depth must be infinity.');
      }
      await check(snapshot, found);
    },
  });
  return respond(204);
}
