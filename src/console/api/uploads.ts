import { formatUploadMetadata } from '../../dav/headers/tus.js';
import type { DavResponse } from '../../dav/request.js';
import { beginUpload, type TusPlace } from '../../dav/tus/tus-begin.js';
import {
  deleteUpload,
  findResumable,
  headUpload,
  patchUpload,
  toTusError,
  withVersion,
} from '../../dav/tus/tus-resource.js';
import type { TusRequest } from '../../dav/tus/tus-target.js';
import type { Drive } from '../../drive/drive.js';
import { findFreePlace } from '../../drive/free-place.js';
import type { DrivePath } from '../../drive/names.js';
import { checkMayAdd } from '../../drive/rights.js';
import { ConsoleError, toConsoleError } from '../console-error.js';
import type { ConsoleParts } from '../console-parts.js';
import { uploadContract } from '../contract/uploads.js';
import { type OfDrive, openDrive, readPath } from '../drive-access.js';
import { bind } from '../route.js';

/** Uploads that go on where they broke off: TUS 1.0.0 as WebDAV programs have it, by the session in place of Basic. */
export const uploadRoutes = bind(uploadContract, {
  'POST /api/drives/:id/uploads': tus(begin),
  'HEAD /api/drives/:id/uploads/:name': tus((request, { parameters }) => headUpload(request, parameters.name)),
  'PATCH /api/drives/:id/uploads/:name': tus((request, { parameters }) => patchUpload(request, parameters.name)),
  'DELETE /api/drives/:id/uploads/:name': tus(async ({ drive }, { parameters }) =>
    deleteUpload(drive, await findResumable(drive, parameters.name)),
  ),
});

/** A route that answers as TUS does, and says of a refusal by the drive which one it is. */
function tus<Request extends OfDrive>(work: (request: TusRequest, from: Request) => Promise<DavResponse>) {
  return async (request: Request, parts: ConsoleParts): Promise<DavResponse> => {
    const drive = await openDrive(request, parts);
    const { headers, incoming: body } = request;
    try {
      // The pages name no other resources in their conditions.
      return withVersion(await work({ headers, body, drive, locate: async () => null }, request));
    } catch (error) {
      const known = toTusError(error, null);
      const kind = toConsoleError(error)?.kind;
      if (!known || kind === undefined) throw known ?? error;
      throw new ConsoleError(known.status, kind, known.message, { cause: error, headers: known.headers });
    }
  };
}

function begin(request: TusRequest, { origin, prefix }: OfDrive): Promise<DavResponse> {
  const { drive } = request;
  const base = `${prefix}/api/drives/${drive.membership.driveId}`;
  return beginUpload({ ...request, url: `${base}/content` }, `${origin}${base}/uploads/`, (metadata) =>
    choosePlace(drive, metadata),
  );
}

async function choosePlace(drive: Drive, metadata: ReadonlyMap<string, string>): Promise<TusPlace> {
  const folder = readPath(drive, metadata.get('path') ?? '');
  // A folder that is dropped into the page gives its files' names with their way to them.
  const path = readPath(drive, `${folder.join('/')}/${metadata.get('filename')}`, 'filename');
  const inner = path.slice(0, -1);
  if (inner.length > folder.length) await makeWay(drive, inner);
  return metadata.has('mayRename') ? findFreeName(drive, path, metadata, folder.length) : { path };
}

/** Should somebody take the name meanwhile, nothing is overwritten. */
async function findFreeName(
  drive: Drive,
  wanted: DrivePath,
  metadata: ReadonlyMap<string, string>,
  depth: number,
): Promise<TusPlace> {
  const { path } = await drive.read(async (snapshot) => findFreePlace(snapshot, await snapshot.find(wanted), false));
  const named = new Map([...metadata, ['filename', path.slice(depth).join('/')]]);
  return { path, metadata: formatUploadMetadata(named), conditions: { 'if-none-match': '*' } };
}

async function makeWay(drive: Drive, folder: DrivePath): Promise<void> {
  const isThere = await drive.read(async (snapshot) => (await snapshot.find(folder)).resource !== null);
  if (isThere) return;
  checkMayAdd(drive.membership);
  await drive.makeFolders(folder);
}
