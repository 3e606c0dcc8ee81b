import type { Resource } from '../drive/resource.js';
import type { FileWish, Written } from '../drive/write-file.js';
import { cloudHeaders } from './cloud-headers.js';
import { readPermit } from './conditions.js';
import { formatHttpDate } from './headers/http-date.js';
import { parseOcMtime } from './headers/mtime.js';
import { type DavRequest, type DavResponse, headerOf, respond } from './request.js';

/** What a request says of a file that it writes: conditions, lock tokens, and the times of ownCloud's headers. */
export async function readFileWish(request: DavRequest): Promise<FileWish> {
  return {
    modified: parseOcMtime(headerOf(request, 'x-oc-mtime')),
    created: parseOcMtime(headerOf(request, 'x-oc-ctime')),
    permit: await readPermit(request),
  };
}

type Times = Pick<FileWish, 'modified' | 'created'>;

/** What an answer says of a file that was written. */
export function writtenHeaders(resource: Resource, { modified, created }: Times): Record<string, string> {
  return {
    ETag: resource.etag,
    'Last-Modified': formatHttpDate(resource.modified),
    ...(modified == null ? {} : { 'X-OC-MTime': 'accepted' }),
    ...(created == null ? {} : { 'X-OC-CTime': 'accepted' }),
  };
}

export function answerWritten(request: DavRequest, { resource, isNew }: Written, times: Times): DavResponse {
  const headers = { ...writtenHeaders(resource, times), ...cloudHeaders(request, resource) };
  return respond(isNew ? 201 : 204, headers);
}
