import type { Transferred, TransferTarget, TransferWish } from '../../drive/transfer.js';
import { HttpError } from '../../http-error.js';
import { cloudHeaders } from '../cloud-headers.js';
import { readPermit } from '../conditions.js';
import { parseDepth } from '../headers/depth.js';
import { parseDestination } from '../headers/destination.js';
import { parseOcMtime } from '../headers/mtime.js';
import { parseOverwrite } from '../headers/overwrite.js';
import { type DavRequest, type DavResponse, headerOf, hrefOf, respond } from '../request.js';

/** COPY, RFC 4918 §9.8. One transaction makes it visible: there is no half copy, so never a 207. */
export async function copy(request: DavRequest): Promise<DavResponse> {
  const { drive, path, signal } = request;
  const depth = parseDepth(headerOf(request, 'depth'), 'infinity');
  if (depth === '1') throw new HttpError(400, 'A COPY takes Depth 0 or infinity.');
  const isDeep = depth === 'infinity';
  return transfer(request, (to, wish) => drive.copy(path, to, { ...wish, isDeep, signal }));
}

/** MOVE, RFC 4918 §9.9. */
export async function move(request: DavRequest): Promise<DavResponse> {
  const { drive, path } = request;
  if (parseDepth(headerOf(request, 'depth'), 'infinity') !== 'infinity') {
    throw new HttpError(400, 'A MOVE takes all that is in a folder along: Depth must be infinity.');
  }
  return transfer(request, (to, wish) => drive.move(path, to, wish));
}

async function transfer(
  request: DavRequest,
  carryOut: (to: TransferTarget, wish: TransferWish) => Promise<Transferred>,
): Promise<DavResponse> {
  const mayOverwrite = parseOverwrite(headerOf(request, 'overwrite'));
  const modified = parseOcMtime(headerOf(request, 'x-oc-mtime'));
  const to = await destinationOf(request);
  const { resource, isNew } = await carryOut(to, { permit: await readPermit(request), mayOverwrite, modified });
  const isElsewhere = resource.path.at(-1) !== to.path.at(-1);
  return respond(isNew ? 201 : 204, {
    ...(resource.isCollection ? {} : { ETag: resource.etag }),
    ...cloudHeaders(request, resource),
    ...(isElsewhere ? { Location: hrefOf(request, resource.path, resource.isCollection) } : {}),
    ...(modified === null ? {} : { 'X-OC-MTime': 'accepted' }),
  });
}

/** Where `Destination` leads. Throws `HttpError` 400, 409 for a drive that isn't there, 502 for another server. */
export async function destinationOf(request: DavRequest): Promise<TransferTarget> {
  const { host, path } = parseDestination(headerOf(request, 'destination'), request.url);
  const target = await request.locate(host, path);
  if (!target) throw new HttpError(502, 'The Destination is on another server. Download it here and upload it there.');
  if (!target.drive) throw new HttpError(409, 'There is no such drive to copy or move to, or you are no member of it.');
  return { drive: target.drive, path: target.path };
}
