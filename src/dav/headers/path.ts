import { DEPTH_MAX } from '../../drive/names.js';
import { HttpError } from '../../http-error.js';

/** Raw characters. A path of 255 names of 64 bytes fits, and Node's default for all headers is as much. */
export const PATH_LENGTH_MAX = 16 * 1024;
export const PATH_SEGMENTS_MAX = DEPTH_MAX;

const NEEDS_DECODING = /[%\x7f-\uffff]/;
const NOT_ASCII = /[\x80-\uffff]/g;
const BEYOND_BYTES = /[\u0100-\uffff]/;
const LITERAL_SEGMENT = /^[A-Za-z0-9\-._~()!*']*$/;
const LONE_SURROGATES = /[\ud800-\udfff]/gu;

/**
 * The segments of a request path without its query, percent-decoded as strict UTF-8; empty ones are dropped. A raw
 * character beyond ASCII counts as the byte that Node read it from, so that unencoded UTF-8 works (curl sends it as typed).
 * Throws HttpError 414 for too long a path or too many segments, and 400 for a bad escape, invalid UTF-8 (overlong forms and
 * surrogates included), NUL, a slash inside a segment (`%2F`), and `.` and `..` in whatever disguise.
 */
export function decodePath(rawPath: string): string[] {
  if (rawPath.length > PATH_LENGTH_MAX) throw new HttpError(414, 'The path is too long.');
  const segments: string[] = [];
  const isPlain = !NEEDS_DECODING.test(rawPath);
  for (const raw of rawPath.split('/')) {
    if (raw === '') continue;
    const segment = isPlain ? raw : decodeSegment(raw);
    if (segment === '.' || segment === '..') throw new HttpError(400, 'The path holds a "." or ".." segment.');
    segments.push(segment);
  }
  if (segments.length > PATH_SEGMENTS_MAX) throw new HttpError(414, 'The path is too deep.');
  if (rawPath.includes('\0')) throw new HttpError(400, 'A name in the path holds a NUL character.');
  return segments;
}

function decodeSegment(raw: string): string {
  if (BEYOND_BYTES.test(raw)) throw new HttpError(400, 'The path is not percent-encoded.');
  let segment: string;
  try {
    segment = decodeURIComponent(raw.replace(NOT_ASCII, escapeByte));
  } catch (cause) {
    throw new HttpError(400, 'The path is not percent-encoded UTF-8.', { cause });
  }
  if (segment.includes('/')) throw new HttpError(400, 'A name in the path holds a slash (%2F).');
  if (segment.includes('\0')) throw new HttpError(400, 'A name in the path holds a NUL character.');
  return segment;
}

function escapeByte(character: string): string {
  return `%${character.charCodeAt(0).toString(16)}`;
}

/**
 * A name as a segment of an href (client-requirements R18): UTF-8, upper-case hexadecimal, `+` as `%2B` because
 * Keepass2Android takes it for a space, parentheses literal because old gvfs wants them so. What cannot be UTF-8
 * becomes U+FFFD.
 */
export function encodeSegment(name: string): string {
  if (LITERAL_SEGMENT.test(name)) return name;
  try {
    return encodeURIComponent(name);
  } catch {
    // Only lone surrogates get here; a listing must not fail because one name is broken.
    return encodeURIComponent(name.replace(LONE_SURROGATES, '\ufffd'));
  }
}

/** An absolute href path; `trailingSlash` as collections have it. No segments at all is the root, `/`, either way. */
export function encodePath(segments: readonly string[], trailingSlash: boolean): string {
  let path = '';
  for (const segment of segments) path += `/${encodeSegment(segment)}`;
  return trailingSlash || path === '' ? `${path}/` : path;
}
