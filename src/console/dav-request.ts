import type { DavRequest } from '../dav/request.js';
import type { Drive } from '../drive/drive.js';
import type { DrivePath } from '../drive/names.js';
import type { ConsoleRequest } from './route.js';

/** What LOCK would be given, and listings for Finder: the pages have neither. */
const OPTIONS = { lockTimeoutMaxSeconds: 0, isQuotaHiddenFromFinder: false };

/** A request of the pages as the protocol layer sees it, for what both do alike. */
export function asDavRequest(request: ConsoleRequest, method: string, drive: Drive, path: DrivePath): DavRequest {
  const { headers, incoming, origin, prefix, signal } = request;
  const base = `${prefix}/api/drives/${drive.membership.driveId}`;
  return {
    method,
    headers,
    url: `${base}/content`,
    base,
    root: [],
    isCloud: false,
    origin,
    uploadsBase: `${base}/uploads/`,
    path,
    spelling: '',
    isFolderUrl: false,
    drive,
    body: {
      size: incoming.size,
      readAll: () => incoming.readAll(),
      chunks: () => incoming.chunks(),
      readAtMost: () => Promise.reject(new Error('the pages send no XML')),
    },
    signal,
    options: OPTIONS,
    locate: async () => null,
  };
}
