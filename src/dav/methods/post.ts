import { normalizePath } from '../../drive/names.js';
import { HttpError } from '../../http-error.js';
import { type DavRequest, type DavResponse, headerOf } from '../request.js';
import { beginUpload } from '../tus/tus-begin.js';
import { withTus } from '../tus/tus-resource.js';

/** POST to a folder begins a resumable upload. It has no other meaning. */
export async function post(request: DavRequest): Promise<DavResponse> {
  if (headerOf(request, 'tus-resumable') === undefined) {
    throw new HttpError(
      405,
      'A POST here only begins a resumable upload (TUS 1.0.0): send a Tus-Resumable header, or a PUT.',
    );
  }
  const address = request.origin + request.uploadsBase;
  return withTus(request, () =>
    beginUpload(request, address, async (metadata) => {
      // ownCloud desktop 3 posts to its top folder and gives the path in it.
      const names = metadata
        .get('filename')!
        .split('/')
        .filter((name) => name !== '');
      return { path: [...request.path, ...normalizePath(names)] };
    }),
  );
}
