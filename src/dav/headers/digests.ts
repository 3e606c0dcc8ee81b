import type { IncomingHttpHeaders } from 'node:http';
import {
  algorithmOf,
  CHECKSUM_BYTES,
  type Checksum,
  type ChecksumAlgorithm,
  readChecksum,
} from '../../drive/checksum.js';
import { HttpError } from '../../http-error.js';
import { headerValue } from './header-value.js';

/**
 * The checksums that a client announces for the body of an upload: `OC-Checksum` (rclone, Nextcloud, ownCloud), `Content-MD5`
 * (RFC 1864), `Content-Digest` and `Repr-Digest` (RFC 9530; equal for a whole body without coding) and the older `Digest`
 * (RFC 3230). All of them must hold. Algorithms that Firn doesn't know are passed over. Throws HttpError 400 for a
 * header that can't be read: storing the bytes unchecked would break the promise that the client asked for.
 */
export function parseAnnouncedDigests(headers: IncomingHttpHeaders): Checksum[] {
  const digests = [
    ...ownCloudChecksums(textOf(headers, 'oc-checksum')),
    ...contentMd5(textOf(headers, 'content-md5')),
    ...digestList('Content-Digest', textOf(headers, 'content-digest')),
    ...digestList('Repr-Digest', textOf(headers, 'repr-digest')),
    ...digestList('Digest', textOf(headers, 'digest')),
  ];
  const unique = new Map(digests.map((digest) => [`${digest.algorithm}:${digest.hex}`, digest]));
  return [...unique.values()];
}

function textOf(headers: IncomingHttpHeaders, name: string): string {
  return (headerValue(headers, name) ?? '').trim();
}

/** `SHA1:hex`, or several with spaces between them as `oc:checksums` has them. */
function ownCloudChecksums(value: string): Checksum[] {
  const digests: Checksum[] = [];
  for (const checksum of value.split(/[\s,]+/)) {
    if (checksum === '') continue;
    const name = /^([^:]+):./.exec(checksum)?.[1];
    if (name !== undefined && algorithmOf(name) === undefined) continue;
    const digest = readChecksum(checksum);
    if (!digest) throw malformed('OC-Checksum');
    digests.push(digest);
  }
  return digests;
}

function contentMd5(value: string): Checksum[] {
  return value === '' ? [] : [{ algorithm: 'md5', hex: base64ToHex('Content-MD5', value, 'md5') }];
}

/** `sha-256=:base64:` of RFC 9530, or `SHA-256=base64` of RFC 3230; base64 holds no comma. */
function digestList(header: string, value: string): Checksum[] {
  const digests: Checksum[] = [];
  for (const member of value.split(',')) {
    if (member.trim() === '') continue;
    // Parameters of a member, after a semicolon, say nothing about the digest.
    const [, name = '', text = ''] = /^([a-z0-9*_.-]+)=(.+)$/i.exec(member.split(';')[0]?.trim() ?? '') ?? [];
    if (name === '') throw malformed(header);
    const algorithm = algorithmOf(name);
    if (algorithm === undefined) continue;
    const isRfc9530 = header !== 'Digest' || text.startsWith(':');
    const base64 = isRfc9530 ? /^:([^:]*):$/.exec(text)?.[1] : text;
    digests.push({ algorithm, hex: base64ToHex(header, base64 ?? '', algorithm) });
  }
  return digests;
}

function base64ToHex(header: string, base64: string, algorithm: ChecksumAlgorithm): string {
  const hex = hexOfBase64(base64, algorithm);
  if (hex === null) throw malformed(header);
  return hex;
}

/** A digest in base64 as hexadecimal digits; null where it is none of this algorithm. */
export function hexOfBase64(base64: string, algorithm: ChecksumAlgorithm): string | null {
  const bytes = Buffer.from(base64, 'base64');
  const isExact = /^[A-Za-z0-9+/]+={0,2}$/.test(base64) && bytes.length === CHECKSUM_BYTES[algorithm];
  return isExact ? bytes.toString('hex') : null;
}

function malformed(header: string): HttpError {
  return new HttpError(400, `The ${header} header holds no valid checksum.`);
}
