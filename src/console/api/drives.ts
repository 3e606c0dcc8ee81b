import { Drive } from '../../drive/drive.js';
import { type Room, roomsOf } from '../../drive/quota.js';
import type { Membership } from '../../stores/account-store.js';
import type { ConsoleParts } from '../console-parts.js';
import { type DriveEntry, type DrivesAnswer, driveContract } from '../contract/drives.js';
import { bind, ok, type RequestTo } from '../route.js';

export const driveRoutes = bind(driveContract, {
  'GET /api/drives': list,
});

async function list({ session, origin, prefix }: RequestTo<'GET /api/drives'>, parts: ConsoleParts) {
  const memberships = await parts.metadata.readOne([], ({ accounts }) => accounts.memberships(session!.user.id, null));
  const rooms = await roomsOf(parts.drives, memberships);
  const drives = memberships.map((membership, index) => describe(membership, rooms[index]!, parts, origin + prefix));
  return ok({ drives } satisfies DrivesAnswer);
}

function describe(
  membership: Membership,
  { used, left }: Room,
  { addressesOf, drives }: ConsoleParts,
  address: string,
): DriveEntry {
  const { driveId, driveName, role } = membership;
  return {
    id: driveId,
    name: driveName,
    role,
    addresses: addressesOf(driveId, address),
    usedBytes: used,
    availableBytes: Number.isFinite(left) ? left : null,
    uploadMaxBytes: new Drive(membership, null, drives).uploadMaxBytes,
  };
}
