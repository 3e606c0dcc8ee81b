import { Contents } from '../drive/contents.js';
import { Drive } from '../drive/drive.js';
import { Uploads } from '../drive/uploads.js';
import type { DriveRow, MemberRow, Membership } from '../stores/account-store.js';
import type { Workplace } from './workplace.js';

/** A member with the e-mail address that people know them by. */
export type NamedMember = MemberRow & { readonly email: string };

/**
 * A drive as a member sees it, with the rights of an operator: whatever the role, and also when the member is disabled.
 */
export function openDriveFor(
  { config, engines }: Pick<Workplace, 'config' | 'engines'>,
  drive: DriveRow,
  member: NamedMember,
): Drive {
  const membership: Membership = {
    userId: member.userId,
    email: member.email,
    driveId: drive.id,
    driveName: drive.name,
    role: 'manager',
    allowance: 'full',
    scopeId: null,
    driveQuotaBytes: drive.quotaBytes,
    memberQuotaBytes: member.quotaBytes,
    uploadMaxBytes: drive.uploadMaxBytes,
    rootId: drive.rootId,
    commonId: drive.commonId,
    commonBinId: drive.commonBinId,
    homeId: member.homeId,
    binId: member.binId,
  };
  const { uploadMaxBytes, uploadMaxExtendedBytes, inlineMaxBytes } = config;
  const contents = new Contents(engines.blobs, { inlineMaxBytes });
  const { drives } = engines;
  const now = Date.now;
  const uploads = new Uploads({ drives, contents, expiryHours: config.uploadExpiryHours, now });
  return new Drive(membership, { drives, contents, uploads, uploadMaxBytes, uploadMaxExtendedBytes, now });
}
