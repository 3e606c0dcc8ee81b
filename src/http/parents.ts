import type Koa from 'koa';
import { parseDepth } from '../dav/headers/depth.js';
import { formatHttpDate, formatIsoDate } from '../dav/headers/http-date.js';
import {
  MULTISTATUS_CLOSE,
  MULTISTATUS_CONTENT_TYPE,
  MULTISTATUS_OPEN,
  missingProperty,
  responseWithPropstats,
} from '../dav/xml/multistatus.js';
import { propertyKey } from '../dav/xml/property-name.js';
import { type PropfindRequest, parsePropfind } from '../dav/xml/propfind-request.js';
import { HttpError } from '../http-error.js';
import type { FirnState } from './context.js';
import { HttpBody } from './http-body.js';
import type { Mount } from './mounts.js';
import { send } from './send.js';

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
 * The folders above a drive's path, to which Windows and GNOME walk up when they mount it (PRODUCT A4,
 * client-requirements R31). They show that they are folders, to everybody, and no drives. Any other address that is no
 * drive's is 404.
 */
export function parents(context: Koa.ParameterizedContext<FirnState>, next: Koa.Next): Promise<void> {
  const { mount } = context.state;
  return mount.kind === 'parent' || mount.kind === 'other' ? answer(context, mount) : next();
}

async function answer(
  context: Koa.ParameterizedContext<FirnState>,
  mount: Extract<Mount, { kind: 'parent' | 'other' }>,
): Promise<void> {
  if (mount.kind === 'other') {
    throw new HttpError(404, 'There is nothing here. Drives are at /dav/ID/, with the ID of the drive.');
  }
  switch (context.method) {
    case 'GET':
    case 'HEAD': {
      const text = 'This is a Firn server. Your drive is at /dav/ID/, with the ID of the drive, for WebDAV programs.\n';
      send(context, { status: 200, headers: { 'Content-Type': 'text/plain; charset=utf-8' }, body: text });
      return;
    }
    case 'PROPFIND': {
      const { prefix } = context.state;
      return propfindFolders(context, prefix + mount.path, mount.path === '/' ? [`${prefix}/dav/`] : []);
    }
    default:
      throw new HttpError(405, 'This folder only leads to drives.', {
        headers: { Allow: 'OPTIONS, GET, HEAD, PROPFIND' },
      });
  }
}

/** A folder that has nothing but a name and the folders `members`, all as encoded hrefs. */
export async function propfindFolders(
  context: Koa.ParameterizedContext<FirnState>,
  path: string,
  members: readonly string[],
): Promise<void> {
  const header = context.req.headers.depth;
  const depth = parseDepth(typeof header === 'string' ? header : undefined, 'infinity');
  const body = await new HttpBody(context.req, context.res).readAtMost(BODY_BYTES_MAX);
  const request = parsePropfind(body, context.req.headers['content-type']);
  const hrefs = depth === '0' ? [path] : [path, ...members];
  const text = hrefs.map((href, index) => render(href, request, index === 0)).join('');
  const headers = { 'Content-Type': MULTISTATUS_CONTENT_TYPE };
  send(context, { status: 207, headers, body: MULTISTATUS_OPEN + text + MULTISTATUS_CLOSE });
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
