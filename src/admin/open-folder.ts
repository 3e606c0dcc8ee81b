import { Contents } from '../drive/contents.js';
import { Drive } from '../drive/drive.js';
import { normalizePath } from '../drive/names.js';
import type { Membership } from '../stores/account-store.js';
import type { DriveId, NodeId } from '../stores/values.js';
import { CommandError } from './command-error.js';
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
  const path = normalizePath(folder.split('/').filter((segment) => segment !== ''));
  if (path.length === 0) throw new CommandError('--folder needs the path of a folder, like /joplin.');
  const drive = openDrive(workplace, await readMembership(workplace, email, driveId));
  const { id, made } = await drive.write(async (changes) => {
    let made = 0;
    for (let depth = 1; ; depth++) {
      const found = await changes.find(path.slice(0, depth));
      const isNew = found.resource === null;
      const resource = found.resource ?? (await changes.makeCollection(found));
      if (isNew) made++;
      if (!resource.isCollection) throw new CommandError(`"${folder}" leads to a file; name a folder.`);
      if (depth < path.length) continue;
      if (resource.kind === 'node') return { id: resource.node!.id, made };
      throw new CommandError(`"${folder}" is one of the drive's own folders; name a folder inside it.`);
    }
  });
  if (made > 0) remark(`The folder ${folder} is made.`);
  return id;
}

/** What a user may do on a drive with the account password. Throws `AccountError` and `CommandError`. */
export async function readMembership(workplace: Workplace, email: string, driveId: number): Promise<Membership> {
  const { accounts, engines } = workplace;
  await accounts.readMember(driveId, email);
  const { id: userId, passwordVersion } = await accounts.readUser(email);
  const credential = { kind: 'account', userId, passwordVersion } as const;
  const { membership } = await engines.accounts.access(credential, driveId as DriveId, Date.now());
  if (!membership) throw new CommandError(`${email} is disabled; see "firn user enable".`);
  return membership;
}

export function openDrive({ config, engines }: Workplace, membership: Membership): Drive {
  const { uploadMaxBytes, uploadMaxExtendedBytes, inlineMaxBytes } = config;
  const contents = new Contents(engines.blobs, { inlineMaxBytes });
  const { drives } = engines;
  return new Drive(membership, { drives, contents, uploadMaxBytes, uploadMaxExtendedBytes, now: Date.now });
}
