import { checkTusVersion, parseUploadMetadata } from '../../dav/headers/tus.js';
import { post } from '../../dav/methods/post.js';
import type { DavRequest, DavResponse } from '../../dav/request.js';
import { deleteUpload, headUpload, patchUpload, withTus } from '../../dav/tus/tus-resource.js';
import { targetOf } from '../../dav/tus/tus-target.js';
import type { Drive } from '../../drive/drive.js';
import { findFreePlace } from '../../drive/free-place.js';
import type { DrivePath } from '../../drive/names.js';
import { checkMayAdd } from '../../drive/rights.js';
import type { ConsoleParts } from '../console-parts.js';
import { asDavRequest } from '../dav-request.js';
import { openDrive, readPath } from '../drive-access.js';
import { type ConsoleRequest, type Route, route } from '../route.js';

/** Uploads that go on where they broke off: TUS 1.0.0 as WebDAV programs have it, by the session in the place of Basic. */
export const uploadRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/api/drives/:id/uploads',
    access: 'user',
    summary: 'Begins a resumable upload (TUS 1.0.0). Upload-Metadata: path, filename, mtime, mayRename.',
    run: begin,
  }),
  route({
    method: 'HEAD',
    path: '/api/drives/:id/uploads/:name',
    access: 'user',
    summary: 'How much of an upload has come.',
    run: async (request, parts) => {
      const drive = await openDrive(request, parts);
      return headUpload(asDavRequest(request, 'HEAD', drive, []), request.parameters.name!);
    },
  }),
  route({
    method: 'PATCH',
    path: '/api/drives/:id/uploads/:name',
    access: 'user',
    summary: 'The next bytes of an upload; the last one makes the file.',
    run: async (request, parts) => {
      const drive = await openDrive(request, parts);
      return patchUpload(asDavRequest(request, 'PATCH', drive, []), request.parameters.name!);
    },
  }),
  route({
    method: 'DELETE',
    path: '/api/drives/:id/uploads/:name',
    access: 'user',
    summary: 'Gives an upload up.',
    run: giveUp,
  }),
];

async function begin(request: ConsoleRequest, parts: ConsoleParts): Promise<DavResponse> {
  const drive = await openDrive(request, parts);
  return withTus(asDavRequest(request, 'POST', drive, []), async () => {
    const { headers } = request;
    checkTusVersion(headers);
    const metadata = parseUploadMetadata(String(headers['upload-metadata'] ?? ''));
    const folder = readPath(drive, metadata.get('path') ?? '');
    // A folder that is dropped into the page gives its files' names with their way to them.
    const file = readPath(drive, `${folder.join('/')}/${metadata.get('filename') ?? ''}`, 'filename');
    const inner = file.slice(0, -1);
    if (inner.length > folder.length) await makeWay(drive, inner);
    const dav = asDavRequest(request, 'POST', drive, folder);
    if (!metadata.has('mayRename')) return post(dav);
    return post(beside(dav, await findFreeName(drive, file), metadata));
  });
}

async function findFreeName(drive: Drive, file: DrivePath): Promise<DrivePath> {
  return drive.read(async (snapshot) => (await findFreePlace(snapshot, await snapshot.find(file), false)).path);
}

/** The request with another name; should somebody take that meanwhile, nothing is overwritten. */
function beside(request: DavRequest, file: DrivePath, metadata: ReadonlyMap<string, string>): DavRequest {
  const filename = file.slice(request.path.length).join('/');
  const pairs = [...metadata, ['filename', filename] as const];
  const text = [...new Map(pairs)].map(([key, value]) => `${key} ${Buffer.from(value).toString('base64')}`).join(',');
  return { ...request, headers: { ...request.headers, 'upload-metadata': text, 'if-none-match': '*' } };
}

async function makeWay(drive: Drive, folder: DrivePath): Promise<void> {
  const isThere = await drive.read(async (snapshot) => (await snapshot.find(folder)).resource !== null);
  if (isThere) return;
  checkMayAdd(drive.membership);
  await drive.makeFolders(folder);
}

async function giveUp(request: ConsoleRequest, parts: ConsoleParts): Promise<DavResponse> {
  const drive = await openDrive(request, parts);
  const upload = await drive.read((snapshot) => parts.driveParts.uploads.find(snapshot, request.parameters.name!));
  // Those of Nextcloud's kind are no TUS uploads.
  targetOf(upload);
  return deleteUpload(asDavRequest(request, 'DELETE', drive, []), upload);
}
