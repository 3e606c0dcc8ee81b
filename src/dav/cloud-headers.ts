import type { Resource } from '../drive/resource.js';
import { cloudId, cloudPermissions } from './properties/live-properties.js';
import type { DavRequest } from './request.js';

/**
 * What the desktop programs of ownCloud and Nextcloud read off the answer to a change, sparing themselves a PROPFIND
 * (client-requirements R12, 2.10, 2.11). Nothing at other addresses.
 */
export function cloudHeaders(request: DavRequest, resource: Resource): Record<string, string> {
  if (!request.isCloud) return {};
  const { membership } = request.drive;
  return {
    'OC-ETag': resource.etag,
    'OC-FileId': cloudId(resource, membership),
    'OC-Perm': cloudPermissions(resource, membership),
  };
}
