import { originalLocation, type Resource } from '../../drive/resource.js';
import { mayAdd, mayChange } from '../../drive/rights.js';
import { mayFollow, syncToken } from '../../drive/sync/sync-token.js';
import type { Membership } from '../../stores/account-store.js';
import type { PropertyRow } from '../../stores/metadata-store.js';
import type { BlobId, Digests, NodeId } from '../../stores/values.js';
import { contentTypeOf } from '../content-type.js';
import { formatHttpDate, formatIsoDate } from '../headers/http-date.js';
import { type PropertyName, propertyKey } from '../xml/property-name.js';
import { escapeText } from '../xml/serialize-xml.js';
import { renderActiveLock, SUPPORTED_LOCK } from './active-lock.js';
import type { LockIndex } from './lock-index.js';

export const WIN32_NAMESPACE = 'urn:schemas-microsoft-com:';
const OC = 'http://owncloud.org/ns';
const NC = 'http://nextcloud.org/ns';
/** What is empty counts as unknown to programs: a first restoration would pass unnoticed. */
const NEVER_RESTORED = 0;

/** What properties of a page of resources need beside the resources, gathered with one statement each. */
export interface PropertyFacts {
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly membership: Membership;
  /** What is looked at takes no change, and has none. */
  readonly isPast: boolean;
  /** RFC 4331; null where it is not asked for, or hidden. */
  readonly quota: { readonly used: number; readonly available: number | null } | null;
  /** See `ChangeLogView.lastRestoration`. */
  readonly restoration: number | null;
  readonly locks: LockIndex;
  /** By node and `propertyKey`. */
  readonly dead: ReadonlyMap<NodeId, ReadonlyMap<string, PropertyRow>>;
  readonly digests: ReadonlyMap<BlobId, Digests>;
  readonly hrefOf: (path: readonly string[], isCollection: boolean) => string;
}

/** Returns the whole element, or null where the resource has no such property. */
export type PropertyWriter = (resource: Resource, facts: PropertyFacts) => string | null;

export interface LiveProperty {
  readonly name: PropertyName;
  readonly write: PropertyWriter;
  /** RFC 4918 §9.1: those of the RFC itself, no others, so that answers stay small (client-requirements R38). */
  readonly isInAllprop: boolean;
}

const live = new Map<string, LiveProperty>();

function define(namespace: string, name: string, write: PropertyWriter, isInAllprop = false): void {
  live.set(propertyKey({ namespace, name }), { name: { namespace, name }, write, isInAllprop });
}

// RFC 4918 §15, in its order.
define('DAV:', 'creationdate', ({ created }) => `<D:creationdate>${formatIsoDate(created)}</D:creationdate>`, true);
define('DAV:', 'displayname', ({ name }) => `<D:displayname>${escapeText(name)}</D:displayname>`, true);
define(
  'DAV:',
  'getcontentlength',
  ({ isCollection, size }) => (isCollection ? null : `<D:getcontentlength>${size}</D:getcontentlength>`),
  true,
);
define(
  'DAV:',
  'getcontenttype',
  ({ isCollection, name }) => (isCollection ? null : `<D:getcontenttype>${contentTypeOf(name)}</D:getcontenttype>`),
  true,
);
define('DAV:', 'getetag', ({ etag }) => `<D:getetag>${etag}</D:getetag>`, true);
define(
  'DAV:',
  'getlastmodified',
  ({ modified }) => `<D:getlastmodified>${formatHttpDate(modified)}</D:getlastmodified>`,
  true,
);
define('DAV:', 'lockdiscovery', writeLockDiscovery, true);
define(
  'DAV:',
  'resourcetype',
  ({ isCollection }) => (isCollection ? '<D:resourcetype><D:collection/></D:resourcetype>' : '<D:resourcetype/>'),
  true,
);
define(
  'DAV:',
  'supportedlock',
  ({ kind }, { isPast }) => (kind === 'node' && !isPast ? SUPPORTED_LOCK : '<D:supportedlock/>'),
  true,
);

// RFC 3253 §3.1.5 and RFC 6578 §3, §4: on collections.
const reportElement = (name: string) => `<D:supported-report><D:report><${name}/></D:report></D:supported-report>`;
const SUPPORTED_REPORTS = `<D:supported-report-set>${reportElement('D:sync-collection')}${reportElement('oc:filter-files')}</D:supported-report-set>`;
define('DAV:', 'supported-report-set', (resource, { isPast }) =>
  mayFollow(resource) && !isPast ? SUPPORTED_REPORTS : '<D:supported-report-set/>',
);
define('DAV:', 'sync-token', (resource, { membership, isPast }) =>
  mayFollow(resource) && !isPast ? `<D:sync-token>${syncToken(resource, membership)}</D:sync-token>` : null,
);

// RFC 4331: on collections.
define('DAV:', 'quota-available-bytes', ({ isCollection }, { quota }) =>
  isCollection && quota?.available != null
    ? `<D:quota-available-bytes>${quota.available}</D:quota-available-bytes>`
    : null,
);
define('DAV:', 'quota-used-bytes', ({ isCollection }, { quota }) =>
  isCollection && quota ? `<D:quota-used-bytes>${quota.used}</D:quota-used-bytes>` : null,
);

