import { makeFolders } from '../drive/folders.js';
import { normalizePath } from '../drive/names.js';
import type { NodeId } from '../stores/values.js';
import { CommandError } from './command-error.js';
import { openDriveFor } from './operator.js';
import { remark, type Workplace } from './workplace.js';

/**
 * The folder at a path of a drive as one of its members sees it; what is missing of it is made. Throws `CommandError`,
 * `AccountError` and `DriveError`.
 */
export async function openFolder(
  workplace: Workplace,
  email: string,
  driveId: number,
  folder: string,
): Promise<NodeId> {
  const { accounts } = workplace;
  const path = normalizePath(folder.split('/').filter((segment) => segment !== ''));
  const member = { ...(await accounts.readMember(driveId, email)), email };
  const drive = openDriveFor(workplace, await accounts.readDrive(driveId), member);
  const { resource, made } = await drive.write((changes) => makeFolders(changes, path));
  if (resource.kind !== 'node' && resource.kind !== 'common') {
    throw new CommandError(`"${folder}" is one of the drive's own folders; name a folder inside it, like /joplin.`);
  }
  if (made > 0) remark(`The folder ${folder} is made.`);
  return resource.node!.id;
}
