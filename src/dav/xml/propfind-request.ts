import { HttpError } from '../../http-error.js';
import { isBlankBody, parseXml } from './parse-xml.js';
import { type PropertyName, propertyNamesIn } from './property-name.js';
import { childElements, DAV_NAMESPACE, findChildren, type XmlElement } from './xml-element.js';

/** RFC 4918 §14.20. */
export type PropfindRequest =
  | { readonly kind: 'prop'; readonly properties: readonly PropertyName[] }
  | { readonly kind: 'allprop'; readonly include: readonly PropertyName[] }
  | { readonly kind: 'propname' };

const KINDS: ReadonlySet<string> = new Set(['prop', 'allprop', 'propname']);

/**
 * Reads the body of a PROPFIND. No body, or one of white space, means `allprop` (RFC 4918 §9.1). Elements that the RFC
 * doesn't define are passed over (§17). Throws HttpError 400 for a body that is not XML, is no `propfind`, or says not
 * exactly one of `prop`, `allprop` and `propname`; 413 for one that is too large. Of several `prop` all count, as
 * ownCloud's iOS library sends them (owncloud/core#14703).
 */
export function parsePropfind(body: Uint8Array | null, contentType?: string): PropfindRequest {
  if (body === null || isBlankBody(body)) return { kind: 'allprop', include: [] };
  const root = parseXml(body, contentType);
  if (root.namespace !== DAV_NAMESPACE || root.name !== 'propfind') {
    throw new HttpError(400, 'The body of a PROPFIND must be a DAV: propfind element.');
  }
  const kinds = childElements(root).filter(({ namespace, name }) => namespace === DAV_NAMESPACE && KINDS.has(name));
  const [kind] = kinds;
  if (kind === undefined || (kinds.length > 1 && kinds.some(({ name }) => name !== 'prop'))) {
    throw new HttpError(400, 'A propfind element must hold exactly one of prop, allprop and propname.');
  }
  return requestOf(kind.name, kinds, root);
}

function requestOf(kind: string, elements: readonly XmlElement[], root: XmlElement): PropfindRequest {
  if (kind === 'prop') return { kind, properties: propertyNamesIn(elements) };
  if (kind === 'propname') return { kind };
  return { kind: 'allprop', include: propertyNamesIn(findChildren(root, DAV_NAMESPACE, 'include')) };
}
