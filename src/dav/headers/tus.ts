import type { IncomingHttpHeaders } from 'node:http';
import type { Checksum, ChecksumAlgorithm } from '../../drive/checksum.js';
import { HttpError } from '../../http-error.js';
import { hexOfBase64, parseAnnouncedDigests } from './digests.js';
import { parseOcMtime } from './mtime.js';

/** The headers of TUS 1.0.0, the protocol for resumable uploads (https://tus.io/protocols/resumable-upload). */

const VERSION = '1.0.0';
/** Longer than any name with a checksum; it is kept and sent back. */
const METADATA_LENGTH_MAX = 16 * 1024;
const ALGORITHMS: readonly ChecksumAlgorithm[] = ['sha1', 'md5', 'sha256'];

/** On every answer to a TUS request. */
export const TUS_RESUMABLE: Readonly<Record<string, string>> = { 'Tus-Resumable': VERSION };
/** On the answer to OPTIONS. */
export const TUS_OPTIONS: Readonly<Record<string, string>> = {
  ...TUS_RESUMABLE,
  'Tus-Version': VERSION,
  'Tus-Extension': 'creation,creation-with-upload,checksum,expiration,termination',
  'Tus-Checksum-Algorithm': ALGORITHMS.join(','),
};
const TUS_CONTENT_TYPE = 'application/offset+octet-stream';

/** Throws `HttpError` 412 for another version, or none. */
export function checkTusVersion(headers: IncomingHttpHeaders): void {
  if (headers['tus-resumable'] === VERSION) return;
  throw new HttpError(412, `Of the TUS protocol version ${VERSION} is spoken here.`, {
    headers: { 'Tus-Version': VERSION },
  });
}

/** Throws `HttpError` 415 unless the body is what TUS sends. */
export function checkTusContentType(headers: IncomingHttpHeaders): void {
  if (headers['content-type']?.split(';')[0]?.trim().toLowerCase() === TUS_CONTENT_TYPE) return;
  throw new HttpError(415, `The bytes of a resumable upload come as ${TUS_CONTENT_TYPE}.`);
}

/** `Upload-Metadata`: keys with values in base64. Throws `HttpError` 400 for what can't be read. */
export function parseUploadMetadata(value: string): Map<string, string> {
  if (value === '') return new Map();
  if (value.length > METADATA_LENGTH_MAX) throw new HttpError(400, 'The Upload-Metadata header is too long.');
  const metadata = new Map<string, string>();
  for (const pair of value.split(',')) {
    const [key = '', base64 = '', ...more] = pair.trim().split(/ +/);
    if (key === '' || more.length > 0 || metadata.has(key)) throw malformed('Upload-Metadata');
    metadata.set(key, decodeText(base64));
  }
  return metadata;
}

/** The other way round. */
export function formatUploadMetadata(metadata: ReadonlyMap<string, string>): string {
  return [...metadata].map(([key, value]) => `${key} ${Buffer.from(value).toString('base64')}`).join(',');
}

/** Only UTF-8: a name with other bytes in it would become another name. */
function decodeText(base64: string): string {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(base64)) throw malformed('Upload-Metadata');
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(base64, 'base64'));
  } catch (cause) {
    throw new HttpError(400, 'A value of the Upload-Metadata header is not UTF-8.', { cause });
  }
}

/** `mtime` of the metadata: Unix seconds, as ownCloud's and OpenCloud's programs and rclone's `infinitescale` send it. */
export function parseMetadataMtime(value: string | undefined): number | null {
  try {
    return parseOcMtime(value);
  } catch (cause) {
    throw new HttpError(400, 'The mtime in Upload-Metadata must be a time in Unix seconds.', { cause });
  }
}

/** `checksum` of the metadata, of the whole file: `SHA1 hex` (ownCloud, OpenCloud) or `sha1:hex`. */
export function parseMetadataChecksum(value: string | undefined): Checksum[] {
  const checksum = value?.trim().replace(/^([^ :]+) +/, '$1:') ?? '';
  if (checksum === '') return [];
  try {
    return parseAnnouncedDigests({ 'oc-checksum': checksum });
  } catch (cause) {
    throw new HttpError(400, 'The checksum in Upload-Metadata can not be read.', { cause });
  }
}

/** `Upload-Checksum`, of one request's body. Throws `HttpError` 400, as TUS says also for an algorithm not known. */
export function parseUploadChecksum(value: string | undefined): Checksum | null {
  if (value === undefined) return null;
  const [name = '', base64 = ''] = value.trim().split(/ +/);
  const algorithm = ALGORITHMS.find((known) => known === name);
  if (algorithm === undefined) throw new HttpError(400, 'The algorithm in Upload-Checksum is not known here.');
  const hex = hexOfBase64(base64, algorithm);
  if (hex === null) throw malformed('Upload-Checksum');
  return { algorithm, hex };
}

function malformed(header: string): HttpError {
  return new HttpError(400, `The ${header} header can not be read.`);
}
