import type { DrivePath } from '../names.js';
import { spaceOf } from '../place-checks.js';
import type { Found } from '../resource.js';
import type { Snapshot } from '../snapshot.js';

/** Bytes that the file at a place may have, beside what open uploads hold already. */
export async function roomFor(snapshot: Snapshot, found: Found): Promise<number> {
  return (await roomBesideUploads(snapshot, spaceOf(found))) + (found.resource?.size ?? 0);
}

/**
 * Bytes that still fit where an upload will be. What is not known to go to the shared folder (null) counts in the member's
 * own quota until it does (docs/decisions/0017).
 */
export async function roomAt(snapshot: Snapshot, destination: DrivePath | null): Promise<number> {
  const isOwn = destination === null || snapshot.membership.memberQuotaBytes === null;
  return roomBesideUploads(snapshot, isOwn ? 'home' : spaceOf(await snapshot.find(destination)));
}

/** Bytes that still fit under the quotas, beside what open uploads hold already (PRODUCT D5). */
async function roomBesideUploads(snapshot: Snapshot, space: 'home' | 'common'): Promise<number> {
  const { driveQuotaBytes, memberQuotaBytes, driveId, userId } = snapshot.membership;
  const counted = space === 'home' ? memberQuotaBytes : null;
  if (driveQuotaBytes === null && counted === null) return Number.POSITIVE_INFINITY;
  const usage = await snapshot.view.usage(snapshot.membership);
  const held = await snapshot.view.uploads.held(driveId, userId);
  const drive = (driveQuotaBytes ?? Infinity) - usage.driveBytes - held.driveBytes;
  const member = (counted ?? Infinity) - usage.memberBytes - held.memberBytes;
  return Math.max(0, Math.min(drive, member));
}
