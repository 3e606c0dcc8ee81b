import { withHttpErrors } from '../dav/dispatch.js';
import { type DavRequest, type DavResponse, headerOf } from '../dav/request.js';
import { headUpload, patchUpload, withTus } from '../dav/tus/tus-resource.js';
import { HttpError } from '../http-error.js';
import { finishByMove } from './finish-upload.js';
import { makeUpload, propfindUpload, putPart, removePart, removeUpload } from './upload-folder.js';

type Method = (request: DavRequest, name: string, part: string) => Promise<DavResponse>;

const UPLOAD: ReadonlyMap<string, Method> = new Map<string, Method>([
  ['MKCOL', makeUpload],
  ['PROPFIND', propfindUpload],
  ['DELETE', removeUpload],
  ['HEAD', (request, name) => withTus(request, () => headUpload(request, name))],
  ['PATCH', (request, name) => withTus(request, () => patchUpload(request, name))],
]);

const PART: ReadonlyMap<string, Method> = new Map<string, Method>([
  ['PUT', putPart],
  ['DELETE', removePart],
  ['MOVE', finishByMove],
]);

const TOP: ReadonlyMap<string, Method> = new Map<string, Method>([['PROPFIND', propfindUpload]]);

/**
 * `remote.php/dav/uploads/USER`: uploads in parts of ownCloud and Nextcloud, versions 1 and 2 (client-requirements
 * R34), where each is a folder of its parts, and the resumable uploads of TUS, whose names the server gives
 * (`dav/tus/tus-begin.ts`).
 */
export function uploadsTree(request: DavRequest): Promise<DavResponse> {
  const [name = '', part = '', ...deeper] = request.path;
  const methods = part !== '' ? PART : name !== '' ? UPLOAD : TOP;
  const method = methods.get(methodOf(request));
  return withHttpErrors(request, async () => {
    if (deeper.length > 0) throw new HttpError(404, 'There is nothing of that name.');
    if (!method) {
      const allow = ['OPTIONS', ...methods.keys()].join(', ');
      throw new HttpError(405, `${request.method} is nothing that can be done to an upload.`, {
        headers: { Allow: allow },
      });
    }
    return method(request, name, part);
  });
}

/** For networks that let no PATCH through (TUS 1.0.0, "X-HTTP-Method-Override"). */
function methodOf(request: DavRequest): string {
  const isPatch = headerOf(request, 'x-http-method-override')?.trim().toUpperCase() === 'PATCH';
  return request.method === 'POST' && isPatch ? 'PATCH' : request.method;
}
