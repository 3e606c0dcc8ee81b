import type { Membership } from '../stores/account-store.js';
import { DriveError } from './drive-error.js';

/** What a role (PRODUCT D7) and the limits of an app password (S2) allow. Reading is for everyone who gets in. */
export function mayAdd(membership: Membership): boolean {
  return membership.role !== 'viewer' && membership.allowance !== 'read-only';
}

/** Overwriting, deleting, renaming. */
export function mayChange(membership: Membership): boolean {
  return mayAdd(membership) && membership.allowance !== 'add-only';
}

/** Throws `DriveError` `forbidden`. */
export function checkMayAdd(membership: Membership): void {
  if (membership.role === 'viewer') {
    throw new DriveError(
      'forbidden',
      'You are a viewer of this drive: you can read it, not change it. A manager of the drive can make you a member.',
    );
  }
  if (membership.allowance === 'read-only') {
    throw new DriveError('forbidden', 'This app password is read-only. Sign in with one that may write.');
  }
}

/** Throws `DriveError` `forbidden`. */
export function checkMayChange(membership: Membership): void {
  checkMayAdd(membership);
  if (membership.allowance === 'add-only') {
    throw new DriveError('forbidden', 'This app password only adds files: it overwrites, renames and deletes nothing.');
  }
}
