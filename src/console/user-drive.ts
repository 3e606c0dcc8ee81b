import { Drive } from '../drive/drive.js';
import { membershipOf } from '../drive/membership.js';
import { ConsoleError } from './console-error.js';
import type { ConsoleParts } from './console-parts.js';
import type { ConsoleRequest } from './route.js';

/**
 * A drive as who is signed in sees it. Throws `ConsoleError` 404, the same for one that isn't there and for one that isn't
 * theirs (PRODUCT A3).
 */
export async function openUserDrive(
  { session }: ConsoleRequest<unknown>,
  { store, driveParts }: ConsoleParts,
  driveId: number,
): Promise<Drive> {
  const { user } = session!;
  const drive = (await store.drivesOf(user.id)).find(({ id }) => id === driveId);
  const member = drive && (await store.members(drive.id)).find(({ userId }) => userId === user.id);
  if (!drive || !member) throw new ConsoleError(404, 'no-such-drive', `You have no drive ${driveId}.`);
  return new Drive(membershipOf(drive, member), driveParts);
}
