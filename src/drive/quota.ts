import { DriveError } from './drive-error.js';
import type { Snapshot } from './snapshot.js';

export interface Room {
  /** Bytes stored on the drive, trash included (PRODUCT D5). */
  readonly used: number;
  /** Bytes that still fit under the quotas; `Infinity` when there are none. Never negative. */
  readonly left: number;
}

/** How full the drive is for this principal. A member's own quota counts their personal files and trash only. */
export async function roomOf(snapshot: Snapshot, space: 'home' | 'common'): Promise<Room> {
  const { membership } = snapshot;
  const usage = await snapshot.view.usage(membership);
  const drive = (membership.driveQuotaBytes ?? Infinity) - usage.driveBytes;
  const member = space === 'home' ? (membership.memberQuotaBytes ?? Infinity) - usage.memberBytes : Infinity;
  return { used: usage.driveBytes, left: Math.max(0, Math.min(drive, member)) };
}

/** Throws `DriveError` `drive-full` when `bytes` more don't fit. */
export async function checkRoom(snapshot: Snapshot, space: 'home' | 'common', bytes: number): Promise<void> {
  const { driveQuotaBytes, memberQuotaBytes } = snapshot.membership;
  if (bytes <= 0 || (driveQuotaBytes === null && memberQuotaBytes === null)) return;
  if ((await roomOf(snapshot, space)).left < bytes) {
    throw new DriveError('drive-full', 'The drive is full. Empty the trash, or ask for a larger quota.');
  }
}
