import { cloudHeaders } from '../dav/cloud-headers.js';
import { readPermit } from '../dav/conditions.js';
import { withHttpErrors } from '../dav/dispatch.js';
import { getContent } from '../dav/methods/get.js';
import { destinationOf } from '../dav/methods/transfer.js';
import { readPropfind, respondMembers } from '../dav/properties/made-members.js';
import { type DavRequest, type DavResponse, respond } from '../dav/request.js';
import type { DrivePath } from '../drive/names.js';
import type { Permit } from '../drive/permit.js';
import type { Resource } from '../drive/resource.js';
import { turns } from '../drive/turns.js';
import { HttpError } from '../http-error.js';
import type { NodeId } from '../stores/values.js';
import { leadsToRestore } from './cloud-trees.js';
import { type CloudVersion, type CloudVersions, latestVersions } from './latest-versions.js';

/** The number alone as `oc:fileid` shows it, or as `oc:id` does. */
const FILE_ID = /^(\d{1,15})(?:firn)?$/;

type Method = (place: Place) => Promise<DavResponse>;

interface Place {
  readonly request: DavRequest;
  readonly fileId: NodeId;
  /** Of the folder with the versions of the file. */
  readonly folder: DrivePath;
  /** Empty for the folder. */
  readonly name: string;
}

const FOLDER: ReadonlyMap<string, Method> = new Map([['PROPFIND', propfindVersions]]);
const VERSION: ReadonlyMap<string, Method> = new Map([
  ['PROPFIND', propfindVersions],
  ['GET', getVersion],
  ['HEAD', getVersion],
]);
const NEXTCLOUD: ReadonlyMap<string, Method> = new Map([
  ...VERSION,
  ['MOVE', restoreToTarget],
  ['COPY', restoreToTarget],
]);
const OWNCLOUD: ReadonlyMap<string, Method> = new Map([...VERSION, ['COPY', restoreToFile]]);

/** `versions/USER/versions/FILEID/NAME`: what a file contained before (PRODUCT V4). A MOVE to `…/restore/target` restores it. */
export function nextcloudVersions(request: DavRequest): Promise<DavResponse> {
  const [id = '', name = '', ...deeper] = request.path;
  return answer({ request, id, folder: [id], name, isThere: deeper.length === 0 }, NEXTCLOUD);
}

/** `meta/FILEID/v/NAME`: the same. A COPY to the file restores it. */
export function owncloudVersions(request: DavRequest): Promise<DavResponse> {
  const [id = '', v = '', name = '', ...deeper] = request.path;
  return answer({ request, id, folder: [id, v], name, isThere: v === 'v' && deeper.length === 0 }, OWNCLOUD);
}

interface Asked extends Omit<Place, 'fileId'> {
  readonly id: string;
  readonly isThere: boolean;
}

function answer({ id, isThere, ...place }: Asked, ofVersion: ReadonlyMap<string, Method>): Promise<DavResponse> {
  const { request, name } = place;
  return withHttpErrors(request, async () => {
    if (id === '') throw new HttpError(403, 'Versions are listed of one file, by its number.');
    const [, number] = FILE_ID.exec(id) ?? [];
    if (!isThere || number === undefined) throw new HttpError(404, 'There is nothing of that name.');
    const methods = name === '' ? FOLDER : ofVersion;
    const method = methods.get(request.method);
    if (!method) {
      const Allow = ['OPTIONS', ...methods.keys()].join(', ');
      const sentence = 'The versions of a file can be looked at and restored, not changed.';
      throw new HttpError(405, sentence, { headers: { Allow } });
    }
    return method({ ...place, fileId: Number(number) as NodeId });
  });
}

/** Programs take the first response for the folder, unseen. */
async function propfindVersions({ request, fileId, folder, name }: Place): Promise<DavResponse> {
  const { depth, selection } = await readPropfind(request);
  if (depth !== '0') await turns.enter();
  const all = await latestVersions(request.drive, fileId);
  const members = depth === '0' ? [] : all.versions.map((version) => versionOf(all, folder, version));
  const shown = name === '' ? [folderOf(all, folder), ...members] : [versionOf(all, folder, find(all, name))];
  return respondMembers(request, selection, async () => shown);
}

async function getVersion({ request, fileId, name }: Place): Promise<DavResponse> {
  const { id } = find(await latestVersions(request.drive, fileId), name);
  return getContent(request, await request.drive.openVersion(fileId, id));
}

async function restoreToTarget(place: Place): Promise<DavResponse> {
  if (!leadsToRestore(place.request, 'versions')) {
    throw new HttpError(
      403,
      'A version is restored by a MOVE to restore/target. To keep it beside the file, download it.',
    );
  }
  return restore(place, 201, await readPermit(place.request));
}

/** ownCloud's web client sends `Overwrite: F`, and means to overwrite: the header is not looked at. */
async function restoreToFile(place: Place): Promise<DavResponse> {
  const to = await destinationOf(place.request);
  const isHere = to.drive.membership.driveId === place.request.drive.membership.driveId;
  const { tokens, check } = await readPermit(place.request);
  return restore(place, 204, {
    tokens,
    check: async (snapshot, found) => {
      const target = isHere ? await snapshot.find(to.path) : null;
      if (target?.resource?.node?.id !== place.fileId) {
        throw new HttpError(403, 'A version is restored by a COPY to the file that it is a version of.');
      }
      await check(snapshot, found);
    },
  });
}

async function restore({ request, fileId, name }: Place, status: number, permit: Permit): Promise<DavResponse> {
  const { id } = find(await latestVersions(request.drive, fileId), name);
  const file = await request.drive.restoreVersion(fileId, id, permit);
  return respond(status, { ETag: file.etag, ...cloudHeaders(request, file) });
}

/** By its name, or by the seconds that were shown of it: Nextcloud's Android app looks at no href. */
function find({ versions }: CloudVersions, name: string): CloudVersion {
  const found =
    versions.find(({ id }) => String(id) === name) ?? versions.find(({ seconds }) => String(seconds) === name);
  if (!found) throw new HttpError(404, 'There is no such version of this file, or not any more.');
  return found;
}

const OF_PAST = { kind: 'upload', revision: 0, trash: null } as const;

function folderOf({ file }: CloudVersions, path: DrivePath): Resource {
  const { modified, created, etag } = file;
  return { ...OF_PAST, path, name: path.at(-1)!, isCollection: true, node: null, size: 0, modified, created, etag };
}

function versionOf({ file }: CloudVersions, folder: DrivePath, version: CloudVersion): Resource {
  const { id, seconds, size, etag, by } = version;
  // The number is the file's; no property of the present one is the version's.
  const node = { ...file.node!, blobId: null, propertyBytes: 0 };
  const times = { modified: seconds * 1000, created: seconds * 1000 };
  return {
    ...{ ...OF_PAST, path: [...folder, String(id)], name: file.name, isCollection: false, node, size },
    ...{ ...times, etag, version: { by } },
  };
}
