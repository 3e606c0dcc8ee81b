import { FIRST_EMAIL } from './accounts/first-account.js';
import { makePassword } from './accounts/password-rules.js';
import type { Parts } from './parts.js';

const DRIVE_NAME = 'Firn';

/**
 * Gives a storage without users its first administrator and a first drive (PRODUCT R1), and the text that says, this
 * once, how to connect. Null when there are users already.
 */
export async function prepareFirstStart({ accounts, config }: Parts, url: string): Promise<string | null> {
  const password = makePassword();
  const first = { email: FIRST_EMAIL, name: 'Administrator', password, driveName: DRIVE_NAME };
  const drive = await accounts.createFirst(first);
  if (!drive) return null;
  return [
    'This is a new Firn. Connect a WebDAV program to your first drive:',
    '',
    `  address   ${(config.publicUrl ?? url).replace(/\/+$/, '')}/dav/${drive.id}/`,
    `  user      ${FIRST_EMAIL}`,
    `  password  ${password}`,
    '',
    'The password is shown this once. Better give each program one of its own:',
    `  npx firn app-password create ${FIRST_EMAIL} "rclone on my laptop"`,
    '',
  ].join('\n');
}
