import { readChecksum } from '../../drive/checksum.js';
import { PROPERTIES_BYTES_MAX, type PropertyChanges } from '../../drive/properties.js';
import type { DavCondition } from '../../http-error.js';
import type { ContentRow } from '../../stores/metadata-store.js';
import { parseHttpDate } from '../headers/http-date.js';
import { missingProperty, propstat } from '../xml/multistatus.js';
import type { PropertyName } from '../xml/property-name.js';
import { propertyKey } from '../xml/property-name.js';
import type { PropertyChange } from '../xml/proppatch-request.js';
import { serializeElement } from '../xml/serialize-xml.js';
import { textOf } from '../xml/xml-element.js';
import { isProtected, WIN32_NAMESPACE } from './live-properties.js';

/** Longest value of one dead property, in bytes of XML; the largest seen are thumbnails of some KB. */
const PROPERTY_BYTES_MAX = 64 * 1024;

type Time = 'modified' | 'created';

/** Live properties that a client may set, all of them times (PRODUCT U7). */
const SETTABLE = new Map<string, { readonly time: Time; readonly parse: (text: string) => number | null }>([
  // WinSCP, lftp.
  ['{DAV:}getlastmodified', { time: 'modified', parse: parseHttpDate }],
  // rclone: seconds since 1970.
  ['{DAV:}lastmodified', { time: 'modified', parse: (text) => parseSeconds(text) ?? parseHttpDate(text) }],
  ['{DAV:}creationdate', { time: 'created', parse: parseIsoDate }],
  // Windows' redirector, with the dates of HTTP.
  [`{${WIN32_NAMESPACE}}Win32LastModifiedTime`, { time: 'modified', parse: parseHttpDate }],
  [`{${WIN32_NAMESPACE}}Win32CreationTime`, { time: 'created', parse: parseHttpDate }],
]);

/** Not for clients to set, but rclone since 1.7x sends it along with a time: to what it is already, it may be set. */
const CHECKSUMS = '{http://owncloud.org/ns}checksums';

/** What becomes of each change: the instructions to carry out, or the reason why one can't be. */
export interface CheckedChange {
  readonly name: PropertyName;
  readonly status: 200 | 403 | 409 | 424 | 507;
  readonly condition?: DavCondition;
  readonly dead?: { readonly namespace: string; readonly name: string; readonly xml: string | null };
  readonly time?: { readonly which: Time; readonly ms: number };
}

/** Checks all changes before any is carried out: PROPPATCH is all or nothing (RFC 4918 §9.2). `content`: of a file. */
export function checkChanges(changes: readonly PropertyChange[], content: ContentRow | null): CheckedChange[] {
  let bytes = 0;
  const checked = changes.map((change): CheckedChange => {
    // More than one resource takes is written out by nobody.
    if (bytes > PROPERTIES_BYTES_MAX) return { name: change.name, status: 507 };
    const done = checkChange(change, content);
    bytes += done.dead?.xml?.length ?? 0;
    return done;
  });
  if (checked.every(({ status }) => status === 200)) return checked;
  return checked.map((change) => (change.status === 200 ? { name: change.name, status: 424 } : change));
}

export function isRefused(changes: readonly CheckedChange[]): boolean {
  return changes.some(({ status }) => status !== 200);
}

function checkChange(change: PropertyChange, content: ContentRow | null): CheckedChange {
  const { name } = change;
  if (propertyKey(name) === CHECKSUMS && change.action === 'set' && areChecksumsOf(content, textOf(change.element))) {
    return { name, status: 200 };
  }
  const settable = SETTABLE.get(propertyKey(name));
  if (settable) {
    // Removing a time that always is there leaves it as it is (RFC 4918 §9.2: removing a missing one is no error).
    if (change.action === 'remove') return { name, status: 200 };
    const ms = settable.parse(textOf(change.element).trim());
    if (ms === null) return { name, status: 409 };
    return { name, status: 200, time: { which: settable.time, ms } };
  }
  if (isProtected(name)) return { name, status: 403, condition: 'cannot-modify-protected-property' };
  const xml = change.action === 'set' ? serializeElement(change.element) : null;
  if (xml !== null && Buffer.byteLength(xml) > PROPERTY_BYTES_MAX) return { name, status: 507 };
  return { name, status: 200, dead: { namespace: name.namespace, name: name.name, xml } };
}

/** What the drive is to do for changes that `checkChanges` has let pass: of two on one property the last one counts. */
export function toPropertyChanges(checked: readonly CheckedChange[]): PropertyChanges {
  const dead = checked.flatMap((change) => (change.dead ? [change.dead] : []));
  return { dead, times: Object.fromEntries(checked.flatMap(({ time }) => (time ? [[time.which, time.ms]] : []))) };
}

/** The propstats of a PROPPATCH answer, one for each status. */
export function renderPropstats(checked: readonly CheckedChange[]): string {
  const groups = new Map<string, CheckedChange[]>();
  for (const change of checked) {
    const key = `${change.status} ${change.condition ?? ''}`;
    const group = groups.get(key);
    if (group) group.push(change);
    else groups.set(key, [change]);
  }
  return [...groups.values()]
    .map((group) => {
      const names = group.map(({ name }) => missingProperty(name)).join('');
      return propstat(group[0]!.status, names, group[0]!.condition ?? null);
    })
    .join('');
}

/** `SHA1:hex`, or several with spaces between them, all of them known and right. */
function areChecksumsOf(content: ContentRow | null, text: string): boolean {
  const known = { sha1: content?.sha1, md5: content?.md5, sha256: content?.id };
  return text
    .trim()
    .split(/\s+/)
    .every((each) => {
      const checksum = readChecksum(each);
      return checksum !== null && known[checksum.algorithm] === checksum.hex;
    });
}

function parseSeconds(text: string): number | null {
  if (!/^-?\d{1,12}(?:\.\d{1,12})?$/.test(text)) return null;
  return Math.round(Number(text) * 1000);
}

/** RFC 3339, as RFC 4918 §15.1 has it; some clients send an HTTP date. */
function parseIsoDate(text: string): number | null {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/i.test(text)) return parseHttpDate(text);
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? null : ms;
}
