import type { Drive } from '../drive/drive.js';
import { momentName, parseMoment } from '../drive/past/moment-names.js';
import { midnights } from '../drive/past/moments.js';
import { collectionEtag, type Resource } from '../drive/resource.js';
import { HttpError } from '../http-error.js';
import type { NodeId } from '../stores/values.js';
import { dispatch, withHttpErrors } from './dispatch.js';
import { parseDepth } from './headers/depth.js';
import { prefersMinimal } from './headers/prefer.js';
import { respondMembers } from './properties/made-members.js';
import { readSelection } from './properties/property-selection.js';
import { type DavRequest, type DavResponse, headerOf, hrefOf, respond } from './request.js';
import { XML_BODY_BYTES_MAX } from './xml/parse-xml.js';
import { escapeAttribute, escapeText } from './xml/serialize-xml.js';

/** In the root of a drive, and in no listing (PRODUCT V3). */
const SNAPSHOTS_NAME = '.snapshots';
const READING = new Set(['GET', 'HEAD', 'PROPFIND', 'COPY']);

/** Whether a path leads to the past of a drive. By the drive's folder (`/Drive/.snapshots`) it is a name like any other. */
export function isInPast(path: DavRequest['path']): boolean {
  return path[0] === SNAPSHOTS_NAME;
}

/**
 * `/.snapshots/TIME/…`: the drive as it was, read-only (PRODUCT V3). `/.snapshots/` lists the midnights; a moment of the grid
 * that it doesn't list is reached by its name.
 */
export function snapshots(request: DavRequest): Promise<DavResponse> {
  return withHttpErrors(request, async () => {
    const { path, method } = request;
    if (!READING.has(method) || (method === 'COPY' && path.length < 3)) {
      throw new HttpError(403, 'The past can be looked at and copied, not changed.');
    }
    if (path.length === 1) return method === 'PROPFIND' ? listMoments(request) : indexOfMoments(request);
    const moment = parseMoment(path[1]!);
    if (moment === null)
      throw new HttpError(404, 'There is nothing of that name. A time is written like 2027-01-31T09-30-00Z.');
    return dispatch(momentRequest(request, await request.drive.at(moment)));
  });
}

/** The same request to the drive as it was, whose root is the folder of the moment. */
function momentRequest(request: DavRequest, drive: Drive): DavRequest {
  const spelt = request.spelling.split('/').filter((segment) => segment !== '');
  return {
    ...request,
    drive,
    base: hrefOf(request, request.path.slice(0, 2), false),
    path: request.path.slice(2),
    spelling: `/${spelt.slice(2).join('/')}`,
  };
}

async function listMoments(request: DavRequest): Promise<DavResponse> {
  const depth = parseDepth(headerOf(request, 'depth'), 'infinity');
  if (depth === 'infinity') {
    throw new HttpError(403, 'The past is listed one folder at a time.', { condition: 'propfind-finite-depth' });
  }
  const isMinimal = prefersMinimal(request.headers);
  const body = await request.body.readAtMost(XML_BODY_BYTES_MAX);
  const options = { isMinimal, isLean: false, withQuota: false };
  const selection = readSelection(body, headerOf(request, 'content-type'), options);
  const moments = depth === '1' ? await midnights(request.drive) : [];
  const shown = [folderOf([SNAPSHOTS_NAME], moments[0] ?? request.drive.now())];
  for (const moment of moments) shown.push(folderOf([SNAPSHOTS_NAME, momentName(moment)], moment));
  return respondMembers(request, selection, async () => shown);
}

/** For browsers. */
async function indexOfMoments(request: DavRequest): Promise<DavResponse> {
  const lines = (await midnights(request.drive)).map((moment) => {
    const href = hrefOf(request, [SNAPSHOTS_NAME, momentName(moment)], true);
    return `<li><a href="${escapeAttribute(href)}">${escapeText(momentName(moment))}/</a></li>\n`;
  });
  const title = escapeText(SNAPSHOTS_NAME);
  const text = `<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>${title}</title><ul>\n${lines.join('')}</ul>\n</html>\n`;
  const headers = { 'Content-Type': 'text/html; charset=utf-8', 'Content-Length': String(Buffer.byteLength(text)) };
  return respond(200, headers, request.method === 'HEAD' ? null : text);
}

/** A folder that is no node. */
function folderOf(path: Resource['path'], moment: number): Resource {
  return {
    ...{ kind: 'upload', path, name: path.at(-1)!, isCollection: true, node: null, size: 0, trash: null, revision: 0 },
    ...{ modified: moment, created: moment, etag: collectionEtag(0 as NodeId, moment) },
  };
}
