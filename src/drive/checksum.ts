import type { DigestName } from '../stores/values.js';

export type ChecksumAlgorithm = DigestName | 'sha256';

/** What a file's bytes are said to sum up to. */
export interface Checksum {
  readonly algorithm: ChecksumAlgorithm;
  /** Lower case. */
  readonly hex: string;
}

export const CHECKSUM_BYTES: Readonly<Record<ChecksumAlgorithm, number>> = { sha256: 32, sha1: 20, md5: 16 };

/** The names of ownCloud's headers and of RFC 9530 §6 and RFC 3230, in lower case. Others, as ADLER32, are not checked. */
const ALGORITHMS: ReadonlyMap<string, ChecksumAlgorithm> = new Map([
  ['sha256', 'sha256'],
  ['sha-256', 'sha256'],
  ['sha1', 'sha1'],
  ['sha-1', 'sha1'],
  ['sha', 'sha1'],
  ['md5', 'md5'],
]);

export function algorithmOf(name: string): ChecksumAlgorithm | undefined {
  return ALGORITHMS.get(name.toLowerCase());
}

/** One of `oc:checksums` or `OC-Checksum`, as `SHA1:hex`; null for what is none, and for algorithms that aren't known. */
export function readChecksum(text: string): Checksum | null {
  const [, name = '', hex = ''] = /^([^:]+):([0-9a-f]+)$/i.exec(text) ?? [];
  const algorithm = algorithmOf(name);
  if (algorithm === undefined || hex.length !== CHECKSUM_BYTES[algorithm] * 2) return null;
  return { algorithm, hex: hex.toLowerCase() };
}
