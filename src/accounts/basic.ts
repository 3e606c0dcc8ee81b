import { isUtf8 } from 'node:buffer';

export interface BasicCredentials {
  readonly userName: string;
  readonly password: string;
}

const BASIC = /^basic +([A-Za-z0-9+/]+={0,2}) *$/i;

/**
 * Credentials of an `Authorization` header (RFC 7617): the password may hold colons. UTF-8, and Latin-1 where the bytes
 * aren't UTF-8 (older Windows and Java clients). Null for another scheme and for what can't be read.
 */
export function parseBasic(header: string | undefined): BasicCredentials | null {
  const match = header === undefined ? null : BASIC.exec(header);
  if (!match) return null;
  const bytes = Buffer.from(match[1]!, 'base64');
  const text = isUtf8(bytes) ? bytes.toString('utf8') : bytes.toString('latin1');
  const colon = text.indexOf(':');
  return colon < 0 ? null : { userName: text.slice(0, colon), password: text.slice(colon + 1) };
}
