import { checkMayAdd } from '../../drive/rights.js';
import { HttpError } from '../../http-error.js';
import { cloudHeaders } from '../cloud-headers.js';
import { readPermit } from '../conditions.js';
import { parseOcMtime } from '../headers/mtime.js';
import { checkChanges, isRefused, renderPropstats, toPropertyChanges } from '../properties/property-changes.js';
import { type DavRequest, type DavResponse, headerOf, respond } from '../request.js';
import { isBlankBody, XML_BODY_BYTES_MAX } from '../xml/parse-xml.js';
import { type PropertyChange, parseMkcol } from '../xml/proppatch-request.js';

const RESOURCETYPE = 'resourcetype';

/** MKCOL, RFC 4918 §9.3, with properties in the body RFC 5689. */
export async function mkcol(request: DavRequest): Promise<DavResponse> {
  checkMayAdd(request.drive.membership);
  const changes = await readChanges(request);
  const modified = parseOcMtime(headerOf(request, 'x-oc-mtime'));
  const permit = await readPermit(request);
  const outcome = checkChanges(changes, null);
  if (isRefused(outcome)) {
    // RFC 5689 §3: nothing is made when one property can't be set.
    const body = `<?xml version="1.0" encoding="utf-8"?>\n<D:mkcol-response xmlns:D="DAV:">${renderPropstats(outcome)}</D:mkcol-response>\n`;
    return respond(424, { 'Content-Type': 'application/xml; charset=utf-8' }, body);
  }
  const properties = outcome.length === 0 ? {} : { changes: toPropertyChanges(outcome) };
  const resource = await request.drive.makeCollection(request.path, { permit, modified, ...properties });
  return respond(201, {
    ETag: resource.etag,
    ...cloudHeaders(request, resource),
    ...(modified === null ? {} : { 'X-OC-MTime': 'accepted' }),
  });
}

async function readChanges(request: DavRequest): Promise<PropertyChange[]> {
  const body = await request.body.readAtMost(XML_BODY_BYTES_MAX);
  if (isBlankBody(body) || body === null) return [];
  const type = headerOf(request, 'content-type');
  if (type !== undefined && !/^\s*(?:application|text)\/xml\b/i.test(type)) {
    throw new HttpError(415, 'A MKCOL takes no body, or an XML one (RFC 5689).');
  }
  const changes = parseMkcol(body, type);
  for (const change of changes) {
    const isType = change.name.namespace === 'DAV:' && change.name.name === RESOURCETYPE;
    if (!isType) continue;
    const types = change.element.children.filter((child) => typeof child !== 'string');
    if (types.some((type) => type.namespace !== 'DAV:' || type.name !== 'collection')) {
      throw new HttpError(403, 'Only ordinary collections can be made here.', { condition: 'valid-resourcetype' });
    }
  }
  return changes.filter(({ name }) => name.namespace !== 'DAV:' || name.name !== RESOURCETYPE);
}
