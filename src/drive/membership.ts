import type { DriveRow, MemberRow, Membership } from '../stores/account-store.js';

/** A member with the e-mail address that people know them by. */
export type NamedMember = MemberRow & { readonly email: string };

/** What a member may do on a drive, where no app password limits it. */
export function membershipOf(drive: DriveRow, member: NamedMember): Membership {
  return {
    userId: member.userId,
    email: member.email,
    driveId: drive.id,
    driveName: drive.name,
    role: member.role,
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
}
