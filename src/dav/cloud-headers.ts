import type { Resource } from '../drive/resource.js';
import type { Membership } from '../stores/account-store.js';
import { cloudId, cloudPermissions } from './properties/live-properties.js';
import type { DavRequest } from './request.js';

/**
 * What the desktop programs of ownCloud and Nextcloud read off the answer to a change, sparing themselves a PROPFIND
 * (client-requirements R12, 2.10, 2.11).
 */
export function ocHeaders(resource: Resource, membership: Membership): Record<string, string> {
  return {
    'OC-ETag': resource.etag,
    'OC-FileId': cloudId(resource, membership),
    'OC-Perm': cloudPermissions(resource, membership),
  };
}

/** The same at their own addresses; nothing at others. */
export function cloudHeaders({ isCloud, drive }: DavRequest, resource: Resource): Record<string, string> {
  return isCloud ? ocHeaders(resource, drive.membership) : {};
}
