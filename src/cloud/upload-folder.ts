import { parseAnnouncedDigests } from '../dav/headers/digests.js';
import { byteCountIn } from '../dav/headers/header-value.js';
import { destinationOf } from '../dav/methods/transfer.js';
import { readPropfind, respondMembers } from '../dav/properties/made-members.js';
import { type DavRequest, type DavResponse, headerOf, respond } from '../dav/request.js';
import { deleteUpload, withTus } from '../dav/tus/tus-resource.js';
import { isBlankBody, XML_BODY_BYTES_MAX } from '../dav/xml/parse-xml.js';
import type { DrivePath } from '../drive/names.js';
import { fileEtag, type Resource } from '../drive/resource.js';
import type { Snapshot } from '../drive/snapshot.js';
import { turns } from '../drive/turns.js';
import { readPartName } from '../drive/uploads/part-order.js';
import { HttpError } from '../http-error.js';
import type { PartRow } from '../stores/uploads.js';

/** MKCOL: begins an upload. What v2 says of its destination counts at the end, when it is said again; here for the quota. */
export async function makeUpload(request: DavRequest, name: string): Promise<DavResponse> {
  if (!isBlankBody(await request.body.readAtMost(XML_BODY_BYTES_MAX))) {
    throw new HttpError(415, 'The MKCOL of an upload takes no body.');
  }
  const announced = { name, size: announcedWhole(request) };
  await request.drive.uploads.beginInParts(announced, await announcedTarget(request));
  return respond(201);
}

/** PUT of a part. */
export async function putPart(request: DavRequest, name: string, partName: string): Promise<DavResponse> {
  const { part, isNew } = await receivePart(request, name, partName, { isWithDigests: true, target: null });
  return respond(isNew ? 201 : 204, { ETag: fileEtag(part.blobId) });
}

/**
 * Keeps the body as a part: durable when it resolves. One that breaks off changes nothing. `isWithDigests`: the checksums
 * in the head are those of the part. `target`: where the file will be; null where the request may say so.
 */
export async function receivePart(
  request: DavRequest,
  name: string,
  partName: string,
  { isWithDigests, target }: { readonly isWithDigests: boolean; readonly target: DrivePath | null },
) {
  if (headerOf(request, 'content-range') !== undefined) {
    throw new HttpError(400, 'A part is sent as a whole: its name says where it belongs.');
  }
  const place = readPartName(partName);
  if (!place) throw new HttpError(400, 'The name of a part is its number, or where in the file it begins.');
  return request.drive.uploads.receivePart(name, { ...place, name: partName }, request.body, {
    expected: {
      size: byteCountIn(request.headers, 'x-expected-entity-length'),
      digests: isWithDigests ? parseAnnouncedDigests(request.headers) : [],
      kept: [],
    },
    whole: announcedWhole(request),
    destination: target ?? (await announcedTarget(request)),
    signal: request.signal,
  });
}

/**
 * Where the file will be, where the request says so: version 2 does with each part, before it counts. Null where it doesn't,
 * or says what the end would refuse.
 */
async function announcedTarget(request: DavRequest): Promise<DrivePath | null> {
  if (headerOf(request, 'destination') === undefined) return null;
  try {
    const { drive, path } = await destinationOf(request);
    return drive.membership.driveId === request.drive.membership.driveId ? path : null;
  } catch (error) {
    if (error instanceof HttpError) return null;
    throw error;
  }
}

/** DELETE of a part: Nextcloud desktop 3 removes what it will send in other pieces. */
export async function removePart(request: DavRequest, name: string, part: string): Promise<DavResponse> {
  const { drive } = request;
  const upload = await drive.read((snapshot) => drive.uploads.find(snapshot, name, 'in-parts'));
  await drive.uploads.removePart(upload, part);
  return respond(204);
}

export async function removeUpload(request: DavRequest, name: string): Promise<DavResponse> {
  const { drive } = request;
  const upload = await drive.read((snapshot) => drive.uploads.find(snapshot, name));
  return withTus(request, () => deleteUpload(drive, upload));
}

/** PROPFIND of an upload and its parts, by which programs find out what is left to send. */
export async function propfindUpload(request: DavRequest, name: string): Promise<DavResponse> {
  const { depth, selection } = await readPropfind(request);
  if (depth !== '0') await turns.enter();
  return respondMembers(request, selection, (snapshot) => uploadAndParts(request, snapshot, name, depth !== '0'));
}

async function uploadAndParts(
  request: DavRequest,
  snapshot: Snapshot,
  name: string,
  withParts: boolean,
): Promise<Resource[]> {
  if (name === '') return [folder([], 'uploads', { size: 0, modified: snapshot.now, tag: 'uploads' })];
  const { uploads } = request.drive;
  const upload = await uploads.find(snapshot, name, 'in-parts');
  const { id, received, createdAt } = upload;
  const top = folder([name], name, { size: received, modified: createdAt, tag: `${id}-${received}` });
  if (!withParts) return [top];
  return [top, ...(await uploads.parts(snapshot, upload)).map((part) => fileOf(name, part))];
}

/** The size of the whole file, from one header or two that agree. Throws `HttpError` 400. */
export function announcedWhole(request: DavRequest): number | null {
  const [length, fileLength] = [
    byteCountIn(request.headers, 'oc-total-length'),
    byteCountIn(request.headers, 'oc-total-file-length'),
  ];
  if (length !== null && fileLength !== null && length !== fileLength) {
    throw new HttpError(400, 'OC-Total-Length and OC-Total-File-Length differ: only whole files are put together.');
  }
  return fileLength ?? length;
}

function folder(
  path: readonly string[],
  name: string,
  facts: { readonly size: number; readonly modified: number; readonly tag: string },
): Resource {
  const { size, modified, tag } = facts;
  const times = { modified, created: modified, revision: 0 };
  return { kind: 'upload', path, name, isCollection: true, node: null, size, ...times, etag: `"${tag}"`, trash: null };
}

function fileOf(upload: string, { name, size, storedAt, blobId }: PartRow): Resource {
  const times = { modified: storedAt, created: storedAt, revision: 0 };
  const etag = fileEtag(blobId);
  return {
    kind: 'upload',
    path: [upload, name],
    name,
    isCollection: false,
    node: null,
    size,
    ...times,
    etag,
    trash: null,
  };
}
