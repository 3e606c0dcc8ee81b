import { openScope } from '../drive/folders.js';
import type { Parts } from '../parts.js';
import type { NodeId } from '../stores/values.js';
import { openDriveFor } from './operator.js';
import { remark } from './workplace.js';

/**
 * The folder at a path of a drive as one of its members sees it; what is missing of it is made. Throws `AccountError` and
 * `DriveError`.
 */
export async function openFolder(parts: Parts, email: string, driveId: number, folder: string): Promise<NodeId> {
  const { accounts } = parts;
  const member = { ...(await accounts.readMember(driveId, email)), email };
  const drive = openDriveFor(parts, await accounts.readDrive(driveId), member);
  const { id, made } = await openScope(drive, folder);
  if (made > 0) remark(`The folder ${folder} is made.`);
  return id;
}
