import { Drive } from '../drive/drive.js';
import { membershipOf, type NamedMember } from '../drive/membership.js';
import type { Parts } from '../parts.js';
import type { DriveRow, Membership } from '../stores/account-store.js';

/**
 * A drive as a member sees it, with the rights of an operator: whatever the role, and also when the member is disabled.
 */
export function openDriveFor({ drives }: Parts, drive: DriveRow, member: NamedMember): Drive {
  const membership: Membership = { ...membershipOf(drive, member), role: 'manager' };
  return new Drive(membership, null, drives);
}
