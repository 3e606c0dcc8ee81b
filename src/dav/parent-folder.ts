import { parseDepth } from './headers/depth.js';
import { formatHttpDate, formatIsoDate } from './headers/http-date.js';
import { type DavRequest, type DavResponse, headerOf, respond } from './request.js';
import {
  MULTISTATUS_CLOSE,
  MULTISTATUS_CONTENT_TYPE,
  MULTISTATUS_OPEN,
  missingProperty,
  responseWithPropstats,
} from './xml/multistatus.js';
import { propertyKey } from './xml/property-name.js';
import { type PropfindRequest, parsePropfind } from './xml/propfind-request.js';

/** Nobody has to prove who they are here, so little is read and little comes back; GNOME's body has 400 bytes. */
const BODY_BYTES_MAX = 4 * 1024;
const MISSING_BYTES_MAX = 2 * 1024;

const startedAt = Date.now();
const PROPERTIES = new Map([
  ['{DAV:}resourcetype', '<D:resourcetype><D:collection/></D:resourcetype>'],
  ['{DAV:}displayname', '<D:displayname>Firn</D:displayname>'],
  ['{DAV:}getlastmodified', `<D:getlastmodified>${formatHttpDate(startedAt)}</D:getlastmodified>`],
  ['{DAV:}creationdate', `<D:creationdate>${formatIsoDate(startedAt)}</D:creationdate>`],
]);

/**
 * PROPFIND on a folder above the drives (client-requirements R31), which has nothing but a name and the folders `members`. All hrefs are
 * encoded. Throws `HttpError` 400, 413 and 415.
 */
export async function propfindParent(
  request: Pick<DavRequest, 'headers' | 'body'>,
  href: string,
  members: readonly string[],
): Promise<DavResponse> {
  const depth = parseDepth(headerOf(request, 'depth'), 'infinity');
  const body = await request.body.readAtMost(BODY_BYTES_MAX);
  const wanted = parsePropfind(body, request.headers['content-type']);
  const hrefs = depth === '0' ? [href] : [href, ...members];
  const text = hrefs.map((each, index) => render(each, wanted, index === 0)).join('');
  return respond(207, { 'Content-Type': MULTISTATUS_CONTENT_TYPE }, MULTISTATUS_OPEN + text + MULTISTATUS_CLOSE);
}

/** `isFirst`: what is missing is said of no other. */
function render(href: string, request: PropfindRequest, isFirst: boolean): string {
  if (request.kind === 'allprop') return responseWithPropstats(href, [...PROPERTIES.values()].join(''), '');
  if (request.kind === 'propname') {
    const names = [...PROPERTIES.keys()].map((key) => missingProperty({ namespace: 'DAV:', name: key.slice(6) }));
    return responseWithPropstats(href, names.join(''), '');
  }
  let found = '';
  let missing = '';
  for (const name of request.properties) {
    const text = PROPERTIES.get(propertyKey(name));
    if (text === undefined) missing += missingProperty(name);
    else found += text;
  }
  const isSaid = isFirst && Buffer.byteLength(missing) <= MISSING_BYTES_MAX;
  return responseWithPropstats(href, found, isSaid ? missing : '');
}