// ownCloud and Nextcloud.
define(OC, 'id', (resource, { membership }) => `<oc:id>${cloudId(resource, membership)}</oc:id>`);
define(OC, 'fileid', (resource, { membership }) => `<oc:fileid>${fileId(resource, membership)}</oc:fileid>`);
define(OC, 'size', ({ size }) => `<oc:size>${size}</oc:size>`);
define(
  OC,
  'permissions',
  (resource, { membership }) => `<oc:permissions>${cloudPermissions(resource, membership)}</oc:permissions>`,
);
define(OC, 'checksums', writeChecksums);
// Another one after a backup was restored: Nextcloud's and ownCloud's desktop programs then keep what is newer on their side.
define(
  OC,
  'data-fingerprint',
  (_resource, { restoration }) => `<oc:data-fingerprint>${restoration ?? NEVER_RESTORED}</oc:data-fingerprint>`,
);
define(NC, 'trashbin-filename', (resource) =>
  resource.trash
    ? `<nc:trashbin-filename>${escapeText(originalLocation(resource, resource.trash).split('/').at(-1) ?? '')}</nc:trashbin-filename>`
    : null,
);
define(NC, 'trashbin-original-location', (resource) =>
  resource.trash
    ? `<nc:trashbin-original-location>${escapeText(originalLocation(resource, resource.trash))}</nc:trashbin-original-location>`
    : null,
);
define(NC, 'trashbin-deletion-time', ({ trash }) =>
  trash ? `<nc:trashbin-deletion-time>${Math.floor(trash.deletedAt / 1000)}</nc:trashbin-deletion-time>` : null,
);
// Of a version that nobody has named the label is empty: nobody can name one here.
define(NC, 'version-label', ({ version }) => (version ? '<nc:version-label/>' : null));
define(NC, 'version-author', ({ version }) =>
  version?.by ? `<nc:version-author>${escapeText(version.by)}</nc:version-author>` : null,
);

// Windows' redirector sets these; what they say is what the RFC's own dates say.
define(
  WIN32_NAMESPACE,
  'Win32LastModifiedTime',
  ({ modified }) =>
    `<Z:Win32LastModifiedTime xmlns:Z="${WIN32_NAMESPACE}">${formatHttpDate(modified)}</Z:Win32LastModifiedTime>`,
);
define(
  WIN32_NAMESPACE,
  'Win32CreationTime',
  ({ created }) => `<Z:Win32CreationTime xmlns:Z="${WIN32_NAMESPACE}">${formatHttpDate(created)}</Z:Win32CreationTime>`,
);

export function findLiveProperty(name: PropertyName): LiveProperty | undefined {
  return live.get(propertyKey(name));
}

export const LIVE_PROPERTIES: readonly LiveProperty[] = [...live.values()];
export const ALLPROP: readonly LiveProperty[] = LIVE_PROPERTIES.filter(({ isInAllprop }) => isInAllprop);
/** Without what is the same for each file and takes a third of its room. */
export const LEAN_ALLPROP: readonly LiveProperty[] = ALLPROP.filter(({ name }) => name.name !== 'supportedlock');

export const QUOTA: readonly LiveProperty[] = LIVE_PROPERTIES.filter(({ name }) => name.name.startsWith('quota-'));

/** Whether only the server gives the property its value. */
export function isProtected(name: PropertyName): boolean {
  return live.has(propertyKey(name));
}

/** A long owner is shown where the lock's root is, and not once more for everything that the lock covers. */
const OWNER_BELOW_LENGTH_MAX = 256;

function writeLockDiscovery(resource: Resource, { locks, hrefOf, now }: PropertyFacts): string {
  const covering = locks.covering(resource);
  if (covering.length === 0) return '<D:lockdiscovery/>';
  let active = '';
  for (const { lock, path, isCollection } of covering) {
    const isRoot = lock.nodeId === resource.node?.id;
    const isShown = isRoot || (lock.ownerXml?.length ?? 0) <= OWNER_BELOW_LENGTH_MAX;
    active += renderActiveLock(isShown ? lock : { ...lock, ownerXml: null }, hrefOf(path, isCollection), now);
  }
  return `<D:lockdiscovery>${active}</D:lockdiscovery>`;
}

/** Numeric and stable (client-requirements 2.12); the folders made of several nodes have the number of one of them. */
function fileId(resource: Resource, membership: Membership): number {
  return resource.node?.id ?? (resource.kind === 'root' ? membership.rootId : membership.binId);
}

/** `oc:id` and `OC-FileId`: the file's number and the installation's name, as Nextcloud has them. */
export function cloudId(resource: Resource, membership: Membership): string {
  return `${String(fileId(resource, membership)).padStart(8, '0')}firn`;
}

/** ownCloud's letters: G read, D delete, N rename, V move, W write, C and K create in. */
export function cloudPermissions(resource: Resource, membership: Membership): string {
  const isOrdinary = resource.kind === 'node' || resource.kind === 'trashed' || resource.kind === 'in-trash';
  const change = isOrdinary && mayChange(membership);
  const isTrash = resource.kind === 'trash' || resource.kind === 'trashed' || resource.kind === 'in-trash';
  if (resource.isCollection) return `G${change ? 'DNV' : ''}${!isTrash && mayAdd(membership) ? 'CK' : ''}`;
  return `G${change ? (isTrash ? 'DNV' : 'DNVW') : ''}`;
}

function writeChecksums({ node }: Resource, facts: PropertyFacts): string | null {
  if (!node?.blobId) return null;
  const { sha1, md5 } = facts.digests.get(node.blobId) ?? {};
  const known = [sha1 && `SHA1:${sha1}`, md5 && `MD5:${md5}`, `SHA256:${node.blobId}`].filter(Boolean);
  return `<oc:checksums><oc:checksum>${known.join(' ')}</oc:checksum></oc:checksums>`;
}
