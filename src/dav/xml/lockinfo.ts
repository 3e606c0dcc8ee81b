import { HttpError } from '../../http-error.js';
import { parseXml } from './parse-xml.js';
import { serializeContent } from './serialize-xml.js';
import { childElements, DAV_NAMESPACE, findChild, type XmlElement } from './xml-element.js';

/** Kept with the lock and shown in each `lockdiscovery`. Real owners are a name or an address. */
export const LOCK_OWNER_BYTES_MAX = 2 * 1024;
/** A lock's scope, type and owner, in whatever encoding. */
export const LOCK_BODY_BYTES_MAX = 16 * 1024;

export interface LockInfo {
  readonly scope: 'exclusive' | 'shared';
  /** The content of `owner` as self-contained XML text, never read by Firn (RFC 4918 §14.17); null when there is none. */
  readonly ownerXml: string | null;
}

/**
 * Reads the body of a LOCK that asks for a new lock (RFC 4918 §14.11). Throws HttpError 400 for a body that is not XML or
 * lacks something, 422 for a scope or type of lock that is not known, 413 for a body that is too large.
 */
export function parseLockInfo(body: Uint8Array, contentType?: string): LockInfo {
  const root = parseXml(body, contentType);
  if (root.namespace !== DAV_NAMESPACE || root.name !== 'lockinfo') {
    throw new HttpError(400, 'The body of a LOCK must be a DAV: lockinfo element.');
  }
  const scope = onlyChild(root, 'lockscope');
  if (scope.name !== 'exclusive' && scope.name !== 'shared') {
    throw new HttpError(422, 'The lock scope must be exclusive or shared.');
  }
  if (onlyChild(root, 'locktype').name !== 'write') throw new HttpError(422, 'Only write locks exist here.');
  return { scope: scope.name, ownerXml: ownerOf(root) };
}

function onlyChild(root: XmlElement, name: string): XmlElement {
  const parent = findChild(root, DAV_NAMESPACE, name);
  const [child, ...others] = parent === null ? [] : childElements(parent).filter(isDav);
  if (child === undefined || others.length > 0) {
    throw new HttpError(400, `The lockinfo element must hold one ${name} that says one thing.`);
  }
  return child;
}

function isDav(element: XmlElement): boolean {
  return element.namespace === DAV_NAMESPACE;
}

function ownerOf(root: XmlElement): string | null {
  const owner = findChild(root, DAV_NAMESPACE, 'owner');
  if (owner === null) return null;
  const text = serializeContent(owner, LOCK_OWNER_BYTES_MAX);
  if (text === null) {
    throw new HttpError(400, `The owner of a lock may take ${LOCK_OWNER_BYTES_MAX} bytes at most.`);
  }
  return text;
}
