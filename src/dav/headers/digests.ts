import type { IncomingHttpHeaders } from 'node:http';
import { HttpError } from '../../http-error.js';
import { headerValue } from './header-value.js';

export type DigestAlgorithm = 'sha256' | 'sha1' | 'md5';

export interface AnnouncedDigest {
  readonly algorithm: DigestAlgorithm;
  /** Lower case. */
  readonly hex: string;
}

const DIGEST_BYTES: Readonly<Record<DigestAlgorithm, number>> = { sha256: 32, sha1: 20, md5: 16 };

/** The names of ownCloud's headers and of RFC 9530 §6 and RFC 3230, in lower case. Others, as ADLER32, are not checked. */
const ALGORITHMS: Readonly<Record<string, DigestAlgorithm>> = {
  sha256: 'sha256',
  'sha-256': 'sha256',
  sha1: 'sha1',
  'sha-1': 'sha1',
  sha: 'sha1',
  md5: 'md5',
};

/**
 * The checksums that a client announces for the body of an upload: `OC-Checksum` (rclone, Nextcloud, ownCloud), `Content-MD5`
 * (RFC 1864), `Content-Digest` and `Repr-Digest` (RFC 9530; equal for a whole body without coding) and the older `Digest`
 * (RFC 3230). All of them must hold. Algorithms that Firn doesn't know are passed over. Throws HttpError 400 for a
 * header that can't be read: storing the bytes unchecked would break the promise that the client asked for.
 */
export function parseAnnouncedDigests(headers: IncomingHttpHeaders): AnnouncedDigest[] {
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
function ownCloudChecksums(value: string): AnnouncedDigest[] {
  const digests: AnnouncedDigest[] = [];
  for (const checksum of value.split(/[\s,]+/)) {
    if (checksum === '') continue;
    const [, name = '', hex = ''] = /^([^:]+):(.+)$/.exec(checksum) ?? [];
    if (name === '') throw malformed('OC-Checksum');
    const algorithm = algorithmOf(name);
    if (algorithm === undefined) continue;
    if (!/^[0-9a-f]+$/i.test(hex) || hex.length !== DIGEST_BYTES[algorithm] * 2) throw malformed('OC-Checksum');
    digests.push({ algorithm, hex: hex.toLowerCase() });
  }
  return digests;
}

function contentMd5(value: string): AnnouncedDigest[] {
  return value === '' ? [] : [{ algorithm: 'md5', hex: base64ToHex('Content-MD5', value, 'md5') }];
}

/** `sha-256=:base64:` of RFC 9530, or `SHA-256=base64` of RFC 3230; base64 holds no comma. */
function digestList(header: string, value: string): AnnouncedDigest[] {
  const digests: AnnouncedDigest[] = [];
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

function algorithmOf(name: string): DigestAlgorithm | undefined {
  const key = name.toLowerCase();
  return Object.hasOwn(ALGORITHMS, key) ? ALGORITHMS[key] : undefined;
}

function base64ToHex(header: string, base64: string, algorithm: DigestAlgorithm): string {
  const hex = hexOfBase64(base64, algorithm);
  if (hex === null) throw malformed(header);
  return hex;
}

/** A digest in base64 as hexadecimal digits; null where it is none of this algorithm. */
export function hexOfBase64(base64: string, algorithm: DigestAlgorithm): string | null {
  const bytes = Buffer.from(base64, 'base64');
  const isExact = /^[A-Za-z0-9+/]+={0,2}$/.test(base64) && bytes.length === DIGEST_BYTES[algorithm];
  return isExact ? bytes.toString('hex') : null;
}

function malformed(header: string): HttpError {
  return new HttpError(400, `The ${header} header holds no valid checksum.`);
}
