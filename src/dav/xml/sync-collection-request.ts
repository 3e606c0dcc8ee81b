import { HttpError } from '../../http-error.js';
import { type PropertyName, propertyNamesIn } from './property-name.js';
import { DAV_NAMESPACE, findChild, findChildren, textOf, type XmlElement } from './xml-element.js';

/** RFC 6578 §6.1. */
export interface SyncCollectionRequest {
  /** Empty: nothing is known yet. */
  readonly token: string;
  /** Everything below the collection, not its members alone. */
  readonly isDeep: boolean;
  /** The most responses that the client wants; null: as many as there are. */
  readonly limit: number | null;
  readonly properties: readonly PropertyName[];
}

/** Reads a `sync-collection` element. Throws HttpError 400 for one that lacks what the RFC asks for. */
export function readSyncCollection(report: XmlElement): SyncCollectionRequest {
  const child = (name: string) => findChild(report, DAV_NAMESPACE, name);
  const token = child('sync-token');
  const props = findChildren(report, DAV_NAMESPACE, 'prop');
  if (!token || props.length === 0)
    throw new HttpError(400, 'A sync-collection report needs a sync-token and a prop element.');
  return {
    token: textOf(token).trim(),
    isDeep: isDeep(child('sync-level')),
    limit: limitOf(child('limit')),
    properties: propertyNamesIn(props),
  };
}

/** Missing in the drafts that some programs still follow: they mean the members. */
function isDeep(level: XmlElement | null): boolean {
  const text = level === null ? '1' : textOf(level).trim();
  if (text !== '1' && text !== 'infinite') throw new HttpError(400, 'The sync-level must be 1 or infinite.');
  return text === 'infinite';
}

/** RFC 5323 §5.17. */
function limitOf(limit: XmlElement | null): number | null {
  if (limit === null) return null;
  const results = findChild(limit, DAV_NAMESPACE, 'nresults');
  const text = results === null ? '' : textOf(results).trim();
  if (!/^0*[1-9]\d{0,14}$/.test(text)) throw new HttpError(400, 'The nresults of a limit must be a number above 0.');
  return Number(text);
}
