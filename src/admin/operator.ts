import { Contents } from '../drive/contents.js';
import { Drive } from '../drive/drive.js';
import { membershipOf, type NamedMember } from '../drive/membership.js';
import { Uploads } from '../drive/uploads/uploads.js';
import type { DriveRow, Membership } from '../stores/account-store.js';
import type { Workplace } from './workplace.js';

/**
 * A drive as a member sees it, with the rights of an operator: whatever the role, and also when the member is disabled.
 */
export function openDriveFor(
  { config, engines }: Pick<Workplace, 'config' | 'engines'>,
  drive: DriveRow,
  member: NamedMember,
): Drive {
  const membership: Membership = { ...membershipOf(drive, member), role: 'manager' };
  const { uploadMaxBytes, uploadMaxExtendedBytes, inlineMaxBytes } = config;
  const contents = new Contents(engines.blobs, { inlineMaxBytes });
  const { metadata } = engines;
  const now = Date.now;
  const uploads = new Uploads({ metadata, contents, expiryHours: config.uploadExpiryHours, now });
  return new Drive(membership, null, { metadata, contents, uploads, uploadMaxBytes, uploadMaxExtendedBytes, now });
}
