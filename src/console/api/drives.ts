import { Drive } from '../../drive/drive.js';
import { type Room, roomsOf } from '../../drive/quota.js';
import type { Membership } from '../../stores/account-store.js';
import type { ConsoleParts } from '../console-parts.js';
import type { DriveEntry, DrivesAnswer } from '../contract.js';
import { type ConsoleRequest, ok, type Route, route } from '../route.js';

export const driveRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/drives',
    access: 'user',
    summary: 'The drives of who is signed in: role, addresses, how full each is.',
    run: list,
  }),
];

async function list({ session, origin, prefix }: ConsoleRequest, parts: ConsoleParts) {
  const { driveParts, store } = parts;
  const memberships = await store.memberships(session!.user.id, null);
  const rooms = await roomsOf(driveParts, memberships);
  const drives = memberships.map((membership, index) => describe(membership, rooms[index]!, parts, origin + prefix));
  return ok({ drives } satisfies DrivesAnswer);
}

function describe(
  membership: Membership,
  { used, left }: Room,
  { addressesOf, driveParts }: ConsoleParts,
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
    uploadMaxBytes: new Drive(membership, null, driveParts).uploadMaxBytes,
  };
}
