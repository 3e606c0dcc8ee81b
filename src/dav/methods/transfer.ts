import { type StagedTree, writeCopy } from '../../drive/copy-tree.js';
import type { Drive } from '../../drive/drive.js';
import type { DriveTransaction } from '../../drive/drive-transaction.js';
import { checkLocks } from '../../drive/locks/locks.js';
import { takeUpLocks, vacateLocks } from '../../drive/locks/vacated-locks.js';
import type { DrivePath } from '../../drive/names.js';
import { copy as copyNode, move as moveNode, type Transfer, type Transferred } from '../../drive/transfer.js';
import { HttpError } from '../../http-error.js';
import { MAKES_ROOM } from '../../stores/metadata-store.js';
import { cloudHeaders } from '../cloud-headers.js';
import { checkConditions, readConditions } from '../conditions.js';
import { parseDepth } from '../headers/depth.js';
import { parseDestination } from '../headers/destination.js';
import { parseOcMtime } from '../headers/mtime.js';
import { parseOverwrite } from '../headers/overwrite.js';
import { type DavRequest, type DavResponse, headerOf, hrefOf, respond } from '../request.js';

/** COPY, RFC 4918 §9.8. One transaction makes it visible: there is no half copy, so never a 207. */
export function copy(request: DavRequest): Promise<DavResponse> {
  const depth = parseDepth(headerOf(request, 'depth'), 'infinity');
  if (depth === '1') throw new HttpError(400, 'A COPY takes Depth 0 or infinity.');
  const isDeep = depth === 'infinity';
  return transfer(request, (changes, parts, staged) => copyNode(changes, { ...parts, isDeep, staged }), false);
}

/** MOVE, RFC 4918 §9.9. */
export function move(request: DavRequest): Promise<DavResponse> {
  if (parseDepth(headerOf(request, 'depth'), 'infinity') !== 'infinity') {
    throw new HttpError(400, 'A MOVE takes all that is in a folder along: Depth must be infinity.');
  }
  return transfer(request, moveNode, true);
}

async function transfer(
  request: DavRequest,
  carryOut: (changes: DriveTransaction, parts: Transfer, staged: StagedTree | null) => Promise<Transferred>,
  isMove: boolean,
): Promise<DavResponse> {
  const mayOverwrite = parseOverwrite(headerOf(request, 'overwrite'));
  const modified = parseOcMtime(headerOf(request, 'x-oc-mtime'));
  const { drive, path } = await destinationOf(request);
  const conditions = await readConditions(request);
  const options = { ...(isMove ? MAKES_ROOM : {}), joined: drive };
  const work = async (changes: DriveTransaction, staged: StagedTree | null): Promise<Transferred> => {
    const destination = drive.membership.driveId === changes.membership.driveId ? changes : await drive.join(changes);
    const from = await changes.find(request.path);
    if (!from.resource) throw new HttpError(404, 'There is nothing of that name.');
    const to = await destination.find(path);
    await checkConditions(request, conditions, changes, from, to);
    const { tokens } = conditions;
    if (isMove) await checkLocks(changes, from, { tokens, changesParent: true, changesBelow: true });
    await checkLocks(destination, to, {
      tokens,
      changesParent: to.resource === null,
      changesBelow: to.resource !== null,
    });
    const parts = { from, to, destination, mayOverwrite, ...(modified === null ? {} : { modified }) };
    if (isMove) await vacateLocks(changes, from, tokens);
    const done = await carryOut(changes, parts, staged);
    if (done.resource.kind === 'node') await takeUpLocks(changes, to, done.resource.node!, tokens);
    return done;
  };
  const { resource, isNew } = await writeCopy(request.drive, request.signal, work, options);
  const isElsewhere = resource.path.at(-1) !== path.at(-1);
  return respond(isNew ? 201 : 204, {
    ...(resource.isCollection ? {} : { ETag: resource.etag }),
    ...cloudHeaders(request, resource),
    ...(isElsewhere ? { Location: hrefOf(request, resource.path, resource.isCollection) } : {}),
    ...(modified === null ? {} : { 'X-OC-MTime': 'accepted' }),
  });
}

/** Where `Destination` leads. Throws `HttpError` 400, 409 for a drive that isn't there, 502 for another server. */
export async function destinationOf(request: DavRequest): Promise<{ drive: Drive; path: DrivePath }> {
  const { host, path } = parseDestination(headerOf(request, 'destination'), request.url);
  const target = await request.locate(host, path);
  if (!target) throw new HttpError(502, 'The Destination is on another server. Download it here and upload it there.');
  if (!target.drive) throw new HttpError(409, 'There is no such drive to copy or move to, or you are no member of it.');
  return { drive: target.drive, path: target.path };
}
