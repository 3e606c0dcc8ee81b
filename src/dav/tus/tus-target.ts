import type { Checksum } from '../../drive/checksum.js';
import type { Incoming } from '../../drive/contents.js';
import type { DrivePath } from '../../drive/names.js';
import type { FileWish } from '../../drive/write-file.js';
import type { UploadRow } from '../../stores/uploads.js';
import { readPermit } from '../conditions.js';
import type { DavRequest } from '../request.js';

/** A request of TUS, at whichever door. */
export interface TusRequest extends Pick<DavRequest, 'headers' | 'drive' | 'locate'> {
  readonly body: Incoming;
}

/** What the POST that begins a TUS upload says of the file; kept with the upload until it is finished. */
export interface TusTarget {
  readonly path: DrivePath;
  /** Milliseconds since 1970; null where the client doesn't say. */
  readonly modified: number | null;
  /** Of the whole file. */
  readonly digests: readonly Checksum[];
  /** `Upload-Metadata` as it came. */
  readonly metadata: string;
  /** The conditional headers of the POST, and the address to which they are relative. */
  readonly conditions: Readonly<Record<string, string>>;
  readonly url: string;
}

/** What says when a file may be written; see `readPermit`. */
const CONDITIONAL = ['if', 'lock-token', 'if-match', 'if-none-match', 'if-unmodified-since'];

export function conditionsOf(headers: DavRequest['headers']): Record<string, string> {
  const conditions: Record<string, string> = {};
  for (const name of CONDITIONAL) {
    const value = headers[name];
    if (value !== undefined) conditions[name] = String(value);
  }
  return conditions;
}

export function targetOf(upload: UploadRow): TusTarget {
  return JSON.parse(upload.target!) as TusTarget;
}

/**
 * The file that an upload becomes, under the conditions of the POST, as of a PUT. Where the request at hand repeats one of
 * the headers (ownCloud desktop sends If-Match with each PATCH), that one counts.
 */
export async function wishOf(request: TusRequest, { conditions, url, modified }: TusTarget): Promise<FileWish> {
  const { drive, locate } = request;
  const headers = { ...conditions, ...conditionsOf(request.headers) };
  return { permit: await readPermit({ method: 'PUT', headers, url, drive, locate }), modified };
}
