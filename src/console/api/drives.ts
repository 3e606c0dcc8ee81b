import { Drive } from '../../drive/drive.js';
import { roomOf } from '../../drive/quota.js';
import { Snapshot } from '../../drive/snapshot.js';
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
  const now = driveParts.now();
  const ids = memberships.map(({ driveId }) => driveId);
  const drives = await driveParts.metadata.read(ids, async (view) => {
    const described: DriveEntry[] = [];
    for (const membership of memberships) {
      described.push(await describe(new Snapshot(view, membership, now), membership, parts, origin + prefix));
    }
    return described;
  });
  return ok({ drives } satisfies DrivesAnswer);
}

async function describe(
  snapshot: Snapshot,
  membership: Membership,
  { addressesOf, driveParts }: ConsoleParts,
  address: string,
): Promise<DriveEntry> {
  const { driveId, driveName, role } = membership;
  const { used, left } = await roomOf(snapshot, 'home');
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
