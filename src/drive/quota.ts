import type { Membership } from '../stores/account-store.js';
import type { DriveDependencies } from './drive.js';
import { DriveError } from './drive-error.js';
import { sizeText } from './size-text.js';
import { Snapshot } from './snapshot.js';

export interface Room {
  /** Bytes stored on the drive, trash included (PRODUCT D5). */
  readonly used: number;
  /** Bytes that still fit under the quotas; `Infinity` when there are none. Never negative. */
  readonly left: number;
}

/** How full the drive is for this principal. A member's own quota counts their personal files and trash only. */
export async function roomOf(snapshot: Snapshot, space: 'home' | 'common'): Promise<Room> {
  const { membership } = snapshot;
  const usage = await snapshot.usage();
  const drive = (membership.driveQuotaBytes ?? Infinity) - usage.driveBytes;
  const member = space === 'home' ? (membership.memberQuotaBytes ?? Infinity) - usage.memberBytes : Infinity;
  return { used: usage.driveBytes, left: Math.max(0, Math.min(drive, member)) };
}

/** The same of several drives, from one snapshot, in their order. */
export function roomsOf({ metadata, now }: DriveDependencies, memberships: readonly Membership[]): Promise<Room[]> {
  const ids = memberships.map(({ driveId }) => driveId);
  return metadata.read(ids, async (view) => {
    const rooms: Room[] = [];
    for (const membership of memberships) rooms.push(await roomOf(new Snapshot(view, membership, now()), 'home'));
    return rooms;
  });
}

/** Throws `DriveError` `drive-full` when `bytes` more don't fit. */
export async function checkRoom(snapshot: Snapshot, space: 'home' | 'common', bytes: number): Promise<void> {
  const left = bytes <= 0 ? Infinity : await roomLeft(snapshot, space);
  if (left < bytes) throw noRoom(left);
}

/** The bytes that still fit; without quotas `Infinity`, and no statement. */
export async function roomLeft(snapshot: Snapshot, space: 'home' | 'common'): Promise<number> {
  const { driveQuotaBytes, memberQuotaBytes } = snapshot.membership;
  return driveQuotaBytes === null && memberQuotaBytes === null ? Infinity : (await roomOf(snapshot, space)).left;
}

/** `left`: the bytes that still fit, whichever quota says so. */
export function noRoom(left: number): DriveError {
  const text = `There is room for ${sizeText(left)} more here, and this is larger.`;
  return new DriveError('drive-full', `${text} Empty the trash, or ask the administrator for a larger quota.`);
}
